/** Begins a run of a workflow. */
import { Button, Group, JsonInput, Modal, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { answered, client } from "@/api/client";
import { useDraft } from "@/frame/draft";
import { Problem } from "@/kit";
import { objectOf } from "@/kit/json";
import { words } from "./words";

export function Begin({ workflow }: { workflow: string }): ReactElement {
  const [opened, modal] = useDisclosure();
  return (
    <>
      <Button size="xs" onClick={modal.open}>
        {words.workflow.begin}
      </Button>
      <Modal opened={opened} onClose={modal.close} title={words.workflow.begin} centered>
        <Form workflow={workflow} close={modal.close} />
      </Modal>
    </>
  );
}

function Form({ workflow, close }: { workflow: string; close: () => void }): ReactElement {
  const [text, setText] = useDraft(`begin:${workflow}`);
  const navigate = useNavigate();
  const input = objectOf(text);
  const begin = useMutation({
    mutationFn: () => answered(client.POST("/api/runs", { body: { workflow, input: input ?? {} } })),
    onSuccess: (begun) => {
      setText("");
      notifications.show({
        color: "teal",
        message: begun.joined ? words.workflow.joined : words.workflow.began,
        autoClose: 2_500,
      });
      void navigate({ to: `/work/runs/${begun.run}` });
    },
  });
  return (
    <Stack gap="sm">
      {begin.error !== null && <Problem error={begin.error} />}
      <JsonInput
        label={words.workflow.input}
        placeholder={'{ "sku": "sku-0012" }'}
        value={text}
        onChange={setText}
        error={input === undefined ? words.workflow.notJson : undefined}
        autosize
        minRows={4}
        maxRows={16}
        data-autofocus
      />
      <Group justify="flex-end" gap="xs">
        <Button variant="default" size="sm" onClick={close}>
          {words.workflow.cancel}
        </Button>
        <Button size="sm" loading={begin.isPending} disabled={input === undefined} onClick={() => begin.mutate()}>
          {words.workflow.go}
        </Button>
      </Group>
    </Stack>
  );
}
