/** One action: what it was, why it came out as it did, what happened around it, and the proof that this is on record. */
import { Button, Group, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useState, type ReactElement } from "react";
import type { Schemas } from "@/api/client";
import { useMay } from "@/frame/session";
import { OpenIncident } from "@/incidents/OpenIncident";
import { Columns, Details, Foreign, Id, Money, Page, Problem, Section, When, To, State } from "@/kit";
import { Proofs } from "@/proof/Proofs";
import { misshown, showsContent } from "@/proof/opened";
import { unsaid } from "@/proof/said";
import { isAble } from "@/proof/verify";
import { words as proving } from "@/proof/words";
import { nameOf } from "@/kit/who";
import classes from "./actions.module.css";
import { Decisions } from "./Decided";
import { isJudged, Judge } from "./Judge";
import { PartShown } from "./Parts";
import { actionQuery, caseQuery, proofsQuery, whyQuery } from "./queries";
import { Resolve } from "./Resolve";
import { Waterfall } from "./Waterfall";
import { words } from "./words";

type Explanation = Schemas["Explanation"];

export function Action({ action }: { action: string }): ReactElement {
  const found = useSuspenseQuery(actionQuery(action)).data.explanation;
  const ended = found.endings.at(-1);
  return (
    <Page
      title={found.what.tool}
      heading={<Foreign text={found.what.tool} line first={120} />}
      about={<Head found={found} />}
      actions={<OpenIncident about="action" id={action} />}
    >
      <Columns aside={<Aside action={action} found={found} />}>
        {found.state === "unknown" && <Resolve action={action} />}
        <Section title={words.sections.why} note={words.sections.whyNote}>
          <Why action={action} />
        </Section>
        <Section title={words.sections.case} more={<ToCase name={found.what.case} />}>
          <Case name={found.what.case} here={action} />
        </Section>
        <Section title={words.sections.arguments}>
          <PartShown part={found.what.arguments} />
        </Section>
        {found.what.rationale.state !== "none" && (
          <Section title={words.sections.rationale} note={words.sections.unchecked}>
            <PartShown part={found.what.rationale} />
          </Section>
        )}
        <Section title={words.sections.result}>
          {ended === undefined ? <Text c="dimmed">{words.noResult}</Text> : <PartShown part={ended.result} />}
        </Section>
      </Columns>
    </Page>
  );
}

function Head({ found }: { found: Explanation }): ReactElement {
  return (
    <Group gap="sm" fz="sm">
      <State of={found.state} />
      <Foreign text={found.who.name} line first={60} />
      {found.decisions[0] !== undefined && (
        <span>
          {words.action.asked} <When at={found.decisions[0].at} />
        </span>
      )}
      <Id id={found.action} short />
    </Group>
  );
}

function Aside({ action, found }: { action: string; found: Explanation }): ReactElement {
  return (
    <>
      <Section title={words.sections.about}>
        <About found={found} />
      </Section>
      <Judge of={{ kind: "action", id: found.action }} judged={found.judged ?? []} isOver={isJudged(found.state)} />
      <Section title={words.sections.decisions}>
        <Decisions decisions={found.decisions} />
      </Section>
      {found.approvals.length > 0 && (
        <Section title={words.sections.approvals}>
          <People said={found.approvals} />
        </Section>
      )}
      <Section title={words.sections.proof}>
        <Proving action={action} shown={found} />
      </Section>
    </>
  );
}

function About({ found }: { found: Explanation }): ReactElement {
  const { who, what } = found;
  const cost = found.endings.at(-1)?.cost;
  return (
    <Details
      of={[
        [
          words.action.agent,
          <To key="agent" size="sm" to="/workforce/$agent" params={{ agent: who.name }}>
            <Foreign text={who.name} line />
          </To>,
        ],
        [words.action.actsFor, who.acts_for?.join(", ")],
        [words.action.unit, who.unit],
        [words.action.sponsor, who.sponsor],
        [
          words.action.tool,
          <To size="sm" key="tool" to="/tools/$name" params={{ name: what.tool }}>
            {what.tool}
          </To>,
        ],
        [words.action.case, <Foreign key="case" text={what.case} line first={80} />],
        [
          words.action.run,
          what.run && (
            <To size="sm" to="/work/runs/$run" params={{ run: what.run }}>
              {what.run}
            </To>
          ),
        ],
        [words.action.task, what.task && <Id id={what.task} short />],
        [words.action.site, who.site],
        [words.action.worst, amount(found.worst_case)],
        [words.action.cost, amount(cost)],
        [words.sections.labels, found.endings.at(-1)?.labels?.join(", ")],
      ]}
    />
  );
}

function amount(cost: Schemas["Cost"] | null | undefined): ReactElement | null {
  if (!cost?.money && !cost?.tokens) return null;
  return (
    <Group gap="xs">
      {cost.money ? <Money minor={cost.money} /> : null}
      {cost.tokens ? <span>{words.action.tokens(cost.tokens)}</span> : null}
    </Group>
  );
}

function Why({ action }: { action: string }): ReactElement {
  const found = useQuery(whyQuery(action));
  if (found.error !== null) return <Problem error={found.error} />;
  if (found.data === undefined) return <Skeleton height={90} />;
  return (
    <ol className={classes.why}>
      {found.data.sentences.map((sentence) => (
        <li key={sentence}>
          <Text size="sm">
            <Foreign text={sentence} first={400} />
          </Text>
        </li>
      ))}
    </ol>
  );
}

function ToCase({ name }: { name: string }): ReactElement {
  return (
    <To size="sm" to="/actions/cases/$case" params={{ case: name }}>
      {words.waterfall.toCase}
    </To>
  );
}

function Case({ name, here }: { name: string; here: string }): ReactElement {
  const found = useQuery(caseQuery(name, here));
  if (found.error !== null) return <Problem error={found.error} />;
  if (found.data === undefined) return <Skeleton height={120} />;
  return (
    <>
      {!found.data.whole && (
        <Text size="sm" c="dimmed" mb="xs">
          {words.case.around}
        </Text>
      )}
      <Waterfall spans={found.data.spans} here={here} />
    </>
  );
}

function People({ said }: { said: readonly Schemas["Said"][] }): ReactElement {
  return (
    <Stack gap={6} component="ol" m={0} pl="1.1rem">
      {said.map((one) => (
        <Text size="sm" component="li" key={one.index}>
          {nameOf(one.actor)} · {one.event} · <When at={one.at} />
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

/** The proof of `action`, which the address names: what is shown may be of another. */
function Proving({ action, shown }: { action: string; shown: Explanation }): ReactElement {
  const [asked, setAsked] = useState(false);
  const may = useMay()("gate:action:read");
  const found = useQuery({ ...proofsQuery(action, shown.position.leaves.length), enabled: asked && may });
  const content = useQuery({
    queryKey: ["content", shown, found.data?.openings],
    queryFn: async () => (await misshown(shown, found.data?.openings ?? [])) ?? null,
    enabled: isAble() && found.data !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!asked) {
    return (
      <Stack gap="xs" align="flex-start">
        <Text size="sm" c="dimmed">
          {words.proof.about}
        </Text>
        <Button size="xs" variant="light" onClick={() => setAsked(true)}>
          {words.proof.ask}
        </Button>
      </Stack>
    );
  }
  if (found.error !== null) return <Problem error={found.error} again={() => void found.refetch()} />;
  if (content.error !== null) return <Problem error={content.error} />;
  if (found.data === undefined || content.isLoading) return <Text c="dimmed">{proving.verifying} …</Text>;
  const { proofs } = found.data;
  const command = `autonomy audit show ${action}`;
  const problem = unsaid(action, shown, proofs) ?? content.data ?? undefined;
  const note = showsContent(shown) ? proving.content : proving.unread;
  return <Proofs proofs={proofs} command={command} unsaid={problem} note={note} />;
}
