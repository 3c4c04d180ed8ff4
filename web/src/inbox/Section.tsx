/** A part of something that waits, with its title. */
import { Group, Text, Title } from "@mantine/core";
import type { ReactElement, ReactNode } from "react";
import classes from "./inbox.module.css";

export function Section({
  title,
  note,
  children,
}: {
  title: string;
  note?: string;
  children: ReactNode;
}): ReactElement {
  return (
    <section className={classes.card} aria-label={title}>
      <Group gap="xs" mb="xs" align="baseline">
        <Title order={3}>{title}</Title>
        {note !== undefined && (
          <Text size="xs" c="dimmed">
            {note}
          </Text>
        )}
      </Group>
      {children}
    </section>
  );
}
