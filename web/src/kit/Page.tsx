/** The frame of every page: its title, what it is about, what can be done here, and its content. */
import { Group, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactElement, ReactNode } from "react";
import { words } from "@/words";
import classes from "./kit.module.css";

interface Props {
  title: string;
  /** Shown in place of `title` where the title needs more than text. */
  heading?: ReactNode;
  about?: ReactNode;
  actions?: ReactNode;
  /** For what is read rather than scanned. */
  narrow?: boolean;
  children: ReactNode;
}

export function Page({ title, heading, about, actions, narrow = false, children }: Props): ReactElement {
  useDocumentTitle(`${title} · ${words.product}`);
  return (
    <Stack gap="lg" className={narrow ? classes.pageNarrow : classes.page}>
      <Group justify="space-between" align="flex-start" gap="sm">
        <Stack gap={2} miw={0}>
          <Title order={1}>{heading ?? title}</Title>
          {about !== undefined && (
            <Text c="dimmed" component="div">
              {about}
            </Text>
          )}
        </Stack>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}
