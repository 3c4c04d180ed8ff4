/** An action whose ending nobody could vouch for: a person says what the system of record shows. */
import { Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useDraft } from "@/frame/draft";
import { useMay } from "@/frame/session";
import { Problem, Section } from "@/kit";
import { words } from "./words";

export function Resolve({ action }: { action: string }): ReactElement | null {
  const may = useMay()("gate:action:reconcile");
  const queries = useQueryClient();
  const [reason, setReason] = useDraft(`resolve:${action}`);
  const resolve = useMutation({
    mutationFn: (state: Schemas["Resolution"]["state"]) =>
      answered(client.POST("/api/actions/{action}/resolve", { params: { path: { action } }, body: { state, reason } })),
    onSuccess: async () => {
      setReason("");
      await lookAgain(queries, ["actions"]);
    },
  });
  if (!may) return null;
  return (
    <Section title={words.resolve.title}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {words.resolve.about}
        </Text>
        {resolve.error !== null && <Problem error={resolve.error} />}
        <Textarea
          label={words.resolve.reason}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          autosize
          required
        />
        <Group gap="xs">
          <Button
            size="xs"
            color="teal"
            disabled={reason.trim() === ""}
            loading={resolve.isPending}
            onClick={() => resolve.mutate("done")}
          >
            {words.resolve.done}
          </Button>
          <Button
            size="xs"
            color="red"
            variant="light"
            disabled={reason.trim() === ""}
            loading={resolve.isPending}
            onClick={() => resolve.mutate("failed")}
          >
            {words.resolve.failed}
          </Button>
        </Group>
      </Stack>
    </Section>
  );
}
