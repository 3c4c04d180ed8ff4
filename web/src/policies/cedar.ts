/** What a rule says of itself in its annotations (Cedar, `@name("value")`). Pure. */

/** Whether a rule permits, forbids, or has people asked. */
export function effect(rule: { effect: "permit" | "forbid"; text: string }): "permit" | "forbid" | "hold" {
  return rule.effect === "forbid" && annotation(rule.text, "outcome") === "require_approval" ? "hold" : rule.effect;
}

/** Why a rule is there, in its author's words; empty where it does not say. */
export function reason(text: string): string {
  return annotation(text, "reason") ?? "";
}

export function annotation(text: string, name: string): string | undefined {
  return new RegExp(`^\\s*@${name}\\("((?:[^"\\\\]|\\\\.)*)"\\)`, "m").exec(text)?.[1]?.replace(/\\(.)/g, "$1");
}
