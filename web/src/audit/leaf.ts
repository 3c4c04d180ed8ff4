/** A leaf of the log in a line: what, and by whom. Pure. */

type Leaf = Record<string, unknown>;

export const KINDS = [
  "intent",
  "outcome",
  "denial",
  "hold",
  "approval",
  "change",
  "identity",
  "containment",
  "erasure",
  "secret",
  "reconcile",
  "budget",
  "absence",
  "delivery",
  "dispatch",
  "run",
  "memory",
  "task",
  "incident",
  "label",
] as const;

export type Kind = (typeof KINDS)[number];

/** The kind that `said` names; undefined where it names none. */
export function kindOf(said: string | undefined): Kind | undefined {
  return KINDS.find((kind) => kind === said);
}

const WHAT = ["event", "tool", "status", "effect", "summary", "verdict", "code", "target", "workflow", "name"];

/** What happened, as far as it is said in a few words. */
export function what(leaf: Leaf): string {
  return WHAT.flatMap((name) => (typeof leaf[name] === "string" && leaf[name] !== "" ? [leaf[name]] : []))
    .slice(0, 3)
    .join(" · ");
}

/** Who did it. */
export function who(leaf: Leaf): string {
  const names = [leaf.actor, leaf.by, leaf.person, leaf.agent_name, leaf.agent];
  const found = names.find((name) => typeof name === "string" && name !== "");
  return String(found ?? "")
    .replace(/^person:/, "")
    .replace(/^spiffe:.*\//, "agent ");
}

export function at(leaf: Leaf): number | null {
  return typeof leaf.at === "number" ? leaf.at : null;
}

/** The id of the action that it is about; a checkpoint of a run is asked about under such an id too, and is none. */
export function actionOf(leaf: Leaf): string | undefined {
  if (typeof leaf.agent === "string" && leaf.agent.startsWith("run_")) return undefined;
  return typeof leaf.action === "string" && leaf.action.startsWith("act_") ? leaf.action : undefined;
}
