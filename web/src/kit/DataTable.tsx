/**
 * A list that pages and filters on the server. Rows are reached by `j` and `k` or the arrows and opened by Enter; on a
 * narrow screen only the columns that matter most are shown. What is rare may lie behind pages that are empty: the list
 * looks on for a while, and then says that there is more to look through.
 */
import { Button, Group, Skeleton, Stack, Table, Text } from "@mantine/core";
import { useInfiniteQuery, useQueryClient, type QueryKey } from "@tanstack/react-query";
import { useRef, type KeyboardEvent, type ReactElement, type ReactNode } from "react";
import { lookEvery } from "@/frame/live";
import { words } from "@/words";
import classes from "./kit.module.css";
import { further, lookedFor, type Paged } from "./paging";
import { Problem } from "./Problem";

export interface Column<Row> {
  name: string;
  of: (row: Row) => ReactNode;
  /** Numbers stand at the right. */
  right?: boolean;
  /** Left out on a narrow screen. */
  wide?: boolean;
}

interface Props<Row> {
  /** What it lists, for readers of screens. */
  label: string;
  /** Begins with a topic, so that events make it look again; filters belong into it. */
  queryKey: QueryKey;
  /** One page from the server; `after` is the cursor of the page before. */
  page: (after: string | undefined) => Promise<Paged<Row>>;
  /** After how many milliseconds it looks again, where that is not as with everything else, by when it has looked last. */
  every?: (lookedAt: number) => number;
  columns: readonly Column<Row>[];
  keyOf: (row: Row) => string;
  open?: (row: Row) => void;
  filters?: ReactNode;
  empty: ReactNode;
}

export function DataTable<Row>(props: Props<Row>): ReactElement {
  const { queryKey, page, every = lookEvery, filters, empty, label } = props;
  const queries = useQueryClient();
  const found = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => lookedFor(page, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    refetchInterval: ({ state }) => every(state.dataUpdatedAt),
  });
  const rows = found.data?.pages.flatMap((one) => one.items) ?? [];
  return (
    <Stack gap="sm">
      {filters !== undefined && <Group gap="sm">{filters}</Group>}
      {found.isPending && <Skeleton height={180} aria-label={words.table.loading} />}
      {found.isError && <Problem error={found.error} again={() => void found.refetch()} />}
      {found.isSuccess && rows.length === 0 && !found.hasNextPage && empty}
      {rows.length > 0 && <Rows {...props} rows={rows} />}
      {(rows.length > 0 || found.hasNextPage) && (
        <Group justify="space-between">
          <Text size="sm" c="dimmed" aria-live="polite">
            {found.hasNextPage ? words.table.some(rows.length, found.isFetchingNextPage) : words.table.all(rows.length)}
          </Text>
          {found.hasNextPage && (
            <Button
              variant="default"
              size="xs"
              loading={found.isFetchingNextPage}
              onClick={() => void further(queries, queryKey, found)}
              aria-label={`${rows.length > 0 ? words.table.more : words.table.on}: ${label}`}
            >
              {rows.length > 0 ? words.table.more : words.table.on}
            </Button>
          )}
        </Group>
      )}
    </Stack>
  );
}

function Rows<Row>({ rows, columns, keyOf, open, label }: Props<Row> & { rows: Row[] }): ReactElement {
  const body = useRef<HTMLTableSectionElement>(null);
  const onKey = (event: KeyboardEvent<HTMLTableRowElement>, row: Row) => {
    if (event.target !== event.currentTarget) return;
    const step = STEPS[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const all = [...(body.current?.rows ?? [])];
      all[all.indexOf(event.currentTarget) + step]?.focus();
    } else if (event.key === "Enter") open?.(row);
  };
  return (
    <Table.ScrollContainer minWidth={0} type="native" tabIndex={0} aria-label={label}>
      <Table highlightOnHover={open !== undefined} verticalSpacing="xs">
        <Table.Caption style={{ captionSide: "top", position: "absolute", clipPath: "inset(50%)" }}>
          {label}
        </Table.Caption>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Table.Th
                key={column.name}
                ta={column.right ? "right" : undefined}
                visibleFrom={column.wide ? "sm" : undefined}
              >
                {column.name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody ref={body}>
          {rows.map((row) => (
            <Table.Tr
              key={keyOf(row)}
              className={open && classes.row}
              tabIndex={open ? 0 : undefined}
              onClick={open && (() => open(row))}
              onKeyDown={open && ((event) => onKey(event, row))}
            >
              {columns.map((column) => (
                <Table.Td
                  key={column.name}
                  ta={column.right ? "right" : undefined}
                  className={column.right ? classes.right : undefined}
                  visibleFrom={column.wide ? "sm" : undefined}
                >
                  {column.of(row)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

const STEPS: Record<string, number> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
