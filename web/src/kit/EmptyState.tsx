/** Where there is nothing yet: what would be here, and the command that brings it. */
import { Stack, Text, Title } from "@mantine/core";
import type { ReactElement, ReactNode } from "react";
import { Copy } from "./Copy";
import classes from "./kit.module.css";

interface Props {
  title: string;
  about: ReactNode;
  /** A line for a terminal, to be copied. */
  command?: string;
  children?: ReactNode;
}

export function EmptyState({ title, about, command, children }: Props): ReactElement {
  return (
    <Stack className={classes.empty} align="center" gap="sm">
      <Title order={2}>{title}</Title>
      <Text c="dimmed" maw="34rem">
        {about}
      </Text>
      {command !== undefined && <Command text={command} />}
      {children}
    </Stack>
  );
}

/** A line for a terminal. */
export function Command({ text }: { text: string }): ReactElement {
  return (
    <div className={classes.command}>
      <code tabIndex={0}>{text}</code>
      <Copy text={text} />
    </div>
  );
}
