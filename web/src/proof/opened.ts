/**
 * Whether the content that a page shows is what the proved leaves commit to: its exact text is hashed here with its salt.
 * That the commitments are those of the leaves, `said.ts` finds out.
 */
import type { Schemas } from "@/api/client";
import { bytes, fromBase64, hex, joined, sha256 } from "./merkle";
import { words } from "./words";

type Explanation = Schemas["Explanation"];
type Part = Schemas["Part"];
export type Opening = Schemas["OpeningAnswer"];

const TEXTS = ["rationale", "message", "remark"]; // every other part is JSON

/** What of the shown content is not what its commitment is to, in words; undefined where there is no such. */
export async function misshown(shown: Explanation, openings: readonly Opening[]): Promise<string | undefined> {
  const texts = new Map<string, Opening>();
  for (const one of openings) {
    const hash = hex(await sha256(joined(fromBase64(one.salt), bytes(one.text))));
    if (hash === one.commitment) texts.set(hash, one);
  }
  const wrong = contentOf(shown).find(([, part]) => !isOf(part, texts.get(part.commitment ?? "")));
  return wrong && words.page.content(wrong[0]);
}

/** Whether the page shows any content at all. */
export function showsContent(shown: Explanation): boolean {
  return contentOf(shown).length > 0;
}

function isOf(part: Part, opening: Opening | undefined): boolean {
  if (opening === undefined) return false;
  const isText = TEXTS.includes(opening.name.split(".")[0] ?? "");
  const said = isText ? opening.text : (JSON.parse(opening.text) as unknown);
  return JSON.stringify(said) === JSON.stringify(part.value ?? null);
}

/** Every part whose content is shown, by the word that people know it by. */
function contentOf(shown: Explanation): (readonly [string, Part])[] {
  const parts: (readonly [string, Part | undefined])[] = [
    ["arguments", shown.what.arguments],
    ["rationale", shown.what.rationale],
    ...shown.decisions.map((one) => ["facts", one.facts] as const),
    ...shown.endings.map((one) => ["result", one.result] as const),
    ...(shown.judged ?? []).flatMap((one) => [
      ["remark", one.remark] as const,
      ["correction", one.correction] as const,
    ]),
  ];
  return parts.flatMap(([name, part]) => (part?.state === "shown" ? [[name, part] as const] : []));
}
