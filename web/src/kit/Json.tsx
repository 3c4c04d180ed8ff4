/**
 * A value as it is: its fields one by one, or its exact text. Everything in it was written by somebody else, so that
 * names and texts are shown as foreign, and however large or deep it is, only what a person can look at is drawn.
 */
import { Anchor, Group, SegmentedControl, Stack } from "@mantine/core";
import { useMemo, useState, type ReactElement } from "react";
import { words } from "@/words";
import { Copy } from "./Copy";
import { Foreign } from "./Foreign";
import classes from "./kit.module.css";

const DEEPEST = 12;
const FIRST_ENTRIES = 50;
const MORE_ENTRIES = 500;

type Props = { value: unknown; exact?: string };

/** `exact` is the canonical text of the value, where the server said it. */
export function Json({ value, exact }: Props): ReactElement {
  const [as, setAs] = useState("fields");
  const text = useMemo(() => exact ?? JSON.stringify(value, null, 2) ?? "", [exact, value]);
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
  if (typeof value !== "object") return <span className={classes.numbers}>{JSON.stringify(value)}</span>;
  if (depth >= DEEPEST) return <Foreign text={JSON.stringify(value)} />;
  const names = Object.keys(value);
  if (names.length === 0) return <span className={classes.id}>{words.json.nothing}</span>;
  return <Fields of={value as Record<string, unknown>} names={names} depth={depth} />;
}

/** What has fields of its own stands below its name, so that however deep it goes there is room to read it. */
function isNested(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

interface FieldsProps {
  of: Readonly<Record<string, unknown>>;
  names: readonly string[];
  depth: number;
}

function Fields({ of, names, depth }: FieldsProps): ReactElement {
  const [size, setSize] = useState(FIRST_ENTRIES);
  const rest = names.length - size;
  return (
    <>
      <dl style={{ margin: 0 }}>
        {names.slice(0, size).map((name, index) => (
          <div className={classes.field} key={name} data-nested={isNested(of[name]) || undefined}>
            <dt>
              <Foreign text={Array.isArray(of) ? String(index + 1) : name} line />
            </dt>
            <dd>
              <Value value={of[name]} depth={depth + 1} />
            </dd>
          </div>
        ))}
      </dl>
      {rest > 0 && (
        <Anchor component="button" type="button" size="sm" onClick={() => setSize(size + MORE_ENTRIES)}>
          {words.json.more(rest.toLocaleString("en"))}
        </Anchor>
      )}
    </>
  );
}
