/** Has queries look again, and cuts off nothing that somebody waits for. */
import type { Query, QueryClient, QueryFilters } from "@tanstack/react-query";

const late = new WeakSet<Query>(); // those that look again once what is on its way to them is there

/** Have the queries of these topics look again, or all of them; comes back once those that do so at once are answered. */
export async function lookAgain(queries: QueryClient, topics?: readonly string[]): Promise<void> {
  const those = topics?.map((topic): QueryFilters => ({ queryKey: [topic] })) ?? [{}];
  await Promise.all(those.map((some) => look(queries, some)));
}

async function look(queries: QueryClient, those: QueryFilters): Promise<void> {
  for (const query of queries.getQueryCache().findAll({ ...those, predicate: isAwaited })) lookLate(queries, query);
  await queries.invalidateQueries({ ...those, predicate: (query) => !isAwaited(query) });
}

/**
 * Whether somebody waits for what there was nothing of before: a list or a thing for the first time, or the next page of
 * a list. The one would be joined, though its answer may be older than what happened; the other would be cut off.
 */
function isAwaited({ state }: Query): boolean {
  return state.fetchStatus === "fetching" && (state.data === undefined || state.fetchMeta?.fetchMore !== undefined);
}

function lookLate(queries: QueryClient, query: Query): void {
  const coming = query.promise;
  if (coming === undefined || late.has(query)) return;
  late.add(query);
  const again = () => {
    late.delete(query);
    return look(queries, { queryKey: query.queryKey, exact: true });
  };
  void coming.then(again, again); // also where it failed
}
