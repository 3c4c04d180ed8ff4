/** What the roles of an agent expect of it, beside what is measured. */
import { Skeleton, Table, Text, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import type { Schemas } from "@/api/client";
import { said } from "@/figures/figure";
import { useMe } from "@/frame/session";
import { Foreign, Problem, Section, State } from "@/kit";
import { scorecardQuery } from "./queries";
import { words } from "./words";

type Card = Schemas["ScorecardAnswer"];
type Expectation = Card["expectations"][number];

export function Scorecard({ agent }: { agent: string }): ReactElement {
  const found = useQuery(scorecardQuery(agent));
  return (
    <Section title={words.agent.scorecard}>
      {found.isPending && <Skeleton height={90} />}
      {found.error !== null && <Problem error={found.error} />}
      {found.data?.expectations.length === 0 && <Text c="dimmed">{words.agent.nothingExpected}</Text>}
      {found.data && found.data.expectations.length > 0 && (
        <Table verticalSpacing={5}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{words.agent.expectation}</Table.Th>
              <Table.Th>{words.agent.expected}</Table.Th>
              <Table.Th ta="right">{words.agent.measured}</Table.Th>
              <Table.Th />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {found.data.expectations.map((one) => (
              <Row key={`${one.role}/${one.measure}`} of={one} card={found.data} />
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Section>
  );
}

function Row({ of, card }: { of: Expectation; card: Card }): ReactElement {
  const base = useMe();
  const formula = of.figure === null ? undefined : card.formulas[of.figure];
  return (
    <Table.Tr>
      <Table.Td>
        <Foreign text={of.measure} />
        <Text size="xs" c="dimmed">
          {of.role}
        </Text>
      </Table.Td>
      <Table.Td>
        <Foreign text={of.target} />
      </Table.Td>
      <Table.Td ta="right">
        {formula === undefined ? (
          <Text span size="sm" c="dimmed">
            {words.agent.inWords}
          </Text>
        ) : (
          <Tooltip label={`${formula.title}: ${formula.formula}`} multiline maw={340} withArrow>
            <span tabIndex={0}>{said(formula.unit, of.value, base)}</span>
          </Tooltip>
        )}
      </Table.Td>
      <Table.Td ta="right">
        {of.met !== null && <State of={of.met ? "met" : "missed"} as={of.met ? words.agent.met : words.agent.missed} />}
      </Table.Td>
    </Table.Tr>
  );
}
