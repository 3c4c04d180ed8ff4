/** A time: how far away it is, and on hovering exactly when. */
import { useSyncExternalStore, type ReactElement } from "react";
import classes from "./kit.module.css";
import { exact, relative } from "./when";

const TICK_MS = 5_000;
let now = Date.now();
const listeners = new Set<() => void>();
setInterval(() => {
  now = Date.now();
  for (const listener of listeners) listener();
}, TICK_MS);

/** The present time, moved on every few seconds for all who watch. */
export function useNow(): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => now,
  );
}

export function When({ at }: { at: number | null | undefined }): ReactElement {
  const present = useNow();
  if (at === null || at === undefined) return <span>–</span>;
  return (
    <time dateTime={new Date(at).toISOString()} title={exact(at)} className={classes.numbers}>
      {relative(at, present)}
    </time>
  );
}
