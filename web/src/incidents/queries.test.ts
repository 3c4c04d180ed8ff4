import { InfiniteQueryObserver, QueryClient } from "@tanstack/react-query";
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
