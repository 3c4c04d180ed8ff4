/**
 * Text that somebody else wrote. It is shown as text and as nothing else: no markdown, no HTML, no links. What cannot be
 * seen is made visible, what looks like something else is marked, and a long text is cut until more is asked for.
 */
import { Anchor } from "@mantine/core";
import { useMemo, useState, type ReactElement } from "react";
import { words } from "@/words";
import { cut, read, type Piece } from "./foreign";
import classes from "./kit.module.css";

const FIRST = 600;
const MORE = 20_000; // a reader's patience, and what a browser lays out without a stutter

interface Props {
  text: string;
  /** In a line of a list: cut short, without a way to see more. */
  line?: boolean;
  /** How many characters are shown before more is asked for. */
  first?: number;
}

export function Foreign({ text, line = false, first = FIRST }: Props): ReactElement {
  const [size, setSize] = useState(first);
  const shown = cut(text, size);
  const pieces = useMemo(() => read(shown), [shown]);
  const rest = text.length - shown.length;
  return (
    <bdi className={line ? classes.foreignLine : classes.foreign}>
      {pieces.map((piece, index) => (
        <Shown key={index} piece={piece} />
      ))}
      {rest > 0 && "…"}
      {rest > 0 && !line && (
        <>
          {" "}
          <Anchor component="button" type="button" size="sm" onClick={() => setSize(size + MORE)}>
            {words.foreign.more(rest.toLocaleString("en"))}
          </Anchor>
        </>
      )}
      {rest <= 0 && size > first && (
        <>
          {" "}
          <Anchor component="button" type="button" size="sm" onClick={() => setSize(first)}>
            {words.foreign.less}
          </Anchor>
        </>
      )}
    </bdi>
  );
}

function Shown({ piece }: { piece: Piece }): ReactElement | string {
  if (piece.kind === "text") return piece.text;
  if (piece.kind === "hidden") {
    return (
      <span className={classes.hidden} title={words.foreign.invisible} data-foreign="hidden">
        {piece.name}
      </span>
    );
  }
  return (
    <span className={classes.lookalike} title={`${words.foreign.lookalike}: ${piece.name}`} data-foreign="lookalike">
      {piece.text}
      <span className={classes.lookalikeNote}>{piece.name}</span>
    </span>
  );
}
