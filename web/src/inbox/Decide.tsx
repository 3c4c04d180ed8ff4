/**
 * The decision. It carries the hash of what was shown; the server refuses it where anything else would be done. What has
 * been written so far stays in the tab, so that an ended session loses nothing.
 */
import { Autocomplete, Button, Group, Kbd, Stack, Text, Textarea } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState, type KeyboardEvent, type ReactElement } from "react";
import { answered, client, Refused, type Schemas } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useDraft } from "@/frame/draft";
import { useMe } from "@/frame/session";
import { Id, Problem } from "@/kit";
import classes from "./inbox.module.css";
import { useKeys } from "@/frame/keys";
import { useDeciders, useInbox, usePeople } from "./queries";
import { words } from "./words";

type Held = Schemas["ApprovalAnswer"];
type Verdict = Schemas["Decision"]["verdict"];

/** What can be done with what waits: a verdict ends it here, the others go before one. */
type Deed = Verdict | "ask" | "handTo";

const DEEDS: readonly { deed: Deed; key: string; colour: string; variant: "filled" | "light" | "default" }[] = [
  { deed: "approve", key: "a", colour: "teal", variant: "filled" },
  { deed: "reject", key: "r", colour: "red", variant: "light" },
  { deed: "return", key: "c", colour: "gray", variant: "default" },
  { deed: "ask", key: "q", colour: "gray", variant: "default" },
  { deed: "handTo", key: "h", colour: "gray", variant: "default" },
];

export function Decide({ held }: { held: Held }): ReactElement {
  if (held.state !== "waiting") return <Told text={words.decide.over(held.state)} />;
  if (!held.yours) return <Told text={words.decide.notYours} />;
  return <Open key={held.action} held={held} />;
}

function Told({ text }: { text: string }): ReactElement {
  return (
    <Text className={classes.bar} size="sm" c="dimmed">
      {text}
    </Text>
  );
}

function Open({ held }: { held: Held }): ReactElement {
  const [deed, setDeed] = useState<Deed>();
  const [ended, setEnded] = useState<Deed>();
  const [openedAt] = useState(Date.now);
  const cancel = () => setDeed(undefined);
  const done = (which: Deed) => (which === "ask" ? cancel() : setEnded(which));
  const isOpen = ended === undefined;
  useKeys(
    isOpen ? { ...Object.fromEntries(DEEDS.map((one) => [one.key, () => setDeed(one.deed)])), Escape: cancel } : {},
  );
  if (ended !== undefined) return <Told text={words.decide.done[ended]} />; // until the next one is shown
  const hash = (
    <Text size="xs" c="dimmed" title={words.decide.shownAbout} component="div">
      {words.decide.shown} <Id id={held.shown} short />
    </Text>
  );
  return (
    <Stack className={classes.bar} gap="xs" role="group" aria-label={words.decide.title}>
      {deed === undefined ? (
        <Group justify="space-between" gap="xs">
          <Choices choose={setDeed} />
          {hash}
        </Group>
      ) : (
        <>
          <Words key={deed} held={held} openedAt={openedAt} deed={deed} close={cancel} done={done} />
          {hash}
        </>
      )}
    </Stack>
  );
}

function Choices({ choose }: { choose: (deed: Deed) => void }): ReactElement {
  return (
    <Group gap={6}>
      {DEEDS.map((one) => (
        <Button
          key={one.deed}
          size="xs"
          px="xs"
          variant={one.variant}
          color={one.colour}
          onClick={() => choose(one.deed)}
          rightSection={
            <Kbd size="xs" visibleFrom="sm">
              {one.key}
            </Kbd>
          }
        >
          {words.decide[one.deed]}
        </Button>
      ))}
    </Group>
  );
}

interface WordsProps {
  held: Held;
  /** Since when it is on the screen: how long people looked is part of what work costs. */
  openedAt: number;
  deed: Deed;
  close: () => void;
  done: (deed: Deed) => void;
}

function Words({ held, openedAt, deed, close, done }: WordsProps): ReactElement {
  const [text, setText] = useDraft(`approval:${held.action}`);
  const [to, setTo] = useState("");
  const deciding = useDeciding(held, openedAt, deed, () => {
    setText("");
    done(deed);
  });
  const send = () => deciding.mutate({ text, to });
  const press = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape") close();
  };
  const isToSomebody = deed === "ask" || deed === "handTo";
  return (
    <>
      {deciding.error !== null && <Problem error={deciding.error} />}
      {deed === "ask" && <Anybody name={to} setName={setTo} />}
      {deed === "handTo" && <Decider action={held.action} name={to} setName={setTo} />}
      <Textarea
        label={words.decide.reason[deed]}
        placeholder={isToSomebody ? undefined : words.decide.placeholder}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={press}
        autosize
        maxRows={8}
        maxLength={2_000}
        autoFocus={!isToSomebody}
      />
      <Group gap="xs">
        <Button
          size="sm"
          color={deed === "approve" ? "teal" : deed === "reject" ? "red" : undefined}
          loading={deciding.isPending}
          onClick={send}
        >
          {words.decide.send[deed]}
        </Button>
        <Button size="sm" variant="default" onClick={close}>
          {words.decide.cancel}
        </Button>
      </Group>
    </>
  );
}

interface WhomProps {
  name: string;
  setName: (name: string) => void;
}

/** A person, out of those that one may see; typed by name by who may see none. */
function Anybody(props: WhomProps): ReactElement {
  const people = usePeople().data?.items ?? [];
  return (
    <Whom {...props} shown={people.map((one) => ({ value: one.name, label: `${one.display_name} (${one.name})` }))} />
  );
}

/** Somebody else who could decide about the action. */
function Decider({ action, ...props }: WhomProps & { action: string }): ReactElement {
  const me = useMe().name;
  const people = useDeciders(action).data?.people ?? [];
  return <Whom {...props} shown={people.filter((one) => one !== me).map((one) => ({ value: one, label: one }))} />;
}

interface ShownProps extends WhomProps {
  shown: { value: string; label: string }[];
}

function Whom({ name, setName, shown }: ShownProps): ReactElement {
  return (
    <Autocomplete
      label={words.decide.to}
      value={shown.find((one) => one.value === name)?.label ?? name}
      onChange={(said) => setName(shown.find((one) => one.label === said)?.value ?? said)}
      data={shown.map((one) => one.label)}
      autoFocus
      required
    />
  );
}

function useDeciding(held: Held, openedAt: number, deed: Deed, done: () => void) {
  const queries = useQueryClient();
  const onward = useOnward(held.action);
  const again = () => lookAgain(queries, ["approvals"]);
  return useMutation({
    mutationFn: (said: { text: string; to: string }) => send(held, openedAt, deed, said.text, said.to),
    onSuccess: async (still) => {
      notifications.show({ color: "teal", title: words.decide.done[deed], message: still, autoClose: 2_500 });
      done();
      if (deed !== "ask") onward();
      await again();
    },
    onError: (error) => {
      if (error instanceof Refused && error.status === 409) void again(); // what is shown is no longer true
    },
  });
}

/** Returns who is still needed, in words; empty where nobody is. */
async function send(held: Held, openedAt: number, deed: Deed, text: string, to: string): Promise<string> {
  const params = { path: { action: held.action } };
  if (deed === "ask") {
    await answered(client.POST("/api/approvals/{action}/question", { params, body: { to, text } }));
    return "";
  }
  if (deed === "handTo") {
    await answered(client.POST("/api/approvals/{action}/handing", { params, body: { to, text } }));
    return "";
  }
  const body = { verdict: deed, reason: text, shown: held.shown, looked_ms: Date.now() - openedAt };
  const after = await answered(client.POST("/api/approvals/{action}/decision", { params, body }));
  return after.waits_for.length > 0 ? words.decide.still(after.waits_for.join(", ")) : "";
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
