/**
 * The Merkle tree of the log (RFC 6962 and RFC 9162, section 2.1) by the browser's own SHA-256. It asks nobody: what it
 * says is computed here.
 */

/** Something that was to be checked has not the form it must have. */
export class Malformed extends Error {}

const utf8 = new TextEncoder();

export async function sha256(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return utf8.encode(text);
}

/** The hash of a leaf with these bytes. */
export function leafHash(body: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return sha256(joined(Uint8Array.of(0), body));
}

function nodeHash(left: Uint8Array, right: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return sha256(joined(Uint8Array.of(1), left, right));
}

/** The root to which `path` leads from the leaf `hash` at `index` in a tree of `size` (RFC 9162, section 2.1.3.2). */
export async function rootOf(
  hash: Uint8Array<ArrayBuffer>,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Promise<Uint8Array<ArrayBuffer>> {
  const isPlace = Number.isSafeInteger(index) && Number.isSafeInteger(size) && 0 <= index && index < size;
  if (!isPlace) throw new Malformed("the leaf lies outside of the tree");
  let [position, last, root] = [index, size - 1, hash];
  for (const sibling of path) {
    if (sibling.length !== 32) throw new Malformed("a hash of the path is not 32 bytes long");
    if (last === 0) throw new Malformed("the path is too long");
    if (position % 2 === 1 || position === last) {
      root = await nodeHash(sibling, root);
      while (position % 2 === 0 && position !== 0) [position, last] = [half(position), half(last)];
    } else root = await nodeHash(root, sibling);
    [position, last] = [half(position), half(last)];
  }
  if (last !== 0) throw new Malformed("the path is too short");
  return root;
}

/** The right edge of a growing tree: the roots of its perfect subtrees, largest first (RFC 9162, section 2.1). */
export class Frontier {
  size = 0;
  private readonly hashes: Uint8Array<ArrayBuffer>[] = [];

  async append(hash: Uint8Array<ArrayBuffer>): Promise<void> {
    let whole = hash;
    for (let rest = this.size; rest % 2 === 1; rest = half(rest)) {
      const left = this.hashes.pop();
      if (left === undefined) throw new Malformed("the frontier does not belong to a tree of its size");
      whole = await nodeHash(left, whole);
    }
    this.hashes.push(whole);
    this.size += 1;
  }

  async root(): Promise<Uint8Array<ArrayBuffer>> {
    const right = this.hashes.at(-1);
    if (right === undefined) return sha256(new Uint8Array());
    let root = right;
    for (const left of this.hashes.slice(0, -1).reverse()) root = await nodeHash(left, root);
    return root;
  }
}

function half(number: number): number {
  return Math.floor(number / 2);
}

export function hex(data: Uint8Array): string {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    throw new Malformed("a value is not base64");
  }
}

export function toBase64(data: Uint8Array): string {
  return btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""));
}
