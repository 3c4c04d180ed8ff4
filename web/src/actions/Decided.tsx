/** What policy decided about an action, each time it was asked, with the wording of the rules at that moment. */
import { Accordion, Group, Stack, Text } from "@mantine/core";
import type { ReactElement } from "react";
import type { Schemas } from "@/api/client";
import { Details, Foreign, Source, When, To, State } from "@/kit";
import { PartShown } from "./Parts";
import { words } from "./words";

type Decision = Schemas["Decided"];

export function Decisions({ decisions }: { decisions: readonly Decision[] }): ReactElement {
  return (
    <Stack gap="lg">
      {decisions.map((one) => (
        <Once key={one.index} one={one} />
      ))}
    </Stack>
  );
}

function Once({ one }: { one: Decision }): ReactElement {
  return (
    <Stack gap="sm">
      <Group gap="xs" fz="sm">
        <State of={one.effect} as={words.decided[one.effect]} />
        <When at={one.at} />
        <Text span size="xs" c="dimmed">
          {words.epochs(one.catalog_epoch, one.identity_epoch)}
        </Text>
      </Group>
      {one.reasons.map((reason) => (
        <Text key={reason} size="sm">
          <Foreign text={reason} />
        </Text>
      ))}
      <Rules rules={one.rules} />
      {one.facts.state !== "none" && (
        <div>
          <Text size="xs" c="dimmed" mb={4}>
            {words.sections.facts}
          </Text>
          <PartShown part={one.facts} />
        </div>
      )}
      <Details
        of={[
          [words.sections.labels, one.labels?.join(", ")],
          [words.errors, one.errors?.join("; ")],
          [words.obligations, said(one.obligations)],
        ]}
      />
    </Stack>
  );
}

function said(obligations: Record<string, string[]> | undefined): string {
  return Object.entries(obligations ?? {})
    .map(([name, values]) => (values.length > 0 ? `${name}: ${values.join(", ")}` : name))
    .join("; ");
}

function Rules({ rules }: { rules: readonly Schemas["Wording"][] }): ReactElement | null {
  if (rules.length === 0) return null;
  return (
    <Accordion variant="contained" chevronPosition="left" multiple aria-label={words.rules}>
      {rules.map((rule) => (
        <Accordion.Item key={rule.id} value={rule.id}>
          <Accordion.Control>
            <Text size="sm">{words.rule(rule.id, rule.unit)}</Text>
          </Accordion.Control>
          <Accordion.Panel>
            {rule.text ? (
              <Stack gap="xs">
                <Source label={rule.id} text={rule.text} />
                {rule.policy && (
                  <Text size="sm">
                    <To size="sm" to="/policies/$name" params={{ name: rule.policy }}>
                      {rule.policy}
                    </To>
                  </Text>
                )}
              </Stack>
            ) : (
              <Text size="sm" c="dimmed">
                {words.noText}
              </Text>
            )}
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}
