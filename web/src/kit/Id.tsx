/** An id that can be copied; `short` shows its kind and its end only, copying copies all of it. */
import { Group } from "@mantine/core";
import type { ReactElement } from "react";
import { Copy } from "./Copy";
import classes from "./kit.module.css";

const END = 6;

export function Id({ id, short = false }: { id: string; short?: boolean }): ReactElement {
  const [kind, rest] = [id.slice(0, id.indexOf("_") + 1), id.slice(id.indexOf("_") + 1)];
  const shown = short && rest.length > END ? `${kind}…${rest.slice(-END)}` : id;
  return (
    <Group gap={2} wrap="nowrap" display="inline-flex" component="span">
      <span className={classes.id} title={id}>
        {shown}
      </span>
      <Copy text={id} label={`Copy ${id}`} />
    </Group>
  );
}
