import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { bytes, Frontier, leafHash, Malformed, toBase64 } from "./merkle";
import { readCheckpoint, textOf } from "./note";
import vectors from "./vectors.json";
import { verify, type Proof } from "./verify";
import { Walk } from "./whole";

const proofs: readonly Proof[] = vectors;
const last = proofs.at(-1) as Proof;
const ours = last.checkpoint.key;

/** A key that somebody made, and what signs by it. */
function made(name: string) {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = Buffer.concat([Buffer.of(1), publicKey.export({ format: "der", type: "spki" }).subarray(-32)]);
  const id = createHash("sha256").update(`${name}\n`).update(raw).digest().subarray(0, 4);
  const line = (text: string) => Buffer.concat([id, sign(null, Buffer.from(text), privateKey)]).toString("base64");
  return {
    key: `${name}+${id.toString("hex")}+${raw.toString("base64")}`,
    signed: (text: string) => `${text}\n— ${name} ${line(text)}\n`,
  };
}

const theirs = made("log.example");

describe("a proof that the server made", () => {
  test.each(proofs)("of leaf $index in a tree of $size holds", async (proof) => {
    const found = await verify(proof, ours);
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
    const found = verify({ ...last, ...change }, ours);
    await expect(
      found.then(
        (one) => one.problem ?? "holds",
        (error: unknown) => String(error),
      ),
    ).resolves.not.toBe("holds");
  });

  test("with a signature changed does not hold", async () => {
    const note = last.checkpoint.note;
    const forged = note.slice(0, -8) + (note.at(-8) === "A" ? "B" : "A") + note.slice(-7);
    const found = await verify({ ...last, checkpoint: { ...last.checkpoint, note: forged } }, ours);
    expect(found.signature).toBe("broken");
    expect(found.problem).toBeDefined();
  });

  test("signed by another key is not of this log", async () => {
    const note = theirs.signed(textOf(last.checkpoint.note));
    const forged = { ...last, checkpoint: { ...last.checkpoint, note, key: theirs.key } };
    expect((await verify(forged, ours)).signature).toBe("foreign");
    expect((await verify(forged, theirs.key)).signature).toBe("holds");
  });
});

describe("the whole log", () => {
  const leaves = proofs.filter((one) => one.size === last.size);
  const header = JSON.stringify({ format: "autonomy-audit/1", from: 0, keys: [last.checkpoint.key], to: 13 });
  const end = [JSON.stringify({ checkpoint: last.checkpoint.note }), JSON.stringify({ seal: last.checkpoint.note })];
  const file = [header, ...leaves.map((one) => `{"index":${one.index},"leaf":${one.body}}`), ...end];

  async function walked(lines: readonly string[], accepted = ours) {
    const walk = new Walk(accepted);
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
    ["a key that is none", [header.replace(last.checkpoint.key, "x+00000000+AA=="), ...file.slice(1)]],
  ])("with %s does not hold", async (_, lines) => {
    await expect(walked(lines)).rejects.toThrow(Malformed);
  });

  /** The log signed by `theirs` from its `first` note on, with these keys in its header. */
  function forged(keys: readonly string[], first: number) {
    const note = theirs.signed(textOf(last.checkpoint.note));
    const notes = end.map((line, at) =>
      at < first ? line : line.replace(JSON.stringify(last.checkpoint.note), JSON.stringify(note)),
    );
    return [header.replace(JSON.stringify([ours]), JSON.stringify(keys)), ...file.slice(1, -2), ...notes];
  }

  test.each([
    ["by another key", forged([theirs.key], 0)],
    ["by another key, with the true one beside it", forged([ours, theirs.key], 0)],
    ["by another key from some place on", forged([ours, theirs.key], 1)],
  ])("that was signed %s is not taken for this log", async (_, lines) => {
    expect((await walked(lines)).signature).toBe("foreign");
  });

  test("that was signed by another key holds for whoever accepts that one", async () => {
    expect((await walked(forged([theirs.key], 0), theirs.key)).signature).toBe("holds");
  });

  test("that was signed by a key that its header does not name does not hold", async () => {
    await expect(walked(forged([ours], 0))).rejects.toThrow(Malformed);
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
