/** A figure in words, by its unit. Pure. */
import type { Schemas } from "@/api/client";
import { money, type Base } from "@/kit/money";

export type Formula = Schemas["FormulaAnswer"];
export type Values = Record<string, number | null>;

const NUMBER = new Intl.NumberFormat("en");
const TENTHS = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** `1,250`, `98.2 %`, `4 min 10 s`, `12.50 EUR`; a dash where there is no value. */
export function said(unit: Formula["unit"], value: number | null | undefined, base: Base): string {
  if (value === null || value === undefined) return "–";
  if (unit === "share") return `${(value % 100 === 0 ? NUMBER : TENTHS).format(value / 100)} %`;
  if (unit === "ms") return span(value);
  return unit === "money" ? money(value, base) : NUMBER.format(value);
}

/** How long something takes, in milliseconds: `95 ms`, `6.3 s`, `4 min`, `3 h 20 min`, `2 d 4 h`. */
export function span(ms: number): string {
  const size = Math.abs(ms);
  const sign = ms < 0 ? "-" : "";
  if (size < 1_000) return `${sign}${size} ms`;
  if (size < 60_000) return `${sign}${(size / 1_000).toFixed(size < 10_000 ? 1 : 0)} s`;
  const minutes = Math.round(size / 60_000);
  if (minutes < 60) return `${sign}${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${sign}${hours} h ${minutes % 60} min` : `${sign}${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export type Change = "better" | "worse" | "same" | "unknown";

/** Whether a figure has become better than it was the time before. */
export function change(good: Formula["good"], now: number | null, before: number | null): Change {
  if (now === null || before === null) return "unknown";
  if (now === before || good === "neither") return "same";
  return now > before === (good === "more") ? "better" : "worse";
}

/** By how much it has changed, `+12 %`; undefined where that cannot be said. */
export function changed(unit: Formula["unit"], now: number | null, before: number | null): string | undefined {
  if (now === null || before === null || now === before) return undefined;
  const sign = now > before ? "+" : "−";
  if (unit === "share") return `${sign}${(Math.abs(now - before) / 100).toFixed(1)} points`;
  return before === 0 ? undefined : `${sign}${Math.round((Math.abs(now - before) / Math.abs(before)) * 100)} %`;
}
