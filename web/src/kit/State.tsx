/** How something stands, in one word and one colour for each kind of word, wherever it is shown. */
import type { ReactElement } from "react";
import classes from "./kit.module.css";

const TONES: Record<string, string> = {
  done: "good",
  performed: "good",
  active: "good",
  right: "good",
  met: "good",
  allow: "good",
  permit: "good",
  holds: "good",
  confirmed: "good",
  closed: "good",
  trusted: "good",
  new: "active",
  running: "active",
  claimed: "active",
  pilot: "active",
  compensated: "undone",
  compensating: "undone",
  undone: "undone",
  undoing: "undone",
  held: "warning",
  waiting: "warning",
  retrying: "warning",
  paused: "warning",
  stopping: "warning",
  escalated: "warning",
  returned: "warning",
  suspended: "warning",
  unknown: "warning",
  corrected: "warning",
  hold: "warning",
  asked: "warning",
  resuming: "warning",
  medium: "warning",
  unable: "warning",
  foreign: "warning",
  untrusted: "warning",
  stale: "warning",
  failed: "bad",
  open: "bad",
  high: "bad",
  critical: "bad",
  deny: "bad",
  forbid: "bad",
  broken: "bad",
  offboarded: "bad",
  denied: "bad",
  rejected: "bad",
  expired: "bad",
  refused: "bad",
  blocked: "bad",
  stopped: "bad",
  contained: "bad",
  wrong: "bad",
  missed: "bad",
};

export function State({ of, as }: { of: string; as?: string }): ReactElement {
  return (
    <span className={classes.state} data-tone={TONES[of]}>
      {as ?? of}
    </span>
  );
}
