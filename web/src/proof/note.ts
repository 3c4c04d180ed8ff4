/** Signed notes and checkpoints: C2SP `signed-note` and `tlog-checkpoint`, and Ed25519 by the browser (WebCrypto). */
import { bytes, equal, fromBase64, hex, joined, Malformed, sha256 } from "./merkle";

export interface Key {
  name: string;
  id: Uint8Array;
  bytes: Uint8Array<ArrayBuffer>;
}

export interface Checkpoint {
  origin: string;
  size: number;
  root: Uint8Array;
}

/** What became of looking at a signature. `unable`: this browser has no Ed25519. */
export type Signature = "holds" | "broken" | "unable";

/** The same, seen from the key that is accepted. `foreign`: whoever signed, it was not that key. */
export type Standing = Signature | "foreign";

const ED25519 = 1;

/** The key written as `<name>+<key id>+<base64>`. */
export async function readKey(text: string): Promise<Key> {
  const found = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text);
  if (found === null) throw new Malformed("this is not a key of a log");
  const [, name = "", id = "", encoded = ""] = found;
  const data = fromBase64(encoded);
  const known = (await sha256(joined(bytes(`${name}\n`), data))).slice(0, 4);
  if (data.length !== 33 || data[0] !== ED25519 || hex(known) !== id) throw new Malformed("the key is malformed");
  return { name, id: known, bytes: data.slice(1) };
}

/** The checkpoint that a note holds, its signatures aside. */
export function readCheckpoint(note: string): Checkpoint {
  const [origin = "", size = "", root = ""] = textOf(note).split("\n");
  if (origin === "" || !/^(0|[1-9]\d{0,15})$/.test(size) || !/^[A-Za-z0-9+/]{43}=$/.test(root))
    throw new Malformed("the note is no checkpoint");
  return { origin, size: Number(size), root: fromBase64(root) };
}

/** Whether `key` signed the note. A note that bears no signature of it is broken. */
export async function signature(note: string, key: Key): Promise<Signature> {
  const text = textOf(note);
  const lines = note
    .slice(text.length + 1)
    .split("\n")
    .slice(0, -1);
  for (const line of lines) {
    const [dash, name, encoded = "", ...more] = line.split(" ");
    const data = fromBase64(encoded);
    if (dash !== "—" || more.length > 0 || data.length < 5) throw new Malformed("a signature is malformed");
    if (name === key.name && equal(data.slice(0, 4), key.id)) return check(key, data.slice(4), bytes(text));
  }
  return "broken";
}

/** The signed text of a note, its last line break included. */
export function textOf(note: string): string {
  const end = note.lastIndexOf("\n\n");
  if (end < 1 || !note.endsWith("\n")) throw new Malformed("this is not a signed note");
  return note.slice(0, end + 1);
}

async function check(key: Key, signed: Uint8Array<ArrayBuffer>, message: Uint8Array<ArrayBuffer>): Promise<Signature> {
  let imported: CryptoKey;
  try {
    imported = await crypto.subtle.importKey("raw", key.bytes, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return "unable"; // an older browser
  }
  return (await crypto.subtle.verify({ name: "Ed25519" }, imported, signed, message)) ? "holds" : "broken";
}
