import { describe, expect, test } from "vitest";
import { cut, read } from "./foreign";

const kinds = (text: string) => read(text).map((piece) => `${piece.kind}:${"name" in piece ? piece.name : piece.text}`);

describe("what others write", () => {
  test("is put together again from its pieces", () => {
    for (const text of ["", "plain", "a\u200bb", "\u202egnp\u202c", "раураl ok", "Z\u0301\u0301\u0301\u0301", "👩‍👩‍👧 x"]) {
      const pieces = read(text).map((piece) => piece.text);
      expect(pieces.join("")).toBe(text);
    }
  });

  test.each([
    ["a\u202eb", "U+202E"],
    ["a\u200bb", "U+200B"],
    ["a\u0000b", "U+0000"],
    ["a\u00a0b", "U+00A0"],
    ["a\u{e0041}b", "U+E0041"],
    ["a\u2066b", "U+2066"],
    ["a\u3164b", "U+3164"],
    ["a\ufeffb", "U+FEFF"],
  ])("shows what cannot be seen in %j", (text, name) => {
    expect(kinds(text)).toContain(`hidden:${name}`);
  });

  test.each([
    ["p\u0430ypal", "Latin and Cyrillic"],
    ["\u0440\u0430\u0443", "Cyrillic"],
    ["\u0391\u0392", "Greek"],
    ["𝐩𝐚𝐲", "pay"],
    ["ｐａｙ", "pay"],
  ])("marks what looks like something else in %j", (text, part) => {
    expect(kinds(text).join()).toContain("lookalike:");
    expect(kinds(text).join()).toContain(part);
  });

  test.each([
    "Zürich, naïve café",
    "Москва",
    "Αθήνα",
    "שלום",
    "مرحبا",
    "東京タワー",
    "한국어",
    "line\nline\ttab",
    "e\u0301",
  ])("leaves honest text alone: %s", (text) => {
    expect(read(text).every((piece) => piece.kind === "text")).toBe(true);
  });

  test("is cut between characters, never inside one", () => {
    expect(cut("a👩b", 2)).toBe("a");
    expect(cut("a👩b", 3)).toBe("a👩");
    expect(cut("short", 600)).toBe("short");
  });
});
