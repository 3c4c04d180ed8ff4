/** How a budget is used up over its period, and how that goes on: for drawing. Pure. */
import type { Budget } from "./queries";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MOST_HOURS = 50; // longer periods are drawn by days

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const HOUR = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });

export interface Course {
  labels: string[];
  /** What was used by the end of each bucket; null where nobody knows, and in time to come. */
  used: (number | null)[];
  /** What will have been, if it goes on as it did. */
  ahead: (number | null)[];
}

/** `spent` is what was spent in each bucket so far; without it only the present and what follows are drawn. */
export function course(
  budget: Pick<Budget, "since" | "settled" | "reserved" | "forecast">,
  spent: readonly { at: number; amount: number }[] | undefined,
  now: number,
): Course {
  const { ends, per_hour } = budget.forecast;
  const size = ends - budget.since > MOST_HOURS * HOUR_MS ? DAY_MS : HOUR_MS;
  const starts = Array.from({ length: Math.ceil((ends - budget.since) / size) }, (_, at) => budget.since + at * size);
  const here = Math.min(starts.length - 1, Math.max(0, Math.floor((now - budget.since) / size)));
  const known = budget.settled + budget.reserved;
  const until = (at: number) =>
    spent?.filter((one) => one.at < at + size).reduce((sum, one) => sum + one.amount, 0) ?? null;
  return {
    labels: starts.map((at) => (size === DAY_MS ? DAY : HOUR).format(at)),
    used: starts.map((at, index) => (index > here ? null : index === here ? known : until(at))),
    ahead: starts.map((at, index) => {
      if (index < here || per_hour === null) return null;
      return index === here ? known : Math.round(known + (per_hour * (Math.min(ends, at + size) - now)) / HOUR_MS);
    }),
  };
}
