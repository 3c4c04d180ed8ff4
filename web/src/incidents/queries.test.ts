import { InfiniteQueryObserver, QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, test, vi } from "vitest";
import type { Told } from "./queries";

vi.stubGlobal("location", { origin: "http://127.0.0.1" });

const INCIDENT = "inc_1";
const TOLD = 200; // lines, with the incident

/** The lines from `first` to `last`, as a timeline has them. */
function numbered(first: number, last: number): Told["timeline"] {
  return Array.from({ length: last - first + 1 }, (_, at) => ({
    number: first + at,
    at: 1,
    by: "person:sam",
    event: "noted",
    text: "",
  }));
}

/** An incident of so many lines, as it is told. */
function told(count: number): Told {
  return { timeline: numbered(Math.max(1, count - TOLD + 1), count) } as Told;
}

/** What the page of an incident keeps of the older lines, read while there were so many. */
async function kept(count: number) {
  vi.stubGlobal("fetch", () => Promise.resolve(Response.json({ items: numbered(1, count).reverse(), next: null })));
  const { timelineQuery } = await import("./queries");
  const older = new InfiniteQueryObserver(new QueryClient(), timelineQuery(INCIDENT));
  const leave = older.subscribe(() => undefined);
  await vi.waitFor(() => expect(older.getCurrentResult().data).toBeDefined());
  leave();
  return older.getCurrentResult().data?.pages;
}

test.each([
  ["the same", 300, 300, 1],
  ["a line less", 300, 301, 1],
  ["too little to join what is told", 300, 600, 401],
])("a timeline of which %s was read before ends with its newest line", async (_, before, now, first) => {
  const { linesOf } = await import("./queries");
  expect(linesOf(told(now), await kept(before))).toEqual(numbered(first, now));
});

/** An incident with so many parts that stand so, as it is told. */
function stopped(stop_counts: Told["stop_counts"]): Told {
  return { ...told(1), stop_counts };
}

test.each(["asked", "resuming"])("what is %s is looked at every two seconds until it is over", async (state) => {
  const { incidentQuery } = await import("./queries");
  const every = incidentQuery(INCIDENT).refetchInterval as (query: { state: { data: Told } }) => number;
  expect(every({ state: { data: stopped({ [state]: 1, confirmed: 3 }) } })).toBe(2_000);
  expect(every({ state: { data: stopped({ [state]: 0, confirmed: 4 }) } })).toBe(15_000);
});

test("the list of what was stopped looks as often, and once more when nothing is awaited", async () => {
  const { stopsEvery } = await import("./queries");
  expect(stopsEvery(stopped({ asked: 1 }), 5)(9)).toBe(2_000);
  expect(stopsEvery(stopped({ confirmed: 1 }), 5)(4)).toBe(2_000);
  expect(stopsEvery(stopped({ confirmed: 1 }), 5)(9)).toBe(15_000);
});

test("what somebody has done to an incident is not taken back by a look on its way", async () => {
  const { incidentQuery, tell } = await import("./queries");
  const open: (() => void)[] = [];
  let now = stopped({ asked: 0 });
  vi.stubGlobal("fetch", () => {
    const answer = Response.json(now);
    return new Promise<Response>((go) => open.push(() => go(answer)));
  });
  const queries = new QueryClient();
  const observer = new QueryObserver(queries, incidentQuery(INCIDENT));
  const asked = () => observer.getCurrentResult().data?.stop_counts.asked;
  observer.subscribe(() => undefined);
  await vi.waitFor(() => expect(open.length).toBe(1));
  open[0]?.();
  await vi.waitFor(() => expect(asked()).toBe(0));
  void observer.refetch();
  await vi.waitFor(() => expect(open.length).toBe(2));
  now = stopped({ asked: 1 });
  const done = tell(queries, INCIDENT, now);
  open[1]?.();
  await vi.waitFor(() => expect(open.length).toBe(3));
  expect(asked()).toBe(1);
  open[2]?.();
  await done;
  expect(asked()).toBe(1);
});
