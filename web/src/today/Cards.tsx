/** Cards of Today: what waits for the person, what is spent, what is contained, what was changed. */
import { Anchor, Group, Progress, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import type { Schemas } from "@/api/client";
import { Clock } from "@/inbox/Inbox";
import { useInbox } from "@/inbox/queries";
import { Foreign, Problem, Section, To, When } from "@/kit";
import { nameOf } from "@/kit/who";
import classes from "./today.module.css";
import { words } from "./words";

const FEW = 5;

export function Waits(): ReactElement {
  const { items, error } = useInbox();
  return (
    <Section title={words.waits} more={<To to="/inbox">{words.toInbox(items.length)}</To>}>
      {error !== undefined && <Problem error={error} />}
      <Stack gap="sm">
        {items.length === 0 && error === undefined && <Text c="dimmed">{words.waitsNone}</Text>}
        {items.slice(0, FEW).map((item) => (
          <div key={item.key}>
            <Anchor component={Link} to={item.to} c="inherit" className={classes.sentence}>
              <Foreign text={item.title} line first={160} />
            </Anchor>
            <Text size="xs" c="dimmed" component="div">
              <Foreign text={item.who} line first={40} /> ·{" "}
              {item.until === null ? <When at={item.at} /> : <Clock until={item.until} />}
            </Text>
          </div>
        ))}
      </Stack>
    </Section>
  );
}

export function Spend({ budgets }: { budgets: Schemas["BudgetAnswer"][] }): ReactElement {
  return (
    <Section title={words.budgets} more={<To to="/budgets">{words.all}</To>}>
      <Stack gap="xs">
        {budgets.length === 0 && <Text c="dimmed">{words.budgetsNone}</Text>}
        {budgets.map((one) => (
          <div key={one.name}>
            <Group justify="space-between" fz="sm">
              <To to="/budgets/$budget" params={{ budget: one.name }}>
                {one.name}
              </To>
              <Text size="xs" c="dimmed">
                {one.summary}
              </Text>
            </Group>
            <Progress
              value={Math.min(100, one.percent)}
              color={one.warned ? "orange" : "lagoon"}
              aria-label={`${one.name}: ${one.percent} %`}
            />
          </div>
        ))}
      </Stack>
    </Section>
  );
}

export function Contained({ all }: { all: Schemas["ListedContainmentAnswer"][] }): ReactElement {
  return (
    <Section title={words.contained} more={<To to="/settings/contained">{words.all}</To>}>
      <Stack gap="xs">
        {all.length === 0 && <Text c="dimmed">{words.containedNone}</Text>}
        {all.map((one) => (
          <div key={one.id}>
            <Text size="sm" component="div">
              {one.scope} <Foreign text={one.agent_name ?? one.target} line first={60} /> ·{" "}
              {words.containedBy(nameOf(one.by))} · <When at={one.at} />
            </Text>
            <Text size="xs" c="dimmed" component="div">
              <Foreign text={one.reason} line first={140} />
            </Text>
          </div>
        ))}
      </Stack>
    </Section>
  );
}

export function Changed({ changes }: { changes: Schemas["ListedChangeAnswer"][] }): ReactElement {
  return (
    <Section title={words.changes} more={<To to="/settings/changes">{words.all}</To>}>
      <Stack gap="xs">
        {changes.length === 0 && <Text c="dimmed">{words.changesNone}</Text>}
        {changes.map((one) => (
          <div key={one.id}>
            <Text size="sm" component="div">
              {words.change(one.epoch)}: {one.summary}
            </Text>
            <Text size="xs" c="dimmed" component="div">
              {one.message !== "" && (
                <>
                  <Foreign text={one.message} line first={140} /> ·{" "}
                </>
              )}
              {nameOf(one.by)} · <When at={one.at} />
            </Text>
          </div>
        ))}
      </Stack>
    </Section>
  );
}
