/** Who can do what, and who answers for it. */
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { useFilters } from "@/frame/filters";
import { ChoiceFilter, type Column, DataTable, EmptyState, Foreign, Named } from "@/kit";
import { words } from "./words";

type Reviewed = Schemas["AccessAnswer"];

const KINDS = ["agent", "person"] as const;

export function Access(): ReactElement {
  const [filters, set] = useFilters(["kind"]);
  const kind = KINDS.find((one) => one === filters.kind);
  return (
    <DataTable
      label={words.tabs.access}
      queryKey={["agents", "access", kind]}
      page={(after) => answered(client.GET("/api/access-review", { params: { query: { kind, after } } }))}
      columns={COLUMNS}
      keyOf={(one) => `${one.kind}/${one.name}`}
      filters={
        <ChoiceFilter
          label={words.access.kind}
          all={words.access.kind}
          choices={KINDS}
          value={filters.kind}
          set={(next) => set({ kind: next })}
        />
      }
      empty={<EmptyState {...words.access.empty} />}
    />
  );
}

const COLUMNS: readonly Column<Reviewed>[] = [
  {
    name: words.access.columns.name,
    of: (one) => (
      <Named
        name={<Foreign text={one.name} line first={80} />}
        about={one.acts_for.length > 0 && words.access.actsFor(one.acts_for.join(", "))}
      />
    ),
  },
  { name: words.access.columns.kind, of: (one) => one.kind, wide: true },
  { name: words.access.columns.roles, of: (one) => [...one.access, ...one.roles].join(", ") },
  {
    name: words.access.columns.answers,
    of: (one) => [one.sponsor, one.owner, one.supervisor].filter(Boolean).join(", "),
    wide: true,
  },
  { name: words.access.columns.live, of: (one) => one.live_credentials, right: true, wide: true },
  { name: words.access.columns.state, of: (one) => one.state, wide: true },
];
