/** What is stopped, and was. */
import { Checkbox } from "@mantine/core";
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { useFilters } from "@/frame/filters";
import { DataTable, EmptyState, Foreign, When, type Column } from "@/kit";
import { nameOf } from "@/kit/who";
import { words } from "./words";

export function Contained(): ReactElement {
  const [filters, set] = useFilters(["ended"]);
  const ended = filters.ended === "yes";
  return (
    <DataTable
      label={words.tabs.contained}
      queryKey={["containments", "list", ended]}
      page={(after) => answered(client.GET("/api/containments", { params: { query: { ended, after } } }))}
      columns={COLUMNS}
      keyOf={(one) => one.id}
      filters={
        <Checkbox
          size="sm"
          label={words.filter.ended}
          checked={ended}
          onChange={(event) => set({ ended: event.currentTarget.checked ? "yes" : undefined })}
        />
      }
      empty={<EmptyState {...words.contained.empty} />}
    />
  );
}

const COLUMNS: readonly Column<Schemas["ListedContainmentAnswer"]>[] = [
  {
    name: words.contained.columns.what,
    of: (one) => (
      <>
        {words.contained.scopes[one.scope]}{" "}
        {one.scope !== "everything" && <Foreign text={one.agent_name ?? one.target} line first={60} />}
      </>
    ),
  },
  { name: words.contained.columns.reason, of: (one) => <Foreign text={one.reason} line first={120} /> },
  { name: words.contained.columns.by, of: (one) => nameOf(one.by), wide: true },
  { name: words.contained.columns.at, of: (one) => <When at={one.at} />, wide: true },
  {
    name: words.contained.columns.lifted,
    of: (one) => (one.lifted_at === null ? words.contained.now : <When at={one.lifted_at} />),
    wide: true,
  },
];
