/** A list of actions, wherever one is shown. */
import { Stack, Text } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement, ReactNode } from "react";
import { DataTable, Foreign, Money, When, type Column, State } from "@/kit";
import type { Filters } from "@/frame/filters";
import { useMe } from "@/frame/session";
import { search, type Filter, type Found } from "./queries";
import { words } from "./words";

interface Props {
  label: string;
  filters: Filters<Filter>;
  bar?: ReactNode;
  empty: ReactNode;
}

export function ActionTable({ label, filters, bar, empty }: Props): ReactElement {
  const navigate = useNavigate();
  const base = useMe();
  return (
    <DataTable
      label={label}
      queryKey={["actions", "search", filters]}
      page={async (after) => {
        const found = await search(filters, base, after);
        return { items: found.items, next: found.next };
      }}
      columns={COLUMNS}
      keyOf={(one) => one.id}
      open={(one) => void navigate({ to: "/actions/$action", params: { action: one.id } })}
      filters={bar}
      empty={empty}
    />
  );
}

const COLUMNS: readonly Column<Found>[] = [
  { name: words.columns.when, of: (one) => <When at={one.at} />, wide: true },
  {
    name: words.columns.tool,
    of: (one) => (
      <Stack gap={0}>
        <Text size="sm" fw={550}>
          <Foreign text={one.tool} line first={80} />
        </Text>
        {one.message !== null && (
          <Text size="xs" c="dimmed" lineClamp={2}>
            <Foreign text={one.message} line first={160} />
          </Text>
        )}
      </Stack>
    ),
  },
  { name: words.columns.agent, of: (one) => <Foreign text={one.agent_name} line first={60} /> },
  { name: words.columns.case, of: (one) => <Foreign text={one.case} line first={26} />, wide: true },
  {
    name: words.columns.cost,
    of: (one) => (one.money > 0 ? <Money minor={one.money} /> : ""),
    right: true,
    wide: true,
  },
  { name: words.columns.outcome, of: (one) => <State of={one.state} /> },
];
