import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, test, vi } from "vitest";
import { CHANNEL } from "./tabs";

const page = new EventTarget();
vi.stubGlobal("window", page);
vi.stubGlobal("location", { origin: "http://127.0.0.1" });
vi.stubGlobal("sessionStorage", {});
vi.stubGlobal("fetch", answer);

let session: string | undefined = "first"; // the one that all tabs share
let isSlow = false;
let givenUp = 0;
const open: (() => void)[] = []; // what the server has not answered yet

/** What the server says, of the session that the request came with. */
async function answer(request: Request): Promise<Response> {
  const sent = session;
  if (isSlow) {
    await new Promise<void>((go, stop) => {
      open.push(go);
      request.signal.addEventListener("abort", () => {
        givenUp += 1;
        stop(new Error("nobody waits for this any more"));
      });
    });
  }
  if (sent === undefined) return Response.json({ error: { code: "session.missing", message: "" } }, { status: 401 });
  return Response.json({ name: "sam", csrf: sent, permissions: [] });
}

const { coverWhenExpired, meQuery, resume, shareSession } = await import("./session");
const { answered, client } = await import("@/api/client");

/** Whether the page is covered: it hears no Escape then. */
function isCovered(): boolean {
  let isHeard = false;
  page.addEventListener("keydown", () => (isHeard = true), { once: true });
  page.dispatchEvent(Object.assign(new Event("keydown"), { key: "Escape" }));
  return !isHeard;
}

const ask = () => answered(client.GET("/api/views"));
const queries = new QueryClient();
const others = new BroadcastChannel(CHANNEL);
const told: unknown[] = [];
others.onmessage = (message: MessageEvent<unknown>) => void told.push(message.data);
let looked = 0;
const beside = { queryKey: ["actions"], queryFn: () => Promise.resolve((looked += 1)) };

test("a page that begins with a session says so to the tabs that may be covered, once", async () => {
  shareSession(queries);
  coverWhenExpired(queries);
  await queries.fetchQuery(meQuery);
  await queries.fetchQuery({ ...meQuery, staleTime: 0 });
  await vi.waitFor(() => expect(told).toEqual([{ signedIn: true }]));
});

test("a page covered by an answer of before goes on as soon as the session is found to be good", async () => {
  new QueryObserver(queries, beside).subscribe(() => undefined);
  await vi.waitFor(() => expect(looked).toBe(1));
  session = undefined;
  await ask().catch(() => undefined);
  expect(isCovered()).toBe(true);
  session = "second";
  await queries.fetchQuery({ ...meQuery, staleTime: 0 });
  expect(isCovered()).toBe(false);
  await vi.waitFor(() => expect(looked).toBe(2));
});

test("who signs in goes on, though the page is asking of the session before", async () => {
  session = undefined;
  await ask().catch(() => undefined);
  isSlow = true;
  void queries.refetchQueries({ queryKey: meQuery.queryKey });
  await vi.waitFor(() => expect(open.length).toBe(1));
  [session, isSlow] = ["third", false];
  await resume(queries);
  expect(givenUp).toBe(1); // so that what it would have said of the session before is not heard
  await vi.waitFor(() => expect(queries.isFetching()).toBe(0));
  expect(isCovered()).toBe(false);
  expect(queries.getQueryData(meQuery.queryKey)?.csrf).toBe("third");
});

test("who waits for the look at the session gets the newest, whichever was begun before", async () => {
  isSlow = true;
  const first = resume(queries);
  await vi.waitFor(() => expect(open.length).toBe(2));
  [session, isSlow] = ["fourth", false];
  await resume(queries);
  await first;
  expect(queries.getQueryData(meQuery.queryKey)?.csrf).toBe("fourth");
});

/** Ask, and have the answer about the session `asked` come once the session is `now`. */
async function late(asked: string | undefined, now: string, meanwhile: () => Promise<void>) {
  [session, isSlow] = [asked, true];
  open.length = 0;
  const answered = ask().catch(() => undefined);
  await vi.waitFor(() => expect(open.length).toBe(1));
  [session, isSlow] = [now, false];
  await meanwhile();
  open[0]?.();
  await answered;
}

test("an answer about the session before does not cover the page again", async () => {
  await late(undefined, "fifth", () => resume(queries));
  expect(isCovered()).toBe(false);
});

test("a page that did not hear of a new session looks at once whether it is covered for nothing", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  vi.advanceTimersByTime(60_000);
  await late(undefined, "sixth", () => Promise.resolve());
  await vi.waitFor(() => expect(isCovered()).toBe(false));
  vi.useRealTimers();
});

test("a server that denies a session which it says is good is not asked over and over", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  vi.advanceTimersByTime(120_000);
  let asked = 0;
  const denied = Response.json({ error: { code: "session.missing", message: "" } }, { status: 401 });
  vi.stubGlobal("fetch", (request: Request) => {
    asked += 1;
    return request.url.endsWith("/api/me") ? answer(request) : Promise.resolve(denied.clone());
  });
  new QueryObserver(queries, { queryKey: ["views"], queryFn: ask, retry: false }).subscribe(() => undefined);
  await vi.waitFor(() => expect(asked).toBe(3)); // it, who it is, and it once more
  await vi.waitFor(() => expect(queries.isFetching()).toBe(0));
  expect(asked).toBe(3);
  expect(isCovered()).toBe(true);
  vi.useRealTimers();
});
