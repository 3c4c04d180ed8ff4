/** What the budgets read. */
import { queryOptions } from "@tanstack/react-query";
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
