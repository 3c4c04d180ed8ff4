/** An amount of a budget in words. Pure. */
import { money, type Base } from "@/kit/money";
import type { Budget } from "./queries";

const NUMBER = new Intl.NumberFormat("en");

/** `1,200.00 EUR`, `340 calls`. */
export function amount(budget: Pick<Budget, "measure" | "currency">, value: number, base: Base): string {
  return budget.currency === null ? `${NUMBER.format(value)} ${budget.measure}` : money(value, base);
}

/** A budget and how deep it stands in those above it. */
export interface Placed {
  budget: Budget;
  depth: number;
}

/** As a tree, each under the one that binds all it binds; in order of name beside each other. */
export function tree(budgets: readonly Budget[]): Placed[] {
  const names = new Set(budgets.map((one) => one.name));
  const below = (parent: string | null, depth: number): Placed[] =>
    budgets
      .filter((one) => (one.parent !== null && names.has(one.parent) ? one.parent : null) === parent)
      .flatMap((budget) => [{ budget, depth }, ...below(budget.name, depth + 1)]);
  return below(null, 0);
}
