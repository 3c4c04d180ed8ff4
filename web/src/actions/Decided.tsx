/** What policy decided about an action, each time it was asked, with the wording of the rules at that moment. */
import { Accordion, Badge, Group, Stack, Text } from "@mantine/core";
import type { ReactElement } from "react";
import type { Schemas } from "@/api/client";
import { Facts, Foreign, Source, When, To } from "@/kit";
import { PartShown } from "./Parts";
import { words } from "./words";

type Decision = Schemas["Decided"];

const COLOURS: Record<string, string> = { allow: "teal", hold: "yellow", deny: "red" };

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
        <Badge variant="light" color={COLOURS[one.effect] ?? "gray"} tt="none">
          {words.decided[one.effect] ?? one.effect}
        </Badge>
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
      <Facts
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
                    <To to={`/policies/${rule.policy}`}>{rule.policy}</To>
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
