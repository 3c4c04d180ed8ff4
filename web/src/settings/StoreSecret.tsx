/** Stores a secret or a new version of one. The value goes from its field to the server, and is kept nowhere here. */
import { Button, Group, Modal, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type FormEvent, type ReactElement } from "react";
import { answered, client } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useMay } from "@/frame/session";
import { Problem } from "@/kit";
import { words } from "./words";

/** `replaces` names the secret that gets a new version; without it the person names a new one. */
export function StoreSecret({ replaces }: { replaces?: string }): ReactElement | null {
  const may = useMay()("tools:secret:write");
  const [opened, { open, close }] = useDisclosure();
  if (!may) return null;
  return (
    <>
      {replaces === undefined ? (
        <Button size="xs" onClick={open}>
          {words.secrets.store}
        </Button>
      ) : (
        <Button size="compact-xs" variant="subtle" onClick={open} aria-label={words.secrets.replaceOf(replaces)}>
          {words.secrets.replace}
        </Button>
      )}
      <Modal
        opened={opened}
        onClose={close}
        title={replaces === undefined ? words.secrets.store : words.secrets.replaceOf(replaces)}
        centered
      >
        <Form replaces={replaces} close={close} />
      </Modal>
    </>
  );
}

function Form({ replaces, close }: { replaces: string | undefined; close: () => void }): ReactElement {
  const [name, setName] = useState(replaces ?? "");
  const value = useRef<HTMLInputElement>(null); // in no state, so that nothing but the field ever holds it
  const queries = useQueryClient();
  const store = useMutation({
    mutationFn: () => stored(name.trim(), value.current?.value ?? "", replaces !== undefined),
    onSuccess: async (told) => {
      close();
      notifications.show({ color: "teal", message: words.secrets.stored(told.name, told.version), autoClose: 4_000 });
      await lookAgain(queries, ["secrets"]);
    },
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    store.mutate();
  };
  return (
    <form onSubmit={send} autoComplete="off">
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {words.secrets.storeAbout}
        </Text>
        {store.error !== null && <Problem error={store.error} />}
        {replaces === undefined && (
          <TextInput
            label={words.secrets.name}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={255}
            required
            data-autofocus
          />
        )}
        <PasswordInput
          ref={value}
          label={words.secrets.value}
          visibilityToggleButtonProps={{ "aria-label": words.secrets.show, "aria-hidden": false }}
          autoComplete="new-password"
          required
          data-autofocus={replaces === undefined ? undefined : true}
        />
        <Group justify="flex-end">
          <Button type="submit" size="sm" loading={store.isPending}>
            {replaces === undefined ? words.secrets.store : words.secrets.replace}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

async function stored(name: string, value: string, isThere: boolean): Promise<{ name: string; version: number }> {
  const asked = { params: { path: { name } }, body: { value } };
  if (isThere) return answered(client.POST("/api/secrets/{name}/rotate", asked));
  return answered(client.PUT("/api/secrets/{name}", asked));
}
