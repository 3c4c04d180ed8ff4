/** Where the parts of a case stand in a waterfall: which belongs to which, and between which moments. Pure. */
import type { Schemas } from "@/api/client";
import { lasting } from "@/kit/when";

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

/** How long something took; below a second to the millisecond. */
export function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : lasting(ms);
}
