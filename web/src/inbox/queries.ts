/** What the inbox reads. */
import { queryOptions, useQueries, useQuery, type UseQueryOptions } from "@tanstack/react-query";
import { answered, client, type Schemas } from "@/api/client";
import { useMay } from "@/frame/session";
import { words } from "./words";

export type Kind = "approval" | "exception" | "task" | "question";

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

const MOST = 200; // more than anybody decides before looking again

const approvals = queryOptions({
  queryKey: ["approvals", "mine"],
  queryFn: async () => {
    const found = await answered(client.GET("/api/approvals", { params: { query: { mine: true, limit: MOST } } }));
    return found.items.filter((one) => one.yours).map(ofApproval);
  },
});

const exceptions = queryOptions({
  queryKey: ["exceptions", "mine"],
  queryFn: async () => {
    const found = await answered(
      client.GET("/api/runs/exceptions", { params: { query: { mine: true, limit: MOST } } }),
    );
    return found.items.map(ofException);
  },
});

const tasks = queryOptions({
  queryKey: ["tasks", "mine"],
  queryFn: async () => {
    const query = { mine: true, state: ["open" as const, "claimed" as const, "escalated" as const], limit: MOST };
    const found = await answered(client.GET("/api/tasks", { params: { query } }));
    return found.items.map(ofTask);
  },
});

const questions = queryOptions({
  queryKey: ["approvals", "questions"],
  queryFn: async () => (await answered(client.GET("/api/questions"))).items.map(ofQuestion),
});

const SOURCES = [
  { ...approvals, needs: "approvals:hold:read" },
  { ...questions, needs: "approvals:hold:read" },
  { ...exceptions, needs: "workflow:run:read" },
  { ...tasks, needs: "tasks:task:read" },
];

/** Everything that waits for the person, what ends first before what ends later. */
export function useInbox(): { items: Item[]; isPending: boolean; error: unknown } {
  const may = useMay();
  return useQueries({
    queries: SOURCES.map(({ needs, ...source }) => ({ ...source, enabled: may(needs) }) as UseQueryOptions<Item[]>),
    combine: (found) => ({
      items: found.flatMap((one) => one.data ?? []).sort(byUrgency),
      isPending: found.some((one) => one.isPending && one.fetchStatus !== "idle"),
      error: found.find((one) => one.error)?.error,
    }),
  });
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

/** Every exception that waits, for the page of one of them. */
export const exceptionsQuery = queryOptions({
  queryKey: ["exceptions", "all"],
  queryFn: () => answered(client.GET("/api/runs/exceptions", { params: { query: { limit: MOST } } })),
});

/** Who may be handed an approval or stand in: people, by name. */
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

function byUrgency(left: Item, right: Item): number {
  return (left.until ?? left.at) - (right.until ?? right.at) || left.key.localeCompare(right.key);
}
