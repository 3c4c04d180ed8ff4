/** A declared object as its file, its revisions and neighbours, with the way to change it. */
import { Alert, Button, Group, Stack, Table, Text, Textarea, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useState, type ReactElement } from "react";
import type { Schemas } from "@/api/client";
import { addressOfObject } from "@/frame/addresses";
import { useDraft } from "@/frame/draft";
import { useMay } from "@/frame/session";
import { Details, Foreign, Id, Problem, Section, Source, When, To, State } from "@/kit";
import { nameOf } from "@/kit/who";
import classes from "./change.module.css";
import { useApply, usePlan, type Described } from "./queries";
import { words } from "./words";

interface Props {
  found: Described;
  /** Shown on request only, where the page says the same in its own way. */
  folded?: boolean;
}

/** The file of the object; who may, changes it here. */
export function Declared({ found, folded = false }: Props): ReactElement {
  const may = useMay();
  const [editing, setEditing] = useState<Described>(); // as it was when somebody began to write
  const [isFolded, { close: unfold }] = useDisclosure(folded);
  const canChange = may("catalog:change:plan");
  const actions = !editing && (
    <>
      {isFolded && (
        <Button size="xs" variant="subtle" onClick={unfold}>
          {words.show}
        </Button>
      )}
      {canChange && (
        <Button size="xs" variant="default" onClick={() => setEditing(found)}>
          {words.edit}
        </Button>
      )}
    </>
  );
  return (
    <Section title={words.title} more={actions}>
      {editing && <Edit found={editing} close={() => setEditing(undefined)} />}
      {!editing && !isFolded && <Source label={words.text(found.kind, found.name)} text={found.text} />}
      {!editing && isFolded && (
        <Text size="sm" c="dimmed">
          {words.about}
        </Text>
      )}
    </Section>
  );
}

function Edit({ found, close }: { found: Described; close: () => void }): ReactElement {
  const [draft, setDraft] = useDraft(`change:${found.kind}/${found.name}/${found.digest}`);
  const [message, setMessage] = useDraft(`change:${found.kind}/${found.name}:message`);
  const may = useMay()("catalog:change:apply");
  const plan = usePlan(found);
  const apply = useApply(found);
  const text = draft || found.text;
  const write = (next: string) => {
    plan.reset();
    setDraft(next === found.text ? "" : next);
  };
  const send = () =>
    apply.mutate(
      { text, message },
      {
        onSuccess: ({ change }) => {
          setDraft("");
          setMessage("");
          if (change !== null) notifications.show({ color: "teal", message: words.applied(change.epoch) });
          close();
        },
      },
    );
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {words.about}
      </Text>
      <Textarea
        aria-label={words.text(found.kind, found.name)}
        classNames={{ input: classes.editor }}
        value={text}
        onChange={(event) => write(event.currentTarget.value)}
        autosize
        minRows={8}
        maxRows={28}
        spellCheck={false}
        autoFocus
      />
      {(apply.error ?? plan.error) !== null && <Problem error={apply.error ?? plan.error} />}
      {plan.data !== undefined && <Planned plan={plan.data} />}
      <Group gap="xs" align="flex-end">
        <Button size="xs" variant="light" loading={plan.isPending} onClick={() => plan.mutate(text)}>
          {words.plan}
        </Button>
        {may && plan.data !== undefined && !plan.data.empty && plan.data.conflicts.length === 0 && (
          <>
            <TextInput
              size="xs"
              flex={1}
              miw={180}
              aria-label={words.message}
              placeholder={words.message}
              value={message}
              maxLength={2_000}
              onChange={(event) => setMessage(event.currentTarget.value)}
            />
            <Button size="xs" loading={apply.isPending} onClick={send}>
              {words.apply}
            </Button>
          </>
        )}
        <Button size="xs" variant="default" onClick={close}>
          {words.cancel}
        </Button>
      </Group>
      {!may && (
        <Text size="xs" c="dimmed">
          {words.readonly}
        </Text>
      )}
    </Stack>
  );
}

function Planned({ plan }: { plan: Schemas["PlanAnswer"] }): ReactElement {
  if (plan.conflicts.length > 0) {
    return (
      <Alert color="orange" title={words.conflict}>
        {plan.conflicts.map((one) => (
          <Text size="sm" key={`${one.kind}/${one.name}`}>
            {one.kind} {one.name}: {one.reason}. {one.hint}
          </Text>
        ))}
      </Alert>
    );
  }
  if (plan.empty) return <Text size="sm">{words.nothing}</Text>;
  return (
    <Stack gap="xs" role="status">
      <Text size="sm" fw={550}>
        {plan.summary}
      </Text>
      {[...plan.added, ...plan.changed].map((entry) => (
        <div key={`${entry.kind}/${entry.name}`}>
          <Group gap="xs">
            <State
              of={entry.before === null ? "new" : "changed"}
              as={entry.before === null ? words.added : words.changed}
            />
            <Text size="sm">
              {entry.kind} {entry.name}
            </Text>
          </Group>
          <Differences of={entry.differences} />
        </div>
      ))}
    </Stack>
  );
}

function Differences({ of }: { of: Schemas["EntryAnswer"]["differences"] }): ReactElement {
  return (
    <Table verticalSpacing={4} fz="xs" withRowBorders={false}>
      <Table.Tbody>
        {of.map((one) => (
          <Table.Tr key={one.path} className={classes.difference}>
            <Table.Td>{one.path}</Table.Td>
            <Table.Td>
              <pre className={classes.before}>
                <Foreign text={shown(one.before)} first={2_000} />
              </pre>
              <pre className={classes.after}>
                <Foreign text={shown(one.after)} first={2_000} />
              </pre>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function shown(value: unknown): string {
  return typeof value === "string"
    ? value
    : value === null || value === undefined
      ? "–"
      : JSON.stringify(value, null, 1);
}

/** Where it belongs, and what it hangs together with. */
export function Belongs({ found }: { found: Described }): ReactElement {
  return (
    <Details
      of={[
        [words.unit, found.unit],
        [words.scope, found.scope],
        [words.digest, <Id key="digest" id={found.digest.slice(0, 16)} />],
        [words.uses, found.uses.length > 0 && <Neighbours of={found.uses} />],
        [words.usedBy, found.used_by.length > 0 && <Neighbours of={found.used_by} />],
      ]}
    />
  );
}

const SHOWN = 24;

function Neighbours({ of }: { of: readonly Schemas["Neighbour"][] }): ReactElement {
  return (
    <Group gap="0.15rem 0.6rem">
      {of.slice(0, SHOWN).map((one) => (
        <To size="sm" key={`${one.kind}/${one.name}`} to={addressOfObject(one.kind, one.name)} title={one.kind}>
          {one.name}
        </To>
      ))}
      {of.length > SHOWN && <span>… {of.length - SHOWN}</span>}
    </Group>
  );
}

/** Every wording it had. */
export function Revisions({ found }: { found: Described }): ReactElement {
  return (
    <Section title={words.revisions} note={found.revisions.length}>
      <Stack gap={6}>
        {found.revisions.map((one) => (
          <Text size="sm" key={one.since_epoch} component="div">
            {words.revision(one.since_epoch)}
            {one.until_epoch === null && ` (${words.now})`} · {nameOf(one.by)} · <When at={one.at} />
            {one.message !== "" && (
              <Text size="xs" c="dimmed" component="div">
                <Foreign text={one.message} first={200} />
              </Text>
            )}
          </Text>
        ))}
      </Stack>
    </Section>
  );
}
