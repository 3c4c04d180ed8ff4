/** An exception of a run: what went wrong, and what should be done about it. */
import { Button, Group, Radio, Stack, Text, Textarea, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState, type FormEvent, type ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useDraft } from "@/frame/draft";
import { Foreign, Id, Json, Problem, Section, When } from "@/kit";
import { parsed } from "@/kit/json";
import classes from "./inbox.module.css";
import { exceptionQuery } from "./queries";
import { words } from "./words";

type Found = Schemas["ExceptionAnswer"];
type Choice = Schemas["ChoiceAsked"]["choice"];

export function Exception({ run, exception }: { run: string; exception: string }): ReactElement {
  const navigate = useNavigate();
  const found = useSuspenseQuery(exceptionQuery(run, exception)).data;
  if (found === null) return <Text c="dimmed">{words.exception.over}</Text>;
  return (
    <Stack gap="md" component="article" aria-labelledby="reason">
      <Stack gap={6} className={classes.card}>
        <Group gap="sm" c="dimmed" fz="sm">
          <span>
            {words.workflow} {found.workflow}, {words.step} {found.step}
          </span>
          <When at={found.at} />
          <Id id={found.run} short />
        </Group>
        <Title order={2} id="reason" className={classes.consequence}>
          <Foreign text={found.reason ?? found.kind} />
        </Title>
      </Stack>
      {found.detail !== null && found.detail !== undefined && (
        <Section title={words.exception.detail}>
          <Json value={found.detail} />
        </Section>
      )}
      {found.yours ? (
        <Choose found={found} done={() => void navigate({ to: "/inbox" })} />
      ) : (
        <Text c="dimmed">{words.exception.notYours}</Text>
      )}
    </Stack>
  );
}

interface ChooseProps {
  found: Found;
  /** Called when the choice was taken. */
  done?: () => void;
  /** It stands in a card already. */
  inCard?: boolean;
}

/** What may be done about an exception, and the person's choice among it. */
export function Choose({ found, done, inCard = false }: ChooseProps): ReactElement {
  const queries = useQueryClient();
  const [choice, setChoice] = useState<Choice>();
  const [reason, setReason] = useDraft(`exception:${found.run}:${found.exception}`);
  const [value, setValue] = useDraft(`exception:${found.run}:${found.exception}:value`);
  const isWrong = value !== "" && parsed(value) === undefined;
  const choose = useMutation({
    mutationFn: (asked: Schemas["ChoiceAsked"]) =>
      answered(client.POST("/api/runs/{run}/choose", { params: { path: { run: found.run } }, body: asked })),
    onSuccess: async () => {
      setReason("");
      setValue("");
      notifications.show({ color: "teal", message: words.exception.done });
      done?.();
      await lookAgain(queries, ["exceptions", "runs"]);
    },
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (choice !== undefined && !isWrong) choose.mutate(asking(found, choice, reason, value));
  };
  return (
    <form onSubmit={send} className={inCard ? undefined : classes.bar}>
      <Stack gap="sm">
        {choose.error !== null && <Problem error={choose.error} />}
        <Radio.Group label={words.exception.choose} value={choice ?? null} onChange={(one) => setChoice(one as Choice)}>
          <Stack gap={6} mt="xs">
            {found.choices.map((one) => (
              <Radio key={one} value={one} label={words.exception.choices[one] ?? one} />
            ))}
          </Stack>
        </Radio.Group>
        {(choice === "retry" || choice === "edit") && (
          <Textarea
            label={choice === "retry" ? words.exception.arguments : words.exception.output}
            required={choice === "edit"}
            error={isWrong && words.task.notJson}
            value={value}
            onChange={(event) => setValue(event.currentTarget.value)}
            autosize
            minRows={2}
          />
        )}
        <Textarea
          label={words.exception.why}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          maxLength={1_000}
          autosize
        />
        <Group>
          <Button type="submit" disabled={choice === undefined} loading={choose.isPending}>
            {words.exception.send}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function asking(found: Found, choice: Choice, reason: string, value: string): Schemas["ChoiceAsked"] {
  const said = value === "" ? undefined : parsed(value)?.value;
  const asked = { exception: found.exception, choice, reason };
  if (choice === "edit") return { ...asked, output: said };
  return choice === "retry" && said !== undefined ? { ...asked, arguments: said as Record<string, unknown> } : asked;
}
