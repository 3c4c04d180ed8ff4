import { InfiniteQueryObserver, QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

/** The stream of events as the browser has it. */
class Stream extends EventTarget {
  static last: Stream;

  constructor() {
    super();
    Stream.last = this;
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("one event while a page is fetched is looked for once, and not over and over until the page is there", async () => {
  vi.stubGlobal("EventSource", Stream);
  vi.stubGlobal("navigator", {});
  const { listen } = await import("./live");
  const queries = new QueryClient();
  const list = new InfiniteQueryObserver(queries, {
    queryKey: ["actions", "list"],
    queryFn: ({ pageParam }) => (pageParam === 0 ? Promise.resolve("first") : new Promise<string>(() => undefined)),
    initialPageParam: 0,
    getNextPageParam: () => 1,
  });
  list.subscribe(() => undefined);
  let asked = 0;
  const one = { queryKey: ["actions", "one"], queryFn: () => Promise.resolve((asked += 1)) };
  new QueryObserver(queries, one).subscribe(() => undefined);
  await vi.advanceTimersByTimeAsync(10);
  listen(queries);
  void list.fetchNextPage();
  Stream.last.dispatchEvent(new Event("intent"));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toBe(2);
});

test("where the log has gone back everything is looked at again, though the browser says how far it was told", async () => {
  vi.stubGlobal("EventSource", Stream);
  vi.stubGlobal("navigator", {});
  const { listen } = await import("./live");
  const queries = new QueryClient();
  let asked = 0;
  const one = { queryKey: ["memory", "one"], queryFn: () => Promise.resolve((asked += 1)) };
  new QueryObserver(queries, one).subscribe(() => undefined);
  listen(queries);
  await vi.advanceTimersByTimeAsync(10);
  Stream.last.dispatchEvent(new Event("intent")); // concerns no memory, and bears an id
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toBe(1);
  Stream.last.dispatchEvent(new Event("anew"));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toBe(2);
});
