/** A held action: what it means first, then exactly what would be done, then why a person is asked, then the decision. */
import { Accordion, Alert, Badge, Code, Group, Stack, Text, Title } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import type { Schemas } from "@/api/client";
import { Copy, Foreign, Id, Json, Section, To, When } from "@/kit";
import { nameOf } from "@/kit/who";
import { Before } from "./Before";
import { Decide } from "./Decide";
import { Clock } from "./Inbox";
import classes from "./inbox.module.css";
import { Notes } from "./Notes";
import { approvalQuery } from "./queries";
import { words } from "./words";

type Held = Schemas["ApprovalAnswer"];

export function Approval({ action }: { action: string }): ReactElement {
  const held = useSuspenseQuery(approvalQuery(action)).data;
  return (
    <Stack gap="md" component="article" aria-labelledby="consequence" data-action={action}>
      <Head held={held} />
      {held.difference !== null && (
        <Alert color="orange" title={words.difference}>
          <Foreign text={held.difference} />
        </Alert>
      )}
      <Section title={words.sections.arguments}>
        <Shown part={held.arguments} exact={held.canonical} />
      </Section>
      <Section title={words.sections.why}>
        <Why held={held} />
      </Section>
      {held.facts.state !== "none" && (
        <Section title={words.sections.facts}>
          <Shown part={held.facts} />
        </Section>
      )}
      {held.rationale.state === "shown" && typeof held.rationale.value === "string" && (
        <Section title={words.sections.rationale} more={<small>{words.sections.unchecked}</small>}>
          <Foreign text={held.rationale.value} />
        </Section>
      )}
      <Before action={action} />
      <Notes notes={held.notes} />
      {held.history.length > 0 && (
        <Section title={words.sections.history}>
          <History said={held.history} />
        </Section>
      )}
      <Decide held={held} key={held.action + held.shown} />
    </Stack>
  );
}

function Head({ held }: { held: Held }): ReactElement {
  return (
    <Stack gap={6} className={classes.card}>
      <Group gap="sm" c="dimmed" fz="sm">
        <Badge variant="light">{held.state}</Badge>
        {held.state === "waiting" && <Clock until={held.expires_at} />}
        <span>
          {words.asked} <When at={held.asked_at} />
        </span>
      </Group>
      <Title order={2} id="consequence" className={classes.consequence}>
        <Foreign text={held.consequence} />
      </Title>
      <Group gap="lg" fz="sm">
        <span>
          {words.agent}{" "}
          <To to="/workforce/$agent" params={{ agent: held.agent_name }}>
            <Foreign text={held.agent_name} line />
          </To>
        </span>
        {held.tool !== "" && (
          <span>
            {words.tool} <Code>{held.tool}</Code>
          </span>
        )}
        <span>
          {words.case} <Foreign text={held.case} line first={60} />
        </span>
        <Id id={held.action} short />
      </Group>
    </Stack>
  );
}

function Shown({ part, exact }: { part: Schemas["Part"]; exact?: string | null }): ReactElement {
  if (part.state !== "shown") {
    return (
      <Text size="sm" c={part.state === "changed" ? "red" : "dimmed"}>
        {words.parts[part.state]}
      </Text>
    );
  }
  // What is read is made of the very text that is bound, and of nothing beside it.
  return <Json value={exact ? (JSON.parse(exact) as unknown) : part.value} exact={exact ?? undefined} />;
}

function Why({ held }: { held: Held }): ReactElement {
  return (
    <Stack gap="sm">
      {held.reasons.map((reason) => (
        <Text key={reason}>
          <Foreign text={reason} />
        </Text>
      ))}
      {held.seats.map((seat) => (
        <Group key={seat.role} gap="xs" fz="sm">
          <Badge variant="outline" color={seat.given_by.length >= seat.people ? "teal" : "gray"} tt="none">
            {words.needs(seat.people, seat.roles.join(" or "))}
          </Badge>
          {seat.given_by.length > 0 && (
            <span>
              {words.given}{" "}
              {seat.given_by
                .map((one) => one.person + (one.instead_of ? ` (${words.insteadOf(one.instead_of)})` : ""))
                .join(", ")}
            </span>
          )}
        </Group>
      ))}
      {held.rules.length > 0 && <Rules rules={held.rules} />}
    </Stack>
  );
}

function Rules({ rules }: { rules: readonly Schemas["Wording"][] }): ReactElement {
  return (
    <Accordion variant="contained" chevronPosition="left" multiple>
      {rules.map((rule) => (
        <Accordion.Item key={rule.id} value={rule.id}>
          <Accordion.Control>
            <Text size="sm">{words.rule(rule.id)}</Text>
          </Accordion.Control>
          <Accordion.Panel>
            <Group justify="flex-end">{rule.text && <Copy text={rule.text} />}</Group>
            <Code block tabIndex={0}>
              {rule.text}
            </Code>
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}

function History({ said }: { said: readonly Schemas["Said"][] }): ReactElement {
  return (
    <Stack gap={6} component="ol" style={{ margin: 0, paddingInlineStart: "1.1rem" }}>
      {said.map((one) => (
        <Text size="sm" component="li" key={one.index}>
          {nameOf(one.actor)} · {one.event}
          {one.instead_of ? ` (${words.insteadOf(one.instead_of)})` : ""} · <When at={one.at} />
          {one.reason ? (
            <>
              : <Foreign text={one.reason} />
            </>
          ) : null}
        </Text>
      ))}
    </Stack>
  );
}
