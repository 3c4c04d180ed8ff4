/**
 * Verifies the whole log as it comes from the server, line by line, in the format `autonomy-audit/1`: each leaf into the
 * tree, each checkpoint against it, the seal against every byte before it. Nothing is kept but the edge of the tree.
 */
import { sha256 } from "@noble/hashes/sha2.js";

import { bytes, equal, Frontier, leafHash, Malformed, toBase64 } from "./merkle";
import { readCheckpoint, readKey, signature, textOf, type Key, type Standing } from "./note";
import { words } from "./words";

const FORMAT = "autonomy-audit/1";

export interface Progress {
  leaves: number;
  checkpoints: number;
  /** How many leaves the last checkpoint that holds covers. */
  covered: number;
  signature: Standing;
  root: string;
  problem: string | undefined;
}

interface Header {
  format: string;
  origin: string;
  from: number;
  keys: string[];
}

export class Walk {
  leaves = 0;
  checkpoints = 0;
  covered = 0;
  private signed: Standing = "holds";
  private isSealed = false;
  private origin = "";
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
      await this.frontier.append(await leafHash(bytes(text.slice(prefix.length, -1))));
      this.leaves += 1;
      return undefined;
    }
    return this.other(JSON.parse(text) as Record<string, unknown>);
  }

  /** What was found once the last line was taken in, where the newest checkpoint known is of so many leaves. */
  async end(newest: number): Promise<Progress> {
    const { isSealed, covered, leaves, signed } = this;
    if (!isSealed || covered !== leaves) return this.progress(words.whole.cut);
    const isOlder = covered < newest && signed !== "foreign"; // another log's leaves are counted by nothing of this one
    return this.progress(isOlder ? words.whole.older(covered, newest) : undefined);
  }

  async progress(problem?: string): Promise<Progress> {
    const { leaves, checkpoints, covered, signed } = this;
    return { leaves, checkpoints, covered, signature: signed, root: toBase64(await this.frontier.root()), problem };
  }

  private async header(text: string): Promise<void> {
    const said = JSON.parse(text) as Partial<Header>;
    if (said.format !== FORMAT || said.from !== 0 || !said.keys?.length || !said.origin)
      throw new Malformed("this is no log from its first leaf on");
    this.origin = said.origin;
    this.keys = new Map(await Promise.all(said.keys.map(async (key) => [key, await readKey(key)] as const)));
  }

  private async other(said: Record<string, unknown>): Promise<void> {
    if (typeof said.checkpoint === "string") return this.checkpoint(said.checkpoint);
    if (typeof said.seal === "string") return this.seal(said.seal);
    if ("payload" in said || "link" in said) return undefined;
    throw new Malformed(`leaf ${this.frontier.size} was expected and something else came`);
  }

  private async checkpoint(note: string): Promise<void> {
    await this.note(note);
    const { size, root } = readCheckpoint(note);
    if (size !== this.frontier.size || !equal(root, await this.frontier.root()))
      throw new Malformed(`the leaves up to ${size} are not those that were signed`);
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
    const whole = (rest + decoder.decode(part.value, { stream: true })).split("\n");
    rest = whole.pop() ?? "";
    yield* whole;
  }
  if (rest !== "") throw new Malformed("the last line is cut off");
}
