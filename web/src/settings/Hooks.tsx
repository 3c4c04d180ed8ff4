/** What came in at hooks. */
import { Drawer, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { useFilters } from "@/frame/filters";
import { DataTable, EmptyState, Details, Foreign, Json, Problem, TextFilter, When, type Column, To } from "@/kit";
import { words } from "./words";
import { FILTERS } from "./Hooks.search";

type Delivery = Schemas["DeliveryAnswer"];

export function Hooks(): ReactElement {
  const [filters, set] = useFilters(FILTERS);
  return (
    <>
      <DataTable
        label={words.tabs.hooks}
        queryKey={["deliveries", "list", filters.hook]}
        page={(after) => answered(client.GET("/api/deliveries", { params: { query: { hook: filters.hook, after } } }))}
        columns={COLUMNS}
        keyOf={(one) => one.id}
        open={(one) => set({ delivery: one.id })}
        filters={<TextFilter label={words.hooks.filter} value={filters.hook} set={(hook) => set({ hook })} />}
        empty={<EmptyState {...words.hooks.empty} />}
      />
      <Drawer
        opened={filters.delivery !== undefined}
        onClose={() => set({ delivery: undefined })}
        position="right"
        size="lg"
        title={words.hooks.delivery}
      >
        {filters.delivery !== undefined && <One id={filters.delivery} />}
      </Drawer>
    </>
  );
}

function One({ id }: { id: string }): ReactElement | null {
  const found = useQuery({
    queryKey: ["deliveries", "one", id],
    queryFn: () => answered(client.GET("/api/deliveries/{id}", { params: { path: { id } } })),
  });
  if (found.error !== null) return <Problem error={found.error} />;
  if (found.data === undefined) return null;
  const { hook, type, sender_id, at, action, said } = found.data;
  return (
    <Stack gap="md">
      <Details
        of={[
          [words.hooks.columns.hook, hook],
          [words.hooks.columns.type, <Foreign key="type" text={type} line />],
          [words.hooks.columns.sender, <Foreign key="sender" text={sender_id} line />],
          [words.hooks.columns.at, <When key="at" at={at} />],
          [
            words.hooks.columns.action,
            action !== null && (
              <To size="sm" to="/actions/$action" params={{ action: action }}>
                {action}
              </To>
            ),
          ],
        ]}
      />
      <div>
        <Text size="xs" c="dimmed">
          {words.hooks.said}
        </Text>
        {said === null ? <Text size="sm">{words.hooks.forgotten}</Text> : <Json value={said} />}
      </div>
    </Stack>
  );
}

const COLUMNS: readonly Column<Delivery>[] = [
  { name: words.hooks.columns.hook, of: (one) => one.hook },
  { name: words.hooks.columns.type, of: (one) => <Foreign text={one.type} line first={60} /> },
  { name: words.hooks.columns.sender, of: (one) => <Foreign text={one.sender_id} line first={40} />, wide: true },
  { name: words.hooks.columns.at, of: (one) => <When at={one.at} />, wide: true },
];
