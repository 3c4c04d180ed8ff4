/** What was before: how the agent used the tool for the same subject, and how people decided about similar actions. */
import { Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { Foreign, Money, Section, State, When } from "@/kit";
import { words } from "./words";

export function Before({ action }: { action: string }): ReactElement | null {
  const found = useQuery({
    queryKey: ["approvals", "before", action],
    queryFn: () => answered(client.GET("/api/approvals/{action}/precedents", { params: { path: { action } } })),
  }).data;
  if (found === undefined) return null;
  return (
    <>
      {found.uses.length > 0 && (
        <Section title={words.sections.record}>
          <Stack gap={6}>
            {found.uses.map((one) => (
              <Group key={one.id} gap="sm" fz="sm">
                <State of={one.state} />
                <Money minor={one.money} />
                <Text size="sm" c="dimmed">
                  <When at={one.at} />
                </Text>
              </Group>
            ))}
          </Stack>
        </Section>
      )}
      {found.decisions.length > 0 && (
        <Section title={words.sections.similar}>
          <Stack gap="sm">
            {found.decisions.map((one) => (
              <Decision key={one.action} one={one} />
            ))}
          </Stack>
        </Section>
      )}
    </>
  );
}

function Decision({ one }: { one: Schemas["PrecedentAnswer"] }): ReactElement {
  return (
    <div>
      <Group gap="sm" fz="sm">
        <State of={one.state} />
        <Link to="/inbox/$action" params={{ action: one.action }}>
          <Foreign text={one.consequence} line first={120} />
        </Link>
      </Group>
      {one.votes.map((vote) => (
        <Text key={vote.person + vote.at} size="xs" c="dimmed">
          {vote.person}: {vote.verdict} · <When at={vote.at} />
          {vote.reason ? (
            <>
              {" "}
              · <Foreign text={vote.reason} line first={200} />
            </>
          ) : null}
        </Text>
      ))}
    </div>
  );
}
