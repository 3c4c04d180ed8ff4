/** What happened in a run, line by line, drawn over its time. */
import { Anchor, Button, Group, Stack, Text, Tooltip } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactElement } from "react";
import type { Schemas } from "@/api/client";
import { addressOfId } from "@/frame/addresses";
import { span as long } from "@/figures/figure";
import { Foreign, Money, Section, State, useNow } from "@/kit";
import { exact } from "@/kit/when";
import { nameOf } from "@/kit/who";
import type { RunShown } from "./queries";
import { lines, type Line, type Part } from "./times";
import { words } from "./words";
import classes from "./work.module.css";

interface Props {
  run: RunShown;
  found: Schemas["TimelineAnswer"];
  /** Only what belongs to this step. */
  step: string | undefined;
  clear: () => void;
}

export function Timeline({ run, found, step, clear }: Props): ReactElement {
  const now = useNow();
  const shown = lines(found.spans, now).filter((one) => step === undefined || stepOf(one) === step);
  const end = run.ended_at ?? Math.max(now, run.created_at + 1);
  const scale = { at: run.created_at, length: Math.max(1, end - run.created_at) };
  const more = step !== undefined && (
    <Button size="compact-xs" variant="light" onClick={clear}>
      {step} ✕ {words.run.timelineAll}
    </Button>
  );
  return (
    <Section title={words.run.timeline} more={more}>
      {!found.whole && (
        <Text size="sm" c="dimmed" mb="xs">
          {words.run.notWhole}
        </Text>
      )}
      {shown.length === 0 && <Text c="dimmed">{words.run.nothing}</Text>}
      <ol className={classes.timeline}>
        {shown.map((one) => (
          <Entry key={one.span.id} line={one} scale={scale} />
        ))}
      </ol>
    </Section>
  );
}

function stepOf(line: Line): string {
  return (line.span.step ?? "").split("/").at(-1) ?? "";
}

interface Scale {
  at: number;
  length: number;
}

function Entry({ line, scale }: { line: Line; scale: Scale }): ReactElement {
  const { span, depth } = line;
  const isInstant = span.kind === "exception" || span.kind === "steering";
  return (
    <li className={classes.line} data-depth={depth || undefined}>
      <div className={classes.what}>
        <Group gap={6} wrap="nowrap">
          <Name line={line} />
          {span.state !== "done" && <State of={span.state} />}
        </Group>
        <Text size="xs" c="dimmed" component="div">
          <Foreign text={who(line)} line first={80} />
          {span.code !== null && ` · ${span.code}`}
          {span.money !== null && span.money > 0 && (
            <>
              {" "}
              · <Money minor={span.money} />
            </>
          )}
        </Text>
      </div>
      <div className={classes.track} aria-hidden="true">
        {isInstant ? (
          <Instant at={span.at} scale={scale} tone={span.kind} told={`${span.what}, ${exact(span.at)}`} />
        ) : (
          line.parts.map((part) => <Piece key={`${part.kind}${part.at}`} part={part} scale={scale} />)
        )}
        {line.marks.map((mark) => (
          <Instant key={mark.id} at={mark.at} scale={scale} tone="handoff" told={`${mark.what} · ${mark.who}`} />
        ))}
      </div>
      <Stack gap={0} align="flex-end" className={classes.time}>
        <span>{isInstant ? "" : span.ended_at === null ? "…" : long(span.ended_at - span.at)}</span>
        <Text size="xs" c="dimmed">
          +{long(span.at - scale.at)}
        </Text>
      </Stack>
    </li>
  );
}

function Name({ line }: { line: Line }): ReactElement {
  const { span } = line;
  const step = span.step === null ? "" : `${span.step} · `;
  const name = span.kind === "exception" ? words.spans.exception : span.kind === "task" ? "task" : span.what;
  const address = addressOfId(span.id);
  if (address === undefined)
    return (
      <Text size="sm" fw={550}>
        {step}
        {name}
      </Text>
    );
  return (
    <Anchor component={Link} to={address} size="sm" fw={550}>
      {step}
      {name}
    </Anchor>
  );
}

/** Who did it, and for a task everybody who had it, in order. */
function who(line: Line): string {
  const { span, marks, parts } = line;
  if (span.kind !== "task") {
    const waited = parts
      .filter((part) => part.kind === "waiting")
      .map((part) => `${words.spans.approval} ${part.what}`);
    return [nameOf(span.who), ...waited].filter(Boolean).join(" · ");
  }
  return [span.who, ...marks.map((mark) => `${mark.what} ${nameOf(mark.who)}`)].join(" → ");
}

function Piece({ part, scale }: { part: Part; scale: Scale }): ReactElement {
  const left = ((part.at - scale.at) / scale.length) * 100;
  const width = ((part.ended - part.at) / scale.length) * 100;
  const told = `${SAID[part.kind](part.what)}: ${long(part.ended - part.at)}`;
  return (
    <Tooltip label={told} withArrow>
      <span className={classes.piece} data-kind={part.kind} style={{ left: `${left}%`, width: `${width}%` }} />
    </Tooltip>
  );
}

const SAID: Record<Part["kind"], (what: string) => string> = {
  working: (what) => `${words.run.working} · ${what}`,
  waiting: (what) => `${words.run.waiting} · ${what}`,
  idle: () => words.spans.wait,
};

function Instant({ at, scale, tone, told }: { at: number; scale: Scale; tone: string; told: string }): ReactElement {
  return (
    <Tooltip label={told} withArrow>
      <span
        className={classes.instant}
        data-kind={tone}
        style={{ left: `${((at - scale.at) / scale.length) * 100}%` }}
      />
    </Tooltip>
  );
}
