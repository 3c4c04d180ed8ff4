/** The steps of a workflow as the nodes and edges that `Graph` draws. Pure. */
import type { Schemas } from "@/api/client";
import { span } from "@/figures/figure";
import type { GraphEdge, GraphNode, Tone } from "@/kit";
import type { Step } from "./queries";
import type { Spent } from "./times";
import { words } from "./words";

type Edge = Schemas["EdgeAnswer"];

const TONES: Record<string, Tone> = {
  done: "good",
  running: "active",
  waiting: "warning",
  held: "warning",
  retrying: "warning",
  stopping: "warning",
  blocked: "bad",
  skipped: "quiet",
  cancelled: "quiet",
  undoing: "warning",
  undone: "quiet",
};

const UNDER_WAY = new Set(["waiting", "running", "held", "retrying", "blocked", "stopping", "undoing"]);

/** A workflow with where its live runs are. */
export function ofWorkflow(steps: readonly Step[]): GraphNode[] {
  return steps.map((step) => {
    const here = Object.entries(step.counts)
      .filter(([state]) => UNDER_WAY.has(state))
      .reduce((sum, [, count]) => sum + count, 0);
    const tone = here > 0 ? (TONES[step.state] ?? "plain") : "plain";
    return { id: step.id, label: step.id, note: here > 0 ? words.workflow.here(here) : step.what, tone };
  });
}

/** A run: each step in the colour of where it is, with how long it was worked on and how long it waited. */
export function ofRun(steps: readonly Step[], spent: ReadonlyMap<string, Spent>): GraphNode[] {
  const most = Math.max(1, ...[...spent.values()].map((one) => one.working + one.waiting));
  return steps.map((step) => {
    const time = spent.get(step.id);
    // What was inside of a step that is done is not kept; what was done there tells that it was.
    const state = step.state || (time === undefined ? "" : "done");
    const node = { id: step.id, label: step.id, tone: TONES[state] ?? "plain" };
    if (time === undefined) return { ...node, note: state || step.what };
    const tries = time.tries > 1 ? ` · ${words.run.tries(time.tries)}` : "";
    return {
      ...node,
      note: `${state} · ${span(time.working + time.waiting)}${tries}`,
      bar: [
        { tone: "active" as const, part: time.working / most },
        { tone: "warning" as const, part: time.waiting / most },
      ],
    };
  });
}

/** What comes after what; a step that holds others leads to the first of them, by the name of the branch. */
export function edgesOf(steps: readonly Step[], edges: readonly Edge[]): GraphEdge[] {
  const states = new Map(steps.map((step) => [step.id, step.state]));
  const isActive = (step: string) => UNDER_WAY.has(states.get(step) ?? "");
  const entries = steps
    .filter((step) => step.inside !== "" && !edges.some((edge) => edge.after === step.id))
    .map((step) => ({
      from: step.inside,
      to: step.id,
      label: words.workflow.inside(step.way),
      active: isActive(step.id),
    }));
  const flow = edges.map((edge) => ({
    from: edge.before,
    to: edge.after,
    label: short(edge.when) || undefined,
    active: isActive(edge.after),
  }));
  return [...flow, ...entries];
}

const LONGEST = 28;

function short(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}
