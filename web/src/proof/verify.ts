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

/** The same of all of these; the first key by which they hold is that of the log from then on. */
export async function verifyAll(proofs: readonly Proof[], accepted: string): Promise<Verified[]> {
  const found = await Promise.all(proofs.map((one) => verify(one, accepted)));
  const isHeld = found.length > 0 && found.every((one) => one.problem === undefined && one.signature === "holds");
  if (isHeld) keepKey(accepted);
  return found;
}

/** Whether the key `accepted` signed a checkpoint; the first that did is the key of the log from then on. */
export async function signedBy({ note, key }: Schemas["CheckpointAnswer"], accepted: string): Promise<Standing> {
  const found = standing(await signature(note, await readKey(key)), key, accepted);
  if (found === "holds") keepKey(accepted);
  return found;
}

/** How a signature by `key` stands where `accepted` is the key of the log. */
function standing(signed: Signature, key: string, accepted: string): Standing {
  return signed === "broken" || key === accepted ? signed : "foreign";
}

const PIN = "autonomy-log-key";

/** The key of the log, by which this browser saw something hold first; `key` where it has seen nothing hold yet. */
export function acceptedKey(key: string): string {
  return localStorage.getItem(PIN) ?? key;
}

function keepKey(key: string): void {
  if (localStorage.getItem(PIN) === null) localStorage.setItem(PIN, key);
}
