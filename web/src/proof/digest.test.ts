import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { Digest } from "./digest";
import { hex } from "./merkle";

const DATA = Uint8Array.from({ length: 300 }, (_, at) => (at * 151) % 256);

test("what comes piece by piece has the hash that the whole of it has", () => {
  for (let size = 0; size <= DATA.length; size += 1) {
    const cut = Math.floor(size / 3);
    const found = new Digest().add(DATA.subarray(0, cut)).add(DATA.subarray(cut, size)).end();
    expect(hex(found)).toBe(createHash("sha256").update(DATA.subarray(0, size)).digest("hex"));
  }
});
