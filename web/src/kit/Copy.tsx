/** A small button that copies a text. */
import { ActionIcon, Tooltip } from "@mantine/core";
import { useState, type ReactElement } from "react";
import { Icon } from "@/frame/icons";
import { words } from "@/words";

const SHOWN_MS = 1_500;

export function Copy({ text, label = words.copy.copy }: { text: string; label?: string }): ReactElement | null {
  const [done, setDone] = useState(false);
  if (!("clipboard" in navigator)) return null; // over plain HTTP from another machine a browser has none
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setDone(true);
    setTimeout(() => setDone(false), SHOWN_MS);
  };
  return (
    <Tooltip label={done ? words.copy.copied : label} withArrow>
      <ActionIcon
        variant="subtle"
        color={done ? "teal" : "gray"}
        size="sm"
        aria-label={label}
        onClick={(event) => {
          event.stopPropagation();
          void copy();
        }}
      >
        <Icon name={done ? "check" : "copy"} size={14} />
      </ActionIcon>
    </Tooltip>
  );
}
