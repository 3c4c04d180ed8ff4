/** What happened around an incident: why it was possible, what the agent did beside it, and what else it touched. */
import { NativeSelect, Skeleton, Stack, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState, type ReactElement } from "react";
import { Decisions } from "@/actions/Decided";
import type { Schemas } from "@/api/client";
import { Foreign, Money, Problem, Section, When, To, State } from "@/kit";
import { contextQuery } from "./queries";
import { words } from "./words";

const HOURS = ["1", "6", "24", "72", "168"];

export function Context({ incident }: { incident: string }): ReactElement {
  const [hours, setHours] = useState("24");
  const found = useQuery(contextQuery(incident, Number(hours)));
  if (found.error !== null) return <Problem error={found.error} again={() => void found.refetch()} />;
  if (found.data === undefined) return <Skeleton height={220} />;
  const { explanation, blast_radius, of_agent, of_case } = found.data;
  const choose = (
    <NativeSelect
      size="xs"
      aria-label={words.blast.window}
      title={words.blast.window}
      value={hours}
      onChange={(event) => setHours(event.currentTarget.value)}
      data={HOURS.map((value) => ({ value, label: `${value} h` }))}
    />
  );
  return (
    <>
      {explanation !== null && (
        <Section title={words.sections.why}>
          <Decisions decisions={explanation.decisions} />
        </Section>
      )}
      <Section title={words.sections.blast} more={choose}>
        {blast_radius === null ? <Text c="dimmed">{words.noContext}</Text> : <Blast radius={blast_radius} />}
      </Section>
      {of_agent.length > 0 && (
        <Section title={words.sections.ofAgent}>
          <Few actions={of_agent} />
        </Section>
      )}
      {of_case.length > 0 && (
        <Section title={words.sections.ofCase}>
          <Few actions={of_case} />
        </Section>
      )}
    </>
  );
}

function Blast({ radius }: { radius: Schemas["BlastRadiusAnswer"] }): ReactElement {
  if (radius.tools.length === 0) return <Text c="dimmed">{words.blast.none}</Text>;
  return (
    <Stack gap="sm">
      {!radius.whole && <Text size="sm">{words.blast.partly}</Text>}
      <Table verticalSpacing={4} fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{words.blast.tool}</Table.Th>
            <Table.Th ta="right">{words.blast.actions}</Table.Th>
            <Table.Th visibleFrom="sm">{words.blast.states}</Table.Th>
            <Table.Th ta="right">{words.blast.money}</Table.Th>
            <Table.Th visibleFrom="sm">{words.blast.last}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {radius.tools.map((one) => (
            <Table.Tr key={one.tool}>
              <Table.Td>
                <To size="sm" to="/actions" search={{ tool: one.tool, agent: radius.agent }}>
                  {one.tool}
                </To>
              </Table.Td>
              <Table.Td ta="right">{one.actions}</Table.Td>
              <Table.Td visibleFrom="sm">
                {Object.entries(one.states)
                  .map(([state, count]) => `${count} ${state}`)
                  .join(", ")}
              </Table.Td>
              <Table.Td ta="right">{one.money > 0 ? <Money minor={one.money} /> : ""}</Table.Td>
              <Table.Td visibleFrom="sm">
                <When at={one.last_at} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Text size="xs" c="dimmed">
        {words.blast.cases}: {radius.cases_count} · {words.blast.runs}: {radius.runs_count}
      </Text>
    </Stack>
  );
}

function Few({ actions }: { actions: readonly Schemas["ActionAnswer"][] }): ReactElement {
  return (
    <Table verticalSpacing={4} fz="sm">
      <Table.Tbody>
        {actions.slice(0, 12).map((one) => (
          <Table.Tr key={one.id}>
            <Table.Td>
              <To size="sm" to="/actions/$action" params={{ action: one.id }}>
                {one.tool}
              </To>
              {one.message !== null && (
                <Text size="xs" c="dimmed" lineClamp={1} component="div">
                  <Foreign text={one.message} line first={120} />
                </Text>
              )}
            </Table.Td>
            <Table.Td>
              <State of={one.state} />
            </Table.Td>
            <Table.Td ta="right">
              <When at={one.at} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
