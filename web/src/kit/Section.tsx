/** A part of a page that is read as one: its title, a remark beside it, and what is in it. */
import { Group, Text, Title } from "@mantine/core";
import type { ReactElement, ReactNode } from "react";
import classes from "./section.module.css";

interface Props {
  title: string;
  /** Said beside the title in small letters. */
  note?: ReactNode;
  /** What can be done here, at the right of the title. */
  actions?: ReactNode;
  children: ReactNode;
}

export function Section({ title, note, actions, children }: Props): ReactElement {
  return (
    <section className={classes.card} aria-label={title}>
      <Group justify="space-between" gap="sm" mb="xs" align="center">
        <Group gap="xs" align="baseline">
          <Title order={2} className={classes.title}>
            {title}
          </Title>
          {note !== undefined && (
            <Text size="xs" c="dimmed" component="div">
              {note}
            </Text>
          )}
        </Group>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </section>
  );
}
