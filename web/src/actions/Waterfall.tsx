/** A case as a waterfall: who did what, as part of what, from when to when. */
import { Text, UnstyledButton } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { Foreign, useNow } from "@/kit";
import { nameOf } from "@/kit/who";
import classes from "./actions.module.css";
import { duration, laid, type Row, type Span } from "./waterfall";
import { words } from "./words";

interface Props {
  spans: readonly Span[];
  /** The action that the page is about. */
  here?: string;
}

export function Waterfall({ spans, here }: Props): ReactElement {
  const rows = laid(spans, useNow());
  return (
    <ol className={classes.waterfall} aria-label={words.waterfall.label}>
      {rows.map((row) => (
        <Bar key={row.span.id} row={row} isHere={row.span.id === here} />
      ))}
    </ol>
  );
}

function Bar({ row, isHere }: { row: Row; isHere: boolean }): ReactElement {
  const { span } = row;
  const navigate = useNavigate();
  const canOpen = span.kind === "action" && !isHere;
  const label = (
    <>
      <span className={classes.kind} data-kind={span.kind}>
        {words.waterfall.kinds[span.kind]}
      </span>
      <Foreign text={span.what || span.state} line first={60} />
      <Text span size="xs" c="dimmed">
        <Foreign text={nameOf(span.who)} line first={40} />
      </Text>
    </>
  );
  return (
    <li className={classes.span} data-here={isHere || undefined} aria-current={isHere || undefined}>
      <div className={classes.spanName} style={{ paddingInlineStart: `${row.depth * 0.9}rem` }}>
        {canOpen ? (
          <UnstyledButton
            className={classes.spanLink}
            onClick={() => void navigate({ to: "/actions/$action", params: { action: span.id } })}
          >
            {label}
          </UnstyledButton>
        ) : (
          label
        )}
      </div>
      <div className={classes.track} aria-hidden="true">
        <span
          className={classes.bar}
          data-kind={span.kind}
          data-state={span.state}
          style={{ insetInlineStart: `${row.from}%`, width: `${Math.min(row.wide, 100 - row.from)}%` }}
        />
      </div>
      <div className={classes.took}>
        {took(span)}
        <span className={classes.spanState}>{span.state}</span>
      </div>
    </li>
  );
}

function took(span: Span): string {
  if (span.ended_at === null) return words.waterfall.under;
  return span.ended_at === span.at ? "" : duration(span.ended_at - span.at);
}
