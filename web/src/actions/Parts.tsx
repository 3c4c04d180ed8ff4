/** A part of an action that may be shown, hidden from this reader, or forgotten. */
import { Text } from "@mantine/core";
import type { ReactElement } from "react";
import type { Schemas } from "@/api/client";
import { Foreign, Json } from "@/kit";
import { words } from "./words";

export function PartShown({ part }: { part: Schemas["Part"] }): ReactElement {
  if (part.state !== "shown") {
    return (
      <Text size="sm" c={part.state === "changed" ? "red" : "dimmed"}>
        {words.parts[part.state]}
      </Text>
    );
  }
  return typeof part.value === "string" ? <Foreign text={part.value} /> : <Json value={part.value} />;
}
