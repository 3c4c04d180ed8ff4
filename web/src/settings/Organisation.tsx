/** Everything that is declared, by kind and name. */
import { Text } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { addressOfObject } from "@/frame/addresses";
import { useFilters } from "@/frame/filters";
import { ChoiceFilter, DataTable, EmptyState, Foreign, TextFilter, type Column } from "@/kit";
import { words } from "./words";
import { FILTERS } from "./Organisation.search";

type Declared = Schemas["ObjectAnswer"];

const KINDS = [
  "Unit",
  "Role",
  "IdentityProvider",
  "Person",
  "Agent",
  "Connector",
  "Tool",
  "Workflow",
  "Hook",
  "MemorySpace",
  "Decision",
  "Budget",
  "Policy",
] as const;

export function Organisation(): ReactElement {
  const [filters, set] = useFilters(FILTERS);
  const navigate = useNavigate();
  const query = { ...filters, kind: KINDS.find((kind) => kind === filters.kind) };
  return (
    <DataTable
      label={words.tabs.organisation}
      queryKey={["organisation", "list", filters]}
      page={(after) => answered(client.GET("/api/objects", { params: { query: { ...query, after } } }))}
      columns={COLUMNS}
      keyOf={(one) => `${one.kind}/${one.name}`}
      open={(one) => void navigate({ to: addressOfObject(one.kind, one.name) })}
      filters={
        <>
          <TextFilter label={words.filter.like} value={filters.like} set={(like) => set({ like })} wide />
          <ChoiceFilter
            label={words.filter.kind}
            all={words.filter.kind}
            choices={KINDS}
            value={filters.kind}
            set={(kind) => set({ kind })}
          />
          <TextFilter label={words.filter.unit} value={filters.unit} set={(unit) => set({ unit })} />
        </>
      }
      empty={<EmptyState {...words.objects.empty} />}
    />
  );
}

const COLUMNS: readonly Column<Declared>[] = [
  {
    name: words.objects.columns.name,
    of: (one) => (
      <Text size="sm" fw={550}>
        {one.name}
      </Text>
    ),
  },
  { name: words.objects.columns.kind, of: (one) => one.kind },
  { name: words.objects.columns.unit, of: (one) => one.unit, wide: true },
  { name: words.objects.columns.about, of: (one) => <Foreign text={one.description} line first={140} />, wide: true },
];
