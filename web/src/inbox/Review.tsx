/** A result that nobody has judged yet: what was asked, what came of it, and whether that was right. By keyboard. */
import { Group, Stack, Text, Title } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, type ReactElement } from "react";
import { isJudged, Judge } from "@/actions/Judge";
import { PartShown } from "@/actions/Parts";
import { actionQuery } from "@/actions/queries";
import { Foreign, Id, Section, State, To, When } from "@/kit";
import classes from "./inbox.module.css";
import { useReviews } from "./queries";
import { words } from "./words";

export function Review({ action }: { action: string }): ReactElement {
  const found = useSuspenseQuery(actionQuery(action)).data.explanation;
  const onward = useOnward(action);
  const ended = found.endings.at(-1);
  return (
    <Stack gap="md" component="article" aria-labelledby="reviewed" data-action={action}>
      <Stack gap={6} className={classes.card}>
        <Group gap="sm" c="dimmed" fz="sm">
          <State of={found.state} />
          {ended !== undefined && <When at={ended.at} />}
          <Id id={action} short />
        </Group>
        <Title order={2} id="reviewed" className={classes.consequence}>
          {words.review.title(found.who.name, found.what.tool)}
        </Title>
        <Group gap="lg" fz="sm">
          <span>
            {words.case} <Foreign text={found.what.case} line first={60} />
          </span>
          <To size="sm" to="/actions/$action" params={{ action }}>
            {words.review.all}
          </To>
        </Group>
      </Stack>
      <Section title={words.review.asked}>
        <PartShown part={found.what.arguments} />
      </Section>
      <Section title={words.review.result}>
        {ended === undefined ? <Text c="dimmed">{words.parts.none}</Text> : <PartShown part={ended.result} />}
      </Section>
      <Judge
        key={action}
        of={{ kind: "action", id: action }}
        judged={found.judged ?? []}
        isOver={isJudged(found.state)}
        onward={onward}
      />
    </Stack>
  );
}

/** Goes to the result after this one, as the list stood while this one was looked at. */
function useOnward(action: string): () => void {
  const navigate = useNavigate();
  const { items } = useReviews(true);
  const kept = useRef(items);
  if (items.some((one) => one.key === action)) kept.current = items;
  return () => {
    const at = kept.current.findIndex((one) => one.key === action);
    const next = kept.current[at + 1] ?? kept.current[at - 1];
    void navigate({ to: next?.to ?? "/inbox" });
  };
}
