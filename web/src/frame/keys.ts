/** Keys of a page. They are silent while somebody writes, holds a modifier, or a dialog is open. */
import { useEffect } from "react";

type Keys = Record<string, (() => void) | undefined>;

export function useKeys(keys: Keys): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (isChoosing(event)) return;
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isWriting(event.target)) return;
      if (document.querySelector('[role="dialog"]') !== null) return;
      const act = keys[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [keys]);
}

/** Whether what was pressed goes into a text. */
export function isWriting(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return !TICKED.test(target.type);
  return target instanceof HTMLElement && (target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName));
}

const TICKED = /^(radio|checkbox)$/;

/** Whether it chooses among alternatives: the arrows do. */
function isChoosing(event: KeyboardEvent): boolean {
  const { target, key } = event;
  return target instanceof HTMLInputElement && target.type === "radio" && key.startsWith("Arrow");
}
