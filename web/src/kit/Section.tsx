/** A part of a page under a title of its own. */
import { Group, Title } from "@mantine/core";
import type { ReactElement, ReactNode } from "react";
import classes from "./kit.module.css";

interface Props {
  title: string;
  /** Beside the title: how many, a link, a choice. */
  more?: ReactNode;
  children: ReactNode;
}

export function Section({ title, more, children }: Props): ReactElement {
  return (
    <section className={classes.section} aria-label={title}>
      <Group justify="space-between" mb="sm" gap="xs">
        <Title order={2}>{title}</Title>
        {more}
      </Group>
      {children}
    </section>
  );
}
