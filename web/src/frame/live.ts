/**
 * What happens appears by itself: one stream of server-sent events for all tabs, and each event makes the queries it
 * concerns look again. The stream carries ids, so that a connection that was lost goes on without a gap.
 */
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

const STREAM = "/api/events";
const CHANNEL = "autonomy-events";
const TOGETHER_MS = 150; // events within it make a query look again once
const PATIENCE_MS = 5_000; // how long one look is waited for before the next begins

/** The first words of the keys of queries that an event of each kind concerns. A page adds its own words here. */
const TOPICS: Record<string, readonly string[]> = {
  intent: ["actions", "budgets"],
  outcome: ["actions", "budgets", "runs", "figures"],
  denial: ["actions"],
  reconcile: ["actions"],
  hold: ["approvals", "actions"],
  approval: ["approvals", "actions"],
  absence: ["absences", "approvals"],
  containment: ["containments", "agents"],
  change: ["organisation", "agents", "policies", "tools", "budgets"],
  delivery: ["deliveries"],
  run: ["runs", "exceptions"],
  task: ["tasks"],
  incident: ["incidents"],
  identity: ["people", "agents", "keys"],
  label: ["actions", "figures"],
};

/** Concerned by everything that happens. */
const ALWAYS = ["today"];

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

/** The same, asked outside of a component. */
export function isLive(): boolean {
  return live;
}

type Told = { kind: string } | { live: boolean };

/** Listen until the page closes. One tab holds the stream and tells the others; where locks are missing, each its own. */
export function listen(queries: QueryClient): void {
  const refresh = gathered(queries);
  const channel = new BroadcastChannel(CHANNEL);
  const tell = (told: Told) => ("kind" in told ? refresh(told.kind) : setLive(told.live));
  channel.onmessage = (message: MessageEvent<Told>) => tell(message.data);
  const open = () =>
    stream((told) => {
      tell(told);
      channel.postMessage(told);
    });
  if (!("locks" in navigator)) {
    open();
    return;
  }
  void navigator.locks.request(CHANNEL, () => {
    open();
    return new Promise(() => undefined); // held until this tab closes; then the next one opens the stream
  });
}

function stream(tell: (told: Told) => void): void {
  const source = new EventSource(STREAM);
  source.onopen = () => tell({ live: true });
  source.onerror = () => {
    tell({ live: false });
    if (source.readyState === EventSource.CLOSED) setTimeout(() => stream(tell), 5_000);
  };
  for (const kind of Object.keys(TOPICS)) source.addEventListener(kind, () => tell({ kind }));
}

/** What happens is gathered, and looked for together; one look at a time, so that a slow answer is waited for. */
function gathered(queries: QueryClient): (kind: string) => void {
  const waiting = new Set<string>();
  let isLooking = false;
  return (kind) => {
    for (const topic of [...ALWAYS, ...(TOPICS[kind] ?? [])]) waiting.add(topic);
    if (isLooking) return;
    isLooking = true;
    setTimeout(() => void look(), TOGETHER_MS);
  };

  async function look(): Promise<void> {
    const began = performance.now();
    const topics = [...waiting];
    waiting.clear();
    const looked = topics.map((topic) => queries.invalidateQueries({ queryKey: [topic] }));
    await Promise.race([Promise.all(looked), new Promise((go) => setTimeout(go, PATIENCE_MS))]);
    isLooking = waiting.size > 0;
    // What takes long is asked less often: at most half of the time somebody looks.
    if (isLooking) setTimeout(() => void look(), Math.max(TOGETHER_MS, performance.now() - began));
  }
}

function setLive(value: boolean): void {
  live = value;
  for (const listener of listeners) listener();
}
