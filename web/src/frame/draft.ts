/** What somebody has begun to write, kept in the browser's tab until it is sent: it outlives an ended session. */
import { useSessionStorage } from "@mantine/hooks";

/** A text that stays under `name` until it is cleared by an empty one. */
export function useDraft(name: string): [string, (text: string) => void] {
  const [text, setText, forget] = useSessionStorage({
    key: `draft:${name}`,
    defaultValue: "",
    getInitialValueInEffect: false,
  });
  return [text, (next) => (next === "" ? forget() : setText(next))];
}
