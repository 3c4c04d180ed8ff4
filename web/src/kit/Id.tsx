/** An id that can be copied; `short` shows its kind and its end only, copying copies all of it. */
import { Group } from "@mantine/core";
import type { ReactElement } from "react";
import { words } from "@/words";
import { Copy } from "./Copy";
import classes from "./kit.module.css";

const END = 6;

/** The kind and the end of an id: what tells it from others beside it. */
export function shortened(id: string): string {
  const border = id.indexOf("_") + 1;
  const rest = id.slice(border);
  return rest.length > END ? `${id.slice(0, border)}…${rest.slice(-END)}` : id;
}

export function Id({ id, short = false }: { id: string; short?: boolean }): ReactElement {
  return (
    <Group gap={2} wrap="nowrap" display="inline-flex" component="span">
      <span className={classes.id} title={id}>
        {short ? shortened(id) : id}
      </span>
      <Copy text={id} label={words.copy.of(id)} />
    </Group>
  );
}
