/** What whoever may steer does to a run: let it pause, go on, end. */
import { Button, Checkbox, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactElement } from "react";
import { answered, client } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useDraft } from "@/frame/draft";
import { Problem } from "@/kit";
import type { RunShown } from "./queries";
import { words } from "./words";

export function Steer({ run }: { run: RunShown }): ReactElement {
  const [opened, modal] = useDisclosure();
  const queries = useQueryClient();
  const again = () => lookAgain(queries, ["runs"]);
  const path = { params: { path: { run: run.id } } };
  const pause = useMutation({
    mutationFn: () =>
      answered(run.paused ? client.POST("/api/runs/{run}/resume", path) : client.POST("/api/runs/{run}/pause", path)),
    onSettled: again,
  });
  return (
    <>
      {pause.error !== null && <Problem error={pause.error} />}
      <Button size="xs" variant="default" loading={pause.isPending} onClick={() => pause.mutate()}>
        {run.paused ? words.run.resume : words.run.pause}
      </Button>
      <Button size="xs" variant="light" color="red" onClick={modal.open}>
        {words.run.end}
      </Button>
      <Modal opened={opened} onClose={modal.close} title={words.run.endTitle} centered>
        <End run={run.id} close={modal.close} />
      </Modal>
    </>
  );
}

function End({ run, close }: { run: string; close: () => void }): ReactElement {
  const [reason, setReason] = useDraft(`end:${run}`);
  const [compensate, setCompensate] = useState(false);
  const queries = useQueryClient();
  const end = useMutation({
    mutationFn: () =>
      answered(client.POST("/api/runs/{run}/cancel", { params: { path: { run } }, body: { reason, compensate } })),
    onSuccess: async () => {
      setReason("");
      close();
      await lookAgain(queries, ["runs"]);
    },
  });
  return (
    <Stack gap="sm">
      {end.error !== null && <Problem error={end.error} />}
      <Text size="sm">{words.run.endAbout}</Text>
      <Checkbox
        label={words.run.compensate}
        checked={compensate}
        onChange={(event) => setCompensate(event.currentTarget.checked)}
      />
      <Textarea
        label={words.run.why}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        maxLength={1_000}
        autosize
        data-autofocus
      />
      <Group justify="flex-end" gap="xs">
        <Button size="sm" variant="default" onClick={close}>
          {words.run.cancel}
        </Button>
        <Button size="sm" color="red" loading={end.isPending} onClick={() => end.mutate()}>
          {words.run.end}
        </Button>
      </Group>
    </Stack>
  );
}
