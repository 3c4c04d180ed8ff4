import { InfiniteQueryObserver, QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, test, vi } from "vitest";
import { further } from "@/kit/paging";
import { lookAgain, lookInTurn } from "./again";

const LIST = ["actions", "list"];
const PAGE = 3; // rows

/** A server that answers when it is told to, each time as things stood when it was asked. */
function server<Asked, Answer>(of: (asked: Asked) => Answer) {
  const open: (() => void)[] = [];
  let count = 0;
  const ask = (asked: Asked) => {
    count += 1;
    const answer = of(asked);
    return new Promise<Answer>((go) => open.push(() => go(answer)));
  };
  const answer = async () => {
    await vi.waitFor(() => expect(open).not.toEqual([]));
    open.shift()?.();
  };
  return { ask, answer, asked: () => count };
}

/** A list of which the first page is there: the newest rows first. */
async function shown() {
  const queries = new QueryClient();
  let rows = [9, 8, 7, 6, 5, 4, 3, 2, 1];
  const from = server((after: number | undefined) => {
    const start = after === undefined ? 0 : rows.indexOf(after) + 1;
    return { items: rows.slice(start, start + PAGE), next: rows[start + PAGE - 1] };
  });
  const list = new InfiniteQueryObserver(queries, {
    queryKey: LIST,
    queryFn: ({ pageParam }) => from.ask(pageParam),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => last.next,
  });
  list.subscribe(() => undefined);
  const seen = () => list.getCurrentResult().data?.pages.flatMap((page) => page.items);
  await from.answer();
  await vi.waitFor(() => expect(seen()).toEqual([9, 8, 7]));
  return { queries, list, from, seen, add: (row: number) => (rows = [row, ...rows]) };
}

test("a click on what was drawn before does not cut off the look at what has happened since", async () => {
  const { queries, list, from, seen, add } = await shown();
  const drawn = { ...list.getCurrentResult() };
  add(10);
  void lookAgain(queries, ["actions"]);
  const done = further(queries, LIST, drawn);
  await from.answer();
  await from.answer();
  await done;
  expect(seen()).toEqual([10, 9, 8, 7, 6, 5]);
});

test("a second click waits for the look that follows the first page", async () => {
  const { queries, list, from, seen, add } = await shown();
  const clicks = [further(queries, LIST, list.getCurrentResult())];
  add(10);
  void lookAgain(queries, ["actions"]);
  clicks.push(further(queries, LIST, list.getCurrentResult()));
  for (let answers = 0; answers < 4; answers += 1) await from.answer(); // the page, both anew, the next one
  await Promise.all(clicks);
  expect(seen()).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2]);
});

test("what happens while a page is fetched cuts it off for nobody, and the list looks once it is there", async () => {
  const { queries, from, list, seen, add } = await shown();
  const beside = server(() => "as it is");
  new QueryObserver(queries, { queryKey: ["actions", "one"], queryFn: () => beside.ask(1) }).subscribe(() => undefined);
  await beside.answer();
  await vi.waitFor(() => expect(queries.getQueryData(["actions", "one"])).toBe("as it is"));
  const [before, paging] = [from.asked(), list.fetchNextPage()];
  add(10);
  for (let deeds = 0; deeds < 3; deeds += 1) {
    const looked = lookAgain(queries, ["actions"]);
    await beside.answer();
    await looked;
  }
  expect(beside.asked()).toBe(1 + 3);
  await from.answer();
  await paging;
  await from.answer();
  await from.answer();
  await vi.waitFor(() => expect(seen()).toEqual([10, 9, 8, 7, 6, 5]));
  expect(from.asked() - before).toBe(1 + 2); // the page; then both, once
  expect(queries.isFetching()).toBe(0);
});

test("what happens while something is asked for the first time is not missed", async () => {
  const queries = new QueryClient();
  let state = "held";
  const from = server(() => state);
  const one = new QueryObserver(queries, { queryKey: ["approvals", "one"], queryFn: () => from.ask(1) });
  one.subscribe(() => undefined);
  state = "decided"; // by somebody else, after the server has looked
  await lookAgain(queries, ["approvals"]);
  await from.answer();
  await from.answer();
  await vi.waitFor(() => expect(one.getCurrentResult().data).toBe("decided"));
  expect(from.asked()).toBe(2);
});

test("a look on its way is finished, whatever is done meanwhile, and what was done is looked at after it", async () => {
  const { queries, from, seen, add } = await shown();
  const asked = from.asked();
  add(10);
  void lookAgain(queries, ["actions"]);
  add(11);
  for (let deeds = 0; deeds < 3; deeds += 1) void lookAgain(queries, ["actions"]);
  await from.answer();
  await vi.waitFor(() => expect(seen()).toEqual([10, 9, 8]));
  await from.answer();
  await vi.waitFor(() => expect(seen()).toEqual([11, 10, 9]));
  expect(from.asked() - asked).toBe(2);
});

test("what somebody does is looked at at once, though the list has only just looked because of an event", async () => {
  vi.useFakeTimers();
  const queries = new QueryClient();
  let asked = 0;
  const queryFn = () => new Promise((go) => setTimeout(() => go((asked += 1)), 1_000));
  new QueryObserver(queries, { queryKey: LIST, queryFn }).subscribe(() => undefined);
  await vi.advanceTimersByTimeAsync(1_000);
  void lookInTurn(queries, ["actions"]);
  await vi.advanceTimersByTimeAsync(1_100); // it rests
  void lookInTurn(queries, ["actions"]);
  void lookAgain(queries, ["actions"]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toBe(3);
  vi.useRealTimers();
});
