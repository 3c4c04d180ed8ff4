/** The budgets that bind an agent: its own, those of its roles, of its unit and of the units above. */
import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { Bars } from "@/budgets/Bars";
import { budgetsQuery } from "@/budgets/queries";
import { Problem, Section, To } from "@/kit";
import { useUnits, type Agent, type Unit } from "./queries";
import { words } from "./words";

export function BudgetsOf({ agent }: { agent: Agent }): ReactElement {
  const found = useQuery(budgetsQuery);
  const units = lineage(useUnits().data ?? [], agent.unit);
  const binding = (found.data ?? []).filter(
    (one) =>
      (one.scope === "agent" && one.target === agent.name) ||
      (one.scope === "role" && agent.roles.includes(one.target)) ||
      (one.scope === "unit" && units.includes(one.target)),
  );
  return (
    <Section title={words.agent.budgets} more={<To to="/budgets">{words.agent.budgets.split(" ")[0]}</To>}>
      {found.error !== null && <Problem error={found.error} />}
      {found.isSuccess && binding.length === 0 && <Text c="dimmed">{words.agent.budgetsNone}</Text>}
      <Bars of={binding} />
    </Section>
  );
}

/** The unit and all above it. */
function lineage(units: readonly Unit[], unit: string): string[] {
  const found = [unit];
  const parents = new Map(units.map((one) => [one.name, one.parent]));
  for (let above = parents.get(unit); above && !found.includes(above); above = parents.get(above)) found.push(above);
  return found;
}
