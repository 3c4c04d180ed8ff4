/** Every change of the organisation, and the way back. */
import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useDraft } from "@/frame/draft";
import { useMay } from "@/frame/session";
import { DataTable, EmptyState, Foreign, Problem, When } from "@/kit";
import { nameOf } from "@/kit/who";
import { words } from "./words";

type Change = Schemas["ListedChangeAnswer"];

export function Changes(): ReactElement {
  const may = useMay()("catalog:change:apply");
  const [back, setBack] = useState<Change>();
  return (
    <>
      <DataTable
        label={words.tabs.changes}
        queryKey={["organisation", "changes"]}
        page={(after) =>
          answered(
            client.GET("/api/changes", { params: { query: { after: after === undefined ? null : Number(after) } } }),
          )
        }
        columns={[
          { name: words.changes.columns.epoch, of: (one) => one.epoch },
          { name: words.changes.columns.what, of: (one) => <What change={one} /> },
          { name: words.changes.columns.by, of: (one) => nameOf(one.by), wide: true },
          { name: words.changes.columns.at, of: (one) => <When at={one.at} />, wide: true },
          ...(may
            ? [{ name: words.changes.back, of: (one: Change) => <Back go={() => setBack(one)} />, wide: true }]
            : []),
        ]}
        keyOf={(one) => one.id}
        empty={<EmptyState {...words.changes.empty} />}
      />
      <Modal
        opened={back !== undefined}
        onClose={() => setBack(undefined)}
        title={words.changes.backTitle(back?.epoch ?? 0)}
        centered
      >
        {back !== undefined && <GoBack epoch={back.epoch} close={() => setBack(undefined)} />}
      </Modal>
    </>
  );
}

function What({ change }: { change: Change }): ReactElement {
  return (
    <Stack gap={0}>
      <Text size="sm">{change.summary}</Text>
      {change.message !== "" && (
        <Text size="xs" c="dimmed">
          <Foreign text={change.message} line first={200} />
        </Text>
      )}
    </Stack>
  );
}

function Back({ go }: { go: () => void }): ReactElement {
  return (
    <Button size="compact-xs" variant="subtle" onClick={go}>
      {words.changes.back}
    </Button>
  );
}

function GoBack({ epoch, close }: { epoch: number; close: () => void }): ReactElement {
  const [message, setMessage] = useDraft(`back:${epoch}`);
  const queries = useQueryClient();
  const go = useMutation({
    mutationFn: () =>
      answered(client.POST("/api/changes/{epoch}/rollback", { params: { path: { epoch } }, body: { message } })),
    onSuccess: async ({ change }) => {
      notifications.show({
        message: change === null ? words.changes.nothing : words.changes.done(change.epoch),
        color: "teal",
      });
      setMessage("");
      close();
      await lookAgain(queries);
    },
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    go.mutate();
  };
  return (
    <form onSubmit={send}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {words.changes.backAbout}
        </Text>
        {go.error !== null && <Problem error={go.error} />}
        <TextInput
          label={words.changes.message}
          value={message}
          maxLength={2_000}
          onChange={(event) => setMessage(event.currentTarget.value)}
          data-autofocus
        />
        <Group>
          <Button type="submit" loading={go.isPending}>
            {words.changes.go}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
