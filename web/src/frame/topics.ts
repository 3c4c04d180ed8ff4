/** Which queries an event of each kind concerns, by the first words of their keys. A page adds its own words here. */
import type { Kind } from "@/audit/leaf";

const TOPICS: Record<Kind, readonly string[]> = {
  intent: ["actions", "budgets"],
  outcome: ["actions", "budgets", "runs", "figures"],
  denial: ["actions", "figures"],
  reconcile: ["actions", "figures"],
  hold: ["approvals", "actions"],
  approval: ["approvals", "actions"],
  absence: ["absences", "approvals"],
  containment: ["containments", "agents", "incidents"],
  change: ["organisation", "agents", "policies", "tools", "budgets", "people", "memory"],
  delivery: ["deliveries"],
  run: ["runs", "exceptions"],
  task: ["tasks"],
  incident: ["incidents"],
  identity: ["people", "agents", "keys"],
  label: ["actions", "figures", "labels"],
  secret: ["secrets"],
  memory: ["memory"],
  erasure: ["actions", "approvals", "tasks", "memory", "labels"],
  budget: ["budgets"],
  dispatch: ["actions"],
};

/** Concerned by everything that happens. */
const ALWAYS = ["today", "leaves"];

/** The kinds of events that are listened for. */
export const HEARD = Object.keys(TOPICS) as readonly Kind[];

/** The queries that an event of this kind concerns. */
export function concerned(kind: Kind): readonly string[] {
  return [...ALWAYS, ...TOPICS[kind]];
}

/** Every query that an event may concern. */
export const ALL: readonly string[] = [...new Set(HEARD.flatMap(concerned))];
