/** A policy: its rules one by one, what they decided, its file with the way to change it, and a place to ask it. */
import { Group, Stack, Text } from "@mantine/core";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, type ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { Belongs, Declared, Revisions } from "@/change/Declared";
import { objectQuery } from "@/change/queries";
import { useMay } from "@/frame/session";
import { Columns, Command, Foreign, Page, Problem, Section, Source, To } from "@/kit";
import { reason } from "./cedar";
import { Effect } from "./Policies";
import { Try } from "./Try";
import { words } from "./words";

const MOST = 200; // rules of one policy that are shown

export function Policy({ name }: { name: string }): ReactElement {
  const found = useSuspenseQuery(objectQuery("Policy", name)).data;
  const rules = useQuery({
    queryKey: ["policies", "of", name],
    queryFn: () => answered(client.GET("/api/policies", { params: { query: { policy: name, limit: MOST } } })),
  });
  const may = useMay();
  return (
    <Page title={name} about={<Foreign text={found.description} />}>
      <Columns
        aside={
          <>
            <Section title={words.about_it}>
              <Belongs found={found} />
            </Section>
            {may("policy:decision:explain") && <Try />}
            <Section title={words.tests}>
              <Command text={words.testCommand} />
            </Section>
            <Revisions found={found} />
          </>
        }
      >
        <Section title={words.rules}>
          {rules.error !== null && <Problem error={rules.error} />}
          <Stack gap="lg">
            {rules.data?.items.map((rule) => (
              <Rule key={rule.id} rule={rule} />
            ))}
          </Stack>
        </Section>
        {/* Not before the rules: they would push away what somebody is about to click. */}
        {!rules.isPending && <Declared found={found} folded />}
      </Columns>
    </Page>
  );
}

function Rule({ rule }: { rule: Schemas["RuleAnswer"] }): ReactElement {
  const place = useRef<HTMLElement>(null);
  const isAsked = useRouterState({ select: (state) => state.location.hash }) === rule.id;
  useEffect(() => {
    if (isAsked) place.current?.scrollIntoView({ block: "center" });
  }, [isAsked]);
  return (
    <article ref={place} id={rule.id}>
      <Group gap="xs" mb={4}>
        <Text fw={600} component="h3" size="sm" m={0}>
          {rule.id}
        </Text>
        <Effect rule={rule} />
        {rule.mode !== "enforce" && (
          <Text span size="xs" c="dimmed">
            {words.modes[rule.mode]}
          </Text>
        )}
        <To size="sm" to="/actions" search={{ policy: rule.id }}>
          <Text span size="xs">
            {words.decided}
          </Text>
        </To>
      </Group>
      {reason(rule.text) !== "" && (
        <Text size="sm" mb={6}>
          <Foreign text={reason(rule.text)} />
        </Text>
      )}
      <Source label={rule.id} text={rule.text} />
    </article>
  );
}
