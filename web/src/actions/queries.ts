/** What the pages of actions read. */
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answered, client, type Schemas } from "@/api/client";
import { startOf, type Filters } from "@/frame/filters";

export type Found = Schemas["ActionAnswer"];

export const FILTERS = [
  "text",
  "agent",
  "unit",
  "tool",
  "decision",
  "state",
  "case",
  "run",
  "policy",
  "label",
  "code",
  "since",
  "until",
] as const;
export type Filter = (typeof FILTERS)[number];

export const DECISIONS = ["allow", "hold", "deny"] as const;
export const STATES = [
  "held",
  "running",
  "done",
  "failed",
  "unknown",
  "denied",
  "rejected",
  "returned",
  "expired",
  "withdrawn",
] as const;

const PAGE = 50;

/** A page of the actions that these filters find; days are days where the reader is. */
export function search(filters: Filters<Filter>, after: string | undefined) {
  const { since, until, decision, state, ...words } = filters;
  const query = {
    ...words,
    decision: one(DECISIONS, decision),
    state: one(STATES, state),
    since: startOf(since),
    until: startOf(until, 1),
    after,
    limit: PAGE,
  };
  return answered(client.GET("/api/actions", { params: { query } }));
}

function one<Value extends string>(all: readonly Value[], said: string | undefined): Value | undefined {
  return all.find((value) => value === said);
}

export function actionQuery(action: string) {
  return queryOptions({
    queryKey: ["actions", "one", action],
    queryFn: () => answered(client.GET("/api/actions/{action}", { params: { path: { action } } })),
  });
}

export function whyQuery(action: string) {
  return queryOptions({
    queryKey: ["actions", "why", action],
    queryFn: () => answered(client.GET("/api/actions/{action}/explain", { params: { path: { action } } })),
  });
}

export function proofsQuery(action: string) {
  return queryOptions({
    queryKey: ["proofs", action],
    queryFn: () => answered(client.GET("/api/actions/{action}/proofs", { params: { path: { action } } })),
  });
}

export function caseQuery(name: string) {
  return queryOptions({
    queryKey: ["actions", "case", name],
    queryFn: () => answered(client.GET("/api/cases/{case}", { params: { path: { case: name } } })),
  });
}

const VIEWS = ["views"];

/** The searches that the person keeps for the page `page`, and how to keep and drop one. */
export function useViews(page: string) {
  const queries = useQueryClient();
  const look = () => queries.invalidateQueries({ queryKey: VIEWS });
  const found = useQuery({ queryKey: VIEWS, queryFn: () => answered(client.GET("/api/views")) });
  const keep = useMutation({
    mutationFn: ({ name, query }: { name: string; query: Record<string, string> }) =>
      answered(client.PUT("/api/views/{page}/{name}", { params: { path: { page, name } }, body: { query } })),
    onSuccess: look,
  });
  const drop = useMutation({
    mutationFn: (name: string) =>
      answered(client.DELETE("/api/views/{page}/{name}", { params: { path: { page, name } } })),
    onSuccess: look,
  });
  return { items: found.data?.items.filter((view) => view.page === page) ?? [], keep, drop };
}
