/** An agent: who it is and who answers for it, what it may do, what it does, how well, and every wording it had. */
import { Group, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { Strip } from "@/figures/Strip";
import { useMay } from "@/frame/session";
import { OpenIncident } from "@/incidents/OpenIncident";
import { Attention, Facts, Foreign, Id, Page, Problem, Section, State, To, Views, When } from "@/kit";
import { nameOf } from "@/kit/who";
import { Acts } from "./Acts";
import { BudgetsOf } from "./BudgetsOf";
import { Deeds, Live } from "./Deeds";
import { May } from "./May";
import { agentQuery, declaredQuery, useContainments, type Agent as Shown } from "./queries";
import { Revisions } from "./Revisions";
import { Scorecard } from "./Scorecard";
import { words } from "./words";
import { VIEWS } from "./Agent.search";

export type View = (typeof VIEWS)[number];

const FIGURES = ["throughput", "accuracy", "error_rate", "human_time_per_case", "cost"];

interface Props {
  name: string;
  view: View | undefined;
}

export function Agent({ name, view = "overview" }: Props): ReactElement {
  const agent = useSuspenseQuery(agentQuery(name)).data;
  const navigate = useNavigate({ from: "/workforce/$agent" });
  const may = useMay();
  const views = VIEWS.filter(
    (one) => (one !== "revisions" || may("catalog:object:read")) && (one !== "work" || may("gate:action:read")),
  );
  const of = {
    overview: <Overview agent={agent} />,
    permissions: <May agent={agent.name} />,
    work: <Deeds agent={agent.name} />,
    revisions: <Revisions agent={agent.name} />,
  };
  return (
    <Page
      title={agent.name}
      heading={
        <Group gap="sm" component="span">
          <Foreign text={agent.name} line first={80} />
          <State of={agent.state} />
        </Group>
      }
      actions={
        <>
          <OpenIncident about="agent" id={agent.name} />
          <Acts agent={agent} />
        </>
      }
    >
      <About agent={agent} />
      {agent.state === "contained" && may("identity:containment:read") && <Contained agent={agent} />}
      <Views
        label={words.viewsLabel}
        names={words.agent.views}
        views={views}
        shown={view}
        show={(chosen) => void navigate({ search: { view: chosen }, replace: true })}
        of={(chosen) => of[chosen]}
      />
    </Page>
  );
}

function About({ agent }: { agent: Shown }): ReactElement {
  const parent = agent.parent;
  return (
    <Facts
      of={[
        [
          words.agent.unit,
          <To key="u" to="/workforce" search={{ unit: agent.unit }} size="sm">
            {agent.unit}
          </To>,
        ],
        [words.agent.roles, agent.roles.join(", ")],
        [
          words.agent.sponsor,
          <To key="s" to="/workforce" search={{ sponsor: agent.sponsor }} size="sm">
            {agent.sponsor}
          </To>,
        ],
        [words.agent.owner, agent.owner],
        [words.agent.supervisor, agent.supervisor],
        ...(parent === null
          ? []
          : [
              [
                words.agent.parent,
                <To key="p" to="/workforce/$agent" params={{ agent: parent }} size="sm">
                  {parent}
                </To>,
              ] as const,
            ]),
        ...(agent.site === null ? [] : [[words.agent.site, agent.site] as const]),
        [words.agent.since, <When key="w" at={agent.created_at} />],
        [words.agent.rate, words.agent.perMinute(agent.rate_per_minute)],
        [words.agent.id, <Id key="i" id={agent.id.slice(agent.id.lastIndexOf("/") + 1)} />],
      ]}
    />
  );
}

function Contained({ agent }: { agent: Shown }): ReactElement | null {
  const found = useContainments();
  const all = found.data?.items ?? [];
  const why = all.filter(
    (one) =>
      one.scope === "everything" ||
      (one.scope === "agent" && [agent.id, agent.name].includes(one.target)) ||
      (one.scope === "unit" && one.target === agent.unit),
  );
  if (why.length === 0) return null;
  return (
    <Attention label={words.agent.containedSince}>
      {why.map((one) => (
        <Text size="sm" key={one.id} component="div">
          {words.agent.containedSince} <When at={one.at} /> {words.agent.by} {nameOf(one.by)}:{" "}
          <Foreign text={one.reason} />
        </Text>
      ))}
    </Attention>
  );
}

function Overview({ agent }: { agent: Shown }): ReactElement {
  const may = useMay();
  return (
    <Stack gap="lg">
      {may("insight:figure:read") && <Strip title={words.agent.figures} by="agent" of={agent.name} names={FIGURES} />}
      {may("insight:figure:read") && <Scorecard agent={agent.name} />}
      {may("gate:action:read") && <Live agent={agent.name} />}
      {may("catalog:object:read") ? (
        agent.roles.map((role) => <Role key={role} name={role} />)
      ) : (
        <Text c="dimmed">{words.agent.noRole}</Text>
      )}
      {may("budget:account:read") && <BudgetsOf agent={agent} />}
    </Stack>
  );
}

interface RoleSpec {
  responsibilities?: string[];
  decisionBoundaries?: string[];
  escalationTargets?: string[];
}

function Role({ name }: { name: string }): ReactElement {
  const found = useQuery(declaredQuery("Role", name));
  const spec = (found.data?.spec ?? {}) as RoleSpec;
  return (
    <Section title={words.agent.role(name)}>
      {found.isPending && <Skeleton height={120} />}
      {found.error !== null && <Problem error={found.error} />}
      <Group align="flex-start" gap="xl" grow preventGrowOverflow={false}>
        <Listed title={words.agent.responsibilities} of={spec.responsibilities} />
        <Listed title={words.agent.boundaries} of={spec.decisionBoundaries} />
        <Listed title={words.agent.escalation} of={spec.escalationTargets} />
      </Group>
    </Section>
  );
}

function Listed({ title, of = [] }: { title: string; of?: string[] }): ReactElement | null {
  if (of.length === 0) return null;
  return (
    <div>
      <Text size="xs" c="dimmed" mb={4}>
        {title}
      </Text>
      <Stack gap={4} component="ul" style={{ margin: 0, paddingInlineStart: "1.1rem" }}>
        {of.map((one) => (
          <Text size="sm" component="li" key={one}>
            <Foreign text={one} />
          </Text>
        ))}
      </Stack>
    </div>
  );
}
