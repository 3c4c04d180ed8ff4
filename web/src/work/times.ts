/** Where the time of a run goes, for drawing. Pure. */
import { span } from "@/figures/figure";
import type { Span, Stay } from "./queries";

/** How long it took; a dash while it is under way. */
export function lasted(at: number, endedAt: number | null): string {
  return endedAt === null ? "–" : span(endedAt - at);
}

export interface Spent {
  working: number;
  waiting: number;
  tries: number;
}

/** What a run spent at each step, however often it came there. */
export function byStep(stays: readonly Stay[]): Map<string, Spent> {
  const found = new Map<string, Spent>();
  for (const stay of stays) {
    const before = found.get(stay.step) ?? { working: 0, waiting: 0, tries: 0 };
    found.set(stay.step, {
      working: before.working + stay.working,
      waiting: before.waiting + stay.waiting,
      tries: before.tries + stay.tries,
    });
  }
  return found;
}

export interface Part {
  kind: "working" | "waiting" | "idle";
  at: number;
  ended: number;
  what: string;
}

/** A line of the timeline: something that happened, made of parts in which somebody worked or somebody was waited for. */
export interface Line {
  span: Span;
  parts: Part[];
  /** Instants within it, such as handoffs. */
  marks: Span[];
  depth: number;
}

const HAD = new Set(["claimed", "taken_over"]);

/** The lines of a run in order, without the decisions, which say nothing about time. */
export function lines(spans: readonly Span[], now: number): Line[] {
  const own = new Map<string, Span[]>();
  for (const one of spans) if (one.parent !== null) own.set(one.parent, [...(own.get(one.parent) ?? []), one]);
  return spans
    .filter((one) => one.kind === "action" || one.kind === "task" || isOfRun(one))
    .map((one) => {
      const within = own.get(one.id) ?? [];
      const depth = spans.some((other) => other.id === one.parent && other.kind === "task") ? 1 : 0;
      return {
        span: one,
        parts: partsOf(one, within, now),
        marks: within.filter((part) => part.kind === "handoff"),
        depth,
      };
    });
}

function isOfRun(one: Span): boolean {
  return one.kind === "exception" || one.kind === "steering";
}

function partsOf(one: Span, within: readonly Span[], now: number): Part[] {
  if (one.kind === "task") return ofTask(one, within, now);
  return within
    .filter((part) => part.kind === "perform" || part.kind === "approval" || part.kind === "wait")
    .map((part) => ({
      kind: part.kind === "perform" ? "working" : part.kind === "approval" ? "waiting" : "idle",
      at: part.at,
      ended: part.ended_at ?? now,
      what: part.kind === "approval" ? part.who : part.what,
    }));
}

function ofTask(task: Span, within: readonly Span[], now: number): Part[] {
  const end = task.ended_at ?? now;
  const moves = within.filter((one) => one.kind === "handoff").sort((one, other) => one.at - other.at);
  const starts = [{ at: task.at, what: "", who: "" }, ...moves];
  return starts.map((one, index) => ({
    kind: HAD.has(one.what) ? "working" : "waiting",
    at: one.at,
    ended: starts[index + 1]?.at ?? end,
    what: HAD.has(one.what) ? one.who : task.who,
  }));
}
