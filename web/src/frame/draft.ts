/** What somebody has begun to write, kept in the browser's tab until it is sent: it outlives an ended session. */
import { useSessionStorage } from "@mantine/hooks";
import { keyOf } from "./kept";
import { useMe } from "./session";

/** A text that stays under `name` until it is cleared by an empty one. Nobody else who signs in here ever sees it. */
export function useDraft(name: string): [string, (text: string) => void] {
  const { name: person } = useMe();
  const [text, setText, forget] = useSessionStorage({
    key: keyOf(person, name),
    defaultValue: "",
    getInitialValueInEffect: false,
  });
  return [text, (next) => (next === "" ? forget() : setText(next))];
}
