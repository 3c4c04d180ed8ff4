/** Times in words. They come as milliseconds since the epoch and are shown where the reader is. Pure. */
const STEPS = [
  [60, "second"],
  [60, "minute"],
  [24, "hour"],
  [7, "day"],
  [4.35, "week"],
  [12, "month"],
  [Number.POSITIVE_INFINITY, "year"],
] as const;

const SHORT = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const LONG = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** `in 3 hr`, `2 days ago`, as seen at `now`. */
export function relative(at: number, now: number): string {
  let amount = (at - now) / 1_000;
  if (Math.abs(amount) < 5) return "now";
  for (const [size, unit] of STEPS) {
    if (Math.abs(amount) < size) return SHORT.format(Math.round(amount), unit);
    amount /= size;
  }
  return exact(at);
}

/** `21 Nov 2026, 18:20:11`. */
export function exact(at: number): string {
  return LONG.format(at);
}

/** `3 h 20 min`, `45 s`: how long something takes, in milliseconds. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
