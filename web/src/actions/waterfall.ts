/** Where the parts of a case stand in a waterfall: which belongs to which, and between which moments. Pure. */
import type { Schemas } from "@/api/client";

export type Span = Schemas["SpanAnswer"];

export interface Row {
  span: Span;
  depth: number;
  /** In hundredths of the whole time. */
  from: number;
  wide: number;
}

const THINNEST = 0.4; // of the width; an instant must be seen, too

/** The spans, each below what it is part of, by the time they began; what is under way reaches up to `now`. */
export function laid(spans: readonly Span[], now: number): Row[] {
  const start = Math.min(...spans.map((one) => one.at));
  const end = Math.max(start + 1, ...spans.map((one) => one.ended_at ?? now));
  const of = new Map<string | null, Span[]>();
  for (const span of spans) of.set(span.parent, [...(of.get(span.parent) ?? []), span]);
  const rows: Row[] = [];
  const seen = new Set<string>();
  const place = (span: Span, depth: number) => {
    if (seen.has(span.id)) return; // nothing is part of itself
    seen.add(span.id);
    const from = (100 * (span.at - start)) / (end - start);
    const wide = (100 * ((span.ended_at ?? now) - span.at)) / (end - start);
    rows.push({ span, depth, from: Math.min(from, 100 - THINNEST), wide: Math.max(THINNEST, wide) });
    for (const part of of.get(span.id) ?? []) place(part, depth + 1);
  };
  for (const span of of.get(null) ?? []) place(span, 0);
  for (const span of spans) place(span, 0);
  return rows;
}

/** How long something took, as people say it. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days ${hours % 24} h`;
}
