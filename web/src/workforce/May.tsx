/** What an agent may do, in plain words: its tools, and for each when people are asked and when it is refused. */
import { Accordion, Code, Group, Skeleton, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState, type ReactElement } from "react";
import type { Schemas } from "@/api/client";
import { Foreign, Problem, State } from "@/kit";
import { allowancesQuery, type Allowance } from "./queries";
import { words } from "./words";

type Say = Schemas["SayAnswer"];

export function May({ agent }: { agent: string }): ReactElement {
  const found = useQuery(allowancesQuery(agent));
  const [asked, setAsked] = useState("");
  const items = (found.data?.items ?? []).filter((one) => one.tool.includes(asked.trim().toLowerCase()));
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {words.may.about}
      </Text>
      {found.isPending && <Skeleton height={240} />}
      {found.error !== null && <Problem error={found.error} />}
      {found.data && found.data.items.length > 8 && (
        <TextInput
          size="xs"
          maw={280}
          aria-label={words.may.filter}
          placeholder={words.may.filter}
          value={asked}
          onChange={(event) => setAsked(event.currentTarget.value)}
        />
      )}
      {found.isSuccess && items.length === 0 && <Text c="dimmed">{words.may.none}</Text>}
      <Accordion variant="contained" multiple chevronPosition="left">
        {items.map((one) => (
          <Accordion.Item key={one.tool} value={one.tool}>
            <Accordion.Control>
              <Head of={one} />
            </Accordion.Control>
            <Accordion.Panel>
              <Said of={one} />
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
    </Stack>
  );
}

function Head({ of }: { of: Allowance }): ReactElement {
  const how = of.permits.length === 0 ? "never" : of.asks.length > 0 ? "asks" : "free";
  const tone = { never: "denied", asks: "held", free: "done" }[how];
  return (
    <Group justify="space-between" gap="xs" wrap="nowrap">
      <div>
        <Text size="sm" fw={550}>
          {of.tool}
        </Text>
        <Text size="xs" c="dimmed" component="div">
          <Foreign text={of.description} line first={140} />
        </Text>
      </div>
      <Group gap="xs" justify="flex-end">
        <Text size="xs" c="dimmed" visibleFrom="sm">
          {words.may.effects[of.effect] ?? of.effect}
        </Text>
        <State of={tone} as={words.may[how]} />
      </Group>
    </Group>
  );
}

function Said({ of }: { of: Allowance }): ReactElement {
  return (
    <Stack gap="md">
      {of.permits.length === 0 && <Text size="sm">{words.may.noPermit}</Text>}
      <Rules title={words.may.when} of={of.asks} />
      <Rules title={words.may.forbidden} of={of.forbids} />
      <Rules title={words.may.permitted} of={of.permits} />
    </Stack>
  );
}

function Rules({ title, of }: { title: string; of: readonly Say[] }): ReactElement | null {
  if (of.length === 0) return null;
  return (
    <div>
      <Text size="xs" c="dimmed" mb={4}>
        {title}
      </Text>
      <Stack gap={6}>
        {of.map((one) => (
          <details key={one.rule}>
            <summary>
              <Text span size="sm">
                <Foreign text={one.reason || `${words.may.rule} ${one.rule}`} line first={200} />
                {one.roles.length > 0 && ` — ${words.may.ofRoles} ${one.roles.join(", ")}`}
              </Text>
            </summary>
            <Code block mt={6} tabIndex={0}>
              {one.text}
            </Code>
          </details>
        ))}
      </Stack>
    </div>
  );
}
