/** Who is away, and who decides meanwhile. */
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { DataTable, EmptyState, When, type Column } from "@/kit";
import { nameOf } from "@/kit/who";
import { words } from "./words";

export function Absences(): ReactElement {
  return (
    <DataTable
      label={words.tabs.absences}
      queryKey={["absences", "list"]}
      page={(after) => answered(client.GET("/api/absences", { params: { query: { after } } }))}
      columns={COLUMNS}
      keyOf={(one) => one.id}
      empty={<EmptyState {...words.absences.empty} />}
    />
  );
}

const COLUMNS: readonly Column<Schemas["AbsenceAnswer"]>[] = [
  { name: words.absences.columns.person, of: (one) => one.person },
  { name: words.absences.columns.deputy, of: (one) => one.deputy },
  { name: words.absences.columns.since, of: (one) => <When at={one.since} />, wide: true },
  { name: words.absences.columns.until, of: (one) => <When at={one.until} /> },
  { name: words.absences.columns.by, of: (one) => nameOf(one.declared_by), wide: true },
];
