/** Something unexpected in a run, and the choice that it waits for. */
import { Alert, Button, Group, JsonInput, Stack, Text, Textarea } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { useDraft } from "@/frame/draft";
import { useMay } from "@/frame/session";
import { Foreign, Json, Problem, State, When } from "@/kit";
import { objectOf, valueOf } from "./json";
import type { Stuck } from "./queries";
import { words } from "./words";

type Choice = Schemas["ChoiceAsked"]["choice"];

const TAKES: Partial<Record<Choice, "arguments" | "output">> = { retry: "arguments", edit: "output" };

export function Exception({ exception }: { exception: Stuck }): ReactElement {
  const maySteer = useMay()("workflow:run:steer");
  return (
    <Alert color="red" variant="light" title={words.exception.title} role="group" aria-label={words.exception.title}>
      <Stack gap="sm">
        <Group gap="sm">
          <State of={exception.kind} />
          <Text size="sm">
            {exception.step === "" ? words.exception.whole : words.exception.about(exception.step)} ·{" "}
            <When at={exception.at} /> · {words.exception.asks}: {exception.person ?? exception.role}
          </Text>
        </Group>
        {exception.reason === null ? (
          <Text size="sm" c="dimmed">
            {words.exception.hidden}
          </Text>
        ) : (
          <Text component="div">
            <Foreign text={exception.reason} />
          </Text>
        )}
        {exception.detail !== null && exception.detail !== undefined && <Json value={exception.detail} />}
        {exception.yours || maySteer ? (
          <Choose exception={exception} />
        ) : (
          <Text size="sm">{words.exception.notYours}</Text>
        )}
      </Stack>
    </Alert>
  );
}

function Choose({ exception }: { exception: Stuck }): ReactElement {
  const [choice, setChoice] = useState<Choice>();
  return (
    <Stack gap="sm" role="group" aria-label={words.exception.choose}>
      <Group gap="xs">
        {exception.choices.map((one) => (
          <Button
            key={one}
            size="sm"
            variant={one === choice ? "filled" : "default"}
            aria-pressed={one === choice}
            onClick={() => setChoice(one as Choice)}
          >
            {words.exception.choices[one] ?? one}
          </Button>
        ))}
      </Group>
      {choice !== undefined && (
        <Answer key={choice} exception={exception} choice={choice} cancel={() => setChoice(undefined)} />
      )}
    </Stack>
  );
}

interface AnswerProps {
  exception: Stuck;
  choice: Choice;
  cancel: () => void;
}

function Answer({ exception, choice, cancel }: AnswerProps): ReactElement {
  const takes = TAKES[choice];
  const [reason, setReason] = useDraft(`exception:${exception.exception}`);
  const [text, setText] = useDraft(`exception:${exception.exception}:${choice}`);
  const body = said(takes, text);
  const queries = useQueryClient();
  const choose = useMutation({
    mutationFn: () =>
      answered(
        client.POST("/api/runs/{run}/choose", {
          params: { path: { run: exception.run } },
          body: { exception: exception.exception, choice, reason, ...body },
        }),
      ),
    onSuccess: async () => {
      setReason("");
      setText("");
      notifications.show({ color: "teal", message: words.exception.done, autoClose: 2_500 });
      await Promise.all(["exceptions", "runs"].map((topic) => queries.invalidateQueries({ queryKey: [topic] })));
    },
  });
  return (
    <Stack gap="sm">
      {choose.error !== null && <Problem error={choose.error} />}
      {takes !== undefined && (
        <JsonInput
          label={words.exception[takes]}
          value={text}
          onChange={setText}
          error={body === undefined && text !== "" ? words.exception.notJson : undefined}
          autosize
          minRows={3}
          maxRows={14}
        />
      )}
      <Textarea
        label={words.exception.why}
        placeholder={words.exception.placeholder}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        maxLength={1_000}
        autosize
      />
      <Group gap="xs">
        <Button size="sm" loading={choose.isPending} disabled={body === undefined} onClick={() => choose.mutate()}>
          {words.exception.send}
        </Button>
        <Button size="sm" variant="default" onClick={cancel}>
          {words.exception.cancel}
        </Button>
      </Group>
    </Stack>
  );
}

/** What goes with the choice; undefined where what was written cannot go. */
function said(takes: "arguments" | "output" | undefined, text: string): Partial<Schemas["ChoiceAsked"]> | undefined {
  if (takes === undefined || (takes === "arguments" && text.trim() === "")) return {};
  if (takes === "arguments") {
    const found = objectOf(text);
    return found && { arguments: found };
  }
  const found = valueOf(text);
  return found && { output: found.value };
}
