/** What Today reads. */
import { queryOptions } from "@tanstack/react-query";
import { answered, client } from "@/api/client";

const FEW = 5;
const MANY = 100;
const WRONG = ["failed", "unknown", "denied"] as const;

export const runningQuery = queryOptions({
  queryKey: ["runs", "today"],
  queryFn: () => {
    const status = ["new" as const, "running" as const, "compensating" as const];
    return answered(client.GET("/api/runs", { params: { query: { status, limit: FEW } } }));
  },
});

export const wrongQuery = queryOptions({
  queryKey: ["actions", "today"],
  queryFn: async () => {
    const since = new Date().setHours(0, 0, 0, 0);
    const asked = WRONG.map((state) =>
      answered(client.GET("/api/actions", { params: { query: { state, since, limit: FEW } } })),
    );
    const found = (await Promise.all(asked)).flatMap((page) => page.items);
    return found.sort((one, other) => other.at - one.at).slice(0, FEW);
  },
});

/** The limits that are used most. */
export const spendQuery = queryOptions({
  queryKey: ["budgets", "today"],
  queryFn: async () => {
    const found = await answered(client.GET("/api/budgets", { params: { query: { limit: MANY } } }));
    return found.items.sort((one, other) => other.percent - one.percent).slice(0, FEW);
  },
});

export const containedQuery = queryOptions({
  queryKey: ["containments", "today"],
  queryFn: () => answered(client.GET("/api/containments", { params: { query: { limit: FEW } } })),
});
