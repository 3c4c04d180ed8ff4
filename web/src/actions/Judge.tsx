/** Whether a result was right: what was said so far, and the person's own word. */
import { Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { useDraft } from "@/frame/draft";
import { useMay } from "@/frame/session";
import { Foreign, Problem, Section, When, State } from "@/kit";
import { nameOf } from "@/kit/who";
import { PartShown } from "./Parts";
import { words } from "./words";

type Verdict = Schemas["Label"]["verdict"];

const VERDICTS: readonly { verdict: Verdict; colour: string }[] = [
  { verdict: "right", colour: "teal" },
  { verdict: "wrong", colour: "red" },
  { verdict: "corrected", colour: "orange" },
];

export function Judge({ found }: { found: Schemas["Explanation"] }): ReactElement {
  const may = useMay()("insight:label:give");
  const judged = found.judged ?? [];
  const isOver = found.state === "done" || found.state === "failed" || found.state === "unknown";
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
        {may && isOver && <Say action={found.action} />}
      </Stack>
    </Section>
  );
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
      {one.remark.state === "shown" && typeof one.remark.value === "string" && (
        <Text size="sm">
          <Foreign text={one.remark.value} />
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

function Say({ action }: { action: string }): ReactElement {
  const [verdict, setVerdict] = useState<Verdict>();
  const [reason, setReason] = useDraft(`label:${action}`);
  const [correction, setCorrection] = useDraft(`correction:${action}`);
  const give = useLabel(action, () => {
    setVerdict(undefined);
    setReason("");
    setCorrection("");
  });
  if (verdict === undefined) {
    return (
      <Group gap="xs">
        {VERDICTS.map((one) => (
          <Button key={one.verdict} size="xs" variant="default" onClick={() => setVerdict(one.verdict)}>
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
        autosize
        maxLength={1_000}
        autoFocus={verdict !== "corrected"}
      />
      <Group gap="xs">
        <Button
          size="xs"
          loading={give.isPending}
          disabled={verdict === "corrected" && correction.trim() === ""}
          color={VERDICTS.find((one) => one.verdict === verdict)?.colour}
          onClick={() => give.mutate({ verdict, reason, correction: read(verdict, correction) })}
        >
          {words.judge.save}: {words.judge[verdict].toLowerCase()}
        </Button>
        <Button size="xs" variant="default" onClick={() => setVerdict(undefined)}>
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

function useLabel(action: string, forget: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["Label"]) =>
      answered(client.POST("/api/actions/{action}/label", { params: { path: { action } }, body })),
    onSuccess: async () => {
      forget();
      notifications.show({ color: "teal", message: words.judge.done, autoClose: 2_000 });
      await queries.invalidateQueries({ queryKey: ["actions"] });
    },
  });
}
