import { expect, test } from "vitest";
import { ALL } from "./topics";

const SOURCES: Record<string, string> = import.meta.glob("../**/*.{ts,tsx}", {
  query: "?raw",
  import: "default",
  eager: true,
});
const OWN = Object.entries(SOURCES).filter(([path]) => !path.endsWith(".test.ts"));
/** What no event changes: who one is, what was computed here, what is asked once and stays as it was. */
const LASTING = ["me", "sign-on", "verified", "content", "proofs", "sample", "checkpoint"];

test("everything that is read is looked at again when something of it happens", () => {
  const keys = OWN.flatMap(([, text]) =>
    [...text.matchAll(/queryKey(?:: |=\{)\[\s*"([a-z-]+)"/g)].map((found) => found[1] ?? ""),
  );
  expect(keys.length).toBeGreaterThan(60);
  expect([...new Set(keys)].filter((key) => !ALL.includes(key) && !LASTING.includes(key))).toEqual([]);
});

test("nothing looks again but by `lookAgain`, which cuts off nothing that somebody waits for", () => {
  const found = OWN.filter(([, text]) => text.includes(".invalidateQueries("));
  expect(found.map(([path]) => path)).toEqual(["./again.ts"]);
});
