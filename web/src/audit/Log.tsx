/** The log itself, leaf by leaf, and one of them with its proof. */
import { Drawer, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { useFilters } from "@/frame/filters";
import { ChoiceFilter, DataTable, EmptyState, Foreign, Json, Problem, When, type Column, To } from "@/kit";
import { Proofs } from "@/proof/Proofs";
import { unsaidLeaves } from "@/proof/said";
import { actionOf, at, kindOf, KINDS, what, who } from "./leaf";
import { words } from "./words";
import { FILTERS } from "./Log.search";

type Logged = Schemas["LoggedAnswer"];

export function Log(): ReactElement {
  const [filters, set] = useFilters(FILTERS);
  const kind = kindOf(filters.kind);
  return (
    <>
      <DataTable
        label={words.tabs.log}
        queryKey={["leaves", kind]}
        page={async (after) => {
          const query = { kind, newest_first: true, after: after === undefined ? undefined : Number(after) };
          const found = await answered(client.GET("/api/audit/leaves", { params: { query } }));
          return { items: found.leaves, next: found.next === null ? null : String(found.next) };
        }}
        columns={COLUMNS}
        keyOf={(one) => String(one.index)}
        open={(one) => set({ leaf: String(one.index) })}
        filters={
          <ChoiceFilter
            label={words.log.kind}
            all={words.log.kind}
            choices={KINDS}
            value={filters.kind}
            set={(next) => set({ kind: next })}
          />
        }
        empty={<EmptyState {...words.log.empty} />}
      />
      <Drawer
        opened={filters.leaf !== undefined}
        onClose={() => set({ leaf: undefined })}
        position="right"
        size="lg"
        title={words.log.leaf(Number(filters.leaf ?? 0))}
      >
        {filters.leaf !== undefined && <Leaf index={Number(filters.leaf)} />}
      </Drawer>
    </>
  );
}

function Leaf({ index }: { index: number }): ReactElement | null {
  const found = useQuery({
    queryKey: ["proofs", "leaf", index],
    queryFn: () => answered(client.GET("/api/audit/proof/{index}", { params: { path: { index } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (found.error !== null) return <Problem error={found.error} />;
  if (found.data === undefined) return null;
  const leaf = JSON.parse(found.data.body) as Record<string, unknown>;
  const action = actionOf(leaf);
  return (
    <Stack gap="md">
      {action !== undefined && (
        <To size="sm" to="/actions/$action" params={{ action: action }}>
          {words.log.toAction}
        </To>
      )}
      <Json value={leaf} exact={found.data.body} />
      <Proofs
        proofs={[found.data]}
        command={`autonomy audit show ${index}`}
        unsaid={unsaidLeaves([{ index }], [found.data])}
      />
    </Stack>
  );
}

const COLUMNS: readonly Column<Logged>[] = [
  { name: words.log.columns.index, of: (one) => one.index },
  { name: words.log.columns.at, of: (one) => <When at={at(one.leaf)} />, wide: true },
  { name: words.log.columns.kind, of: (one) => String(one.leaf.kind) },
  { name: words.log.columns.what, of: (one) => <Foreign text={what(one.leaf)} line first={120} /> },
  { name: words.log.columns.who, of: (one) => <Foreign text={who(one.leaf)} line first={60} />, wide: true },
];
