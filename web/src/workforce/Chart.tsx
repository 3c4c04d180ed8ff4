/** The organisation as a tree: its units, and the agents in them as long as they can be drawn. */
import { Skeleton, Stack, Text } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { Suspense, useMemo, type ReactElement } from "react";
import { addressOfObject } from "@/frame/addresses";
import { EmptyState, Graph, Problem, type GraphEdge, type GraphNode, type Tone } from "@/kit";
import { useSomeAgents, useUnits, type Agent, type Unit } from "./queries";
import { words } from "./words";

const MOST_DRAWN = 60;

const TONES: Record<Agent["state"], Tone> = {
  draft: "plain",
  active: "good",
  pilot: "active",
  suspended: "warning",
  contained: "bad",
  retired: "quiet",
};

export function Chart({ openUnit }: { openUnit: (unit: string) => void }): ReactElement {
  const navigate = useNavigate();
  const units = useUnits();
  const agents = useSomeAgents(MOST_DRAWN);
  const drawn = useMemo(
    () => draw(units.data ?? [], agents.data?.whole ? agents.data.items : []),
    [units.data, agents.data],
  );
  const error = units.error ?? agents.error;
  if (error !== null) return <Problem error={error} />;
  if (units.data === undefined || agents.data === undefined) return <Skeleton height={420} />;
  if (units.data.length === 0) return <EmptyState {...words.emptyUnits} />;
  const open = (id: string) => {
    const [kind, name] = [id.slice(0, id.indexOf("/")), id.slice(id.indexOf("/") + 1)];
    if (kind === "unit") openUnit(name);
    else void navigate({ to: addressOfObject("Agent", name) });
  };
  return (
    <Stack gap="xs">
      {!agents.data.whole && (
        <Text size="sm" c="dimmed">
          {words.chart.many}
        </Text>
      )}
      <Suspense fallback={<Skeleton height={420} />}>
        <Graph label={words.chart.label} nodes={drawn.nodes} edges={drawn.edges} onOpen={open} />
      </Suspense>
    </Stack>
  );
}

function draw(units: readonly Unit[], agents: readonly Agent[]): { nodes: GraphNode[]; edges: GraphEdge[] } {
  const live = agents.filter((one) => one.state !== "retired");
  const names = new Set(live.map((one) => one.name));
  const nodes = [
    ...units.map((unit) => ({ id: `unit/${unit.name}`, label: unit.name, note: words.chart.unit(unit.agents) })),
    ...live.map((agent) => ({
      id: `agent/${agent.name}`,
      label: agent.name,
      note: `${agent.roles.join(", ")} · ${agent.sponsor}`,
      tone: TONES[agent.state],
    })),
  ];
  const above = units.flatMap((unit) =>
    unit.parent === null ? [] : [{ from: `unit/${unit.parent}`, to: `unit/${unit.name}` }],
  );
  const within = live.map((agent) => ({
    from: agent.parent !== null && names.has(agent.parent) ? `agent/${agent.parent}` : `unit/${agent.unit}`,
    to: `agent/${agent.name}`,
  }));
  return { nodes, edges: [...above, ...within] };
}
