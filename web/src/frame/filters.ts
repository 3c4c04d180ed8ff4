/** The filters of a page, kept in its address. */
import { useNavigate, useRouterState } from "@tanstack/react-router";

export type Filters<Name extends string> = Partial<Record<Name, string>>;

/** For `validateSearch`: takes the filters of these names from the address and leaves everything else. */
export function reading<Name extends string>(...names: readonly Name[]): (search: object) => Filters<Name> {
  return (search) => {
    const said = search as Record<string, unknown>;
    const found = names.flatMap((name) => {
      const value = said[name];
      return typeof value === "string" || typeof value === "number" ? [[name, String(value).slice(0, 400)]] : [];
    });
    return Object.fromEntries(found) as Filters<Name>;
  };
}

/** The filters of these names in the address, and how to change some of them; `undefined` takes one away. */
export function useFilters<Name extends string>(
  names: readonly Name[],
): [Filters<Name>, (change: Filters<Name>) => void] {
  const search = useRouterState({ select: (state) => state.location.search });
  const filters = reading(...names)(search);
  const navigate = useNavigate();
  const set = (change: Filters<Name>) => {
    const next = Object.fromEntries(Object.entries({ ...filters, ...change }).filter(([, value]) => value));
    void navigate({ to: ".", search: next as never, replace: true });
  };
  return [filters, set];
}

const DAY_MS = 86_400_000;

/** The first millisecond of a day `YYYY-MM-DD`, `later` days after it. Days are those of UTC, as in the figures: an address
 * that is sent to somebody elsewhere finds the same there. */
export function startOf(day: string | undefined, later = 0): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day ?? "")) return undefined;
  const at = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(at) ? undefined : at + later * DAY_MS;
}
