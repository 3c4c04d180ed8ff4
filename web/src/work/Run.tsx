/** A run: where it stands on its workflow, what keeps it, what happened, and where the time went. */
import { Alert, Anchor, Group, Select, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Suspense, useMemo, useState, type ReactElement } from "react";
import { JudgeOf } from "@/actions/Judge";
import { answered, client } from "@/api/client";
import { lookAgain } from "@/frame/again";
import { useMay } from "@/frame/session";
import { span } from "@/figures/figure";
import { OpenIncident } from "@/incidents/OpenIncident";
import { Facts, Foreign, Graph, Id, Json, Money, Page, Problem, Section, State, When, useNow } from "@/kit";
import { nameOf } from "@/kit/who";
import { Exception } from "./Exception";
import { edgesOf, ofRun } from "./picture";
import { runGraphQuery, runQuery, stuckQuery, timelineQuery, type RunShown } from "./queries";
import { Steer } from "./Steer";
import { Timeline } from "./Timeline";
import { byStep } from "./times";
import { Where } from "./Where";
import { words } from "./words";

export function Run({ id }: { id: string }): ReactElement {
  const run = useSuspenseQuery(runQuery(id)).data;
  const may = useMay();
  return (
    <Page
      title={words.run.title(run.workflow)}
      heading={
        <Group gap="sm" component="span">
          <span>{words.run.title(run.workflow)}</span>
          <State of={run.paused && run.ended_at === null ? "paused" : run.status} />
        </Group>
      }
      actions={
        <>
          <OpenIncident about="run" id={run.id} />
          {run.ended_at === null && may("workflow:run:steer") && <Steer run={run} />}
        </>
      }
    >
      <About run={run} />
      {run.ended_at === null && <Stuck run={run.id} />}
      {run.paused && run.ended_at === null && <Alert color="orange">{words.run.paused}</Alert>}
      {run.reason !== "" && run.status !== "done" && (
        <Alert color="gray" variant="light">
          <Foreign text={run.reason} />
        </Alert>
      )}
      <Course run={run} />
      <Values run={run} />
      {run.ended_at !== null && <JudgeOf of={{ kind: "run", id: run.id }} />}
    </Page>
  );
}

function About({ run }: { run: RunShown }): ReactElement {
  const now = useNow();
  const parent = run.parent?.split(":")[0];
  return (
    <Facts
      of={[
        [
          words.columns.workflow,
          <Anchor key="w" component={Link} to={`/work/${encodeURIComponent(run.workflow)}`} size="sm">
            {run.workflow}
          </Anchor>,
        ],
        [words.run.unit, run.unit],
        [words.run.by, <Foreign key="b" text={nameOf(run.started_by)} line first={80} />],
        [words.run.began, <When key="a" at={run.created_at} />],
        [
          run.ended_at === null ? words.run.sofar : words.run.took,
          span((run.ended_at ?? Math.max(now, run.created_at)) - run.created_at),
        ],
        [words.run.spent, <Money key="m" minor={run.spent} />],
        [words.run.priority, <Priority key="p" run={run} />],
        ...(parent
          ? [
              [
                words.run.parent,
                <Anchor key="r" component={Link} to={`/work/runs/${parent}`} size="sm">
                  …{parent.slice(-6)}
                </Anchor>,
              ] as const,
            ]
          : []),
        [words.run.id, <Id key="i" id={run.id} short />],
      ]}
    />
  );
}

const PRIORITIES = ["low", "normal", "high", "urgent"] as const;

function Priority({ run }: { run: RunShown }): ReactElement {
  const queries = useQueryClient();
  const may = useMay()("workflow:run:steer");
  const set = useMutation({
    mutationFn: (priority: (typeof PRIORITIES)[number]) =>
      answered(client.POST("/api/runs/{run}/priority", { params: { path: { run: run.id } }, body: { priority } })),
    onSuccess: () => lookAgain(queries, ["runs"]),
  });
  if (!may || run.ended_at !== null) return <span>{run.priority}</span>;
  return (
    <Select
      size="xs"
      w={110}
      aria-label={words.run.priority}
      data={PRIORITIES}
      value={run.priority}
      allowDeselect={false}
      onChange={(value) => value && set.mutate(value as (typeof PRIORITIES)[number])}
    />
  );
}

function Stuck({ run }: { run: string }): ReactElement {
  const found = useQuery(stuckQuery(run));
  const mine = (found.data?.items ?? []).filter((one) => one.choices.length > 0);
  return (
    <>
      {found.error !== null && <Problem error={found.error} />}
      {mine.map((one) => (
        <Exception key={one.exception} exception={one} />
      ))}
    </>
  );
}

/** The picture, the times and the timeline, which are about the same steps. */
function Course({ run }: { run: RunShown }): ReactElement {
  const [step, setStep] = useState<string>();
  const graph = useSuspenseQuery(runGraphQuery(run.id)).data;
  const timeline = useQuery(timelineQuery(run.id));
  const stays = timeline.data?.stays;
  const nodes = useMemo(() => ofRun(graph.nodes, byStep(stays ?? [])), [graph.nodes, stays]);
  const edges = useMemo(() => edgesOf(graph.nodes, graph.edges), [graph]);
  const choose = (chosen: string) => setStep(chosen === step ? undefined : chosen);
  return (
    <>
      <Suspense>
        <Graph label={words.run.graph(run.workflow)} nodes={nodes} edges={edges} selected={step} onOpen={choose} />
      </Suspense>
      {run.waits.length > 0 && <Waits run={run} />}
      {timeline.error !== null && <Problem error={timeline.error} again={() => void timeline.refetch()} />}
      {timeline.data && (
        <>
          <Where stays={timeline.data.stays} step={step} choose={choose} />
          <Timeline run={run} found={timeline.data} step={step} clear={() => setStep(undefined)} />
        </>
      )}
    </>
  );
}

function Waits({ run }: { run: RunShown }): ReactElement {
  return (
    <Section title={words.run.waits}>
      <Stack gap={4}>
        {run.waits.map((one) => (
          <Text size="sm" key={one.command} component="div">
            {words.waits[one.kind] ?? one.kind} · {stepOf(run.id, one.command) || words.exception.whole} ·{" "}
            <When at={one.at} />
            {one.due !== null && (
              <>
                {" "}
                · {words.run.due} <When at={one.due} />
              </>
            )}
            {one.action !== null && (
              <>
                {" "}
                · <Id id={one.action} short />
              </>
            )}
          </Text>
        ))}
      </Stack>
    </Section>
  );
}

function stepOf(run: string, command: string): string {
  return command.slice(run.length + 1).split(":")[0] ?? "";
}

function Values({ run }: { run: RunShown }): ReactElement {
  if (run.input === null)
    return (
      <Text size="sm" c="dimmed">
        {words.run.hidden}
      </Text>
    );
  return (
    <>
      <Section title={words.run.input}>
        <Json value={run.input} />
      </Section>
      {run.output !== null && (
        <Section title={words.run.output}>
          <Json value={run.output} />
        </Section>
      )}
    </>
  );
}
