/** The content that a page shows of an action, part by part, each by the one leaf that must commit to it. Pure. */
import type { Schemas } from "@/api/client";

type Explanation = Schemas["Explanation"];
type Part = Schemas["Part"];

export interface Placed {
  index: number;
  /** The word that people know it by, and the first of its name among the leaf's commitments. */
  name: string;
  part: Part;
}

/** Every part that there is; what was erased, or is hidden from the reader, is one still. */
export function partsOf({ what, decisions, endings, judged = [] }: Explanation): Placed[] {
  return [
    ...decisions
      .slice(0, 1)
      .flatMap(({ index }) => placed(index, { arguments: what.arguments, rationale: what.rationale })),
    ...decisions.flatMap(({ index, facts }) => placed(index, { facts })),
    ...endings.flatMap(({ index, result }) => placed(index, { result })),
    ...judged.flatMap(({ index, remark, correction, found }) => placed(index, { remark, correction, found })),
  ];
}

function placed(index: number, parts: Record<string, Part | undefined>): Placed[] {
  return Object.entries(parts).flatMap(([name, part]) =>
    part === undefined || part.state === "none" ? [] : [{ index, name, part }],
  );
}
