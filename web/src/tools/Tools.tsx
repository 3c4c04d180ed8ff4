/** The operations agents may ask for. */
import { Text } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { useFilters } from "@/frame/filters";
import { type Column, DataTable, EmptyState, Foreign, Named, Page, State, TextFilter } from "@/kit";
import { words } from "./words";
import { FILTERS } from "./Tools.search";

type Tool = Schemas["ToolAnswer"];

export function Tools(): ReactElement {
  const [filters, set] = useFilters(FILTERS);
  const navigate = useNavigate();
  return (
    <Page title={words.title} about={words.about}>
      <DataTable
        label={words.title}
        queryKey={["tools", "list", filters]}
        page={(after) => answered(client.GET("/api/tools", { params: { query: { ...filters, after } } }))}
        columns={COLUMNS}
        keyOf={(one) => one.name}
        open={(one) => void navigate({ to: "/tools/$name", params: { name: one.name } })}
        filters={
          <>
            <TextFilter label={words.filter.like} value={filters.like} set={(like) => set({ like })} wide />
            <TextFilter
              label={words.filter.connector}
              value={filters.connector}
              set={(connector) => set({ connector })}
            />
          </>
        }
        empty={<EmptyState {...words.empty} />}
      />
    </Page>
  );
}

const COLUMNS: readonly Column<Tool>[] = [
  {
    name: words.columns.tool,
    of: (one) => <Named name={one.name} about={<Foreign text={one.description} line first={160} />} />,
  },
  { name: words.columns.connector, of: (one) => one.connector, wide: true },
  { name: words.columns.effect, of: (one) => words.effects[one.effect], wide: true },
  { name: words.columns.risk, of: (one) => <Risk risk={one.risk} /> },
  { name: words.columns.state, of: (one) => <Pinned tool={one} />, wide: true },
];

export function Risk({ risk }: { risk: Tool["risk"] }): ReactElement {
  return <State of={risk} />;
}

function Pinned({ tool }: { tool: Tool }): ReactElement {
  return (
    <Text size="sm" c={tool.quarantined ? "orange" : "dimmed"}>
      {tool.quarantined ? words.quarantined : words.ready}
    </Text>
  );
}
