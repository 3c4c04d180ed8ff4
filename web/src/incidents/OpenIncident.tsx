/** Opens an incident about something, from whatever page it is on. */
import { Button, Modal, NativeSelect, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState, type FormEvent, type ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useDraft } from "@/frame/draft";
import { useMay } from "@/frame/session";
import { Problem } from "@/kit";
import { SEVERITIES } from "./queries";
import { words } from "./words";

type Asked = Schemas["Opening"];
type Kind = Asked["about"];

const KINDS: readonly Kind[] = ["action", "agent", "run", "case"];

interface Props {
  /** What it is about; both are asked for where the page does not say. */
  about?: Kind;
  id?: string;
}

export function OpenIncident({ about, id }: Props): ReactElement | null {
  const may = useMay()("incidents:incident:open");
  const [opened, { open, close }] = useDisclosure();
  if (!may) return null;
  return (
    <>
      <Button size="xs" variant="light" color="red" onClick={open}>
        {words.open}
      </Button>
      <Opening about={about} id={id} opened={opened} close={close} />
    </>
  );
}

/** The same without the button: whoever shows it says when. */
export function Opening({ about, id, opened, close }: Props & { opened: boolean; close: () => void }): ReactElement {
  return (
    <Modal opened={opened} onClose={close} title={words.opening.title} centered>
      <Form about={about} id={id} close={close} />
    </Modal>
  );
}

function Form({ about, id, close }: Props & { close: () => void }): ReactElement {
  const [asked, setAsked] = useState<Omit<Asked, "title" | "text">>({
    about: about ?? "agent",
    id: id ?? "",
    severity: "high",
  });
  const [title, setTitle] = useDraft(`incident:${id ?? ""}:title`);
  const [text, setText] = useDraft(`incident:${id ?? ""}:text`);
  const set = (change: Partial<typeof asked>) => setAsked({ ...asked, ...change });
  const opening = useOpening(() => {
    setTitle("");
    setText("");
    close();
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    opening.mutate({ ...asked, title, text });
  };
  return (
    <form onSubmit={send}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {words.opening.about}
        </Text>
        {opening.error !== null && <Problem error={opening.error} />}
        {id === undefined && (
          <>
            <NativeSelect
              label={words.opening.kind}
              value={asked.about}
              onChange={(event) => set({ about: event.currentTarget.value as Kind })}
              data={KINDS.map((kind) => ({ value: kind, label: words.kinds[kind] }))}
            />
            <TextInput
              label={words.opening.id}
              value={asked.id}
              onChange={(event) => set({ id: event.currentTarget.value })}
              required
            />
          </>
        )}
        <TextInput
          label={words.opening.name}
          value={title}
          maxLength={200}
          data-autofocus
          onChange={(event) => setTitle(event.currentTarget.value)}
        />
        <NativeSelect
          label={words.opening.severity}
          value={asked.severity}
          onChange={(event) => set({ severity: event.currentTarget.value as Asked["severity"] })}
          data={SEVERITIES.map((severity) => ({ value: severity, label: words.severities[severity] }))}
        />
        <Textarea
          label={words.opening.text}
          value={text}
          maxLength={4_000}
          autosize
          minRows={2}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Button type="submit" color="red" loading={opening.isPending} disabled={asked.id.trim() === ""}>
          {words.opening.go}
        </Button>
      </Stack>
    </form>
  );
}

function useOpening(done: () => void) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: (body: Asked) => answered(client.POST("/api/incidents", { body })),
    onSuccess: async (told) => {
      await lookAgain(queries, ["incidents"]);
      done();
      void navigate({ to: "/incidents/$incident", params: { incident: told.incident.id } });
    },
  });
}
