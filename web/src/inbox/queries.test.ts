import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, test, vi } from "vitest";

vi.stubGlobal("location", { origin: "http://127.0.0.1" });

test("others that were drawn are not taken back by a look on its way at those before", async () => {
  const { lookAgain } = await import("@/frame/again");
  const { reviewsQuery, showDraw } = await import("./queries");
  const open: (() => void)[] = [];
  vi.stubGlobal("fetch", ({ url }: Request) => {
    const seed = new URL(url).searchParams.get("seed") ?? "first";
    const answer = Response.json({ items: [], drawn: 0, population: 9, seed, since: 1, size: 9 });
    return new Promise<Response>((go) => open.push(() => go(answer)));
  });
  const queries = new QueryClient();
  const shown = new QueryObserver(queries, reviewsQuery);
  const seed = () => shown.getCurrentResult().data?.seed;
  shown.subscribe(() => undefined);
  await vi.waitFor(() => expect(open.length).toBe(1));
  open[0]?.();
  await vi.waitFor(() => expect(seed()).toBe("first"));
  void lookAgain(queries, ["labels"]);
  void lookAgain(queries, ["labels"]); // which looks once the first is there, or given up
  await vi.waitFor(() => expect(open.length).toBe(2));
  await showDraw(queries, { items: [], drawn: 0, population: 9, seed: "second", since: 1, size: 9 });
  open[1]?.();
  await vi.waitFor(() => expect(open.length).toBe(3));
  open[2]?.();
  await vi.waitFor(() => expect(queries.isFetching()).toBe(0));
  expect(seed()).toBe("second");
});
