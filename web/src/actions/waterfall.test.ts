import { describe, expect, test } from "vitest";
import { laid, type Span } from "./waterfall";

const span = (id: string, parent: string | null, at: number, ended_at: number | null): Span => ({
  ...{ id, parent, at, ended_at, kind: "action", who: "", what: id, state: "done", leaves: [], policies: [] },
  ...{ code: null, money: null, step: null },
});

describe("a waterfall", () => {
  test("puts each part below what it belongs to, in the order of time", () => {
    const rows = laid(
      [span("run", null, 0, 100), span("b", "run", 50, 100), span("a", "run", 0, 50), span("a1", "a", 10, 20)],
      100,
    );
    expect(rows.map((row) => [row.span.id, row.depth])).toEqual([
      ["run", 0],
      ["b", 1],
      ["a", 1],
      ["a1", 2],
    ]);
    expect(rows.map((row) => [row.from, row.wide])).toEqual([
      [0, 100],
      [50, 50],
      [0, 50],
      [10, 10],
    ]);
  });

  test("shows what is under way up to now, instants, and parts of what is not there", () => {
    const rows = laid([span("a", "gone", 0, null), span("b", null, 100, 100)], 200);
    expect(rows.map((row) => row.span.id).sort()).toEqual(["a", "b"]);
    expect(rows.every((row) => row.wide > 0 && row.from + row.wide <= 100.5)).toBe(true);
  });

  test("ends where parts belong to each other in a ring", () => {
    expect(laid([span("a", "b", 0, 1), span("b", "a", 0, 1)], 2)).toHaveLength(2);
  });
});
