/** A workflow as it is declared: drawn, with where its live runs are, its figures and its runs. */
import { Code, Group, Stack, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Suspense, useMemo, useState, type ReactElement } from "react";
import { Strip } from "@/figures/Strip";
import { useMay } from "@/frame/session";
import { Copy, Foreign, Graph, Json, Page, Section, To } from "@/kit";
import { Begin } from "./Begin";
import { edgesOf, ofWorkflow } from "./picture";
import { useDeclared, workflowQuery } from "./queries";
import { words } from "./words";
import { RunList } from "./Work";

const FIGURES = ["runs_done", "run_cycle_time", "exceptions", "human_time", "cost_per_outcome"];

export function Workflow({ name }: { name: string }): ReactElement {
  const may = useMay();
  const declared = useDeclared(name).data;
  return (
    <Page
      title={name}
      about={declared && <Foreign text={declared.description} line first={300} />}
      actions={may("workflow:run:start") && <Begin workflow={name} />}
    >
      <Drawn name={name} spec={declared?.spec} />
      {may("insight:figure:read") && <Strip title={words.workflow.figures} by="workflow" of={name} names={FIGURES} />}
      <Section
        title={words.workflow.runs}
        more={
          <To to="/work" search={{ view: "runs", workflow: name }} size="sm">
            {words.workflow.all}
          </To>
        }
      >
        <RunList workflow={name} />
      </Section>
      {declared && (
        <Section title={words.workflow.declared} more={<Copy text={declared.text} />}>
          <Code block tabIndex={0} mah={420} style={{ overflow: "auto" }}>
            {declared.text}
          </Code>
        </Section>
      )}
    </Page>
  );
}

function Drawn({ name, spec }: { name: string; spec: Record<string, unknown> | undefined }): ReactElement {
  const found = useSuspenseQuery(workflowQuery(name)).data;
  const [step, setStep] = useState<string>();
  const nodes = useMemo(() => ofWorkflow(found.nodes), [found.nodes]);
  const edges = useMemo(() => edgesOf(found.nodes, found.edges), [found]);
  return (
    <Stack gap="xs">
      <Suspense>
        <Graph label={words.workflow.graph(name)} nodes={nodes} edges={edges} selected={step} onOpen={setStep} />
      </Suspense>
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          {words.workflow.live(found.live, found.whole)}
        </Text>
        {step === undefined && (
          <Text size="sm" c="dimmed">
            {words.workflow.pick}
          </Text>
        )}
      </Group>
      {step !== undefined && (
        <Section title={`${words.workflow.step}: ${step}`}>
          <Json value={declaredStep(spec, step)} />
        </Section>
      )}
    </Stack>
  );
}

/** What is declared under the name of a step, however deep it stands in others. */
function declaredStep(value: unknown, step: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const steps = (value as Record<string, unknown>)["steps"];
  if (typeof steps === "object" && steps !== null && step in steps) return (steps as Record<string, unknown>)[step];
  for (const inner of Object.values(value)) {
    const found = declaredStep(inner, step);
    if (found !== undefined) return found;
  }
  return undefined;
}
