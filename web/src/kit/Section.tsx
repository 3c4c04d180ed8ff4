/** A part of a page under a title of its own. */
import { Group, Text, Title } from "@mantine/core";
import type { ReactElement, ReactNode } from "react";
import classes from "./kit.module.css";

interface Props {
  title: string;
  /** What stands there instead of the plain title, where somebody else wrote it. */
  heading?: ReactNode;
  /** A remark behind the title, in small letters. */
  note?: ReactNode;
  /** Beside the title: how many, a link, a choice. */
  more?: ReactNode;
  children: ReactNode;
}

export function Section({ title, heading, note, more, children }: Props): ReactElement {
  return (
    <section className={classes.section} aria-label={title}>
      <Group justify="space-between" mb="sm" gap="xs">
        <Group gap="xs" align="baseline">
          <Title order={2}>{heading ?? title}</Title>
          {note !== undefined && (
            <Text size="xs" c="dimmed" component="div">
              {note}
            </Text>
          )}
        </Group>
        {more}
      </Group>
      {children}
    </section>
  );
}
