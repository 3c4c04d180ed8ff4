/** Whether something stands in the log, found out in this browser. */
import type { Schemas } from "@/api/client";
import { bytes, equal, fromBase64, hex, leafHash, rootOf } from "./merkle";
import { readCheckpoint, readKey, signature, type Signature } from "./note";

export type Proof = Schemas["ProofAnswer"];

/** What was found about one leaf. `problem` says what does not hold; everything else is as it was computed. */
export interface Verified {
  index: number;
  size: number;
  hash: string;
  root: string;
  steps: number;
  signature: Signature;
  problem: string | undefined;
}

/** Whether this page can compute hashes at all: browsers offer it over https and on this machine only. */
export function isAble(): boolean {
  return globalThis.isSecureContext && "subtle" in crypto;
}

/** Verify a proof: hash the leaf, climb the path to the root, compare it with the checkpoint, check its signature. */
export async function verify(proof: Proof): Promise<Verified> {
  const hash = await leafHash(bytes(proof.body));
  const root = await rootOf(hash, proof.index, proof.size, proof.path.map(fromBase64));
  const checkpoint = readCheckpoint(proof.checkpoint.note);
  const signed = await signature(proof.checkpoint.note, await readKey(proof.checkpoint.key));
  return {
    index: proof.index,
    size: proof.size,
    hash: hex(hash),
    root: hex(root),
    steps: proof.path.length,
    signature: signed,
    problem: wrong(hex(hash) === proof.hash, checkpoint.size === proof.size, equal(root, checkpoint.root), signed),
  };
}

function wrong(isHash: boolean, isSize: boolean, isRoot: boolean, signed: Signature): string | undefined {
  if (!isHash) return "The text does not have the hash that the log says.";
  if (!isSize) return "The checkpoint is of another size than the proof.";
  if (!isRoot) return "The path does not lead to the root that was signed.";
  return signed === "broken" ? "The signature of the checkpoint does not hold." : undefined;
}

const PIN = "autonomy-log-key";

/** Whether the log's key is the one that this browser saw first; the first one is kept. */
export function isSameKey(key: string): boolean {
  const first = localStorage.getItem(PIN);
  if (first === null) localStorage.setItem(PIN, key);
  return first === null || first === key;
}
