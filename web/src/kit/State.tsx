/** How something stands, in one word and one colour for each kind of word, wherever it is shown. */
import { Badge } from "@mantine/core";
import type { ReactElement } from "react";

const COLOURS: Record<string, string> = {
  done: "teal",
  active: "teal",
  compensated: "grape",
  undone: "grape",
  undoing: "grape",
  compensating: "grape",
  new: "lagoon",
  running: "lagoon",
  claimed: "lagoon",
  pilot: "lagoon",
  held: "orange",
  waiting: "orange",
  retrying: "orange",
  paused: "orange",
  stopping: "orange",
  escalated: "orange",
  returned: "orange",
  suspended: "orange",
  unknown: "orange",
  failed: "red",
  denied: "red",
  blocked: "red",
  stopped: "red",
  contained: "red",
};

export function State({ of }: { of: string }): ReactElement {
  return (
    <Badge variant="light" color={COLOURS[of] ?? "gray"} tt="none" fw={550} autoContrast={false}>
      {of}
    </Badge>
  );
}
