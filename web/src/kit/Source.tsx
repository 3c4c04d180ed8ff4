/** A text that a machine reads, a rule or a manifest, exactly as it is, with a way to copy it. */
import { Box } from "@mantine/core";
import type { ReactElement } from "react";
import { words } from "@/words";
import { Copy } from "./Copy";
import { Foreign } from "./Foreign";
import classes from "./details.module.css";

export function Source({ text, label }: { text: string; label: string }): ReactElement {
  return (
    <Box pos="relative">
      <Box pos="absolute" top={8} right={8}>
        <Copy text={text} label={words.copy.of(label)} />
      </Box>
      <pre className={classes.code} tabIndex={0} aria-label={label} role="region">
        <Foreign text={text} first={8_000} />
      </pre>
    </Box>
  );
}
