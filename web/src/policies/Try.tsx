/** Asks the rules in force what they would say, and shows rule by rule why. */
import { Accordion, Alert, Button, Group, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactElement } from "react";
import { answered, client, type Schemas } from "@/api/client";
import { useDraft } from "@/frame/draft";
import { Foreign, Problem, Section, State } from "@/kit";
import { objectOf } from "@/kit/json";
import { words } from "./words";

type Why = Schemas["WhyAnswer"];
type Asked = Schemas["Hypothesis"];

const UNSAID = { approvals: [], cost: 0, labels: [], onBehalfOf: [], record: ["", ""], site: "", windows: {} };

export function Try(): ReactElement {
  const [agent, setAgent] = useDraft("try:agent");
  const [tool, setTool] = useDraft("try:tool");
  const [given, setGiven] = useDraft("try:arguments");
  const [facts, setFacts] = useDraft("try:facts");
  const [isWrong, setWrong] = useState(false);
  const ask = useMutation({
    mutationFn: (body: Asked) => answered(client.POST("/api/policies/why", { body })),
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    const read = { arguments: objectOf(given), facts: objectOf(facts) };
    setWrong(read.arguments === undefined || read.facts === undefined);
    if (read.arguments && read.facts)
      ask.mutate({ ...UNSAID, agent, tool, arguments: read.arguments, facts: read.facts as Asked["facts"] });
  };
  return (
    <Section title={words.try.title} note={words.try.note}>
      <form onSubmit={send} aria-label={words.try.title}>
        <Stack gap="xs">
          <Text size="sm" c="dimmed">
            {words.try.about}
          </Text>
          <TextInput size="xs" label={words.try.agent} value={agent} onChange={at(setAgent)} required />
          <TextInput size="xs" label={words.try.tool} value={tool} onChange={at(setTool)} required />
          <Textarea
            size="xs"
            label={words.try.arguments}
            value={given}
            onChange={at(setGiven)}
            autosize
            placeholder='{"amount": "250.00"}'
          />
          <Textarea size="xs" label={words.try.facts} value={facts} onChange={at(setFacts)} autosize />
          {isWrong && (
            <Text size="sm" c="red" role="alert">
              {words.try.notJson}
            </Text>
          )}
          {ask.error !== null && <Problem error={ask.error} />}
          <Button size="xs" type="submit" loading={ask.isPending}>
            {words.try.go}
          </Button>
          {ask.data !== undefined && <Answer why={ask.data} />}
        </Stack>
      </form>
    </Section>
  );
}

const at = (set: (text: string) => void) => (event: { currentTarget: { value: string } }) =>
  set(event.currentTarget.value);

const COLOURS = { allow: "teal", hold: "yellow", deny: "red" } as const;

function Answer({ why }: { why: Why }): ReactElement {
  const { verdict, rules } = why;
  const shown = rules.filter((rule) => rule.matched || rule.decided);
  return (
    <Stack gap="xs" role="status">
      <Alert color={COLOURS[verdict.effect]} variant="light" title={words.try.verdicts[verdict.effect]}>
        {verdict.reasons.map((reason) => (
          <Text size="sm" key={reason}>
            <Foreign text={reason} />
          </Text>
        ))}
        {verdict.needs.length > 0 && (
          <Text size="sm">
            {words.try.needs}: {verdict.needs.join(", ")}
          </Text>
        )}
        {verdict.errors.map((error) => (
          <Text size="sm" key={error} c="red">
            <Foreign text={error} />
          </Text>
        ))}
      </Alert>
      <Accordion variant="contained" chevronPosition="left" multiple>
        {[...shown, ...rules.filter((rule) => !shown.includes(rule))].map((rule) => (
          <Examined key={`${rule.agent}/${rule.rule}`} rule={rule} />
        ))}
      </Accordion>
    </Stack>
  );
}

function Examined({ rule }: { rule: Schemas["ExaminedAnswer"] }): ReactElement {
  return (
    <Accordion.Item value={`${rule.agent}/${rule.rule}`}>
      <Accordion.Control>
        <Group gap="xs">
          <Text size="sm">{rule.rule}</Text>
          <State
            of={rule.decided ? "active" : "over"}
            as={rule.decided ? words.try.decided : rule.matched ? words.try.matched : words.try.unmatched}
          />
        </Group>
      </Accordion.Control>
      <Accordion.Panel>
        <Stack gap={4}>
          {rule.clauses.map((clause) => (
            <Group key={clause.kind + clause.text} gap="xs" wrap="nowrap" align="baseline" fz="xs">
              <State
                of={passed(clause.passes)}
                as={clause.passes === null ? words.try.unknown : clause.passes ? words.try.yes : words.try.no}
              />
              <span>
                {clause.kind} <Foreign text={clause.error || clause.text} />
              </span>
            </Group>
          ))}
        </Stack>
      </Accordion.Panel>
    </Accordion.Item>
  );
}

function passed(passes: boolean | null): string {
  return passes === null ? "over" : passes ? "holds" : "broken";
}
