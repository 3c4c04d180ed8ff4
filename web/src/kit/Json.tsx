/**
 * A value as it is: its fields one by one, or its exact text. Everything in it was written by somebody else, so that
 * names and texts are shown as foreign.
 */
import { Group, SegmentedControl, Stack } from "@mantine/core";
import { useState, type ReactElement } from "react";
import { words } from "@/words";
import { Copy } from "./Copy";
import { Foreign } from "./Foreign";
import classes from "./kit.module.css";

const DEEPEST = 12;

type Props = { value: unknown; exact?: string };

/** `exact` is the canonical text of the value, where the server said it. */
export function Json({ value, exact }: Props): ReactElement {
  const [as, setAs] = useState("fields");
  const text = exact ?? JSON.stringify(value, null, 2) ?? "";
  return (
    <Stack gap="xs">
      <Group justify="flex-end" gap="xs">
        <SegmentedControl
          size="xs"
          aria-label={words.json.as}
          value={as}
          onChange={setAs}
          data={[
            { value: "fields", label: words.json.fields },
            { value: "exact", label: words.json.exact },
          ]}
        />
        <Copy text={text} />
      </Group>
      {as === "fields" ? (
        <Value value={value} depth={0} />
      ) : (
        <pre className={classes.exact} tabIndex={0}>
          <Foreign text={text} first={4_000} />
        </pre>
      )}
    </Stack>
  );
}

function Value({ value, depth }: { value: unknown; depth: number }): ReactElement {
  if (typeof value === "string") return <Foreign text={value} />;
  if (value === null || value === undefined) return <span className={classes.id}>{words.json.nothing}</span>;
  if (typeof value !== "object" || depth >= DEEPEST)
    return <span className={classes.numbers}>{JSON.stringify(value)}</span>;
  const entries = Array.isArray(value)
    ? value.map((one, index) => [String(index + 1), one] as const)
    : Object.entries(value);
  if (entries.length === 0) return <span className={classes.id}>{words.json.nothing}</span>;
  return <Fields entries={entries} depth={depth} />;
}

/** What has fields of its own stands below its name, so that however deep it goes there is room to read it. */
function isNested(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

function Fields({ entries, depth }: { entries: readonly (readonly [string, unknown])[]; depth: number }): ReactElement {
  return (
    <dl style={{ margin: 0 }}>
      {entries.map(([name, one]) => (
        <div className={classes.field} key={name} data-nested={isNested(one) || undefined}>
          <dt>
            <Foreign text={name} line />
          </dt>
          <dd>
            <Value value={one} depth={depth + 1} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
