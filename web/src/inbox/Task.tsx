/** A task: what is to be reached, everything that came with it, and what its holder can do. */
import { Badge, Button, Group, Stack, Text, Textarea, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useState, type ReactElement } from "react";
import { JudgeOf } from "@/actions/Judge";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useDraft } from "@/frame/draft";
import { useMay, useMe } from "@/frame/session";
import { Foreign, Id, Json, Problem, Section, When } from "@/kit";
import { parsed } from "@/kit/json";
import classes from "./inbox.module.css";
import { taskQuery } from "./queries";
import { words } from "./words";

type Shown = Schemas["TaskShown"];

export function Task({ task: id }: { task: string }): ReactElement {
  const task = useSuspenseQuery(taskQuery(id)).data;
  return (
    <Stack gap="md" component="article" aria-labelledby="goal">
      <Stack gap={6} className={classes.card}>
        <Group gap="sm" c="dimmed" fz="sm">
          <Badge variant="light">{task.state}</Badge>
          <span>
            {words.until} <When at={task.until} />
          </span>
          <Id id={task.task} short />
        </Group>
        <Title order={2} id="goal" className={classes.consequence}>
          <Foreign text={task.goal ?? words.task.hidden} />
        </Title>
        <Text size="sm">
          {words.role} {task.role} · {task.priority}
          {task.workflow !== null && ` · ${words.workflow} ${task.workflow}, ${words.step} ${task.step ?? ""}`}
        </Text>
      </Stack>
      <About task={task} />
      <Work task={task} />
      {(task.state === "done" || task.state === "failed") && <JudgeOf of={{ kind: "task", id: task.task }} />}
    </Stack>
  );
}

function About({ task }: { task: Shown }): ReactElement {
  return (
    <>
      {task.questions !== null && task.questions.length > 0 && (
        <Section title={words.task.questions}>
          {task.questions.map((one) => (
            <Text key={one}>
              <Foreign text={one} />
            </Text>
          ))}
        </Section>
      )}
      {isSomething(task.input) && (
        <Section title={words.task.input}>
          <Json value={task.input} />
        </Section>
      )}
      {isSomething(task.results) && (
        <Section title={words.task.results}>
          <Json value={task.results} />
        </Section>
      )}
      {task.notes !== null && task.notes.length > 0 && (
        <Section title={words.task.notes}>
          <Stack gap="sm">
            {task.notes.map((note) => (
              <div key={note.at + note.by}>
                <Text size="xs" c="dimmed">
                  {note.by} · {note.kind} · <When at={note.at} />
                </Text>
                <Foreign text={note.text} />
              </div>
            ))}
          </Stack>
        </Section>
      )}
      {isSomething(task.contract) && (
        <Section title={words.task.contract}>
          <Json value={task.contract} />
        </Section>
      )}
    </>
  );
}

function isSomething(value: unknown): boolean {
  return value !== null && value !== undefined && !(typeof value === "object" && Object.keys(value).length === 0);
}

const OVER = new Set(["done", "failed", "withdrawn"]);

function Work({ task }: { task: Shown }): ReactElement | null {
  const may = useMay()("tasks:task:work");
  const mine = useMe().name;
  if (!may || OVER.has(task.state)) return null;
  return task.holder === `person:${mine}` ? <Holding task={task} /> : <Take task={task} />;
}

function Take({ task }: { task: Shown }): ReactElement {
  const again = useAgain();
  const take = useMutation({
    mutationFn: () => answered(client.POST("/api/tasks/{task}/take", { params: { path: { task: task.task } } })),
    onSuccess: again,
  });
  return (
    <Stack className={classes.bar} gap="xs">
      {take.error !== null && <Problem error={take.error} />}
      <Group>
        <Button loading={take.isPending} onClick={() => take.mutate()}>
          {words.task.take}
        </Button>
        {task.holder !== null && (
          <Text size="sm" c="dimmed">
            {words.task.heldBy(task.holder)}
          </Text>
        )}
      </Group>
    </Stack>
  );
}

type Deed = "complete" | "note" | "give-back" | "escalate";

function Holding({ task }: { task: Shown }): ReactElement {
  const again = useAgain();
  const [text, setText] = useDraft(`task:${task.task}`);
  const [wrong, setWrong] = useState<string>();
  const work = useMutation({
    mutationFn: (deed: Deed) => send(task, deed, text),
    onSuccess: async (after, deed) => {
      const breach = "breach" in after ? after.breach : null;
      if (breach) setWrong(`${words.task.breach}: ${breach}`);
      else {
        setText("");
        notifications.show({ color: "teal", message: words.task.did[deed] });
      }
      await again();
    },
  });
  const complete = () => {
    const isJson = parsed(text) !== undefined;
    setWrong(isJson ? undefined : words.task.notJson);
    if (isJson) work.mutate("complete");
  };
  return (
    <Stack className={classes.bar} gap="sm">
      {work.error !== null && <Problem error={work.error} />}
      <Textarea
        label={words.task.output}
        description={words.task.outputAbout}
        error={wrong}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        autosize
        minRows={2}
        maxRows={12}
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
      />
      <Group gap="xs">
        <Button loading={work.isPending} onClick={complete}>
          {words.task.complete}
        </Button>
        {(["note", "give-back", "escalate"] as const).map((deed) => (
          <Button
            key={deed}
            variant="default"
            disabled={deed !== "give-back" && text === ""}
            onClick={() => work.mutate(deed)}
          >
            {words.task.deeds[deed]}
          </Button>
        ))}
      </Group>
    </Stack>
  );
}

function send(task: Shown, deed: Deed, text: string): Promise<Schemas["TaskAnswer"] | Schemas["EndedAnswer"]> {
  const params = { path: { task: task.task } };
  const { claim } = task;
  if (deed === "complete") {
    return answered(
      client.POST("/api/tasks/{task}/complete", { params, body: { claim, output: parsed(text)?.value } }),
    );
  }
  if (deed === "note") return answered(client.POST("/api/tasks/{task}/note", { params, body: { claim, text } }));
  if (deed === "escalate") {
    return answered(client.POST("/api/tasks/{task}/escalate", { params, body: { claim, reason: text, question: "" } }));
  }
  return answered(client.POST("/api/tasks/{task}/give-back", { params, body: { claim, text } }));
}

function useAgain(): () => Promise<void> {
  const queries = useQueryClient();
  return () => lookAgain(queries, ["tasks"]);
}
