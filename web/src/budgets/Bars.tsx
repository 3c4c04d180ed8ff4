/** Budgets one under another, each with how much of it is settled, reserved and left, and its warning. */
import { Group, Text } from "@mantine/core";
import type { ReactElement } from "react";
import { useMe } from "@/frame/session";
import { State, To } from "@/kit";
import { amount, type Placed } from "./amount";
import classes from "./budgets.module.css";
import type { Budget } from "./queries";
import { words } from "./words";

export function Bars({ of }: { of: readonly Budget[] }): ReactElement {
  return <Tree of={of.map((budget) => ({ budget, depth: 0 }))} />;
}

export function Tree({ of }: { of: readonly Placed[] }): ReactElement {
  return (
    <ul className={classes.tree}>
      {of.map(({ budget, depth }) => (
        <li key={budget.name} className={classes.budget} style={{ marginInlineStart: `${depth * 1.5}rem` }}>
          <Group justify="space-between" gap="xs" align="baseline">
            <Group gap="xs">
              <To to="/budgets/$budget" params={{ budget: budget.name }} fw={550} size="sm">
                {budget.name}
              </To>
              <Text size="xs" c="dimmed">
                {words.of(budget.scope, budget.target)} · {words.per[budget.period] ?? budget.period}
              </Text>
              {budget.warned && <State of="held" as={words.warned} />}
            </Group>
            <Text size="sm" className={classes.numbers}>
              {words.used(budget.summary, budget.percent)}
            </Text>
          </Group>
          <Meter budget={budget} />
          <Text size="xs" c={budget.forecast.reached_at === null ? "dimmed" : undefined}>
            {budget.forecast.reached_at !== null && "▲ "}
            {budget.forecast.summary}
          </Text>
        </li>
      ))}
    </ul>
  );
}

export function Meter({ budget }: { budget: Budget }): ReactElement {
  const part = (value: number) => `${Math.min(100, (value / Math.max(1, budget.limit)) * 100)}%`;
  const base = useMe();
  const parts = [
    [words.settled, budget.settled],
    [words.reserved.toLowerCase(), budget.reserved],
    [words.left.toLowerCase(), budget.left],
  ] as const;
  const told = parts.map(([name, value]) => `${name} ${amount(budget, value, base)}`).join(", ");
  return (
    <div className={classes.meter} role="img" aria-label={told} title={told} data-warned={budget.warned || undefined}>
      <span data-kind="settled" style={{ width: part(budget.settled) }} />
      <span data-kind="reserved" style={{ width: part(budget.reserved) }} />
      {budget.warn !== null && <span className={classes.warn} style={{ left: part(budget.warn) }} />}
    </div>
  );
}
