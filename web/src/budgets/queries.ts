/** What the budgets read. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import type { By } from "@/figures/queries";
import { answered, client, type Schemas } from "@/api/client";

export type Budget = Schemas["BudgetAnswer"];

const PAGE = 500;

/** Every budget, as it stands now. */
export const budgetsQuery = queryOptions({
  queryKey: ["budgets", "all"],
  queryFn: async () => {
    const found: Budget[] = [];
    let after: string | undefined;
    do {
      const page = await answered(client.GET("/api/budgets", { params: { query: { after, limit: PAGE } } }));
      found.push(...page.items);
      after = page.next ?? undefined;
    } while (after !== undefined);
    return found;
  },
});

export function budgetQuery(name: string) {
  return queryOptions({
    queryKey: ["budgets", "one", name],
    queryFn: () => answered(client.GET("/api/budgets/{name}", { params: { path: { name } } })),
  });
}

/** What was spent since a time, bucket by bucket, by whom the budget binds; undefined where that is not counted. */
export function useSpent(by: By | undefined, of: string, since: number, may: boolean) {
  const found = useQuery({
    queryKey: ["figures", "spent", by, of, since],
    queryFn: () => answered(client.GET("/api/insight/series", { params: { query: { by, key: of, since } } })),
    enabled: may && by !== undefined,
  });
  return found.data?.points.map((point) => ({ at: point.start, amount: point.figures["cost"] ?? 0 }));
}
