import { describe, expect, test } from "vitest";
import { bytes, Frontier, leafHash, Malformed, toBase64 } from "./merkle";
import { readCheckpoint } from "./note";
import vectors from "./vectors.json";
import { verify, type Proof } from "./verify";
import { Walk } from "./whole";

const proofs: readonly Proof[] = vectors;
const last = proofs.at(-1) as Proof;

describe("a proof that the server made", () => {
  test.each(proofs)("of leaf $index in a tree of $size holds", async (proof) => {
    const found = await verify(proof);
    expect(found.problem).toBeUndefined();
    expect(found.signature).toBe("holds");
    expect(found.steps).toBe(proof.path.length);
  });

  test.each([
    ["another text", { body: last.body.replace("12", "21") }],
    ["another place", { index: 3 }],
    ["another size", { size: 12 }],
    ["a hash of its path changed", { path: [...last.path.slice(1), last.hash.slice(0, 43) + "="] }],
    ["a step less", { path: last.path.slice(1) }],
    ["a step more", { path: [...last.path, last.path[0] ?? ""] }],
    ["another checkpoint", { checkpoint: (proofs[0] as Proof).checkpoint }],
  ])("with %s does not hold", async (_, change) => {
    const found = verify({ ...last, ...change });
    await expect(
      found.then(
        (one) => one.problem ?? "holds",
        (error: unknown) => String(error),
      ),
    ).resolves.not.toBe("holds");
  });

  test("signed by another key does not hold", async () => {
    const note = last.checkpoint.note;
    const forged = note.slice(0, -8) + (note.at(-8) === "A" ? "B" : "A") + note.slice(-7);
    const found = await verify({ ...last, checkpoint: { ...last.checkpoint, note: forged } });
    expect(found.signature).toBe("broken");
    expect(found.problem).toBeDefined();
  });
});

describe("the whole log", () => {
  const leaves = proofs.filter((one) => one.size === last.size);
  const header = JSON.stringify({ format: "autonomy-audit/1", from: 0, keys: [last.checkpoint.key], to: 13 });
  const end = [JSON.stringify({ checkpoint: last.checkpoint.note }), JSON.stringify({ seal: last.checkpoint.note })];
  const file = [header, ...leaves.map((one) => `{"index":${one.index},"leaf":${one.body}}`), ...end];

  async function walked(lines: readonly string[]) {
    const walk = new Walk();
    for (const line of lines) await walk.line(line);
    return walk.end();
  }

  test("holds leaf by leaf", async () => {
    const found = await walked(file);
    expect(found).toMatchObject({ leaves: 13, covered: 13, checkpoints: 1, signature: "holds", problem: undefined });
    expect(found.root).toBe(toBase64(readCheckpoint(last.checkpoint.note).root));
  });

  test.each([
    ["a leaf changed", file.map((line, at) => (at === 4 ? line.replace("grüße", "grüsse") : line))],
    ["a leaf left out", file.filter((_, at) => at !== 4)],
    [
      "two leaves changed about",
      file.map((line, at) => (at === 4 ? (file[5] ?? "") : at === 5 ? (file[4] ?? "") : line)),
    ],
    ["another key", [header.replace(last.checkpoint.key, "x+00000000+AA=="), ...file.slice(1)]],
  ])("with %s does not hold", async (_, lines) => {
    await expect(walked(lines)).rejects.toThrow(Malformed);
  });

  test("that was cut off is said to be", async () => {
    expect((await walked(file.slice(0, -2))).problem).toBeDefined();
  });
});

test("an empty tree and one leaf have the roots of RFC 6962", async () => {
  const tree = new Frontier();
  expect(toBase64(await tree.root())).toBe("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  await tree.append(await leafHash(bytes("")));
  expect(toBase64(await tree.root())).toBe("bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=");
});
