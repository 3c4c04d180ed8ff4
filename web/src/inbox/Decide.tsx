/**
 * The decision. It carries the hash of what was shown; the server refuses it where anything else would be done. What has
 * been written so far stays in the tab, so that an ended session loses nothing.
 */
import { Button, Group, Kbd, Stack, Text, Textarea } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState, type KeyboardEvent, type ReactElement } from "react";
import { answered, client, Refused, type Schemas } from "@/api/client";
import { useDraft } from "@/frame/draft";
import { Id, Problem } from "@/kit";
import classes from "./inbox.module.css";
import { useKeys } from "@/frame/keys";
import { useInbox } from "./queries";
import { words } from "./words";

type Held = Schemas["ApprovalAnswer"];
type Verdict = Schemas["Decision"]["verdict"];

const VERDICTS: readonly { verdict: Verdict; key: string; colour: string }[] = [
  { verdict: "approve", key: "a", colour: "teal" },
  { verdict: "reject", key: "r", colour: "red" },
  { verdict: "return", key: "c", colour: "gray" },
];

export function Decide({ held }: { held: Held }): ReactElement {
  if (held.state !== "waiting") return <Told text={words.decide.over(held.state)} />;
  if (!held.yours) return <Told text={words.decide.notYours} />;
  return <Vote held={held} />;
}

function Told({ text }: { text: string }): ReactElement {
  return (
    <Text className={classes.bar} size="sm" c="dimmed">
      {text}
    </Text>
  );
}

function Vote({ held }: { held: Held }): ReactElement {
  const [verdict, setVerdict] = useState<Verdict>();
  const [reason, setReason] = useDraft(`approval:${held.action}`);
  const decide = useDecision(held, () => setReason(""));
  const cancel = () => setVerdict(undefined);
  useKeys({
    a: () => setVerdict("approve"),
    r: () => setVerdict("reject"),
    c: () => setVerdict("return"),
    Escape: cancel,
  });
  return (
    <Stack className={classes.bar} gap="sm" role="group" aria-label={words.decide.title}>
      {decide.error !== null && <Problem error={decide.error} />}
      {verdict !== undefined && (
        <Reason
          key={verdict}
          verdict={verdict}
          reason={reason}
          setReason={setReason}
          send={() => decide.mutate({ verdict, reason })}
          cancel={cancel}
        />
      )}
      <Group justify="space-between" gap="sm">
        <Group gap="xs">
          {verdict === undefined ? (
            VERDICTS.map((one) => (
              <Button
                key={one.verdict}
                size="sm"
                variant={one.verdict === "return" ? "default" : one.verdict === "approve" ? "filled" : "light"}
                color={one.colour}
                onClick={() => setVerdict(one.verdict)}
                rightSection={<Kbd size="xs">{one.key}</Kbd>}
              >
                {words.decide[one.verdict]}
              </Button>
            ))
          ) : (
            <>
              <Button
                size="sm"
                color={VERDICTS.find((one) => one.verdict === verdict)?.colour}
                loading={decide.isPending}
                onClick={() => decide.mutate({ verdict, reason })}
              >
                {words.decide.send[verdict]}
              </Button>
              <Button size="sm" variant="default" onClick={cancel}>
                {words.decide.cancel}
              </Button>
            </>
          )}
        </Group>
        <Text size="xs" c="dimmed" title={words.decide.shownAbout} component="div">
          {words.decide.shown} <Id id={`${held.shown.slice(0, 12)}`} />
        </Text>
      </Group>
    </Stack>
  );
}

interface ReasonProps {
  verdict: Verdict;
  reason: string;
  setReason: (text: string) => void;
  send: () => void;
  cancel: () => void;
}

function Reason({ verdict, reason, setReason, send, cancel }: ReasonProps): ReactElement {
  const press = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape") cancel();
  };
  return (
    <Textarea
      label={words.decide.reason[verdict]}
      placeholder={words.decide.placeholder}
      value={reason}
      onChange={(event) => setReason(event.currentTarget.value)}
      onKeyDown={press}
      autosize
      maxRows={8}
      maxLength={2_000}
      autoFocus
    />
  );
}

function useDecision(held: Held, forget: () => void) {
  const queries = useQueryClient();
  const onward = useOnward(held.action);
  return useMutation({
    mutationFn: ({ verdict, reason }: { verdict: Verdict; reason: string }) =>
      answered(
        client.POST("/api/approvals/{action}/decision", {
          params: { path: { action: held.action } },
          body: { verdict, reason, shown: held.shown },
        }),
      ),
    onSuccess: async (after, { verdict }) => {
      forget();
      const still = after.waits_for.length > 0 ? words.decide.still(after.waits_for.join(", ")) : undefined;
      notifications.show({ color: "teal", title: words.decide.done[verdict], message: still, autoClose: 2_500 });
      onward();
      await queries.invalidateQueries({ queryKey: ["approvals"] });
    },
    onError: (error) => {
      if (error instanceof Refused && error.status === 409) void queries.invalidateQueries({ queryKey: ["approvals"] });
    },
  });
}

/** Goes to what comes after `key` in the list, as it stood while this was looked at. */
function useOnward(key: string): () => void {
  const navigate = useNavigate();
  const { items } = useInbox();
  const kept = useRef(items);
  if (items.some((one) => one.key === key)) kept.current = items;
  return () => {
    const at = kept.current.findIndex((one) => one.key === key);
    const next = kept.current[at + 1] ?? kept.current[at - 1];
    void navigate({ to: next?.to ?? "/inbox" });
  };
}
