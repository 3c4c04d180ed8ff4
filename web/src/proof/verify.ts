/** Whether something stands in the log, found out in this browser. */
import type { Schemas } from "@/api/client";
import { bytes, equal, fromBase64, hex, leafHash, rootOf } from "./merkle";
import { readCheckpoint, readKey, signature, type Signature, type Standing } from "./note";

export type Proof = Schemas["ProofAnswer"];

/** What was found about one leaf. `problem` says what does not hold; everything else is as it was computed. */
export interface Verified {
  index: number;
  size: number;
  hash: string;
  root: string;
  steps: number;
  signature: Standing;
  problem: string | undefined;
}

/** Whether this page can compute hashes at all: browsers offer it over https and on this machine only. */
export function isAble(): boolean {
  return globalThis.isSecureContext && "subtle" in crypto;
}

/**
 * Verify a proof: hash the leaf, climb the path to the root, compare it with the checkpoint, check its signature. A proof
 * brings its key along, so that a signature by any other than the key `accepted` says nothing about this log.
 */
export async function verify(proof: Proof, accepted: string): Promise<Verified> {
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
    signature: standing(signed, proof.checkpoint.key, accepted),
    problem: wrong(hex(hash) === proof.hash, checkpoint.size === proof.size, equal(root, checkpoint.root), signed),
  };
}

function wrong(isHash: boolean, isSize: boolean, isRoot: boolean, signed: Signature): string | undefined {
  if (!isHash) return "The text does not have the hash that the log says.";
  if (!isSize) return "The checkpoint is of another size than the proof.";
  if (!isRoot) return "The path does not lead to the root that was signed.";
  return signed === "broken" ? "The signature of the checkpoint does not hold." : undefined;
}

/** How a signature by `key` stands where `accepted` is the key of the log. */
export function standing(signed: Signature, key: string, accepted: string): Standing {
  return signed === "broken" || key === accepted ? signed : "foreign";
}

const PIN = "autonomy-log-key";

/** The key of the log as this browser saw it first: `key` where it has seen none, which is kept. */
export function acceptedKey(key: string): string {
  const accepted = localStorage.getItem(PIN) ?? key;
  localStorage.setItem(PIN, accepted);
  return accepted;
}
