/** What the pages of actions read. */
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { startOf, type Filters } from "@/frame/filters";
import { minorUnits, type Base } from "@/kit/money";

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
  "cost_from",
  "cost_to",
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

/** A page of the actions that these filters find; days are days of UTC, amounts are of the base currency. */
export function search(filters: Filters<Filter>, base: Base, after: string | undefined) {
  const { since, until, decision, state, cost_from, cost_to, ...words } = filters;
  const query = {
    ...words,
    decision: one(DECISIONS, decision),
    state: one(STATES, state),
    cost_from: minorUnits(cost_from, base),
    cost_to: minorUnits(cost_to, base),
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

/** Proofs of everything about an action, asked anew when it has more leaves than before. */
export function proofsQuery(action: string, leaves: number) {
  return queryOptions({
    queryKey: ["proofs", action, leaves],
    queryFn: () => answered(client.GET("/api/actions/{action}/proofs", { params: { path: { action } } })),
  });
}

/** A case; with `around` the part of it that lies around this action. */
export function caseQuery(name: string, around?: string) {
  return queryOptions({
    queryKey: ["actions", "case", name, around],
    queryFn: () => answered(client.GET("/api/cases/{case}", { params: { path: { case: name }, query: { around } } })),
  });
}

/** What was said of the result of a task or a run. */
export function historyQuery({ kind, id }: { kind: "task" | "run"; id: string }) {
  return queryOptions({
    queryKey: ["labels", kind, id],
    queryFn: () =>
      kind === "task"
        ? answered(client.GET("/api/tasks/{task}/labels", { params: { path: { task: id } } }))
        : answered(client.GET("/api/runs/{run}/labels", { params: { path: { run: id } } })),
  });
}

const VIEWS = ["views"];

/** The searches that the person keeps for the page `page`, and how to keep and drop one. */
export function useViews(page: string) {
  const queries = useQueryClient();
  const look = () => lookAgain(queries, VIEWS);
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
