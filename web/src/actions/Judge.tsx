/** Whether a result was right: what was said so far, and the person's own word. */
import { Button, Group, Kbd, Stack, Text, Textarea } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type KeyboardEvent, type ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useDraft } from "@/frame/draft";
import { useKeys } from "@/frame/keys";
import { useMay } from "@/frame/session";
import { Problem, Section, When, State } from "@/kit";
import { nameOf } from "@/kit/who";
import { PartShown } from "./Parts";
import { historyQuery } from "./queries";
import { words } from "./words";

type Verdict = Schemas["Label"]["verdict"];

const VERDICTS: readonly { verdict: Verdict; colour: string; key: string }[] = [
  { verdict: "right", colour: "teal", key: "a" },
  { verdict: "wrong", colour: "red", key: "r" },
  { verdict: "corrected", colour: "orange", key: "c" },
];

/** An action, a task or a run whose result may be judged. */
export interface Subject {
  kind: "action" | "task" | "run";
  id: string;
}

/** Whether results of actions in this state are judged: how an unknown one ended must be said first. */
export function isJudged(state: Schemas["Explanation"]["state"]): boolean {
  return state === "done" || state === "failed";
}

interface JudgeProps {
  of: Subject;
  judged: readonly Schemas["Judged"][];
  /** Only of what has ended can anybody say whether it was right. */
  isOver: boolean;
  /** Keys do it too, where nothing else on the page has them; then, once it is said, what comes next. */
  onward?: () => void;
}

export function Judge({ of, judged, isOver, onward }: JudgeProps): ReactElement {
  const may = useMay()("insight:label:give");
  return (
    <Section title={words.sections.judged}>
      <Stack gap="sm">
        {judged.length === 0 && (
          <Text size="sm" c="dimmed">
            {isOver ? words.judge.none : words.judge.notYet}
          </Text>
        )}
        {judged.map((one) => (
          <Said key={one.index} one={one} />
        ))}
        {may && isOver && <Say of={of} onward={onward} />}
      </Stack>
    </Section>
  );
}

/** The same of a task or a run, with what was said of it so far. */
export function JudgeOf({ of }: { of: Subject & { kind: "task" | "run" } }): ReactElement | null {
  const may = useMay()("insight:figure:read");
  const found = useQuery({ ...historyQuery(of), enabled: may });
  if (found.error !== null) return <Problem error={found.error} />;
  if (found.data === undefined) return null;
  return <Judge of={of} judged={found.data.labels} isOver />;
}

function Said({ one }: { one: Schemas["Judged"] }): ReactElement {
  return (
    <Stack gap={4}>
      <Group gap="xs" fz="sm">
        <State of={one.verdict} />
        <span>{nameOf(one.by)}</span>
        <When at={one.at} />
        {one.stands && (
          <Text span size="xs" c="dimmed">
            {words.judge.stands}
          </Text>
        )}
      </Group>
      {one.remark.state !== "none" && (
        <Text size="sm" component="div">
          <PartShown part={one.remark} />
        </Text>
      )}
      {one.correction.state !== "none" && (
        <div>
          <Text size="xs" c="dimmed">
            {words.judge.should}
          </Text>
          <PartShown part={one.correction} />
        </div>
      )}
    </Stack>
  );
}

function Say({ of, onward }: { of: Subject; onward: (() => void) | undefined }): ReactElement {
  const [verdict, setVerdict] = useState<Verdict>();
  const [reason, setReason] = useDraft(`label:${of.id}`);
  const [correction, setCorrection] = useDraft(`correction:${of.id}`);
  const give = useLabel(of, () => {
    setVerdict(undefined);
    setReason("");
    setCorrection("");
    onward?.();
  });
  const cancel = () => setVerdict(undefined);
  const keys = Object.fromEntries(VERDICTS.map((one) => [one.key, () => setVerdict(one.verdict)]));
  useKeys(onward === undefined ? {} : { ...keys, Escape: cancel });
  const isWhole = verdict !== "corrected" || correction.trim() !== "";
  const send = () => {
    if (verdict !== undefined && isWhole) give.mutate({ verdict, reason, correction: read(verdict, correction) });
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape") cancel();
  };
  if (verdict === undefined) {
    return (
      <Group gap="xs">
        {VERDICTS.map((one) => (
          <Button
            key={one.verdict}
            size="xs"
            variant="default"
            onClick={() => setVerdict(one.verdict)}
            rightSection={onward && <Kbd size="xs">{one.key}</Kbd>}
          >
            {words.judge[one.verdict]}
          </Button>
        ))}
      </Group>
    );
  }
  return (
    <Stack gap="xs">
      {give.error !== null && <Problem error={give.error} />}
      {verdict === "corrected" && (
        <Textarea
          label={words.judge.correction}
          value={correction}
          onChange={(event) => setCorrection(event.currentTarget.value)}
          autosize
          minRows={2}
          autoFocus
          required
        />
      )}
      <Textarea
        label={words.judge.reason}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        onKeyDown={press}
        autosize
        maxLength={1_000}
        autoFocus={verdict !== "corrected"}
      />
      <Group gap="xs">
        <Button
          size="xs"
          loading={give.isPending}
          disabled={!isWhole}
          color={VERDICTS.find((one) => one.verdict === verdict)?.colour}
          onClick={send}
        >
          {words.judge.save}: {words.judge[verdict].toLowerCase()}
        </Button>
        <Button size="xs" variant="default" onClick={cancel}>
          {words.judge.cancel}
        </Button>
      </Group>
    </Stack>
  );
}

/** What somebody wrote, as JSON where it is JSON, else as the text it is. */
function read(verdict: Verdict, text: string): Schemas["Label"]["correction"] {
  if (verdict !== "corrected") return null;
  try {
    return JSON.parse(text) as Schemas["Label"]["correction"];
  } catch {
    return text;
  }
}

function useLabel(of: Subject, forget: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["Label"]) => give(of, body),
    onSuccess: async () => {
      forget();
      notifications.show({ color: "teal", message: words.judge.done, autoClose: 2_000 });
      await lookAgain(queries, ["actions", "labels"]);
    },
  });
}

function give({ kind, id }: Subject, body: Schemas["Label"]): Promise<Schemas["LabelAnswer"]> {
  if (kind === "task")
    return answered(client.POST("/api/tasks/{task}/label", { params: { path: { task: id } }, body }));
  if (kind === "run") return answered(client.POST("/api/runs/{run}/label", { params: { path: { run: id } }, body }));
  return answered(client.POST("/api/actions/{action}/label", { params: { path: { action: id } }, body }));
}
