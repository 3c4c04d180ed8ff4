/** Who did something, as people call them. Pure. */

/** `ada` of `person:ada`, `w1` of `agent:w1`; everything else as it is. */
export function nameOf(actor: string): string {
  return actor.replace(/^(?:person|agent):/, "");
}
