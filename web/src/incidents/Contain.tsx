/** Stopping everything an incident is about, in one call, with what each part has confirmed; and letting it go on. */
import { Alert, Button, Checkbox, Group, NativeSelect, Stack, Table, Text, TextInput } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactElement } from "react";
import type { Schemas } from "@/api/client";
import { useDraft } from "@/frame/draft";
import { useMay } from "@/frame/session";
import { DataTable, Foreign, Problem, Section, When, State } from "@/kit";
import { asked, incidentQuery, stopsEvery, stopsPage, useChange, type Told } from "./queries";
import { words } from "./words";

type Containing = Schemas["Containing"];
type Stop = Schemas["StopAnswer"];

const STANDINGS = ["asked", "confirmed", "before", "resuming", "resumed"] as const;
const SCOPES = ["agent", "unit", "tool", "everything"] as const;

export function Contain({ told }: { told: Told }): ReactElement {
  const may = useMay();
  const { state } = told.incident;
  const canStop = may("identity:containment:impose") && state === "open";
  const canResume = may("identity:containment:lift") && told.incident.containment !== null;
  return (
    <Section title={words.sections.stopped}>
      <Stack gap="md">
        {told.stops.length === 0 && !canStop && <Text c="dimmed">{words.contain.none}</Text>}
        {told.stops.length > 0 && <Confirmed told={told} />}
        {canStop && <StopIt told={told} />}
        {canResume && <LetItWork incident={told.incident.id} />}
      </Stack>
    </Section>
  );
}

function Confirmed({ told }: { told: Told }): ReactElement {
  const { asked = 0, confirmed = 0, before = 0, resuming = 0, resumed = 0 } = told.stop_counts;
  const count = asked + confirmed + before; // what goes on again, or is about to, stands no more
  const listed = count + resuming + resumed;
  return (
    <Stack gap="sm">
      {told.incident.containment !== null && (
        <Alert color={told.is_stopped ? "teal" : "orange"} variant="light" role="status">
          {told.is_stopped ? words.contain.all(count) : words.contain.some(count - asked, count)}
        </Alert>
      )}
      <Table verticalSpacing={4} fz="sm" aria-label={words.sections.stopped}>
        <Table.Tbody>
          {told.stops.map((stop) => (
            <StopRow key={`${stop.kind}/${stop.target}`} stop={stop} />
          ))}
        </Table.Tbody>
      </Table>
      {told.stops.length < listed && <Whole told={told} count={listed} />}
    </Stack>
  );
}

/** All of what was stopped, page by page, where it is too much to be shown at once. */
function Whole({ told, count }: { told: Told; count: number }): ReactElement {
  const incident = told.incident.id;
  const { dataUpdatedAt } = useSuspenseQuery(incidentQuery(incident));
  const [state, setState] = useState<Stop["state"]>();
  const [isOpen, setOpen] = useState(false);
  if (!isOpen) {
    return (
      <Group gap="sm">
        <Text size="sm" c="dimmed">
          {words.contain.listed(told.stops.length, count)}
        </Text>
        <Button size="xs" variant="default" onClick={() => setOpen(true)}>
          {words.contain.whole}
        </Button>
      </Group>
    );
  }
  return (
    <DataTable
      label={words.contain.whole}
      queryKey={["incidents", "stops", incident, state]}
      page={stopsPage(incident, state)}
      every={stopsEvery(told, dataUpdatedAt)}
      keyOf={(stop) => `${stop.kind}/${stop.target}`}
      filters={
        <NativeSelect
          size="xs"
          aria-label={words.contain.state}
          value={state ?? ""}
          onChange={(event) => setState((event.currentTarget.value || undefined) as typeof state)}
          data={[
            { value: "", label: words.contain.states },
            ...STANDINGS.map((one) => ({ value: one, label: words.contain[one] })),
          ]}
        />
      }
      columns={[
        { name: words.contain.kind, of: (stop) => words.stops[stop.kind] },
        { name: words.contain.target, of: (stop) => <Foreign text={stop.target} line first={60} /> },
        { name: words.contain.state, of: (stop) => <State of={stop.state} as={words.contain[stop.state]} /> },
        { name: words.contain.detail, of: (stop) => <Foreign text={stop.detail} line first={120} />, wide: true },
      ]}
      empty={<Text c="dimmed">{words.contain.noneSo}</Text>}
    />
  );
}

function StopRow({ stop }: { stop: Stop }): ReactElement {
  return (
    <Table.Tr>
      <Table.Td>
        {words.stops[stop.kind]}
        <Text size="xs" c="dimmed" component="div">
          <Foreign text={stop.target} line first={60} />
        </Text>
      </Table.Td>
      <Table.Td>
        <Group gap="xs">
          <State of={stop.state} as={words.contain[stop.state]} />
          <Text size="xs" c="dimmed" component="span">
            <When at={stop.at} />
          </Text>
        </Group>
        <Text size="xs" c="dimmed" component="div">
          <Foreign text={stop.detail} line first={120} />
        </Text>
      </Table.Td>
    </Table.Tr>
  );
}

function StopIt({ told }: { told: Told }): ReactElement {
  const { incident } = told;
  const name = incident.place.agent_name ?? "";
  const [draft, setDraft] = useDraft(`contain:${incident.id}`);
  const reason = draft || incident.title;
  const [body, setBody] = useState<Omit<Containing, "reason">>({ scope: "agent", target: name, keys: false });
  const set = (change: Partial<typeof body>) => setBody({ ...body, ...change });
  const contain = useChange(incident.id, asked.contain(incident.id));
  const isAll = body.scope === "everything";
  const send = (event: FormEvent) => {
    event.preventDefault();
    contain.mutate({ ...body, reason, target: isAll ? "*" : body.target }, { onSuccess: () => setDraft("") });
  };
  return (
    <form onSubmit={send} aria-label={words.contain.title}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {words.contain.about}
        </Text>
        {contain.error !== null && <Problem error={contain.error} />}
        <Group gap="sm" grow>
          <NativeSelect
            label={words.contain.scope}
            value={body.scope ?? "agent"}
            onChange={(event) => set({ scope: event.currentTarget.value as (typeof SCOPES)[number] })}
            data={SCOPES.map((scope) => ({ value: scope, label: words.contain.scopes[scope] }))}
          />
          {!isAll && (
            <TextInput
              label={words.contain.target}
              value={body.target ?? ""}
              onChange={(event) => set({ target: event.currentTarget.value })}
              required
            />
          )}
        </Group>
        <TextInput
          label={words.contain.reason}
          defaultValue={reason}
          onChange={(event) => setDraft(event.currentTarget.value)}
          required
        />
        <Checkbox
          label={words.contain.keys}
          checked={body.keys}
          onChange={(event) => set({ keys: event.currentTarget.checked })}
        />
        <Button type="submit" color="red" loading={contain.isPending} disabled={reason.trim() === ""}>
          {words.contain.go}
        </Button>
      </Stack>
    </form>
  );
}

function LetItWork({ incident }: { incident: string }): ReactElement {
  const [reason, setReason] = useDraft(`reinstate:${incident}`);
  const reinstate = useChange(incident, asked.reinstate(incident));
  const send = (event: FormEvent) => {
    event.preventDefault();
    reinstate.mutate({ reason }, { onSuccess: () => setReason("") });
  };
  return (
    <form onSubmit={send} aria-label={words.reinstate.title}>
      {reinstate.error !== null && <Problem error={reinstate.error} />}
      <Group gap="sm" align="flex-end" wrap="nowrap">
        <TextInput
          label={words.reinstate.reason}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          flex={1}
          required
        />
        <Button type="submit" variant="default" loading={reinstate.isPending} disabled={reason.trim() === ""}>
          {words.reinstate.go}
        </Button>
      </Group>
    </form>
  );
}
