/** What the figures read. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { answered, client, type Schemas } from "@/api/client";

export const BYS = ["all", "agent", "revision", "role", "workflow", "unit"] as const;
export type By = (typeof BYS)[number];
export type Lines = Schemas["FiguresAnswer"];
export type Line = Schemas["LineAnswer"];

export function useFigures(by: By, of: string, since?: number) {
  return useQuery({
    queryKey: ["figures", "one", by, of, since],
    queryFn: () => answered(client.GET("/api/insight/kpis", { params: { query: { by, key: [of], since } } })),
  });
}

/** The figures of each of these over the last 30 days, by name: of as many as a page shows. */
export async function figuresOf(by: By, keys: readonly string[]): Promise<Map<string, Line["figures"]>> {
  if (keys.length === 0) return new Map();
  const query = { by, key: [...keys] };
  const found = await answered(client.GET("/api/insight/kpis", { params: { query } }));
  return new Map(found.items.map((one) => [one.key, one.figures]));
}

export function useSeries(by: By, of: string, since?: number) {
  return useQuery({
    queryKey: ["figures", "series", by, of, since],
    queryFn: () => answered(client.GET("/api/insight/series", { params: { query: { by, key: of, since } } })),
  });
}

export function comparisonQuery(by: Exclude<By, "all">, key: string[], since?: number) {
  return queryOptions({
    queryKey: ["figures", "compare", by, key, since],
    queryFn: () => answered(client.GET("/api/insight/compare", { params: { query: { by, key, since } } })),
    enabled: key.length > 1,
  });
}
