import { InfiniteQueryObserver, QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { further } from "@/kit/paging";

/** The stream of events as the browser has it. */
class Stream extends EventTarget {
  static last: Stream;

  constructor() {
    super();
    Stream.last = this;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", Stream);
  vi.stubGlobal("navigator", {});
});
afterEach(() => void vi.useRealTimers());

test("one event while a page is fetched is looked for once, and not over and over until the page is there", async () => {
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

const PAGE_MS = 3_000;

/** A list of four pages, each of which takes its time; it counts what it asks for. */
async function slow() {
  const queries = new QueryClient();
  const from = { asked: 0 };
  const list = new InfiniteQueryObserver(queries, {
    queryKey: ["actions", "list"],
    queryFn: ({ pageParam }) => {
      from.asked += 1;
      return new Promise<number>((go) => setTimeout(() => go(pageParam), PAGE_MS));
    },
    initialPageParam: 0,
    getNextPageParam: (_, pages) => pages.length,
  });
  list.subscribe(() => undefined);
  for (let pages = 1; pages <= 4; pages += 1) {
    await vi.advanceTimersByTimeAsync(PAGE_MS + 1);
    if (pages < 4) void list.fetchNextPage();
  }
  from.asked = 0;
  return { queries, list, from };
}

test("a slow list is looked at again and again while events come, half of the time at most", async () => {
  const { listen } = await import("./live");
  const { queries, list, from } = await slow();
  let looked = 0;
  let at = list.getCurrentResult().dataUpdatedAt;
  list.subscribe(({ dataUpdatedAt }) => {
    if (dataUpdatedAt !== at) looked += 1;
    at = dataUpdatedAt;
  });
  listen(queries);
  for (let seconds = 0; seconds < 600; seconds += 2) {
    Stream.last.dispatchEvent(new Event("intent"));
    await vi.advanceTimersByTimeAsync(2_000);
  }
  expect(looked).toBe(600 / 24);
  expect(from.asked).toBe(4 * looked);
});

test("a page more of a slow list comes after one look, though events come all the time", async () => {
  const { listen } = await import("./live");
  const { queries, list } = await slow();
  listen(queries);
  Stream.last.dispatchEvent(new Event("intent"));
  await vi.advanceTimersByTimeAsync(1_000);
  void further(queries, ["actions", "list"], list.getCurrentResult());
  for (let seconds = 0; seconds < 15; seconds += 1) {
    Stream.last.dispatchEvent(new Event("intent"));
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(list.getCurrentResult().data?.pages.length).toBe(5);
});

test("a look of every minute is followed by a rest, too", async () => {
  const { listen } = await import("./live");
  const { queries, list, from } = await slow();
  listen(queries);
  void list.refetch();
  for (let seconds = 0; seconds < 22; seconds += 1) {
    Stream.last.dispatchEvent(new Event("intent"));
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(from.asked).toBe(4);
});
