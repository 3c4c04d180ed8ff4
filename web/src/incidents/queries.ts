/** What the pages of incidents read, and what they change. */
import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQueryClient,
  type QueryClient,
} from "@tanstack/react-query";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { lookEvery } from "@/frame/live";
import type { Paged } from "@/kit/paging";

export type Incident = Schemas["IncidentAnswer"];
export type Told = Schemas["ToldAnswer"];
type Line = Schemas["TimelineEntryAnswer"];

export const STATES = ["open", "contained", "closed"] as const;
export const SEVERITIES = ["low", "medium", "high", "critical"] as const;

export function incidentQuery(incident: string) {
  return queryOptions({
    queryKey: ["incidents", "one", incident],
    queryFn: () => answered(client.GET("/api/incidents/{incident}", { params: { path: { incident } } })),
    refetchInterval: ({ state }) => (isProceeding(state.data) ? PROCEEDING_MS : lookEvery()),
  });
}

const PROCEEDING_MS = 2_000; // there is no leaf, and so no event, about a part that confirms

/** Whether something has yet to confirm that it stopped, or goes on. */
function isProceeding(told: Told | undefined): boolean {
  const { asked = 0, resuming = 0 } = told?.stop_counts ?? {};
  return asked + resuming > 0;
}

/** After how many milliseconds the list of what was stopped looks again: as often, and once more after what was told at `at`, where nothing is awaited. */
export function stopsEvery(told: Told, at: number): (lookedAt: number) => number {
  return (lookedAt) => (isProceeding(told) || lookedAt < at ? PROCEEDING_MS : lookEvery());
}

export function contextQuery(incident: string, hours: number) {
  return queryOptions({
    queryKey: ["incidents", "context", incident, hours],
    queryFn: () =>
      answered(client.GET("/api/incidents/{incident}/context", { params: { path: { incident }, query: { hours } } })),
  });
}

const LINES = 500; // of a timeline, in one page

/** The lines of a timeline, page by page, the newest first. */
export function timelineQuery(incident: string) {
  return infiniteQueryOptions({
    queryKey: ["incidents", "timeline", incident],
    queryFn: ({ pageParam: after }) =>
      answered(
        client.GET("/api/incidents/{incident}/timeline", {
          params: { path: { incident }, query: { after, limit: LINES } },
        }),
      ),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => (last.next ? Number(last.next) : undefined),
  });
}

/**
 * The lines of a timeline that are known, the oldest first: those that were told with the incident, which are the newest
 * whatever was read before, and the older ones, where no line between is missing.
 */
export function linesOf({ timeline }: Told, pages: readonly Paged<Line>[] = []): Line[] {
  const first = timeline[0]?.number ?? 0;
  const older = pages.flatMap((page) => page.items.filter((line) => line.number < first)).reverse();
  return older.at(-1)?.number === first - 1 ? [...older, ...timeline] : timeline;
}

/** What was stopped because of an incident, and stands so, page by page. */
export function stopsPage(incident: string, state: Schemas["StopAnswer"]["state"] | undefined) {
  return (after: string | undefined) =>
    answered(
      client.GET("/api/incidents/{incident}/stops", { params: { path: { incident }, query: { state, after } } }),
    );
}

/** A change of an incident: what is asked of the server, and then everything looks again. */
export function useChange<Asked>(incident: string, ask: (asked: Asked) => Promise<Told>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ask,
    onSuccess: (told) => tell(queries, incident, told),
  });
}

/** Show an incident as it was told, and not as a look on its way found it before that. */
export async function tell(queries: QueryClient, incident: string, told: Told): Promise<void> {
  const { queryKey } = incidentQuery(incident);
  await queries.cancelQueries({ queryKey, exact: true });
  queries.setQueryData(queryKey, told);
  await lookAgain(queries, ["incidents", "containments", "agents"]);
}

const at = (incident: string) => ({ path: { incident } });

export const asked = {
  contain: (incident: string) => (body: Schemas["Containing"]) =>
    answered(client.POST("/api/incidents/{incident}/contain", { params: at(incident), body })),
  reinstate: (incident: string) => (body: Schemas["Reinstating"]) =>
    answered(client.POST("/api/incidents/{incident}/reinstate", { params: at(incident), body })),
  close: (incident: string) => (body: Schemas["Closing"]) =>
    answered(client.POST("/api/incidents/{incident}/close", { params: at(incident), body })),
  assign: (incident: string) => (owner: string) =>
    answered(client.PUT("/api/incidents/{incident}/owner", { params: at(incident), body: { owner } })),
  note: (incident: string) => (text: string) =>
    answered(client.POST("/api/incidents/{incident}/notes", { params: at(incident), body: { text } })),
  followUp: (incident: string) => (body: Schemas["FollowingUp"]) =>
    answered(client.POST("/api/incidents/{incident}/follow-ups", { params: at(incident), body })),
  done: (incident: string) => (follow_up: string) =>
    answered(
      client.POST("/api/incidents/{incident}/follow-ups/{follow_up}/done", {
        params: { path: { incident, follow_up } },
      }),
    ),
};
