/** Cards of Today: what is under way, and what went wrong. */
import { Anchor, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactElement, ReactNode } from "react";
import { addressOfId } from "@/frame/addresses";
import { useMay } from "@/frame/session";
import { Facts, Foreign, Problem, Section, shortened, State, To, When } from "@/kit";
import { runningQuery, wrongQuery, type Seen } from "./queries";
import classes from "./today.module.css";
import { words } from "./words";

const NUMBER = new Intl.NumberFormat("en");
const FEW = 3;

export function Running({ now }: { now: NonNullable<Seen["running"]> }): ReactElement {
  const may = useMay()("workflow:run:read");
  return (
    <Section title={words.running} more={<To to="/work">{words.all}</To>}>
      <Stack gap="sm">
        <Facts
          of={[
            [
              words.runningNow.actions,
              <To key="" to="/actions" search={{ state: "running" }}>
                {NUMBER.format(now.actions)}
              </To>,
            ],
            [
              words.runningNow.held,
              <To key="" to="/actions" search={{ state: "held" }}>
                {NUMBER.format(now.held)}
              </To>,
            ],
            [
              words.runningNow.runs,
              <To key="" to="/work" search={{ view: "runs" }}>
                {NUMBER.format(now.runs)}
              </To>,
            ],
            [
              words.runningNow.tasks,
              <To key="" to="/work" search={{ view: "tasks", state: "claimed" }}>
                {NUMBER.format(now.tasks)}
              </To>,
            ],
          ]}
        />
        {may && <Runs />}
      </Stack>
    </Section>
  );
}

function Runs(): ReactElement {
  const found = useQuery({ ...runningQuery, select: (page) => page.items });
  if (found.error !== null) return <Problem error={found.error} again={() => void found.refetch()} />;
  return (
    <Stack gap="xs">
      {found.data?.length === 0 && <Text c="dimmed">{words.runsNone}</Text>}
      {found.data?.map((run) => (
        <Group key={run.id} justify="space-between" wrap="nowrap" fz="sm">
          <To to="/work/runs/$run" params={{ run: run.id }}>
            <Foreign text={run.workflow} line first={60} />
          </To>
          <Text size="xs" c="dimmed" component="div">
            <State of={run.status} /> · <When at={run.created_at} />
          </Text>
        </Group>
      ))}
    </Stack>
  );
}

export function Wrong({ now }: { now: NonNullable<Seen["went_wrong"]> }): ReactElement {
  const may = useMay()("gate:action:read");
  const counts = words.wrongCounts;
  return (
    <Section title={words.wrong} note={words.wrongNote} more={<To to="/incidents">{words.incidents}</To>}>
      <Stack gap="sm">
        <Facts
          of={[
            [counts.failed, <Count key="" state="failed" of={now.failed} before={now.failed_before} />],
            [counts.denied, <Count key="" state="denied" of={now.denied} before={now.denied_before} />],
            [
              counts.runs,
              <To key="" to="/work" search={{ view: "runs", state: "failed" }}>
                {NUMBER.format(now.runs_failed)}
              </To>,
            ],
            [counts.escalated, NUMBER.format(now.escalated)],
          ]}
        />
        {now.unknown_actions.length > 0 && (
          <Line tone="unknown" as={words.look}>
            {now.unknown_actions.slice(0, FEW).map((action) => (
              <Anchor key={action} component={Link} to={addressOfId(action)}>
                {shortened(action)}
              </Anchor>
            ))}
          </Line>
        )}
        {now.exceptions.slice(0, FEW).map((one) => (
          <Line key={one.exception} tone="failed" as={words.stuck}>
            <To to="/work/runs/$run" params={{ run: one.run }}>
              <Foreign text={[one.workflow, one.step].filter(Boolean).join(" · ")} line first={80} />
            </To>
            <Text size="xs" c="dimmed" component="div">
              <Foreign text={one.reason ?? one.kind} line first={140} /> · <When at={one.at} />
            </Text>
          </Line>
        ))}
        {may && <Newest />}
      </Stack>
    </Section>
  );
}

function Count({ state, of, before }: { state: string; of: number; before: number }): ReactElement {
  return (
    <>
      <To to="/actions" search={{ state }}>
        {NUMBER.format(of)}
      </To>{" "}
      <Text span size="xs" c="dimmed">
        {words.before(NUMBER.format(before))}
      </Text>
    </>
  );
}

function Line({ tone, as, children }: { tone: string; as: string; children: ReactNode }): ReactElement {
  return (
    <Group gap="xs" fz="sm">
      <State of={tone} as={as} />
      {children}
    </Group>
  );
}

function Newest(): ReactElement {
  const found = useQuery(wrongQuery);
  if (found.error !== null) return <Problem error={found.error} again={() => void found.refetch()} />;
  return (
    <Stack gap="xs">
      {found.data?.length === 0 && <Text c="dimmed">{words.wrongNone}</Text>}
      {found.data?.map((one) => (
        <div key={one.id}>
          <Group gap="xs" fz="sm" wrap="nowrap" align="flex-start">
            <State of={one.state} />
            <Anchor component={Link} to={`/actions/${one.id}`} c="inherit" className={classes.long}>
              {one.agent_name} · {one.tool}
            </Anchor>
          </Group>
          <Text size="xs" c="dimmed" component="div">
            <Foreign text={one.message ?? one.code ?? ""} line first={140} /> · <When at={one.at} />
          </Text>
        </div>
      ))}
    </Stack>
  );
}
