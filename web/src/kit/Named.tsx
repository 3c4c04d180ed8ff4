/** The first column of a list: what it is called, and in small letters below it what else tells it from others. */
import { Stack, Text } from "@mantine/core";
import type { ReactElement, ReactNode } from "react";

export function Named({ name, about }: { name: ReactNode; about?: ReactNode }): ReactElement {
  return (
    <Stack gap={0}>
      <Text size="sm" fw={550} component="div">
        {name}
      </Text>
      {about !== undefined && about !== null && about !== false && about !== "" && (
        <Text size="xs" c="dimmed" component="div" lineClamp={2}>
          {about}
        </Text>
      )}
    </Stack>
  );
}
