/** How an action stands, in a word and a colour. */
import { Badge } from "@mantine/core";
import type { ReactElement } from "react";

const COLOURS: Record<string, string> = {
  done: "teal",
  running: "lagoon",
  held: "yellow",
  failed: "red",
  unknown: "red",
  denied: "orange",
  rejected: "orange",
  returned: "orange",
};

export function State({ state }: { state: string }): ReactElement {
  return (
    <Badge size="sm" variant="light" color={COLOURS[state] ?? "gray"} tt="none">
      {state}
    </Badge>
  );
}
