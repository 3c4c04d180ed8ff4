/** The memory spaces, and a search over what is in them. */
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { useFilters } from "@/frame/filters";
import { type Column, DataTable, EmptyState, Foreign, Named, Page, TextFilter } from "@/kit";
import { Items } from "./Items";
import { words } from "./words";

type Space = Schemas["SpaceAnswer"];

export function Memory(): ReactElement {
  const [filters, set] = useFilters(["text"]);
  const navigate = useNavigate();
  return (
    <Page title={words.title} about={words.about}>
      <TextFilter label={words.search} value={filters.text} set={(text) => set({ text })} wide />
      {filters.text !== undefined ? (
        <Items text={filters.text} />
      ) : (
        <DataTable
          label={words.title}
          queryKey={["memory", "spaces"]}
          page={(after) => answered(client.GET("/api/memory/spaces", { params: { query: { after } } }))}
          columns={COLUMNS}
          keyOf={(one) => one.name}
          open={(one) => void navigate({ to: "/memory/$space", params: { space: one.name } })}
          empty={<EmptyState {...words.empty} />}
        />
      )}
    </Page>
  );
}

const COLUMNS: readonly Column<Space>[] = [
  {
    name: words.columns.space,
    of: (one) => <Named name={one.name} about={<Foreign text={one.description} line first={160} />} />,
  },
  { name: words.columns.owner, of: (one) => one.owner, wide: true },
  { name: words.columns.retention, of: (one) => one.retention, wide: true },
  { name: words.columns.items, of: (one) => one.items ?? "–", right: true },
  { name: words.columns.saved, of: (one) => one.saved, right: true },
];
