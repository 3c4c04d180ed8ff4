/** Every rule in force. */
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { useFilters } from "@/frame/filters";
import { type Column, DataTable, EmptyState, Named, Page, State, TextFilter } from "@/kit";
import { effect, reason } from "./cedar";
import { words } from "./words";
import { FILTERS } from "./Policies.search";

type Rule = Schemas["RuleAnswer"];

export function Policies(): ReactElement {
  const [filters, set] = useFilters(FILTERS);
  const navigate = useNavigate();
  return (
    <Page title={words.title} about={words.about}>
      <DataTable
        label={words.title}
        queryKey={["policies", "rules", filters]}
        page={(after) => answered(client.GET("/api/policies", { params: { query: { ...filters, after } } }))}
        columns={COLUMNS}
        keyOf={(one) => one.id}
        open={(one) => void navigate({ to: "/policies/$name", params: { name: one.file }, hash: one.id })}
        filters={
          <>
            <TextFilter label={words.filter.like} value={filters.like} set={(like) => set({ like })} wide />
            <TextFilter label={words.filter.unit} value={filters.unit} set={(unit) => set({ unit })} />
          </>
        }
        empty={<EmptyState {...words.empty} />}
      />
    </Page>
  );
}

const COLUMNS: readonly Column<Rule>[] = [
  {
    name: words.columns.rule,
    of: (one) => <Named name={one.id} about={reason(one.text)} />,
  },
  { name: words.columns.effect, of: (one) => <Effect rule={one} /> },
  { name: words.columns.policy, of: (one) => one.file, wide: true },
  { name: words.columns.unit, of: (one) => one.unit, wide: true },
  { name: words.columns.mode, of: (one) => words.modes[one.mode], wide: true },
];

export function Effect({ rule }: { rule: Rule }): ReactElement {
  const what = effect(rule);
  return <State of={what} as={words.effects[what]} />;
}
