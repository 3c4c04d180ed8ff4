/** Who is signed in here, what they may do, and what is done when the session has ended. */
import { queryOptions, useSuspenseQuery, type QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { answered, client, setCsrf, whenExpired, type Schemas } from "@/api/client";
import { keepOnly } from "./kept";

export type Me = Schemas["MyAnswer"];

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async (): Promise<Me> => {
    const me = await answered(client.GET("/api/me"));
    setCsrf(me.csrf);
    keepOnly(me.name);
    return me;
  },
  staleTime: Number.POSITIVE_INFINITY,
});

/** The person who is signed in. */
export function useMe(): Me {
  return useSuspenseQuery(meQuery).data;
}

/** Whether the person may do what `permission` names; the server decides it again. */
export function useMay(): (permission: string) => boolean {
  const held = useMe().permissions;
  return (permission) => held.includes(permission);
}

let expired = false;
const listeners = new Set<() => void>();

function setExpired(value: boolean): void {
  expired = value;
  for (const listener of listeners) listener();
}

/** Whether the session has ended while the page was open. */
export function useExpired(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => expired,
  );
}

/** From now on an ended session covers the page instead of leaving it. What is below hears no Escape: it would close. */
export function coverWhenExpired(): void {
  whenExpired(() => setExpired(true));
  window.addEventListener("keydown", swallow, { capture: true });
}

function swallow(event: KeyboardEvent): void {
  if (expired && event.key === "Escape") event.stopImmediatePropagation();
}

/** Go on after signing in again, with everything on the page as it was. Somebody else begins anew. */
export async function resume(queries: QueryClient, before: string, name: string): Promise<void> {
  if (name !== before) {
    location.assign("/");
    return;
  }
  await queries.fetchQuery({ ...meQuery, staleTime: 0 });
  setExpired(false);
  await queries.invalidateQueries();
}

/** Leave for the page where people sign in, which leads back here. */
export function leaveForLogin(): void {
  location.replace(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Sign out, and forget what was read. */
export async function signOut(queries: QueryClient): Promise<void> {
  await answered(client.DELETE("/api/session"));
  queries.clear();
  sessionStorage.clear();
  location.assign("/login");
}
