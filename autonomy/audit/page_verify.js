"use strict";
// Verifies an export of the format autonomy-audit/1, as autonomy/audit/layout.py describes it. No DOM, no network.

const MAX_GAP = 1000;
const MAX_TIME = 253402300799999; // ms: the end of the year 9999
const MAX_KEYS = 100;
const VERSION = 1;
const SALT_BYTES = 16; // exactly: were the salt free, the front of a value could be called its end
const utf8 = new TextEncoder();
const strictText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

class Malformed extends Error {}

// SHA-256 (FIPS 180-4). Small and synchronous: for short leaves faster than the browser's own, which is asynchronous.
const ROUND = new Uint32Array(64);
const INITIAL = new Uint32Array(8);
{
  const primes = [];
  for (let number = 2; primes.length < 64; number += 1) {
    if (primes.every((prime) => number % prime)) primes.push(number);
  }
  const fraction = (root) => Math.floor((root - Math.floor(root)) * 2 ** 32);
  primes.forEach((prime, at) => { ROUND[at] = fraction(Math.cbrt(prime)); });
  primes.slice(0, 8).forEach((prime, at) => { INITIAL[at] = fraction(Math.sqrt(prime)); });
}
const WORDS = new Uint32Array(64);

function compress(state, block, from) {
  for (let t = 0; t < 16; t += 1) {
    const at = from + 4 * t;
    WORDS[t] = (block[at] << 24) | (block[at + 1] << 16) | (block[at + 2] << 8) | block[at + 3];
  }
  for (let t = 16; t < 64; t += 1) {
    const x = WORDS[t - 15];
    const y = WORDS[t - 2];
    const low = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const high = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    WORDS[t] = WORDS[t - 16] + low + WORDS[t - 7] + high;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t += 1) {
    const high = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const one = (h + high + ((e & f) ^ (~e & g)) + ROUND[t] + WORDS[t]) | 0;
    const low = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const two = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, at) => { state[at] += word; });
}

function sha256(data) {
  const state = INITIAL.slice();
  const whole = data.length - (data.length % 64);
  for (let at = 0; at < whole; at += 64) compress(state, data, at);
  const rest = data.length - whole;
  const tail = new Uint8Array(rest < 56 ? 64 : 128);
  tail.set(data.subarray(whole));
  tail[rest] = 0x80;
  const view = new DataView(tail.buffer);
  view.setUint32(tail.length - 8, Math.floor(data.length / 2 ** 29));
  view.setUint32(tail.length - 4, (data.length * 8) >>> 0);
  for (let at = 0; at < tail.length; at += 64) compress(state, tail, at);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, at) => digest.setUint32(4 * at, word));
  return new Uint8Array(digest.buffer);
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
}

const leafHash = (body) => sha256(joined([0], body));
const nodeHash = (left, right) => sha256(joined([1], left, right));
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const equal = (left, right) => left.length === right.length && left.every((byte, at) => byte === right[at]);

function fromBase64(text) {
  let binary;
  try { binary = atob(text); } catch { throw new Malformed("a value is not base64"); }
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

function fromBase64url(text) {
  if (typeof text !== "string" || !/^[\w-]*$/.test(text)) throw new Malformed("a value is not base64url");
  const bytes = fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
  const again = toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  if (again !== text) throw new Malformed("a value is not base64url"); // bits that say nothing are 0
  return bytes;
}

function toBase64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

// The form of lines and leaves, as autonomy/audit/reading.py and story.py have it.
const KINDS = new Set([
  "intent", "outcome", "denial", "hold",
  "approval", "change", "identity", "containment", "erasure", "secret", "reconcile", "budget", "absence",
  "delivery", "dispatch", "memory", "run", "task", "incident", "label",
]);
const isText = (value) => typeof value === "string";
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isMissing = (value) => value === undefined || value === null;
const HEADER = {
  exported_at: Number.isInteger, format: isText, from: Number.isInteger, frontier: isText, keys: Array.isArray,
  origin: isText, to: Number.isInteger,
};
const PAYLOAD = { index: Number.isInteger, name: isText, salt: isText, value: isText };
const LINK = { checkpoint: isText, proof: Array.isArray };

// The JSON object in a text; whatever is none, or holds half a character, is malformed.
function readObject(text) {
  const half = /[\ud800-\udfff]/u; // with `u` a whole character is not seen as its halves
  const look = (name, value) => {
    if (half.test(name) || (isText(value) && half.test(value))) throw new Malformed("text holds half a character");
    return value;
  };
  const found = JSON.parse(text, text.includes("\\u") ? look : undefined);
  if (!isObject(found)) throw new Malformed("a line is not a JSON object");
  return found;
}

// Whether no object in the text names a key twice, of which only the last would be seen.
function isUnique(text, found) {
  if (JSON.stringify(found) === text) return true; // as every export is written
  const open = [];
  for (const [token, name] of text.matchAll(/("[^"\\]*(?:\\.[^"\\]*)*")\s*:|"[^"\\]*(?:\\.[^"\\]*)*"|[{}]/g)) {
    const key = name && JSON.parse(name);
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (name && open.at(-1).has(key)) return false;
    else if (name) open.at(-1).add(key);
  }
  return true;
}

function readLine(data) {
  const text = strictText.decode(data);
  const found = readObject(text);
  if (!isUnique(text, found)) throw new Malformed("a key stands twice in one object");
  return found;
}

function fields(value, types) {
  const names = Object.keys(types);
  const isForm = isObject(value) && Object.keys(value).length === names.length;
  if (!isForm || !names.every((name) => Object.hasOwn(value, name) && types[name](value[name]))) {
    throw new Malformed("an object has not the fields the format says");
  }
  return value;
}

function isLeaf({ v, kind, at, action, approval, commitments = {} }) {
  const isForm = Number.isInteger(v) && isText(kind) && Number.isInteger(at);
  if (!isForm || ![action, approval].every((one) => isMissing(one) || isText(one))) return false;
  return isObject(commitments) && Object.values(commitments).every(isText);
}

// The right edge of the Merkle tree (RFC 9162, section 2.1): roots of perfect subtrees, largest first.
class Frontier {
  constructor(encoded) {
    if (encoded.length < 8 || encoded.length % 32 !== 8) throw new Malformed("the frontier is cut off");
    const view = new DataView(encoded.buffer, encoded.byteOffset);
    this.size = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
    this.hashes = [];
    for (let at = 8; at < encoded.length; at += 32) this.hashes.push(encoded.slice(at, at + 32));
    const ones = this.size.toString(2).replaceAll("0", "").length;
    if (ones !== this.hashes.length) throw new Malformed("the frontier does not belong to a tree of its size");
  }

  append(hash) {
    for (let index = this.size; index % 2 === 1; index = (index - 1) / 2) hash = nodeHash(this.hashes.pop(), hash);
    this.hashes.push(hash);
    this.size += 1;
  }

  root() {
    if (!this.hashes.length) return sha256(new Uint8Array());
    return this.hashes.reduceRight((right, left) => nodeHash(left, right));
  }
}

// RFC 9162, section 2.1.4.2.
function consistent(older, newer, proof) {
  if (older.size < 1 || older.size > newer.size || proof.some((hash) => hash.length !== 32)) return false;
  if (older.size === newer.size) return !proof.length && equal(older.root, newer.root);
  if (!proof.length) return false;
  let position = older.size - 1;
  let last = newer.size - 1;
  const climb = () => { position = Math.floor(position / 2); last = Math.floor(last / 2); };
  while (position % 2) climb();
  const path = position === 0 ? [older.root, ...proof] : [...proof];
  let was = path.shift();
  let now = was;
  for (const sibling of path) {
    if (last === 0) return false;
    if (position % 2 || position === last) {
      was = nodeHash(sibling, was);
      now = nodeHash(sibling, now);
      while (position && position % 2 === 0) climb();
    } else {
      now = nodeHash(now, sibling);
    }
    climb();
  }
  return last === 0 && equal(was, older.root) && equal(now, newer.root);
}

function readKey(text) {
  const [name, id, encoded] = String(text).split(/\+(.{8})\+(.*)/s);
  const data = fromBase64(encoded || "");
  const known = sha256(joined(utf8.encode(`${name}\n`), data)).slice(0, 4);
  if (data.length !== 33 || data[0] !== 1 || hex(known) !== id) throw new Malformed("a key of the file is malformed");
  return { name, id: known, bytes: data.slice(1) };
}

// Whether one of `keys` signed the note, and none falsely: true, false, or null where this browser cannot check Ed25519.
async function signedBy(note, keys) {
  const end = note.lastIndexOf("\n\n");
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2).split("\n").slice(0, -1);
  if (end < 1 || !lines.length) throw new Malformed("this is not a signed note");
  const found = [];
  for (const line of lines) {
    const [dash, name, encoded, ...more] = line.split(" ");
    const data = fromBase64(encoded || "");
    if (dash !== "\u2014" || !name || more.length || data.length < 5) throw new Malformed("a signature is malformed");
    const key = keys.find((known) => known.name === name && equal(known.id, data.slice(0, 4)));
    if (key) found.push(await holds(key.bytes, data.slice(4), utf8.encode(text)));
  }
  if (!found.length || found.includes(false)) return { text, signed: false }; // one false is one too many
  return { text, signed: found.includes(null) ? null : true };
}

async function holds(key, signature, message) {
  let imported;
  try {
    imported = await globalThis.crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return null; // an older browser, or a page that was not opened from a file or over https
  }
  return globalThis.crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
}

function readCheckpoint(text) {
  const [origin, size, root] = text.split("\n");
  if (!origin || !/^(0|[1-9]\d{0,15})$/.test(size) || !/^[A-Za-z0-9+/]{43}=$/.test(root)) {
    throw new Malformed("the note is no checkpoint");
  }
  return { origin, size: Number(size), root: fromBase64(root) };
}

// The order of leaves: an intent first, then at most one outcome; an approval is used once.
class Story {
  constructor(partial) {
    this.partial = partial;
    this.open = new Set();
    this.closed = new Set();
    this.approvals = new Set();
  }

  tell({ v, kind, action, approval }) {
    if (!KINDS.has(kind)) return "this kind of leaf is not known to this page";
    if (v !== VERSION && kind !== "outcome") return "this version of a leaf is not known to this page";
    if (kind === "intent") {
      if (!action) return "the leaf names no action";
      if (this.open.has(action) || this.closed.has(action)) return "the action was intended a second time";
      this.open.add(action);
      if (this.approvals.has(approval)) return "the approval was used a second time";
      if (approval) this.approvals.add(approval);
    } else if (kind === "outcome") {
      if (!action) return "the leaf names no action";
      if (this.closed.has(action)) return "the action has a second outcome";
      const known = this.open.delete(action);
      this.closed.add(action);
      if (!known && !this.partial) return "the outcome has no earlier intent";
    }
    return "";
  }
}

class Examination {
  constructor(header) {
    this.header = fields(header, HEADER);
    this.keys = header.keys.slice(0, MAX_KEYS).map(readKey);
    this.frontier = new Frontier(fromBase64url(header.frontier));
    this.start = { size: this.frontier.size, root: this.frontier.root() };
    this.story = new Story(header.from > 0);
    this.covered = this.frontier.size;
    this.findings = [];
    this.rows = [];
    this.checkpoints = 0;
    this.unchecked = false;
    this.sealed = false;
    const { format, from, to, exported_at: at } = header;
    const isRange = from === this.frontier.size && from <= to && Number.isSafeInteger(to);
    if (format !== "autonomy-audit/1" || !isRange || at < 0 || at > MAX_TIME) {
      throw new Malformed("the header is not of the format autonomy-audit/1");
    }
  }

  add(message, index = this.frontier.size) {
    this.findings.push({ index, message });
  }

  leaf(body) {
    const index = this.frontier.size;
    this.frontier.append(leafHash(body));
    let leaf = {};
    try {
      leaf = readObject(strictText.decode(body));
      if (!isLeaf(leaf)) throw new Malformed("no leaf");
      const wrong = this.story.tell(leaf);
      if (wrong) this.add(wrong, index);
    } catch {
      leaf = {};
      this.add("the leaf is not the JSON object a leaf must be", index);
    }
    this.rows.push({ index, leaf, payloads: [] });
  }

  payload(said) {
    const { index, name, salt, value } = fields(said, PAYLOAD);
    const row = this.rows.at(-1);
    const bytes = fromBase64url(salt);
    const made = (row && row.leaf.commitments) || {};
    const same = Object.hasOwn(made, name) && made[name] === hex(sha256(joined(bytes, utf8.encode(value))));
    if (!row || row.index !== index || !same || bytes.length !== SALT_BYTES) {
      this.add("a payload is not what its leaf commits itself to", index);
    } else {
      row.payloads.push({ name, value });
    }
  }

  async signedText(note) {
    const { text, signed } = await signedBy(note, this.keys);
    if (signed === null) this.unchecked = true;
    if (signed === false) this.add("a signature does not hold, or is of an unknown key");
    return text;
  }

  async checkpoint(note) {
    const { origin, size, root } = readCheckpoint(await this.signedText(note));
    this.checkpoints += 1;
    if (origin !== this.header.origin) this.add("a checkpoint is another log's");
    else if (size !== this.frontier.size) this.add(`a checkpoint is of ${size} leaves, but stands elsewhere`);
    else if (!equal(root, this.frontier.root())) this.add("the leaves are not those that were signed");
    else this.cover(size);
  }

  cover(size) {
    if (size - this.covered > MAX_GAP) this.add(`more than ${MAX_GAP} leaves stand between two checkpoints`);
    this.covered = size;
  }

  async link(said) {
    const { checkpoint, proof } = fields(said, LINK);
    if (this.frontier.size !== this.header.to) throw new Malformed("a link stands before the last leaf");
    const claimed = readCheckpoint(await this.signedText(checkpoint));
    const end = { size: this.frontier.size, root: this.frontier.root() };
    const before = claimed.size <= this.start.size;
    const [older, newer] = before ? [claimed, this.start] : claimed.size < end.size ? [claimed, end] : [end, claimed];
    if (claimed.origin !== this.header.origin || !consistent(older, newer, proof.map((hash) => fromBase64url(hash)))) {
      this.add("nothing proves that two checkpoints are of one tree");
    } else {
      this.covered = Math.max(this.covered, claimed.size);
    }
  }

  async seal(note, digest) {
    this.sealed = true;
    const { origin, from, to } = this.header;
    const expected = `autonomy-audit/1 export\n${origin}\n${from} ${to}\n${toBase64(digest)}\n`;
    if ((await this.signedText(note)) !== expected) this.add("the file was changed after it was sealed");
  }

  finish() {
    if (!this.sealed) this.add("the file was cut off: no seal was read");
    if (this.frontier.size !== this.header.to) this.add(`the leaves up to ${this.header.to} are announced`);
    if (this.covered < this.frontier.size) this.add("no checkpoint covers the last leaves");
  }
}

function* splitLines(data) {
  for (let start = 0; start < data.length;) {
    const end = data.indexOf(10, start);
    if (end < 0) throw new Malformed("the last line is cut off");
    yield [start, end];
    start = end + 1;
  }
}

const startsWith = (data, at, prefix) => prefix.every((byte, offset) => data[at + offset] === byte);

async function record(walk, data, start, end) {
  const [[kind, value] = [], ...more] = Object.entries(readLine(data.subarray(start, end)));
  if (kind === "checkpoint" && !more.length) await walk.checkpoint(value);
  else if (kind === "payload" && !more.length) walk.payload(value);
  else if (kind === "link" && !more.length) await walk.link(value);
  else if (kind === "seal" && !more.length) await walk.seal(value, sha256(data.subarray(0, start)));
  else if (kind === "index") walk.add(`another leaf was expected where leaf ${value} stands`);
  else throw new Malformed("a line is of no known kind");
}

// Resolves to { header, rows, checkpoints, findings, unchecked }; whatever is wrong with `data` is a finding.
async function examine(data) {
  let walk;
  try {
    for (const [start, end] of splitLines(data)) {
      if (!walk) {
        walk = new Examination(readLine(data.subarray(start, end)));
        continue;
      }
      if (walk.sealed) walk.add("something stands after the seal");
      const prefix = utf8.encode(`{"index":${walk.frontier.size},"leaf":`);
      if (startsWith(data, start, prefix) && data[end - 1] === 125) {
        walk.leaf(data.subarray(start + prefix.length, end - 1));
      } else {
        await record(walk, data, start, end);
      }
      if (walk.findings.length >= 100) break;
    }
    if (!walk) throw new Malformed("the export is empty");
    walk.finish();
    return walk;
  } catch (error) {
    const message = error instanceof Malformed ? error.message : "a line is not what the format says";
    const { header = {}, rows = [], checkpoints = 0, findings = [], unchecked = false } = walk || {};
    return { header, rows, checkpoints, unchecked, findings: [...findings, { index: rows.length, message }] };
  }
}
