/** Reads JSON that a person writes. Pure. */

/** What the text says; undefined where it is no JSON. */
export function valueOf(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** The object that the text says, an empty one where it says nothing; undefined where it is none. */
export function objectOf(text: string): Record<string, unknown> | undefined {
  if (text.trim() === "") return {};
  const found = valueOf(text)?.value;
  const isObject = typeof found === "object" && found !== null && !Array.isArray(found);
  return isObject ? (found as Record<string, unknown>) : undefined;
}
