/** Everybody ever declared. */
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { useFilters } from "@/frame/filters";
import { ChoiceFilter, type Column, DataTable, EmptyState, Foreign, Named, Page, State, TextFilter } from "@/kit";
import { words } from "./words";
import { FILTERS } from "./People.search";

type Person = Schemas["PersonListed"];

const STATES = ["active", "inactive", "offboarded"] as const;

export function People(): ReactElement {
  const [filters, set] = useFilters(FILTERS);
  const navigate = useNavigate();
  const query = { ...filters, state: STATES.find((one) => one === filters.state) };
  return (
    <Page title={words.title} about={words.about}>
      <DataTable
        label={words.title}
        queryKey={["people", "list", filters]}
        page={(after) => answered(client.GET("/api/people", { params: { query: { ...query, after } } }))}
        columns={COLUMNS}
        keyOf={(one) => one.name}
        open={(one) => void navigate({ to: "/people/$name", params: { name: one.name } })}
        filters={
          <>
            <TextFilter label={words.filter.like} value={filters.like} set={(like) => set({ like })} wide />
            <TextFilter label={words.filter.role} value={filters.role} set={(role) => set({ role })} />
            <ChoiceFilter
              label={words.filter.state}
              all={words.filter.state}
              choices={STATES}
              value={filters.state}
              set={(state) => set({ state })}
            />
          </>
        }
        empty={<EmptyState {...words.empty} />}
      />
    </Page>
  );
}

const COLUMNS: readonly Column<Person>[] = [
  {
    name: words.columns.name,
    of: (one) => (
      <Named
        name={<Foreign text={one.display_name} line first={80} />}
        about={
          <>
            {one.name} · <Foreign text={one.email} line first={80} />
          </>
        }
      />
    ),
  },
  { name: words.columns.roles, of: (one) => one.roles.join(", "), wide: true },
  { name: words.columns.access, of: (one) => one.access.join(", ") },
  { name: words.columns.by, of: signsInBy, wide: true },
  { name: words.columns.state, of: (one) => <PersonState state={one.state} />, wide: true },
];

export function signsInBy(one: Person): string {
  if (one.external_subject !== null) return words.by.external;
  return one.has_password ? words.by.password : words.by.none;
}

export function PersonState({ state }: { state: Person["state"] }): ReactElement {
  return <State of={state} as={words.states[state]} />;
}
