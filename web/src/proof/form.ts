/**
 * The form of an export, `autonomy-audit/1`, as `reading.py` and `story.py` of `autonomy/audit` have it: what an object
 * must hold, and nothing beside it. Throws Malformed for whatever has another. Pure.
 */
import { KINDS } from "@/audit/leaf";
import { fromBase64, Malformed, toBase64 } from "./merkle";
import { words } from "./words";

type Fields = Record<string, unknown>;
type Is = (value: unknown) => boolean;

const FORMAT = "autonomy-audit/1";
const EMPTY = "AAAAAAAAAAA"; // the frontier of no leaves
const MAX_TIME = 253_402_300_799_999; // ms: the end of the year 9999
const MAX_KEYS = 100;
const VERSION = 1;
const HALF = /[\ud800-\udfff]/u; // of a character: with `u` a whole one is not seen as its halves

const isText: Is = (value) => typeof value === "string";
const isWhole: Is = (value) => Number.isInteger(value);
const isTexts: Is = (value) => Array.isArray(value) && value.every(isText);
const isMissing: Is = (value) => value === undefined || value === null;

const HEADER = {
  exported_at: isWhole,
  format: isText,
  from: isWhole,
  frontier: isText,
  keys: isTexts,
  origin: isText,
  to: isWhole,
};
const PAYLOAD = { index: isWhole, name: isText, salt: isText, value: isText };

export interface Header {
  origin: string;
  to: number;
  keys: string[];
}

/** What the first line announces of a whole log. */
export function readHeader(text: string): Header {
  const said = fields(readObject(text), HEADER) as unknown as Header & { format: string; from: number } & Fields;
  const isFirst = said.format === FORMAT && said.from === 0 && said.frontier === EMPTY;
  const at = Number(said.exported_at);
  if (!isFirst || said.to < 0 || !Number.isSafeInteger(said.to) || at < 0 || at > MAX_TIME)
    throw new Malformed(words.whole.header);
  if (said.origin === "" || said.keys.length === 0) throw new Malformed(words.whole.header);
  return { ...said, keys: said.keys.slice(0, MAX_KEYS) };
}

/** What the leaf with this text commits to; its form is that of a kind and a version that are known. */
export function readLeaf(text: string, index: number): Map<string, string> {
  const leaf = objectIn(text);
  if (leaf === undefined || !isLeaf(leaf)) throw new Malformed(words.whole.leaf(index));
  return new Map(Object.entries((leaf.commitments ?? {}) as Record<string, string>));
}

function isLeaf({ v, kind, at, action, approval, commitments = {} }: Fields): boolean {
  const isForm =
    isWhole(v) && isText(kind) && isWhole(at) && [action, approval].every((one) => isMissing(one) || isText(one));
  if (!isForm || !isObject(commitments) || !Object.values(commitments).every(isText)) return false;
  const isNamed = Boolean(action) || (kind !== "intent" && kind !== "outcome");
  return isNamed && KINDS.some((known) => known === kind) && (v === VERSION || kind === "outcome");
}

/** The one name on a line that is no leaf, and what stands under it. */
export function readRecord(text: string): [kind: string, value: unknown] {
  const [first, ...more] = Object.entries(readObject(text));
  if (first === undefined || more.length > 0) throw new Malformed(words.whole.line);
  return first;
}

export interface Payload {
  index: number;
  name: string;
  salt: Uint8Array<ArrayBuffer>;
  value: string;
}

/** A value that a leaf commits to, and its salt. */
export function readPayload(value: unknown): Payload {
  const said = fields(value, PAYLOAD) as unknown as Omit<Payload, "salt"> & { salt: string };
  return { ...said, salt: fromBase64url(said.salt) };
}

function fields(value: unknown, types: Record<string, Is>): Fields {
  if (!isObject(value) || Object.keys(value).length !== Object.keys(types).length)
    throw new Malformed(words.whole.line);
  if (!Object.entries(types).every(([name, is]) => Object.hasOwn(value, name) && is(value[name])))
    throw new Malformed(words.whole.line);
  return value;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readObject(text: string): Fields {
  const found = objectIn(text);
  if (found === undefined || !isUnique(text, found)) throw new Malformed(words.whole.line);
  return found;
}

/** The JSON object in a text; undefined where there is none, or one with half a character. */
function objectIn(text: string): Fields | undefined {
  let isHalf = false;
  const look = (name: string, value: unknown) => {
    isHalf ||= HALF.test(name) || (typeof value === "string" && HALF.test(value));
    return value;
  };
  try {
    const found: unknown = JSON.parse(text, text.includes("\\u") ? look : undefined);
    return isObject(found) && !isHalf ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Whether no object in a text names a key twice, of which only the last would be seen. */
function isUnique(text: string, found: Fields): boolean {
  if (JSON.stringify(found) === text) return true; // as every export is written
  const open: Set<string>[] = [];
  for (const [token, name] of text.matchAll(/("[^"\\]*(?:\\.[^"\\]*)*")\s*:|"[^"\\]*(?:\\.[^"\\]*)*"|[{}]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (name !== undefined) {
      const [names, key] = [open.at(-1), String(JSON.parse(name))];
      if (names?.has(key)) return false;
      names?.add(key);
    }
  }
  return true;
}

function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  const data = /^[\w-]*$/.test(text) ? fromBase64(text.replaceAll("-", "+").replaceAll("_", "/")) : new Uint8Array();
  const again = toBase64(data).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  if (again !== text) throw new Malformed(words.whole.line); // bits that say nothing are 0
  return data;
}
