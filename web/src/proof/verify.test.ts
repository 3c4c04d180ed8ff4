import { createHash, createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { bytes, Frontier, leafHash, Malformed, toBase64 } from "./merkle";
import logs from "./logs.json";
import { readCheckpoint, textOf } from "./note";
import vectors from "./vectors.json";
import { acceptedKey, signedBy, verify, verifyAll, type Proof } from "./verify";
import { lines as linesOf, Walk } from "./whole";
import { words } from "./words";

const proofs: readonly Proof[] = vectors;
const last = proofs.at(-1) as Proof;
const ours = last.checkpoint.key;

const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex"); // what stands before the secret bytes of Ed25519

/** The key of these secret bytes, and what signs by it. */
function made(name: string, seed: Buffer) {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  const raw = Buffer.concat([Buffer.of(1), publicKey.subarray(-32)]);
  const id = createHash("sha256").update(`${name}\n`).update(raw).digest().subarray(0, 4);
  const line = (text: string) => Buffer.concat([id, sign(null, Buffer.from(text), privateKey)]).toString("base64");
  return {
    key: `${name}+${id.toString("hex")}+${raw.toString("base64")}`,
    signed: (text: string) => `${text}\n— ${name} ${line(text)}\n`,
  };
}

const theirs = made("log.example", randomBytes(32));
const own = made("log.example", Buffer.from(Array.from({ length: 32 }, (_, at) => at))); // as `tests/console/vectors.py` has it

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

  test.each(proofs)("of leaf $index in a tree of $size holds for no place behind its own", async (proof) => {
    await expect(verify({ ...proof, index: proof.index + 0.5 }, ours)).rejects.toThrow(Malformed);
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

async function examined(lines: readonly string[], accepted: string, newest = 0) {
  const walk = new Walk(accepted);
  for (const line of lines) await walk.line(line);
  return walk.end(newest);
}

describe("the whole log", () => {
  const leaves = proofs.filter((one) => one.size === last.size);
  const header = headed([ours]);
  const body = leaves.map((one) => `{"index":${one.index},"leaf":${one.body}}`);
  const unsealed = [header, ...body, JSON.stringify({ checkpoint: last.checkpoint.note })];
  const file = sealed(unsealed);

  function headed(keys: readonly string[], origin = "log.example", to = 13) {
    const [format, frontier] = ["autonomy-audit/1", "AAAAAAAAAAA"]; // of no leaves
    return JSON.stringify({ exported_at: 1, format, from: 0, frontier, keys, origin, to });
  }

  /** These lines and their seal, as `seal_text` of `autonomy/audit/layout.py` makes it. */
  function sealed(lines: readonly string[], by = own, origin = "log.example") {
    const leaves = lines.filter((line) => line.includes('"leaf":{')).length;
    const digest = createHash("sha256").update(lines.map((line) => `${line}\n`).join(""));
    const text = `autonomy-audit/1 export\n${origin}\n0 ${leaves}\n${digest.digest("base64")}\n`;
    return [...lines, JSON.stringify({ seal: by.signed(text) })];
  }

  const walked = (lines: readonly string[], accepted = ours, newest = 13) => examined(lines, accepted, newest);

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
    const note = first === 0 ? theirs.signed(textOf(last.checkpoint.note)) : last.checkpoint.note;
    return sealed([headed(keys), ...body, JSON.stringify({ checkpoint: note })], theirs);
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
    expect((await walked(file.slice(0, -2))).problem).toBe(words.whole.cut);
    expect((await walked(file.slice(0, -1))).problem).toBe(words.whole.cut);
  });

  test("that is not as long as its header announces is not whole", async () => {
    for (const to of [12, 14]) {
      const other = sealed([headed([ours], "log.example", to), ...unsealed.slice(1)]);
      expect((await walked(other)).problem).toBe(words.whole.cut);
    }
  });

  test("that ends before the newest checkpoint is said to", async () => {
    const { note } = (proofs.find((one) => one.size === 8) as Proof).checkpoint;
    const older = sealed([headed([ours], "log.example", 8), ...body.slice(0, 8), JSON.stringify({ checkpoint: note })]);
    expect((await walked(older, ours, 8)).problem).toBeUndefined();
    expect((await walked(older)).problem).toBe(words.whole.older(8, 13));
  });

  const noted = JSON.stringify({ seal: last.checkpoint.note });
  test.each([
    ["the note of its checkpoint as the seal", [...unsealed, noted], words.whole.resealed],
    ["another's seal", [...unsealed, ...sealed([header, ...body]).slice(-1)], words.whole.resealed],
    ["the seal of another log of this key", sealed(unsealed, own, "log.other"), words.whole.resealed],
    [
      "a header of another log of this key",
      sealed([headed([ours], "log.other"), ...unsealed.slice(1)], own, "log.other"),
      words.whole.other,
    ],
    ["a line more after the seal", [...file, ...file.slice(-1)], words.whole.trailing],
  ])("with %s does not hold", async (_, lines, problem) => {
    await expect(walked(lines)).rejects.toThrow(problem);
  });
});

/** A log of so many leaves of `log.example`, with a checkpoint after each of these sizes, and its seal. */
async function grown(...sizes: number[]) {
  const tree = new Frontier();
  const to = Math.max(...sizes);
  const said = { exported_at: 1, format: "autonomy-audit/1", from: 0, frontier: "AAAAAAAAAAA", keys: [ours] };
  const lines = [JSON.stringify({ ...said, origin: "log.example", to })];
  while (tree.size < to) {
    const body = `{"at":1,"kind":"change","n":${tree.size},"v":1}`;
    lines.push(`{"index":${tree.size},"leaf":${body}}`);
    await tree.append(await leafHash(bytes(body)));
    const note = `log.example\n${tree.size}\n${toBase64(await tree.root())}\n`;
    if (sizes.includes(tree.size)) lines.push(JSON.stringify({ checkpoint: own.signed(note) }));
  }
  const digest = createHash("sha256").update(lines.map((line) => `${line}\n`).join(""));
  const text = `autonomy-audit/1 export\nlog.example\n0 ${to}\n${digest.digest("base64")}\n`;
  return [...lines, JSON.stringify({ seal: own.signed(text) })];
}

test("a thousand leaves may stand between two checkpoints, and not one more", async () => {
  expect((await examined(await grown(10, 1_010), ours)).problem).toBeUndefined();
  await expect(examined(await grown(10, 1_011), ours)).rejects.toThrow(words.whole.gap(1_001, 1_000));
});

test.each(Object.entries(logs.files))(
  "a log of which this is odd: %s, is to the browser what it is to the server's own reader",
  async (_, { holds, lines }) => {
    const found = examined(
      lines.map((at) => logs.lines[at] ?? ""),
      logs.key,
    );
    const isHeld = await found.then(
      ({ problem, signature }) => problem === undefined && signature === "holds",
      (error: unknown) => {
        if (error instanceof Malformed) return false;
        throw error;
      },
    );
    expect(isHeld).toBe(holds);
  },
);

test("the lines of a body end where it ends, in the middle of a character too", async () => {
  const read = async (...parts: number[][]) => {
    const body = new Blob(parts.map((part) => Uint8Array.from(part))).stream();
    const found = [];
    for await (const line of linesOf(body)) found.push(line);
    return found;
  };
  expect(await read([195, 188, 10], [10])).toEqual(["ü", ""]);
  for (const end of [[97], [195], [255, 10]]) await expect(read([97, 10], end)).rejects.toThrow(Malformed);
});

describe("the key that this browser takes for the log's", () => {
  const kept = new Map<string, string>();
  beforeEach(() => {
    kept.clear();
    const setItem = (name: string, value: string) => void kept.set(name, value);
    vi.stubGlobal("localStorage", { getItem: (name: string) => kept.get(name) ?? null, setItem });
  });

  const broken = { ...last.checkpoint, note: last.checkpoint.note.replace("13\n", "14\n"), key: theirs.key };
  const forged = { ...last, checkpoint: { ...last.checkpoint, key: theirs.key } };

  test("is the first by which a proof holds", async () => {
    await verifyAll([forged], acceptedKey(theirs.key));
    await verifyAll([last, { ...last, body: "{}" }], acceptedKey(ours));
    expect(kept.size).toBe(0);
    expect(await verifyAll([last], acceptedKey(ours))).toMatchObject([{ signature: "holds" }]);
    expect(acceptedKey(theirs.key)).toBe(ours);
  });

  test("is the first by which a checkpoint holds", async () => {
    expect(await signedBy(broken, acceptedKey(theirs.key))).toBe("broken");
    expect(kept.size).toBe(0);
    expect(await signedBy(last.checkpoint, acceptedKey(ours))).toBe("holds");
    expect(acceptedKey(theirs.key)).toBe(ours);
  });
});

test("an empty tree and one leaf have the roots of RFC 6962", async () => {
  const tree = new Frontier();
  expect(toBase64(await tree.root())).toBe("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  await tree.append(await leafHash(bytes("")));
  expect(toBase64(await tree.root())).toBe("bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=");
});
