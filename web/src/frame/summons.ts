/**
 * The palette comes after the page, and a moment after it is called. Ctrl-K is heard here from the beginning, and what
 * is typed until somebody can write in it is kept: its query stands here.
 */
import { createSpotlight } from "@mantine/spotlight";
import { useEffect, useSyncExternalStore } from "react";
import { isWriting } from "./keys";

/** Whether the palette is open, and how it opens and closes. */
export const [store, palette] = createSpotlight();

const MOST = 200;
let query = "";
const listeners = new Set<() => void>();

export function setQuery(value: string): void {
  query = value.slice(0, MOST);
  for (const listener of listeners) listener();
}

/** What is looked for in the palette. */
export function useQueryText(): string {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => query,
  );
}

/** Hear the keys of the palette for as long as the component stands. */
export function useSummons(): void {
  useEffect(() => {
    window.addEventListener("keydown", heard, { capture: true });
    return () => window.removeEventListener("keydown", heard, { capture: true });
  }, []);
}

function heard(event: KeyboardEvent): void {
  const isCalled = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey;
  if (isCalled) {
    event.preventDefault();
    if (!store.getState().opened) setQuery("");
    palette.toggle();
    return;
  }
  if (!store.getState().opened || isWriting(event.target)) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.length === 1) setQuery(query + event.key);
  else if (event.key === "Backspace") setQuery(query.slice(0, -1));
  else return;
  event.preventDefault();
  event.stopPropagation();
}
