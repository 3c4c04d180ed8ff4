/** The incidents there are and were. */
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { answered, client } from "@/api/client";
import { useFilters } from "@/frame/filters";
import { ChoiceFilter, type Column, DataTable, EmptyState, Foreign, Named, Page, State, TextFilter, When } from "@/kit";
import { OpenIncident } from "./OpenIncident";
import { SEVERITIES, STATES, type Incident } from "./queries";
import { words } from "./words";
import { FILTERS } from "./Incidents.search";

export function Incidents(): ReactElement {
  const [filters, set] = useFilters(FILTERS);
  const navigate = useNavigate();
  return (
    <Page title={words.title} about={words.about} actions={<OpenIncident />}>
      <DataTable
        label={words.title}
        queryKey={["incidents", "list", filters]}
        page={(after) =>
          answered(
            client.GET("/api/incidents", {
              params: {
                query: {
                  state: STATES.find((one) => one === filters.state),
                  severity: SEVERITIES.find((one) => one === filters.severity),
                  owner: filters.owner,
                  agent: filters.agent,
                  after,
                },
              },
            }),
          )
        }
        columns={COLUMNS}
        keyOf={(one) => one.id}
        open={(one) => void navigate({ to: "/incidents/$incident", params: { incident: one.id } })}
        filters={
          <>
            <ChoiceFilter
              label={words.filter.state}
              all={words.filter.state}
              choices={STATES}
              value={filters.state}
              set={(state) => set({ state })}
            />
            <ChoiceFilter
              label={words.filter.severity}
              all={words.filter.severity}
              choices={SEVERITIES}
              value={filters.severity}
              set={(severity) => set({ severity })}
            />
            <TextFilter label={words.filter.owner} value={filters.owner} set={(owner) => set({ owner })} />
            <TextFilter label={words.filter.agent} value={filters.agent} set={(agent) => set({ agent })} />
          </>
        }
        empty={<EmptyState {...words.empty} />}
      />
    </Page>
  );
}

const COLUMNS: readonly Column<Incident>[] = [
  {
    name: words.columns.title,
    of: (one) => (
      <Named
        name={<Foreign text={one.title} line first={140} />}
        about={one.place.rule !== null && <Foreign text={one.place.rule} line first={80} />}
      />
    ),
  },
  {
    name: words.columns.agent,
    of: (one) => <Foreign text={one.place.agent_name ?? "–"} line first={50} />,
    wide: true,
  },
  { name: words.columns.severity, of: (one) => <Severity of={one} /> },
  { name: words.columns.state, of: (one) => <Standing of={one} /> },
  { name: words.columns.owner, of: (one) => one.owner ?? words.nobody, wide: true },
  { name: words.columns.at, of: (one) => <When at={one.opened_at} />, wide: true },
];

export function Severity({ of }: { of: Incident }): ReactElement {
  return <State of={of.severity} as={words.severities[of.severity]} />;
}

export function Standing({ of }: { of: Incident }): ReactElement {
  return <State of={of.state} />;
}
