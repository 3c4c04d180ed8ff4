/** Has queries look again, and cuts off nothing that is on its way: where much happens, nobody would ever get it. */
import type { Query, QueryClient, QueryFilters } from "@tanstack/react-query";

const late = new WeakSet<Query>(); // those that look again once what is on its way to them is there
const rests = new WeakMap<Query, Promise<void>>(); // until when those that have looked are left alone by events

/**
 * Have the queries of these topics look again, or all of them; comes back once those that do so at once are answered. For
 * what is on its way it does not wait: that may be older than what happened, and is looked at again once it is there.
 */
export async function lookAgain(queries: QueryClient, topics?: readonly string[]): Promise<void> {
  const those = topics?.map((topic): QueryFilters => ({ queryKey: [topic] })) ?? [{}];
  await Promise.all(those.map((some) => look(queries, some, isIdle)));
}

/** The same, because of what others did: each is left alone for as long as its last look took, and looks after that. */
export async function lookInTurn(queries: QueryClient, topics: readonly string[]): Promise<void> {
  await Promise.all(topics.map((topic) => look(queries, { queryKey: [topic] }, isFree)));
}

type Rule = (query: Query) => boolean;

const isIdle: Rule = ({ state }) => state.fetchStatus !== "fetching";
const isFree: Rule = (query) => isIdle(query) && !rests.has(query);

/** Whether what is on its way is there already, and comes anew: neither something for the first time nor a page more. */
const isLook: Rule = ({ state }) => state.data !== undefined && state.fetchMeta?.fetchMore === undefined;

async function look(queries: QueryClient, those: QueryFilters, may: Rule): Promise<void> {
  const found = queries.getQueryCache().findAll(those);
  const now = new Set(found.filter(may));
  for (const query of found) if (!now.has(query)) void lookLate(queries, query);
  const answered = queries.invalidateQueries({ ...those, predicate: (query) => now.has(query) });
  for (const query of now) if (!isIdle(query)) rest(query);
  await answered;
}

async function lookLate(queries: QueryClient, query: Query): Promise<void> {
  if (late.has(query)) return;
  late.add(query);
  if (isLook(query) && !rests.has(query)) rest(query); // one that nobody here asked for, such as that of every minute
  await ended(query);
  await rests.get(query);
  late.delete(query);
  await look(queries, { queryKey: query.queryKey, exact: true }, isFree);
}

/** Leave a query that looks now alone for as long again as it takes: of a slow server half of the time is asked at most. */
function rest(query: Query): void {
  const began = performance.now();
  const over = ended(query)
    .then(() => new Promise((go) => setTimeout(go, performance.now() - began)))
    .then(() => {
      if (rests.get(query) === over) rests.delete(query); // it may have looked since, because of somebody's own deed
    });
  rests.set(query, over);
}

/** Comes back once what is on its way is there, or has failed. */
async function ended(query: Query): Promise<void> {
  await query.promise?.catch(() => undefined);
}
