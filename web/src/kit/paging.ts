/** Reads lists that come in pages. */
import type { QueryClient, QueryKey } from "@tanstack/react-query";

/** A page, and where the next one begins; without `next` it is the last. */
export interface Paged<Row> {
  items: Row[];
  next?: string | null;
}

const LOOK_MS = 3_000; // how long a person is left without a word
const MOST_PAGES = 10;

/** The page after `after`, or, where there is nothing on it, the first one behind it that has something: those who look
 * for what is rare in a large log get empty pages. After a while it is the empty page with its `next`. */
export async function lookedFor<Row>(
  page: (after: string | undefined) => Promise<Paged<Row>>,
  after: string | undefined,
  signal: AbortSignal,
): Promise<Paged<Row>> {
  const began = performance.now();
  let found = await page(after);
  while (found.items.length === 0 && found.next && !signal.aborted && performance.now() - began < LOOK_MS) {
    found = await page(found.next);
  }
  return found;
}

interface Further {
  refetch: (how: { cancelRefetch: boolean }) => Promise<unknown>;
  fetchNextPage: () => Promise<unknown>;
}

/**
 * The next page of a list, once what is shown of it has been looked at again: one would cut off the other. That is one
 * look, for each is followed by a rest (`frame/again.ts`). Whether it goes on only the client knows: `found` is what was
 * drawn last, and a list is not drawn anew for it.
 */
export async function further(queries: QueryClient, queryKey: QueryKey, found: Further): Promise<void> {
  while (queries.isFetching({ queryKey, exact: true }) > 0) await found.refetch({ cancelRefetch: false });
  await found.fetchNextPage();
}

/** Everything of a list that a person works through, up to what anybody could; `next` is there where there is more. */
export async function everything<Row>(page: (after: string | undefined) => Promise<Paged<Row>>): Promise<Paged<Row>> {
  const items: Row[] = [];
  let next: string | null | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const found = await page(next ?? undefined);
    items.push(...found.items);
    next = found.next;
    if (!next) break;
  }
  return { items, next };
}
