/** What the workforce reads. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { answered, client, type Schemas } from "@/api/client";
import { figuresOf, type Line } from "@/figures/queries";
import { useMay } from "@/frame/session";
import type { Paged } from "@/kit/paging";

export type Agent = Schemas["AgentAnswer"];
export type Unit = Schemas["UnitAnswer"];
export type Allowance = Schemas["AllowanceAnswer"];

type Figures = Line["figures"];

/** A row of a list with its figures, where there are any. */
export type WithFigures<Row> = Row & { figures: Figures | undefined };

const MOST = 500;

export function agentQuery(name: string) {
  return queryOptions({
    queryKey: ["agents", "one", name],
    queryFn: () => answered(client.GET("/api/agents/{name}", { params: { path: { name } } })),
  });
}

export function allowancesQuery(name: string) {
  return queryOptions({
    queryKey: ["agents", "allowances", name],
    queryFn: () => answered(client.GET("/api/agents/{name}/allowances", { params: { path: { name } } })),
  });
}

export function scorecardQuery(name: string) {
  return queryOptions({
    queryKey: ["agents", "scorecard", name],
    queryFn: () => answered(client.GET("/api/agents/{name}/scorecard", { params: { path: { name } } })),
  });
}

/** Every unit, by name. */
export function useUnits() {
  return useQuery({
    queryKey: ["organisation", "units"],
    queryFn: async () => (await answered(client.GET("/api/units", { params: { query: { limit: MOST } } }))).items,
    enabled: useMay()("catalog:object:read"),
  });
}

/** The first agents by name, as many as are drawn, and whether these are all. */
export function useSomeAgents(limit: number) {
  return useQuery({
    queryKey: ["agents", "some", limit],
    queryFn: async () => {
      const found = await answered(client.GET("/api/agents", { params: { query: { limit } } }));
      return { items: found.items, whole: found.next === null };
    },
  });
}

/** The names of declared roles, to choose from. */
export function useRoles() {
  return useQuery({
    queryKey: ["organisation", "roles"],
    queryFn: () => answered(client.GET("/api/objects", { params: { query: { kind: "Role", limit: MOST } } })),
    enabled: useMay()("catalog:object:read"),
    staleTime: 60_000,
  });
}

/** A declared object with all that is known of it. */
export function declaredQuery(kind: string, name: string) {
  return queryOptions({
    queryKey: ["organisation", kind, name],
    queryFn: () => answered(client.GET("/api/objects/{kind}/{name}", { params: { path: { kind, name } } })),
  });
}

export function differenceQuery(kind: string, name: string, before: string, after: string) {
  return queryOptions({
    queryKey: ["organisation", "difference", kind, name, before, after],
    queryFn: () =>
      answered(
        client.GET("/api/objects/{kind}/{name}/compare", {
          params: { path: { kind, name }, query: { before, after } },
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Those of a page with their figures over the last 30 days, where one may see figures. */
export function useWithFigures(by: "agent" | "unit") {
  const may = useMay()("insight:figure:read");
  return async <Row extends { name: string }>(page: Promise<Paged<Row>>): Promise<Paged<WithFigures<Row>>> => {
    const found = await page;
    const names = found.items.map((one) => one.name);
    const figures = may ? await figuresOf(by, names) : new Map<string, Figures>();
    return { ...found, items: found.items.map((one) => ({ ...one, figures: figures.get(one.name) })) };
  };
}

/** What is contained now. */
export function useContainments() {
  return useQuery({
    queryKey: ["containments", "now"],
    queryFn: () => answered(client.GET("/api/containments", { params: { query: { limit: MOST } } })),
    enabled: useMay()("identity:containment:read"),
  });
}
