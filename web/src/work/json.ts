/** Reads JSON that a person writes. Pure. */

/** The object that the text says, an empty one where it says nothing; undefined where it is none. */
export function objectOf(text: string): Record<string, unknown> | undefined {
  if (text.trim() === "") return {};
  try {
    const found = JSON.parse(text) as unknown;
    const isObject = typeof found === "object" && found !== null && !Array.isArray(found);
    return isObject ? (found as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
