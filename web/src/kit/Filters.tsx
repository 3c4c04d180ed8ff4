/** Filters of a list. They stand in the address, so that a search can be sent to somebody else. */
import { NativeSelect, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useEffect, useState, type ReactElement } from "react";

const WAIT_MS = 300; // between the last letter and the question to the server

interface Props {
  label: string;
  value: string | undefined;
  set: (value: string | undefined) => void;
}

interface TextProps extends Props {
  wide?: boolean;
  amount?: boolean;
}

/** Words that are looked for, or an `amount`. */
export function TextFilter({ label, value, set, wide = false, amount = false }: TextProps): ReactElement {
  const [text, setText] = useState(value ?? "");
  const later = useDebouncedCallback((next: string) => set(next.trim() === "" ? undefined : next.trim()), WAIT_MS);
  useEffect(() => setText((now) => (now.trim() === (value ?? "") ? now : (value ?? ""))), [value]);
  return (
    <TextInput
      size="sm"
      aria-label={label}
      placeholder={label}
      value={text}
      maxLength={400}
      {...(amount ? { type: "number", min: 0, step: "any" } : {})}
      w={wide ? { base: "100%", sm: 340 } : { base: "100%", xs: 150 }}
      onChange={(event) => {
        setText(event.currentTarget.value);
        later(event.currentTarget.value);
      }}
    />
  );
}

/** One of a few; `all` is said where nothing is chosen. */
export function ChoiceFilter({
  label,
  value,
  set,
  choices,
  all,
}: Props & { choices: readonly string[]; all: string }): ReactElement {
  return (
    <NativeSelect
      size="sm"
      aria-label={label}
      value={value ?? ""}
      onChange={(event) => set(event.currentTarget.value || undefined)}
      data={[
        { value: "", label: all },
        ...choices.map((one) => ({
          value: one,
          label: one.charAt(0).toUpperCase() + one.slice(1).replaceAll("_", " "),
        })),
      ]}
    />
  );
}

/** A day of UTC, as `YYYY-MM-DD`; the label says so. */
export function DayFilter({ label, value, set }: Props): ReactElement {
  return (
    <TextInput
      size="sm"
      type="date"
      aria-label={label}
      title={label}
      value={value ?? ""}
      onChange={(event) => set(event.currentTarget.value || undefined)}
    />
  );
}
