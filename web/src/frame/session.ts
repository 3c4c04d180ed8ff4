/** Who is signed in here, what they may do, and what is done when the session has ended. */
import { queryOptions, useSuspenseQuery, type QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { answered, client, setCsrf, whenExpired, whenReplaced, type Schemas } from "@/api/client";
import { lookAgain } from "./again";
import { keepOnly } from "./kept";
import { hearTabs, tellTabs } from "./tabs";

export type Me = Schemas["MyAnswer"];

const DOUBT_MS = 5_000; // a session that was good so lately and is said to have ended is not asked about over and over

let whose: string | undefined; // the page's, for as long as it is open
let good = 0; // when the session was last found to be

/** Who is signed in; where that is another person than the page's, it begins anew and shows them nothing of this one. */
export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async ({ signal }): Promise<Me> => {
    const me = await answered(client.GET("/api/me", { signal })); // given up where somebody signs in again meanwhile
    const isFirst = whose === undefined;
    whose ??= me.name;
    if (me.name !== whose) return leaveFor("/");
    setCsrf(me.csrf);
    good = performance.now();
    keepOnly(me.name);
    if (isFirst) tellTabs({ signedIn: true }); // a page may begin because somebody has just signed in
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
export function coverWhenExpired(queries: QueryClient): void {
  whenExpired((asked) => {
    if (expired || asked < good) return; // what was asked before says nothing of the session that is good since
    setExpired(true);
    // It may be about a session that another tab has replaced, where nothing was heard of that.
    if (performance.now() - good > DOUBT_MS) lookWho(queries).catch(() => undefined);
  });
  window.addEventListener("keydown", swallow, { capture: true });
}

function swallow(event: KeyboardEvent): void {
  if (expired && event.key === "Escape") event.stopImmediatePropagation();
}

/** Go on with the session that all tabs share, whichever of them somebody signs in again in. */
export function shareSession(queries: QueryClient): void {
  whenReplaced(() => lookWho(queries));
  hearTabs((told) => {
    // Where it cannot be looked at, the tab stays as it is: its own next request says why, or looks again.
    if ("signedIn" in told && whose !== undefined) lookWho(queries).catch(() => undefined);
  });
  queries.getQueryCache().subscribe((told) => {
    if (told.type !== "updated" || told.action.type !== "success" || told.query.queryKey[0] !== "me") return;
    if (expired) goOn(queries);
  });
}

/** Go on after signing in again, here and in every other tab. */
export async function resume(queries: QueryClient): Promise<void> {
  tellTabs({ signedIn: true });
  await lookWho(queries);
}

/** Go on with everything on the page as it was: it is the same person, and the session is good, whoever found that out. */
function goOn(queries: QueryClient): void {
  setExpired(false);
  void lookAgain(queries);
}

/** Ask anew who it is. An answer on its way may be of the session before: whoever waits for it gets the new one. */
async function lookWho(queries: QueryClient): Promise<void> {
  await queries.refetchQueries(
    { queryKey: meQuery.queryKey, exact: true },
    { throwOnError: true, cancelRefetch: true },
  );
}

/** Leave for another page of ours; what waits for this waits until the browser is there. */
function leaveFor(path: string): Promise<never> {
  location.assign(path);
  return new Promise(() => undefined);
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
