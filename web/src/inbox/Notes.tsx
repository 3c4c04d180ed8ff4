/** Questions about a held action with their answers, and to whom it was handed. Who is asked answers here. */
import { Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { FormEvent, ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useDraft } from "@/frame/draft";
import { useMe } from "@/frame/session";
import { Foreign, Problem, Section, When } from "@/kit";
import { words } from "./words";

type Note = Schemas["HoldNoteAnswer"];

export function Notes({ notes }: { notes: readonly Note[] }): ReactElement | null {
  const me = useMe().name;
  if (notes.length === 0) return null;
  return (
    <Section title={words.sections.notes}>
      <Stack gap="sm">
        {notes.map((note) => (
          <div key={note.id}>
            <Text size="sm">
              {words.note[note.kind](note.by, note.to)} · <When at={note.at} />
            </Text>
            {note.text && <Foreign text={note.text} />}
            {note.answer && (
              <Text size="sm" pl="md">
                {note.to}: <Foreign text={note.answer} />
              </Text>
            )}
            {note.kind === "question" && note.to === me && note.answered_at === null && <Reply note={note} />}
          </div>
        ))}
      </Stack>
    </Section>
  );
}

function Reply({ note }: { note: Note }): ReactElement {
  const queries = useQueryClient();
  const [text, setText] = useDraft(`question:${note.id}`);
  const reply = useMutation({
    mutationFn: () =>
      answered(
        client.POST("/api/questions/{question}/answer", { params: { path: { question: note.id } }, body: { text } }),
      ),
    onSuccess: async () => {
      setText("");
      await lookAgain(queries, ["approvals"]);
    },
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    reply.mutate();
  };
  return (
    <form onSubmit={send}>
      <Stack gap="xs" mt="xs">
        {reply.error !== null && <Problem error={reply.error} />}
        <Textarea
          label={words.note.answer}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          maxLength={2_000}
          autosize
          required
        />
        <Group>
          <Button type="submit" size="xs" loading={reply.isPending}>
            {words.note.send}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
