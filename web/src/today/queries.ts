/** What Today reads. */
import { queryOptions } from "@tanstack/react-query";
import { answered, client, type Schemas } from "@/api/client";
import type { Audience } from "./Today.search";

export type Seen = Schemas["TodayAnswer"];

const FEW = 5;
const WRONG = ["failed", "unknown", "denied"] as const;

/** The cards of `audience`; where nobody is named, of the one that fits the person's access. */
export function todayQuery(audience: Audience | undefined) {
  return queryOptions({
    queryKey: ["today", audience],
    queryFn: () => answered(client.GET("/api/today", { params: { query: { audience } } })),
    placeholderData: (before) => before,
  });
}

/** The newest runs that are under way. */
export const runningQuery = queryOptions({
  queryKey: ["runs", "today"],
  queryFn: () => {
    const status = ["new" as const, "running" as const, "compensating" as const];
    return answered(client.GET("/api/runs", { params: { query: { status, limit: FEW } } }));
  },
});

/** What went wrong last, since the day began. */
export const wrongQuery = queryOptions({
  queryKey: ["actions", "today"],
  queryFn: async () => {
    const since = new Date().setUTCHours(0, 0, 0, 0);
    const asked = WRONG.map((state) =>
      answered(client.GET("/api/actions", { params: { query: { state, since, limit: FEW } } })),
    );
    const found = (await Promise.all(asked)).flatMap((page) => page.items);
    return found.sort((one, other) => other.at - one.at).slice(0, FEW);
  },
});
