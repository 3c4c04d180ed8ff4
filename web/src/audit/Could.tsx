/** Who could have done something, on a date, by the rules of that date. */
import { Button, Group, SimpleGrid, Stack, Table, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { useDraft } from "@/frame/draft";
import { startOf, useFilters } from "@/frame/filters";
import { Foreign, Problem, Section, State } from "@/kit";
import { objectOf } from "@/kit/json";
import { words } from "./words";
import { FILTERS } from "./Could.search";

type Asked = Schemas["Supposed"];

const UNSAID = { labels: [], record: ["", ""], windows: {} };

export function Could(): ReactElement {
  const [filters, set] = useFilters(FILTERS);
  const [given, setGiven] = useDraft("could:arguments");
  const [facts, setFacts] = useDraft("could:facts");
  const [isWrong, setWrong] = useState(false);
  const ask = useMutation({
    mutationFn: (body: Asked) => answered(client.POST("/api/audit/could", { body })),
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    const said = { arguments: objectOf(given), facts: objectOf(facts) };
    setWrong(said.arguments === undefined || said.facts === undefined);
    if (said.arguments === undefined || said.facts === undefined) return;
    const at = startOf(filters.at, 1); // the end of that day
    const when = { at: at === undefined ? null : Math.min(at - 1, Date.now()) };
    const of = filters.action
      ? { action: filters.action, arguments: {}, facts: {} }
      : { tool: filters.tool, arguments: said.arguments, facts: said.facts as Asked["facts"] };
    ask.mutate({ ...UNSAID, ...of, ...when });
  };
  return (
    <Section title={words.could.title}>
      <Stack gap="md">
        <Text size="sm" c="dimmed">
          {words.could.about}
        </Text>
        <form onSubmit={send} aria-label={words.could.title}>
          <Stack gap="sm">
            <SimpleGrid cols={{ base: 1, sm: 3 }}>
              <TextInput
                label={words.could.action}
                value={filters.action ?? ""}
                onChange={(event) => set({ action: event.currentTarget.value })}
                placeholder="act_…"
              />
              <TextInput
                label={words.could.tool}
                value={filters.tool ?? ""}
                onChange={(event) => set({ tool: event.currentTarget.value })}
                disabled={Boolean(filters.action)}
                required={!filters.action}
              />
              <TextInput
                type="date"
                label={words.could.at}
                value={filters.at ?? ""}
                onChange={(event) => set({ at: event.currentTarget.value })}
                required={!filters.action}
              />
            </SimpleGrid>
            {!filters.action && (
              <SimpleGrid cols={{ base: 1, sm: 2 }}>
                <Textarea
                  label={words.could.arguments}
                  value={given}
                  onChange={(event) => setGiven(event.currentTarget.value)}
                  autosize
                />
                <Textarea
                  label={words.could.facts}
                  value={facts}
                  onChange={(event) => setFacts(event.currentTarget.value)}
                  autosize
                />
              </SimpleGrid>
            )}
            {isWrong && (
              <Text size="sm" c="red" role="alert">
                {words.could.notJson}
              </Text>
            )}
            {ask.error !== null && <Problem error={ask.error} />}
            <Group>
              <Button type="submit" loading={ask.isPending}>
                {words.could.go}
              </Button>
            </Group>
          </Stack>
        </form>
        {ask.data !== undefined && <Answer found={ask.data} />}
      </Stack>
    </Section>
  );
}

function Answer({ found }: { found: Schemas["CouldAnswer"] }): ReactElement {
  return (
    <Stack gap="sm" role="status">
      <Group gap="lg" fz="sm">
        <span>
          {words.could.epoch} {found.epoch}
        </span>
        <span>
          <strong>{found.allowed}</strong> {words.could.counts.allowed}
        </span>
        <span>
          <strong>{found.held}</strong> {words.could.counts.held}
        </span>
        <span>
          <strong>{found.denied}</strong> {words.could.counts.denied}
        </span>
        {found.stopped > 0 && (
          <span>
            <strong>{found.stopped}</strong> {words.could.counts.stopped}
          </span>
        )}
      </Group>
      {found.items.length === 0 ? (
        <Text>{words.could.nobody}</Text>
      ) : (
        <Table verticalSpacing={4} fz="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{words.could.agent}</Table.Th>
              <Table.Th visibleFrom="sm">{words.could.unit}</Table.Th>
              <Table.Th>{words.could.effect}</Table.Th>
              <Table.Th>{words.could.because}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {found.items.map((one) => (
              <Table.Tr key={one.agent}>
                <Table.Td>
                  <Foreign text={one.agent} line first={60} />
                </Table.Td>
                <Table.Td visibleFrom="sm">{one.unit}</Table.Td>
                <Table.Td>
                  <State of={one.effect} as={words.could.effects[one.effect]} />
                </Table.Td>
                <Table.Td>
                  {one.stopped ?? one.policies.join(", ")}
                  {one.roles.length > 0 && (
                    <Text size="xs" c="dimmed">
                      {one.roles.join(", ")}
                    </Text>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {found.unlisted > 0 && <Text size="sm">{words.could.unlisted(found.unlisted)}</Text>}
    </Stack>
  );
}
