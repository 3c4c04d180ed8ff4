/**
 * Whether the content that a page shows is what the proved leaves commit to: its exact text is hashed here with its salt.
 * That the commitments are those of the leaves, `said.ts` finds out.
 */
import type { Schemas } from "@/api/client";
import { parsed } from "@/kit/json";
import { bytes, fromBase64, hex, joined, sha256 } from "./merkle";
import { partsOf, type Placed } from "./parts";
import { words } from "./words";

type Explanation = Schemas["Explanation"];
export type Opening = Schemas["OpeningAnswer"];

const TEXTS = ["rationale", "remark"]; // every other part is JSON
const SALT_BYTES = 16; // exactly: were the salt free, the front of a text could be called its end

/** What of the shown content is not what its commitment is to, in words; undefined where there is no such. */
export async function misshown(shown: Explanation, openings: readonly Opening[]): Promise<string | undefined> {
  const texts = new Map<string, Opening>();
  for (const one of openings) {
    const salt = fromBase64(one.salt);
    const hash = hex(await sha256(joined(salt, bytes(one.text))));
    if (salt.length === SALT_BYTES && hash === one.commitment) texts.set(hash, one);
  }
  const wrong = contentOf(shown).find((one) => !isOf(one, texts.get(one.part.commitment ?? "")));
  return wrong && words.page.content(wrong.name);
}

/** Whether the page shows any content at all. */
export function showsContent(shown: Explanation): boolean {
  return contentOf(shown).length > 0;
}

function isOf({ name, part }: Placed, opening: Opening | undefined): boolean {
  if (opening === undefined) return false;
  const said = TEXTS.includes(name) ? opening.text : parsed(opening.text)?.value;
  return JSON.stringify(said) === JSON.stringify(part.value ?? null);
}

function contentOf(shown: Explanation): Placed[] {
  return partsOf(shown).filter(({ part }) => part.state === "shown");
}
