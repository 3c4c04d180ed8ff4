/**
 * What happens appears by itself: one stream of server-sent events for all tabs, and each event makes the queries it
 * concerns look again. The stream carries ids, so that a connection that was lost goes on without a gap; where it begins
 * anew, everything is looked at again, for nobody knows what happened before.
 */
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { lookInTurn } from "./again";
import { CHANNEL, hearTabs, tellTabs, type Told } from "./tabs";
import { ALL, concerned, HEARD } from "./topics";

const STREAM = "/api/events";
const TOGETHER_MS = 150; // events within it make a query look again once
const AGAIN_MS = 5_000; // after a refusal
const LOOK_MS = 15_000;
const LIVE_LOOK_MS = 60_000; // also while events come: what changes without one, such as a figure, is never old for long

let live = false;
const listeners = new Set<() => void>();

/** Whether the stream is open, here or in another tab. */
export function useLive(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => live,
  );
}

/** After how many milliseconds what is shown is looked at again, whether or not events come. */
export function lookEvery(): number {
  return live ? LIVE_LOOK_MS : LOOK_MS;
}

/** Listen until the page closes. One tab holds the stream and tells the others; where locks are missing, each its own. */
export function listen(queries: QueryClient): void {
  const look = gathered(queries);
  let holds = false;
  const tell = (told: Told) => {
    if ("kind" in told) look(concerned(told.kind));
    else if ("live" in told) {
      setLive(told.live);
      if (told.live && told.isNew) look(ALL);
    } else if ("asks" in told && holds) tellTabs({ live, isNew: false });
  };
  hearTabs(tell);
  const open = () => {
    holds = true;
    stream((told) => {
      tell(told);
      tellTabs(told);
    });
  };
  if (!("locks" in navigator)) {
    open();
    return;
  }
  tellTabs({ asks: true });
  void navigator.locks.request(CHANNEL, () => {
    open();
    return new Promise(() => undefined); // held until this tab closes; then the next one opens the stream
  });
}

function stream(tell: (told: Told) => void): void {
  const source = new EventSource(STREAM);
  let isNew = true; // until an event bears an id, a browser that connects again cannot say how far it was told
  source.onopen = () => tell({ live: true, isNew });
  source.onerror = () => {
    tell({ live: false, isNew: false });
    if (source.readyState === EventSource.CLOSED) setTimeout(() => stream(tell), AGAIN_MS);
  };
  source.addEventListener("anew", () => tell({ live: true, isNew: true })); // the log ends before what was told of it
  for (const kind of HEARD) {
    source.addEventListener(kind, () => {
      isNew = false; // each event bears an id
      tell({ kind });
    });
  }
}

/** What happens is gathered, and looked for together. */
function gathered(queries: QueryClient): (topics: readonly string[]) => void {
  const waiting = new Set<string>();
  return (topics) => {
    if (waiting.size === 0) setTimeout(look, TOGETHER_MS);
    for (const topic of topics) waiting.add(topic);
  };

  function look(): void {
    const topics = [...waiting];
    waiting.clear();
    void lookInTurn(queries, topics);
  }
}

function setLive(value: boolean): void {
  live = value;
  for (const listener of listeners) listener();
}
