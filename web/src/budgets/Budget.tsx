/** One budget: how it stands, how long it lasts, where it belongs, and when it came to its warning. */
import { Group, Skeleton, Stack, Table, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Suspense, useMemo, type ReactElement } from "react";
import type { Schemas } from "@/api/client";
import { useMay, useMe } from "@/frame/session";
import { Chart, Facts, Id, Page, Section, State, To, When, useNow } from "@/kit";
import { exact } from "@/kit/when";
import { amount } from "./amount";
import { Meter } from "./Bars";
import { course } from "./course";
import { budgetQuery, useSpent } from "./queries";
import { words } from "./words";

type Shown = Schemas["BudgetDetailAnswer"];

export function Budget({ name }: { name: string }): ReactElement {
  const budget = useSuspenseQuery(budgetQuery(name)).data;
  const base = useMe();
  return (
    <Page
      title={budget.name}
      heading={
        <Group gap="sm" component="span">
          <span>{budget.name}</span>
          {budget.warned && <State of="held" as={words.warned} />}
        </Group>
      }
      about={`${words.of(budget.scope, budget.target)} · ${words.per[budget.period] ?? budget.period} · ${budget.summary}`}
    >
      <Meter budget={budget} />
      <Facts
        of={[
          [words.limit, amount(budget, budget.limit, base)],
          [words.settled, amount(budget, budget.settled, base)],
          [words.reserved, amount(budget, budget.reserved, base)],
          [words.left, amount(budget, budget.left, base)],
          ...(budget.warn === null ? [] : [[words.warn, amount(budget, budget.warn, base)] as const]),
          [words.since, <When key="s" at={budget.since} />],
          [words.ends, <When key="e" at={budget.forecast.ends} />],
          ...(budget.tell.length > 0 ? [[words.tell, budget.tell.join(", ")] as const] : []),
        ]}
      />
      <Forecast budget={budget} />
      <Group align="flex-start" grow preventGrowOverflow={false}>
        {budget.above.length > 0 && <Neighbours title={words.above} names={budget.above} />}
        {budget.below.length > 0 && <Neighbours title={words.below} names={budget.below} />}
      </Group>
      {budget.warn !== null && <Crossings budget={budget} />}
    </Page>
  );
}

const BYS = ["agent", "role", "workflow", "unit"] as const;

function Forecast({ budget }: { budget: Shown }): ReactElement {
  const now = useNow();
  const base = useMe();
  const { forecast } = budget;
  const by = BYS.find((one) => one === budget.scope);
  const may = useMay()("insight:figure:read") && budget.measure === "money";
  const spent = useSpent(by, budget.target, budget.since, may);
  const drawn = useMemo(() => course(budget, spent, now), [budget, spent, now]);
  return (
    <Section title={words.forecast}>
      <Text size="sm" mb="sm">
        {forecast.summary}
        {forecast.per_hour !== null && ` · ${words.rate}: ${amount(budget, forecast.per_hour, base)}`}
        {forecast.reached_at !== null && ` · ${words.reached}: ${exact(forecast.reached_at)}`}
      </Text>
      {forecast.at_end !== null && (
        <Suspense fallback={<Skeleton height={220} />}>
          <Chart
            label={words.chart(budget.name)}
            labels={drawn.labels}
            series={[
              { name: words.usedLine, values: drawn.used },
              { name: words.ifOn, values: drawn.ahead },
            ]}
            height={220}
            say={(value) => amount(budget, Math.round(value), base)}
            limit={{ name: words.limit, value: budget.limit }}
          />
        </Suspense>
      )}
    </Section>
  );
}

function Neighbours({ title, names }: { title: string; names: readonly string[] }): ReactElement {
  return (
    <Section title={title}>
      <Stack gap="xs" align="flex-start">
        {names.map((name) => (
          <To key={name} to="/budgets/$budget" params={{ budget: name }} size="sm">
            {name}
          </To>
        ))}
      </Stack>
    </Section>
  );
}

function Crossings({ budget }: { budget: Shown }): ReactElement {
  const base = useMe();
  return (
    <Section title={words.crossings}>
      {budget.crossings.length === 0 && <Text c="dimmed">{words.crossingsNone}</Text>}
      {budget.crossings.length > 0 && (
        <Table.ScrollContainer minWidth={0} type="native" tabIndex={0} aria-label={words.crossings}>
          <Table verticalSpacing={6}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{words.crossing.at}</Table.Th>
                <Table.Th ta="right">{words.crossing.used}</Table.Th>
                <Table.Th ta="right">{words.crossing.limit}</Table.Th>
                <Table.Th>{words.crossing.action}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {budget.crossings.map((one) => (
                <Table.Tr key={one.action}>
                  <Table.Td>
                    <When at={one.at} />
                  </Table.Td>
                  <Table.Td ta="right">{amount(budget, one.used, base)}</Table.Td>
                  <Table.Td ta="right">{amount(budget, one.limit, base)}</Table.Td>
                  <Table.Td>
                    <Id id={one.action} short />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Section>
  );
}
