/**
 * Verifies the whole log as it comes from the server, line by line, in the format `autonomy-audit/1`: each leaf into the
 * tree, each checkpoint against it, the seal against every byte before it. Nothing is kept but the edge of the tree.
 */
import { sha256 } from "@noble/hashes/sha2.js";

import { readHeader, readLeaf, readPayload, readRecord } from "./form";
import { bytes, equal, Frontier, hex, joined, leafHash, Malformed, sha256 as hashed, toBase64 } from "./merkle";
import { readCheckpoint, readKey, signature, textOf, type Key, type Standing } from "./note";
import { words } from "./words";

const FORMAT = "autonomy-audit/1";
const MAX_GAP = 1_000; // leaves that may stand between two checkpoints
const SALT_BYTES = 16; // exactly: were the salt free, the front of a value could be called its end

export interface Progress {
  leaves: number;
  checkpoints: number;
  /** How many leaves the last checkpoint that holds covers. */
  covered: number;
  signature: Standing;
  root: string;
  problem: string | undefined;
}

export class Walk {
  leaves = 0;
  checkpoints = 0;
  covered = 0;
  private signed: Standing = "holds";
  private isSealed = false;
  private origin = "";
  private announced = 0; // leaves
  private committed: ReadonlyMap<string, string> = new Map(); // by the leaf read last
  private readonly digest = sha256.create(); // WebCrypto's takes all at once, or nothing
  private readonly frontier = new Frontier();
  private keys: ReadonlyMap<string, Key> = new Map();

  /** `accepted` is the key of the log: the file names its keys itself, which whoever made it up does as well. */
  constructor(private readonly accepted: string) {}

  /** Take in one line of the file. Throws Malformed where it does not fit what came before. */
  async line(text: string): Promise<void> {
    if (this.isSealed) throw new Malformed(words.whole.trailing);
    await this.read(text);
    if (!this.isSealed) this.digest.update(bytes(`${text}\n`));
  }

  private async read(text: string): Promise<void> {
    if (this.keys.size === 0) return this.header(text);
    const prefix = `{"index":${this.frontier.size},"leaf":`;
    if (text.startsWith(prefix) && text.endsWith("}")) {
      return this.leaf(text.slice(prefix.length, -1));
    }
    return this.other(...readRecord(text));
  }

  private async leaf(body: string): Promise<void> {
    this.committed = readLeaf(body, this.frontier.size);
    await this.frontier.append(await leafHash(bytes(body)));
    this.leaves += 1;
  }

  /** What was found once the last line was taken in, where the newest checkpoint known is of so many leaves. */
  async end(newest: number): Promise<Progress> {
    const { isSealed, announced, covered, leaves, signed } = this;
    if (!isSealed || covered !== leaves || announced !== leaves) return this.progress(words.whole.cut);
    const isOlder = covered < newest && signed !== "foreign"; // another log's leaves are counted by nothing of this one
    return this.progress(isOlder ? words.whole.older(covered, newest) : undefined);
  }

  async progress(problem?: string): Promise<Progress> {
    const { leaves, checkpoints, covered, signed } = this;
    return { leaves, checkpoints, covered, signature: signed, root: toBase64(await this.frontier.root()), problem };
  }

  private async header(text: string): Promise<void> {
    const { origin, to, keys } = readHeader(text);
    [this.origin, this.announced] = [origin, to];
    this.keys = new Map(await Promise.all(keys.map(async (key) => [key, await readKey(key)] as const)));
  }

  private async other(kind: string, value: unknown): Promise<void> {
    if (kind === "payload") return this.payload(value);
    if (kind === "checkpoint" && typeof value === "string") return this.checkpoint(value);
    if (kind === "seal" && typeof value === "string") return this.seal(value);
    throw new Malformed(`leaf ${this.frontier.size} was expected and something else came`);
  }

  private async payload(said: unknown): Promise<void> {
    const { index, name, salt, value } = readPayload(said);
    const hash = hex(await hashed(joined(salt, bytes(value))));
    const isCommitted = index === this.frontier.size - 1 && hash === this.committed.get(name);
    if (!isCommitted || salt.length !== SALT_BYTES) throw new Malformed(words.whole.payload(index, name));
  }

  private async checkpoint(note: string): Promise<void> {
    await this.note(note);
    const { origin, size, root } = readCheckpoint(note);
    if (origin !== this.origin) throw new Malformed(words.whole.other);
    if (size !== this.frontier.size || !equal(root, await this.frontier.root()))
      throw new Malformed(`the leaves up to ${size} are not those that were signed`);
    if (size - this.covered > MAX_GAP) throw new Malformed(words.whole.gap(size - this.covered, MAX_GAP));
    this.checkpoints += 1;
    this.covered = size;
  }

  /** Only what `seal_text` of the writer makes of this very file is its seal: the same key signs every checkpoint too. */
  private async seal(note: string): Promise<void> {
    await this.note(note);
    const whole = `${FORMAT} export\n${this.origin}\n0 ${this.frontier.size}\n${toBase64(this.digest.digest())}\n`;
    if (textOf(note) !== whole) throw new Malformed(words.whole.resealed);
    this.isSealed = true;
  }

  private async note(note: string): Promise<void> {
    const found = await this.standing(note);
    if (found === "broken") throw new Malformed(`a signature does not hold: ${textOf(note).slice(0, 80)}`);
    if (found !== "holds" && this.signed !== "foreign") this.signed = found;
  }

  private async standing(note: string): Promise<Standing> {
    const ours = this.keys.get(this.accepted);
    const signed = ours === undefined ? "broken" : await signature(note, ours);
    if (signed !== "broken") return signed;
    const found = await Promise.all([...this.keys.values()].map((key) => signature(note, key)));
    return found.every((one) => one === "broken") ? "broken" : "foreign";
  }
}

/** The lines of a body as they come. */
export async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const whole = (rest + decoded(decoder, part.value)).split("\n");
    rest = whole.pop() ?? "";
    yield* whole;
  }
  if (rest + decoded(decoder) !== "") throw new Malformed("the last line is cut off");
}

/** The text of these bytes, or of those that were left over. */
function decoded(decoder: TextDecoder, data?: Uint8Array): string {
  try {
    return decoder.decode(data, { stream: data !== undefined });
  } catch {
    throw new Malformed(words.whole.line);
  }
}
