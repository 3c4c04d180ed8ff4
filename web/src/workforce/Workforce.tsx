/** The workforce as a roster, as a chart, and by units. */
import { Button, Checkbox, Group, Select, Stack, Text } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { Compared } from "@/figures/Compared";
import { said } from "@/figures/figure";
import { addressOfObject } from "@/frame/addresses";
import { useMe } from "@/frame/session";
import { DataTable, EmptyState, Foreign, Named, Page, State, Views } from "@/kit";
import { Chart } from "./Chart";
import { useRoles, useUnits, useWithFigures, type Agent, type Unit, type WithFigures } from "./queries";
import { words } from "./words";
import { VIEWS } from "./Workforce.search";

const STATES = ["draft", "pilot", "active", "suspended", "contained", "retired"] as const;
const MOST_COMPARED = 6;

/** What the address of the page says. */
export interface Search {
  view?: (typeof VIEWS)[number];
  state?: string;
  unit?: string;
  role?: string;
  sponsor?: string;
  /** Who is compared. */
  with?: string[];
}

export function Workforce({ search }: { search: Search }): ReactElement {
  const navigate = useNavigate({ from: "/workforce" });
  const go = (more: Search) => void navigate({ search: { ...search, ...more }, replace: true });
  const openUnit = (unit: string) => void navigate({ search: { unit } });
  const of = {
    roster: <Roster search={search} go={go} />,
    chart: <Chart openUnit={openUnit} />,
    units: <Units openUnit={openUnit} />,
  };
  return (
    <Page title={words.title} about={words.about}>
      <Views
        label={words.viewsLabel}
        names={words.views}
        views={VIEWS}
        shown={search.view ?? "roster"}
        show={(view) => void navigate({ search: { view } })}
        of={(view) => of[view]}
      />
    </Page>
  );
}

interface RosterProps {
  search: Search;
  go: (more: Search) => void;
}

function Roster({ search, go }: RosterProps): ReactElement {
  const navigate = useNavigate();
  const base = useMe();
  const withFigures = useWithFigures("agent");
  const chosen = search.with ?? [];
  const state = STATES.find((one) => one === search.state);
  const toggle = (name: string) => {
    const after = chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name];
    go({ with: after.length > 0 ? after.slice(-MOST_COMPARED) : undefined });
  };
  return (
    <Stack gap="md">
      {chosen.length > 0 && <Comparing chosen={chosen} clear={() => go({ with: undefined })} />}
      <DataTable<WithFigures<Agent>>
        label={words.views.roster}
        queryKey={["agents", "list", state, search.unit, search.role, search.sponsor]}
        page={(after) => {
          const { unit, role, sponsor } = search;
          const query = { state, unit, role, sponsor, after, limit: 50 };
          return withFigures(answered(client.GET("/api/agents", { params: { query } })));
        }}
        keyOf={(row) => row.id}
        open={(row) => void navigate({ to: addressOfObject("Agent", row.name) })}
        filters={<Filters search={search} go={go} />}
        columns={[
          {
            name: words.columns.agent,
            of: (row) => (
              <Group gap="xs" wrap="nowrap">
                <Checkbox
                  size="xs"
                  aria-label={words.select(row.name)}
                  checked={chosen.includes(row.name)}
                  onClick={(event) => event.stopPropagation()}
                  onChange={() => toggle(row.name)}
                />
                <div>
                  <Text size="sm" fw={550} component="div">
                    <Foreign text={row.name} line first={60} />
                  </Text>
                  <Text size="xs" c="dimmed">
                    {row.roles.join(", ")}
                  </Text>
                </div>
              </Group>
            ),
          },
          { name: words.columns.state, of: (row) => <State of={row.state} /> },
          { name: words.columns.unit, wide: true, of: (row) => row.unit },
          { name: words.columns.sponsor, wide: true, of: (row) => row.sponsor },
          {
            name: words.columns.done,
            right: true,
            wide: true,
            of: (row) => said("count", row.figures?.["throughput"], base),
          },
          {
            name: words.columns.errors,
            right: true,
            wide: true,
            of: (row) => said("share", row.figures?.["error_rate"], base),
          },
          {
            name: words.columns.cost,
            right: true,
            wide: true,
            of: (row) => said("money", row.figures?.["cost"], base),
          },
        ]}
        empty={<EmptyState {...words.empty} />}
      />
    </Stack>
  );
}

function Comparing({ chosen, clear }: { chosen: string[]; clear: () => void }): ReactElement {
  return (
    <>
      <Group gap="sm">
        <Text size="sm">{chosen.length > 1 ? words.compare(chosen.length) : words.pickMore}</Text>
        <Button size="compact-xs" variant="default" onClick={clear}>
          {words.clear}
        </Button>
      </Group>
      {chosen.length > 1 && <Compared by="agent" keys={chosen} />}
    </>
  );
}

function Filters({ search, go }: RosterProps): ReactElement {
  const units = (useUnits().data ?? []).map((one) => one.name);
  const roles = (useRoles().data?.items ?? []).map((one) => one.name);
  const choices = [
    ["state", STATES],
    ["unit", units],
    ["role", roles],
  ] as const;
  return (
    <>
      {choices.map(([name, among]) => {
        const value = search[name];
        const data = value !== undefined && !among.some((one) => one === value) ? [value, ...among] : [...among];
        return (
          <Select
            key={name}
            size="xs"
            aria-label={words.filters[name]}
            placeholder={`${words.filters[name]}: ${words.any}`}
            data={data}
            value={value ?? null}
            onChange={(chosen) => go({ [name]: chosen ?? undefined })}
            clearable
            searchable
          />
        );
      })}
    </>
  );
}

function Units({ openUnit }: { openUnit: (unit: string) => void }): ReactElement {
  const base = useMe();
  const withFigures = useWithFigures("unit");
  return (
    <DataTable<WithFigures<Unit>>
      label={words.views.units}
      queryKey={["organisation", "units", "list"]}
      page={(after) => withFigures(answered(client.GET("/api/units", { params: { query: { after, limit: 100 } } })))}
      keyOf={(row) => row.name}
      open={(row) => openUnit(row.name)}
      columns={[
        {
          name: words.columns.unit,
          of: (row) => <Named name={row.name} about={<Foreign text={row.description} line first={120} />} />,
        },
        { name: words.columns.above, of: (row) => row.parent ?? "–" },
        { name: words.columns.agents, right: true, of: (row) => row.agents },
        { name: words.columns.tools, wide: true, of: (row) => <Tools of={row} /> },
        {
          name: words.columns.done,
          right: true,
          wide: true,
          of: (row) => said("count", row.figures?.["throughput"], base),
        },
        {
          name: words.columns.cost,
          right: true,
          wide: true,
          of: (row) => said("money", row.figures?.["cost"], base),
        },
      ]}
      empty={<EmptyState {...words.emptyUnits} />}
    />
  );
}

const FEW = 4;

function Tools({ of }: { of: Schemas["UnitAnswer"] }): ReactElement {
  const more = of.tools.length - FEW;
  return (
    <Text size="xs" c="dimmed" title={of.tools.join(", ")}>
      {of.tools.slice(0, FEW).join(", ")}
      {more > 0 && ` +${more}`}
    </Text>
  );
}
