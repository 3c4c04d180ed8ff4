/** One incident: what it is about, what was stopped, what happened around it, who sees to it, and how it ended. */
import {
  Anchor,
  Button,
  Checkbox,
  Group,
  NativeSelect,
  Stack,
  Text,
  Textarea,
  TextInput,
  Timeline,
} from "@mantine/core";
import { useInfiniteQuery, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactElement } from "react";
import type { Schemas } from "@/api/client";
import { useDraft } from "@/frame/draft";
import { startOf } from "@/frame/filters";
import { useMay, useMe } from "@/frame/session";
import { Columns, Details, Foreign, Id, Page, Problem, Section, When } from "@/kit";
import { further } from "@/kit/paging";
import { nameOf } from "@/kit/who";
import { Contain } from "./Contain";
import { Context } from "./Context";
import { Severity, Standing } from "./Incidents";
import { asked, incidentQuery, linesOf, timelineQuery, useChange, type Told } from "./queries";
import { words } from "./words";

export function Incident({ incident }: { incident: string }): ReactElement {
  const told = useSuspenseQuery(incidentQuery(incident)).data;
  const { title, opened_at, opened_by } = told.incident;
  return (
    <Page
      title={title}
      heading={<Foreign text={title} line first={200} />}
      about={
        <Group gap="sm" fz="sm">
          <Severity of={told.incident} />
          <Standing of={told.incident} />
          <span>
            {words.opened} <When at={opened_at} /> {words.by} {nameOf(opened_by)}
          </span>
          <Id id={told.incident.id} short />
        </Group>
      }
    >
      <Columns aside={<Aside told={told} />}>
        <Contain told={told} />
        <Context incident={incident} />
      </Columns>
    </Page>
  );
}

function Aside({ told }: { told: Told }): ReactElement {
  const steers = useMay()("incidents:incident:steer");
  return (
    <>
      <Section title={words.sections.about}>
        <Stack gap="sm">
          <About told={told} />
          {steers && told.incident.state !== "closed" && <Owner told={told} />}
        </Stack>
      </Section>
      <Section title={words.sections.followUps}>
        <FollowUps told={told} steers={steers} />
      </Section>
      <Section title={words.sections.timeline}>
        <Happened told={told} steers={steers} />
      </Section>
      {steers && told.incident.state !== "closed" && (
        <Section title={words.close.title}>
          <Close told={told} />
        </Section>
      )}
    </>
  );
}

function About({ told }: { told: Told }): ReactElement {
  const { about, place, owner, cause, closed_at, closed_by, scope, target } = told.incident;
  const addresses = {
    action: `/actions/${about.id}`,
    agent: `/workforce/${encodeURIComponent(place.agent_name ?? about.id)}`,
    run: `/work/runs/${about.id}`,
    case: `/actions/cases/${encodeURIComponent(about.id)}`,
  };
  return (
    <Details
      of={[
        [
          words.facts.about,
          <Anchor key="about" size="sm" href={addresses[about.kind]}>
            {words.kinds[about.kind]}: <Foreign text={about.id} line first={50} />
          </Anchor>,
        ],
        [words.facts.agent, place.agent_name],
        [words.facts.case, place.case && <Foreign text={place.case} line first={60} />],
        [words.facts.run, place.run && <Id id={place.run} short />],
        [words.facts.rule, place.rule],
        [words.facts.owner, owner ?? words.nobody],
        [words.facts.contained, scope && `${words.contain.scopes[scope]}${target ? `: ${target}` : ""}`],
        [words.facts.cause, cause && words.causes[cause]],
        [
          words.facts.closed,
          closed_at && (
            <>
              <When at={closed_at} /> {words.by} {nameOf(closed_by ?? "")}
            </>
          ),
        ],
      ]}
    />
  );
}

function Owner({ told }: { told: Told }): ReactElement {
  const me = useMe().name;
  const { id, owner } = told.incident;
  const [name, setName] = useState("");
  const assign = useChange(id, asked.assign(id));
  return (
    <Stack gap="xs">
      {assign.error !== null && <Problem error={assign.error} />}
      <Group gap="xs" align="flex-end">
        {owner !== me && (
          <Button size="xs" variant="light" loading={assign.isPending} onClick={() => assign.mutate(me)}>
            {words.owner.take}
          </Button>
        )}
        <TextInput
          size="xs"
          aria-label={words.owner.give}
          placeholder={words.owner.give}
          value={name}
          flex={1}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button
          size="xs"
          variant="default"
          disabled={name.trim() === ""}
          onClick={() => assign.mutate(name.trim(), { onSuccess: () => setName("") })}
        >
          {words.owner.save}
        </Button>
      </Group>
    </Stack>
  );
}

function FollowUps({ told, steers }: { told: Told; steers: boolean }): ReactElement {
  const { id } = told.incident;
  const done = useChange(id, asked.done(id));
  return (
    <Stack gap="sm">
      {done.error !== null && <Problem error={done.error} />}
      {told.follow_ups.length === 0 && (
        <Text size="sm" c="dimmed">
          {words.followUp.none}
        </Text>
      )}
      {told.follow_ups.map((one) => (
        <Checkbox
          key={one.id}
          checked={one.done_at !== null}
          disabled={!steers || one.done_at !== null || done.isPending}
          onChange={() => done.mutate(one.id)}
          label={<Foreign text={one.text} />}
          description={<Due one={one} />}
        />
      ))}
      {steers && <AddFollowUp incident={id} />}
    </Stack>
  );
}

function Due({ one }: { one: Schemas["FollowUpAnswer"] }): ReactElement {
  if (one.done_by !== null) return <>{words.followUp.isDone(nameOf(one.done_by))}</>;
  return (
    <>
      {one.owner}
      {one.due !== null && (
        <>
          {" "}
          · {words.followUp.due} <When at={one.due} />
        </>
      )}
    </>
  );
}

function AddFollowUp({ incident }: { incident: string }): ReactElement {
  const me = useMe().name;
  const [text, setText] = useDraft(`follow-up:${incident}`);
  const [owner, setOwner] = useState(me);
  const [due, setDue] = useState("");
  const add = useChange(incident, asked.followUp(incident));
  const send = (event: FormEvent) => {
    event.preventDefault();
    add.mutate({ text, owner, due: startOf(due, 1) ?? null }, { onSuccess: () => setText("") });
  };
  return (
    <form onSubmit={send} aria-label={words.sections.followUps}>
      <Stack gap="xs">
        {add.error !== null && <Problem error={add.error} />}
        <TextInput
          size="xs"
          aria-label={words.followUp.text}
          placeholder={words.followUp.text}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          required
        />
        <Group gap="xs" wrap="nowrap">
          <TextInput
            size="xs"
            aria-label={words.followUp.owner}
            placeholder={words.followUp.owner}
            value={owner}
            onChange={(event) => setOwner(event.currentTarget.value)}
            required
          />
          <TextInput
            size="xs"
            type="date"
            aria-label={words.followUp.due}
            title={words.followUp.due}
            value={due}
            onChange={(event) => setDue(event.currentTarget.value)}
          />
          <Button
            size="xs"
            type="submit"
            flex="none"
            variant="default"
            loading={add.isPending}
            disabled={text.trim() === ""}
          >
            {words.followUp.go}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Happened({ told, steers }: { told: Told; steers: boolean }): ReactElement {
  const [isWhole, setWhole] = useState(false);
  const queries = useQueryClient();
  const timeline = timelineQuery(told.incident.id);
  const older = useInfiniteQuery({ ...timeline, enabled: isWhole });
  const lines = linesOf(told, isWhole ? older.data?.pages : []);
  return (
    <Stack gap="sm">
      {older.error !== null && <Problem error={older.error} />}
      {lines.length < told.timeline_count && (
        <Group gap="sm">
          <Text size="sm" c="dimmed">
            {words.newest(lines.length, told.timeline_count)}
          </Text>
          <Button
            size="xs"
            variant="default"
            loading={older.isFetching}
            onClick={() => (isWhole ? void further(queries, timeline.queryKey, older) : setWhole(true))}
          >
            {words.older}
          </Button>
        </Group>
      )}
      <Timeline bulletSize={12} lineWidth={2} active={lines.length}>
        {lines.map((one) => (
          <Timeline.Item key={one.number} title={<Text size="sm">{one.event.replaceAll("_", " ")}</Text>}>
            <Text size="xs" c="dimmed" component="div">
              {nameOf(one.by)} · <When at={one.at} />
            </Text>
            {one.text !== "" && (
              <Text size="sm">
                <Foreign text={one.text} first={300} />
              </Text>
            )}
          </Timeline.Item>
        ))}
      </Timeline>
      {steers && told.incident.state !== "closed" && <Note incident={told.incident.id} />}
    </Stack>
  );
}

function Note({ incident }: { incident: string }): ReactElement {
  const [text, setText] = useDraft(`note:${incident}`);
  const note = useChange(incident, asked.note(incident));
  const send = (event: FormEvent) => {
    event.preventDefault();
    note.mutate(text, { onSuccess: () => setText("") });
  };
  return (
    <form onSubmit={send} aria-label={words.note.label}>
      <Stack gap="xs">
        {note.error !== null && <Problem error={note.error} />}
        <Textarea
          size="xs"
          aria-label={words.note.label}
          placeholder={words.note.placeholder}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          autosize
          maxLength={4_000}
        />
        <Button
          size="xs"
          type="submit"
          variant="default"
          loading={note.isPending}
          disabled={text.trim() === ""}
          style={{ alignSelf: "flex-start" }}
        >
          {words.note.go}
        </Button>
      </Stack>
    </form>
  );
}

function Close({ told }: { told: Told }): ReactElement {
  const { id, containment } = told.incident;
  const [cause, setCause] = useState<Schemas["Closing"]["cause"]>("unknown");
  const [text, setText] = useDraft(`close:${id}`);
  const [keep, setKeep] = useState(false);
  const close = useChange(id, asked.close(id));
  const send = (event: FormEvent) => {
    event.preventDefault();
    close.mutate({ cause, text, leave_contained: keep }, { onSuccess: () => setText("") });
  };
  return (
    <form onSubmit={send} aria-label={words.close.title}>
      <Stack gap="xs">
        {close.error !== null && <Problem error={close.error} />}
        <NativeSelect
          size="xs"
          label={words.close.cause}
          value={cause}
          onChange={(event) => setCause(event.currentTarget.value as Schemas["Closing"]["cause"])}
          data={Object.entries(words.causes).map(([value, label]) => ({ value, label }))}
        />
        <Textarea
          size="xs"
          label={words.close.text}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          autosize
          minRows={2}
          required
        />
        {containment !== null && (
          <Checkbox
            size="xs"
            label={words.close.keep}
            checked={keep}
            onChange={(event) => setKeep(event.currentTarget.checked)}
          />
        )}
        <Button size="xs" type="submit" loading={close.isPending} disabled={text.trim() === ""}>
          {words.close.go}
        </Button>
      </Stack>
    </form>
  );
}
