/** What went wrong, said in the server's own words, with what to do about it. */
import { Alert, Button, Code, Group, Stack, Text } from "@mantine/core";
import type { ReactElement } from "react";
import { Refused } from "@/api/client";
import { words } from "@/words";
import { Foreign } from "./Foreign";

export function Problem({ error, again }: { error: unknown; again?: () => void }): ReactElement {
  const refused = error instanceof Refused ? error : undefined;
  return (
    <Alert color="red" variant="light" title={words.problem.title} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          <Foreign text={refused?.message ?? String(error)} />
        </Text>
        {refused?.hint !== undefined && (
          <Text size="sm">
            <Foreign text={refused.hint} />
          </Text>
        )}
        <Group gap="sm">
          {again !== undefined && (
            <Button size="xs" variant="default" onClick={again}>
              {words.problem.again}
            </Button>
          )}
          {refused !== undefined && (
            <Text size="xs" c="dimmed">
              {words.problem.code} <Code>{refused.code}</Code>
            </Text>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}
