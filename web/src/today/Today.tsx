/** What needs me, what runs, what went wrong, what it costs, how it goes: the cards that the person may see. */
import { Anchor, Group, Progress, SimpleGrid, Stack, Text } from "@mantine/core";
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactElement, ReactNode } from "react";
import type { Schemas } from "@/api/client";
import { Strip } from "@/figures/Strip";
import { useMay, useMe } from "@/frame/session";
import { Clock } from "@/inbox/Inbox";
import { useInbox } from "@/inbox/queries";
import { Foreign, Page, Problem, Section, State, To, When } from "@/kit";
import { containedQuery, runningQuery, spendQuery, wrongQuery } from "./queries";
import classes from "./today.module.css";
import { words } from "./words";

const FEW = 5;
const FIGURES = ["throughput", "accuracy", "error_rate", "exceptions", "escalations", "cost"];

export function Today(): ReactElement {
  const me = useMe();
  const may = useMay();
  return (
    <Page title={words.title} about={words.hello(me.display_name)}>
      {may("insight:figure:read") && <Strip title={words.figures} by="all" of="all" names={FIGURES} />}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        {may("approvals:hold:read") && <Waits />}
        {may("gate:action:read") && <Wrong />}
        {may("workflow:run:read") && <Running />}
        {may("budget:account:read") && <Spend />}
        {may("identity:containment:read") && <Contained />}
      </SimpleGrid>
    </Page>
  );
}

function Waits(): ReactElement {
  const { items, error } = useInbox();
  return (
    <Section title={words.waits} more={<To to="/inbox">{words.toInbox(items.length)}</To>}>
      {error !== undefined && <Problem error={error} />}
      <Stack gap="sm">
        {items.length === 0 && <Text c="dimmed">{words.waitsNone}</Text>}
        {items.slice(0, FEW).map((item) => (
          <div key={item.key}>
            <Anchor component={Link} to={item.to} c="inherit" className={classes.sentence}>
              <Foreign text={item.title} line first={160} />
            </Anchor>
            <Text size="xs" c="dimmed" component="div">
              <Foreign text={item.who} line first={40} /> ·{" "}
              {item.until === null ? <When at={item.at} /> : <Clock until={item.until} />}
            </Text>
          </div>
        ))}
      </Stack>
    </Section>
  );
}

/** What was read, or why it could not be; `none` where there is nothing. */
function Few<Row>({ found, none, children }: FewProps<Row>): ReactElement {
  return (
    <Stack gap="xs">
      {found.error !== null && <Problem error={found.error} again={() => void found.refetch()} />}
      {found.data?.length === 0 && <Text c="dimmed">{none}</Text>}
      {found.data?.map(children)}
    </Stack>
  );
}

interface FewProps<Row> {
  found: UseQueryResult<Row[]>;
  none?: string;
  children: (row: Row) => ReactNode;
}

function Running(): ReactElement {
  const found = useQuery({ ...runningQuery, select: (page) => page.items });
  return (
    <Section title={words.runs} more={<To to="/work">{words.all}</To>}>
      <Few found={found} none={words.runsNone}>
        {(run: Schemas["RunAnswer"]) => (
          <Group key={run.id} justify="space-between" wrap="nowrap" fz="sm">
            <To to="/work/runs/$run" params={{ run: run.id }}>
              <Foreign text={run.workflow} line first={60} />
            </To>
            <Text size="xs" c="dimmed" component="div">
              <State of={run.status} /> · <When at={run.created_at} />
            </Text>
          </Group>
        )}
      </Few>
    </Section>
  );
}

function Wrong(): ReactElement {
  return (
    <Section title={words.wrong}>
      <Few found={useQuery(wrongQuery)} none={words.wrongNone}>
        {(one: Schemas["ActionAnswer"]) => (
          <div key={one.id}>
            <Group gap="xs" fz="sm">
              <State of={one.state} />
              <Anchor component={Link} to={`/actions/${one.id}`} c="inherit">
                {one.agent_name} · {one.tool}
              </Anchor>
            </Group>
            <Text size="xs" c="dimmed" component="div">
              <Foreign text={one.message ?? one.code ?? ""} line first={140} /> · <When at={one.at} />
            </Text>
          </div>
        )}
      </Few>
    </Section>
  );
}

function Spend(): ReactElement {
  return (
    <Section title={words.budgets} more={<To to="/budgets">{words.all}</To>}>
      <Few found={useQuery(spendQuery)} none={words.budgetsNone}>
        {(one: Schemas["BudgetAnswer"]) => (
          <div key={one.name}>
            <Group justify="space-between" fz="sm">
              <To to="/budgets/$budget" params={{ budget: one.name }}>
                {one.name}
              </To>
              <Text size="xs" c="dimmed">
                {one.summary}
              </Text>
            </Group>
            <Progress
              value={Math.min(100, one.percent)}
              color={one.warned ? "orange" : "lagoon"}
              aria-label={`${one.name}: ${one.percent} %`}
            />
          </div>
        )}
      </Few>
    </Section>
  );
}

/** Only where something is contained: nobody needs to read that nothing is. */
function Contained(): ReactElement | null {
  const found = useQuery({ ...containedQuery, select: (page) => page.items });
  if (found.data?.length === 0) return null;
  return (
    <Section title={words.contained}>
      <Few found={found}>
        {(one: Schemas["ContainmentAnswer"]) => (
          <div key={one.id}>
            <Text size="sm">
              {one.scope} {one.target} · {words.containedBy(one.by.replace("person:", ""))} · <When at={one.at} />
            </Text>
            <Text size="xs" c="dimmed" component="div">
              <Foreign text={one.reason} line first={140} />
            </Text>
          </div>
        )}
      </Few>
    </Section>
  );
}
