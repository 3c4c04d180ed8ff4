/** What the inbox reads. */
import {
  queryOptions,
  useMutation,
  useQueries,
  useQuery,
  useQueryClient,
  type QueryClient,
  type UseQueryOptions,
} from "@tanstack/react-query";
import { answered, client, Refused, type Schemas } from "@/api/client";
import { useMay } from "@/frame/session";
import { everything } from "@/kit/paging";
import { words } from "./words";

export type Kind = "approval" | "exception" | "task" | "question" | "review";

/** Something that waits for a person, whatever it is. */
export interface Item {
  kind: Kind;
  /** Names it among all of them. */
  key: string;
  title: string;
  who: string;
  about: string;
  at: number;
  until: number | null;
  to: string;
  approval?: Schemas["HoldAnswer"];
}

interface Waiting {
  items: Item[];
  /** Whether there is more than anybody could work through, which is not read. */
  isCut: boolean;
}

const PAGE = 200;

const approvals = queryOptions({
  queryKey: ["approvals", "mine"],
  queryFn: async (): Promise<Waiting> => {
    const query = { mine: true, order: "ends" as const, limit: PAGE };
    const found = await everything((after) =>
      answered(client.GET("/api/approvals", { params: { query: { ...query, after } } })),
    );
    return { items: found.items.filter((one) => one.yours).map(ofApproval), isCut: Boolean(found.next) };
  },
});

const exceptions = queryOptions({
  queryKey: ["exceptions", "mine"],
  queryFn: async (): Promise<Waiting> => {
    const found = await everything((after) =>
      answered(client.GET("/api/runs/exceptions", { params: { query: { mine: true, limit: PAGE, after } } })),
    );
    return { items: found.items.map(ofException), isCut: Boolean(found.next) };
  },
});

const tasks = queryOptions({
  queryKey: ["tasks", "mine"],
  queryFn: async (): Promise<Waiting> => {
    const query = { mine: true, state: ["open" as const, "claimed" as const, "escalated" as const], limit: PAGE };
    const found = await everything((after) =>
      answered(client.GET("/api/tasks", { params: { query: { ...query, after } } })),
    );
    return { items: found.items.map(ofTask), isCut: Boolean(found.next) };
  },
});

const questions = queryOptions({
  queryKey: ["approvals", "questions"],
  queryFn: async (): Promise<Waiting> => {
    const found = await everything((after) =>
      answered(client.GET("/api/questions", { params: { query: { limit: PAGE, after } } })),
    );
    return { items: found.items.map(ofQuestion), isCut: Boolean(found.next) };
  },
});

const SOURCES = [
  { ...approvals, needs: "approvals:hold:read" },
  { ...questions, needs: "approvals:hold:read" },
  { ...exceptions, needs: "workflow:run:read" },
  { ...tasks, needs: "tasks:task:read" },
];

/** Everything that waits for the person, what ends first before what ends later. */
export function useInbox(): Waiting & { isPending: boolean; error: unknown } {
  const may = useMay();
  return useQueries({
    queries: SOURCES.map(({ needs, ...source }) => ({ ...source, enabled: may(needs) }) as UseQueryOptions<Waiting>),
    combine: (found) => ({
      items: found.flatMap((one) => one.data?.items ?? []).sort(byUrgency),
      isCut: found.some((one) => one.data?.isCut),
      isPending: found.some((one) => one.isPending && one.fetchStatus !== "idle"),
      error: found.find((one) => one.error)?.error,
    }),
  });
}

/** What was drawn to be judged, and out of how much. */
export interface Drawn {
  items: Item[];
  drawn: number;
  population: number;
  seed: string;
  since: number;
  size: number;
}

const REVIEWS = ["labels", "reviews"];

function drawn(query: { seed?: string; since?: number; size?: number }): Promise<Drawn> {
  return answered(client.GET("/api/reviews", { params: { query } })).then(ofDraw);
}

/** What was drawn, as it stands now; where nothing was, it is drawn. */
export const reviewsQuery = queryOptions({
  queryKey: REVIEWS,
  queryFn: ({ client: queries }) => {
    const before = queries.getQueryData<Drawn>(REVIEWS);
    return drawn(before === undefined ? {} : { seed: before.seed, since: before.since, size: before.size });
  },
});

/** Show what was drawn anew, and not what a look on its way says of what was drawn before. */
export async function showDraw(queries: QueryClient, next: Drawn): Promise<void> {
  await queries.cancelQueries({ queryKey: REVIEWS, exact: true });
  queries.setQueryData(REVIEWS, next);
}

/** Results to be judged, drawn at random: there are always more, so that they are asked for by name. What was drawn
 * stays, but for what was judged, until others are drawn. */
export function useReviews(isAsked: boolean) {
  const may = useMay()("insight:label:give");
  const queries = useQueryClient();
  const found = useQuery({ ...reviewsQuery, enabled: may && isAsked });
  const others = useMutation({
    mutationFn: () => drawn({ seed: crypto.getRandomValues(new Uint32Array(2)).join("-") }),
    onSuccess: (next) => showDraw(queries, next),
  });
  return {
    items: found.data?.items ?? NONE,
    draw: found.data,
    isPending: found.isLoading,
    error: others.error ?? found.error,
    others,
  };
}

const NONE: Item[] = [];

function ofDraw({ items, ...rest }: Schemas["ReviewsAnswer"]): Drawn {
  return { ...rest, items: items.map(ofReview) };
}

/** One held action with all that is needed to decide it. */
export function approvalQuery(action: string) {
  return queryOptions({
    queryKey: ["approvals", "one", action],
    queryFn: () => answered(client.GET("/api/approvals/{action}", { params: { path: { action } } })),
  });
}

/** One task with everything that goes with it. */
export function taskQuery(task: string) {
  return queryOptions({
    queryKey: ["tasks", "one", task],
    queryFn: () => answered(client.GET("/api/tasks/{task}", { params: { path: { task } } })),
  });
}

/** One exception; null where it is over, or not for the person to see. */
export function exceptionQuery(run: string, exception: string) {
  return queryOptions({
    queryKey: ["exceptions", "one", run, exception],
    queryFn: async () => {
      const path = { run, exception };
      return answered(client.GET("/api/runs/{run}/exceptions/{exception}", { params: { path } })).catch((error) => {
        if (error instanceof Refused && error.status === 404) return null;
        throw error;
      });
    },
  });
}

/** The people who could decide a held action, by name: it may be handed to them. */
export function useDeciders(action: string) {
  return useQuery({
    queryKey: ["approvals", "deciders", action],
    queryFn: () => answered(client.GET("/api/approvals/{action}/deciders", { params: { path: { action } } })),
    staleTime: 60_000,
  });
}

/** Who may be asked about an approval or stand in: people, by name. */
export function usePeople() {
  const may = useMay()("identity:person:read");
  return useQuery({
    queryKey: ["people", "names"],
    queryFn: () => answered(client.GET("/api/people", { params: { query: { state: "active", limit: 500 } } })),
    enabled: may,
    staleTime: 60_000,
  });
}

function ofApproval(one: Schemas["HoldAnswer"]): Item {
  return {
    kind: "approval",
    key: one.action,
    title: one.consequence,
    who: one.agent_name,
    about: one.tool,
    at: one.asked_at,
    until: one.expires_at,
    to: `/inbox/${one.action}`,
    approval: one,
  };
}

function ofQuestion(one: Schemas["HoldNoteAnswer"]): Item {
  return {
    kind: "question",
    key: one.id,
    title: one.text ?? "",
    who: words.note.put(one.by),
    about: "",
    at: one.at,
    until: null,
    to: `/inbox/${one.action}`,
  };
}

function ofException(one: Schemas["ExceptionAnswer"]): Item {
  return {
    kind: "exception",
    key: `${one.run}/${one.exception}`,
    title: one.reason ?? one.kind,
    who: one.workflow,
    about: one.step,
    at: one.at,
    until: null,
    to: `/inbox/exceptions/${one.run}/${encodeURIComponent(one.exception)}`,
  };
}

function ofTask(one: Schemas["TaskAnswer"]): Item {
  return {
    kind: "task",
    key: one.task,
    title: `${one.role}${one.step ? ` · ${one.step}` : ""}`,
    who: one.workflow ?? one.opened_by,
    about: one.priority,
    at: one.opened_at,
    until: one.until,
    to: `/inbox/tasks/${one.task}`,
  };
}

function ofReview(one: Schemas["ActionAnswer"]): Item {
  return {
    kind: "review",
    key: one.id,
    title: one.case,
    who: one.agent_name,
    about: one.tool,
    at: one.ended_at ?? one.at,
    until: null,
    to: `/inbox/reviews/${one.id}`,
  };
}

function byUrgency(left: Item, right: Item): number {
  return (left.until ?? left.at) - (right.until ?? right.at) || left.key.localeCompare(right.key);
}
