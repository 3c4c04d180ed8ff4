/** What Work reads. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { answered, client, type Schemas } from "@/api/client";
import { useMay } from "@/frame/session";
import { everything } from "@/kit/paging";

export type Run = Schemas["RunAnswer"];
export type RunShown = Schemas["RunShown"];
export type Stuck = Schemas["ExceptionAnswer"];
export type Span = Schemas["SpanAnswer"];
export type Stay = Schemas["StayAnswer"];
export type Step = Schemas["NodeAnswer"];

const MOST = 200;

export function workflowQuery(workflow: string) {
  return queryOptions({
    queryKey: ["runs", "workflow", workflow],
    queryFn: () => answered(client.GET("/api/workflows/{workflow}/graph", { params: { path: { workflow } } })),
  });
}

export function runQuery(run: string) {
  return queryOptions({
    queryKey: ["runs", "one", run],
    queryFn: () => answered(client.GET("/api/runs/{run}", { params: { path: { run } } })),
  });
}

export function runGraphQuery(run: string) {
  return queryOptions({
    queryKey: ["runs", "graph", run],
    queryFn: () => answered(client.GET("/api/runs/{run}/graph", { params: { path: { run } } })),
  });
}

export function timelineQuery(run: string) {
  return queryOptions({
    queryKey: ["runs", "timeline", run],
    queryFn: () => answered(client.GET("/api/runs/{run}/timeline", { params: { path: { run } } })),
  });
}

/** The exceptions of a run that wait for somebody. */
export function stuckQuery(run: string) {
  return queryOptions({
    queryKey: ["exceptions", "of", run],
    queryFn: () => answered(client.GET("/api/runs/exceptions", { params: { query: { run, limit: MOST } } })),
  });
}

/** The names of the declared workflows, to choose from. */
export function useWorkflows() {
  return useQuery({
    queryKey: ["organisation", "workflows"],
    queryFn: () => answered(client.GET("/api/objects", { params: { query: { kind: "Workflow", limit: 500 } } })),
    enabled: useMay()("catalog:object:read"),
    staleTime: 60_000,
  });
}

/** The figures of every workflow that had any in the last 30 days, by name. */
export function useWorkflowFigures() {
  return useQuery({
    queryKey: ["figures", "by", "workflow"],
    queryFn: async () => {
      const query = { by: "workflow" as const, limit: 500 };
      const found = await everything((after) =>
        answered(client.GET("/api/insight/kpis", { params: { query: { ...query, after } } })),
      );
      return new Map(found.items.map((one) => [one.key, one.figures]));
    },
    enabled: useMay()("insight:figure:read"),
  });
}

/** A workflow as it is declared. */
export function useDeclared(workflow: string) {
  return useQuery({
    queryKey: ["organisation", "workflow", workflow],
    queryFn: () =>
      answered(client.GET("/api/objects/{kind}/{name}", { params: { path: { kind: "Workflow", name: workflow } } })),
    enabled: useMay()("catalog:object:read"),
  });
}
