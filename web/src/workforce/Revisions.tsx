/** Every wording an agent had: who declared it and when, what differs between two of them, and how each did. */
import { Code, Group, Select, Skeleton, Stack, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState, type ReactElement } from "react";
import type { Schemas } from "@/api/client";
import { Compared } from "@/figures/Compared";
import { useMay } from "@/frame/session";
import { Copy, Foreign, Problem, Section, State, When } from "@/kit";
import { nameOf } from "@/kit/who";
import { declaredQuery, differenceQuery } from "./queries";
import { words } from "./words";

type Period = Schemas["PeriodAnswer"];

export function Revisions({ agent }: { agent: string }): ReactElement {
  const found = useQuery(declaredQuery("Agent", agent));
  if (found.isPending) return <Skeleton height={240} />;
  if (found.error !== null) return <Problem error={found.error} />;
  const periods = found.data.revisions;
  return (
    <Stack gap="lg">
      <Section title={words.revisions.title}>
        <Table verticalSpacing={6}>
          <Table.Tbody>
            {periods.map((one) => (
              <Table.Tr key={one.since_epoch}>
                <Table.Td>
                  <Code>{one.digest.slice(0, 12)}</Code>{" "}
                  {one.until_epoch === null && <State of="active" as={words.revisions.now} />}
                </Table.Td>
                <Table.Td>
                  <Text size="sm">{nameOf(one.by)}</Text>
                  <Text size="xs" c="dimmed" component="div">
                    <Foreign text={one.message} line first={120} />
                  </Text>
                </Table.Td>
                <Table.Td visibleFrom="sm">
                  <Text size="xs" c="dimmed">
                    {words.revisions.epochs(one.since_epoch, one.until_epoch)}
                  </Text>
                </Table.Td>
                <Table.Td ta="right">
                  <When at={one.at} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        {periods.length === 1 && (
          <Text size="sm" c="dimmed" mt="xs">
            {words.revisions.one}
          </Text>
        )}
      </Section>
      {periods.length > 1 && <Between agent={agent} periods={periods} />}
      <Section title={words.revisions.declared} more={<Copy text={found.data.text} />}>
        <Code block tabIndex={0}>
          {found.data.text}
        </Code>
      </Section>
    </Stack>
  );
}

function Between({ agent, periods }: { agent: string; periods: readonly Period[] }): ReactElement {
  const [after, setAfter] = useState(periods[0]?.digest ?? "");
  const [before, setBefore] = useState(periods[1]?.digest ?? "");
  const may = useMay();
  const data = [...new Map(periods.map((one) => [one.digest, one])).values()].map((one) => ({
    value: one.digest,
    label: `${one.digest.slice(0, 12)} · ${words.revisions.epochs(one.since_epoch, one.until_epoch)}`,
  }));
  const digests = [...new Set([before, after])];
  return (
    <>
      <Section
        title={words.revisions.differences}
        more={
          <Group gap="xs">
            <Select
              size="xs"
              aria-label={words.revisions.from}
              data={data}
              value={before}
              allowDeselect={false}
              onChange={(value) => value && setBefore(value)}
            />
            <span aria-hidden="true">→</span>
            <Select
              size="xs"
              aria-label={words.revisions.to}
              data={data}
              value={after}
              allowDeselect={false}
              onChange={(value) => value && setAfter(value)}
            />
          </Group>
        }
      >
        <Differences agent={agent} before={before} after={after} />
      </Section>
      {may("insight:figure:read") && digests.length > 1 && (
        <Compared by="revision" keys={digests} named={(digest) => digest.slice(0, 12)} />
      )}
    </>
  );
}

function Differences({ agent, before, after }: { agent: string; before: string; after: string }): ReactElement {
  const found = useQuery(differenceQuery("Agent", agent, before, after));
  if (found.isPending) return <Skeleton height={80} />;
  if (found.error !== null) return <Problem error={found.error} />;
  if (found.data.differences.length === 0) return <Text c="dimmed">{words.revisions.same}</Text>;
  return (
    <Table.ScrollContainer minWidth={0} type="native" tabIndex={0} aria-label={words.revisions.differences}>
      <Table verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{words.revisions.field}</Table.Th>
            <Table.Th>{words.revisions.from}</Table.Th>
            <Table.Th>{words.revisions.to}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {found.data.differences.map((one) => (
            <Table.Tr key={one.path}>
              <Table.Th scope="row">
                <Code>{one.path}</Code>
              </Table.Th>
              <Table.Td>
                <Said value={one.before} />
              </Table.Td>
              <Table.Td>
                <Said value={one.after} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Said({ value }: { value: unknown }): ReactElement {
  if (value === null || value === undefined)
    return (
      <Text size="sm" c="dimmed">
        {words.revisions.nothing}
      </Text>
    );
  return <Foreign text={typeof value === "string" ? value : JSON.stringify(value, null, 1)} first={400} />;
}
