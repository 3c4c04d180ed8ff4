/** Search over everything that happened. */
import { Button, Group } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { ReactElement } from "react";
import { useFilters, type Filters } from "@/frame/filters";
import { useMe } from "@/frame/session";
import { ChoiceFilter, DayFilter, EmptyState, Page, TextFilter } from "@/kit";
import { ActionTable } from "./ActionTable";
import { DECISIONS, FILTERS, STATES, type Filter } from "./queries";
import { Views } from "./Views";
import { words } from "./words";

const MORE: readonly Filter[] = [
  "agent",
  "tool",
  "unit",
  "policy",
  "case",
  "code",
  "label",
  "cost_from",
  "cost_to",
  "since",
  "until",
];

export function Actions(): ReactElement {
  const [filters, set] = useFilters(FILTERS);
  const clear = Object.fromEntries(FILTERS.map((name) => [name, undefined])) as Filters<Filter>;
  const said = Object.fromEntries(Object.entries(filters).filter(([, value]) => value)) as Record<string, string>;
  const isFiltered = Object.keys(said).length > 0;
  const empty = isFiltered ? (
    <EmptyState title={words.empty.title} about={words.empty.filtered} />
  ) : (
    <EmptyState {...words.empty} />
  );
  return (
    <Page
      title={words.title}
      about={words.about}
      actions={<Views filters={said} show={(query) => set({ ...clear, ...query })} />}
    >
      <ActionTable
        label={words.title}
        filters={filters}
        bar={<Bar filters={filters} set={set} clear={isFiltered ? () => set(clear) : undefined} />}
        empty={empty}
      />
    </Page>
  );
}

interface BarProps {
  filters: Filters<Filter>;
  set: (change: Filters<Filter>) => void;
  clear: (() => void) | undefined;
}

function Bar({ filters, set, clear }: BarProps): ReactElement {
  const { currency } = useMe();
  const [open, { toggle }] = useDisclosure(MORE.some((name) => filters[name] !== undefined));
  const text = (name: Filter) => ({ value: filters[name], set: (value?: string) => set({ [name]: value }) });
  return (
    <>
      <TextFilter label={words.filter.text} {...text("text")} wide />
      <ChoiceFilter
        label={words.filter.decision}
        all={words.filter.decision}
        choices={DECISIONS}
        {...text("decision")}
      />
      <ChoiceFilter label={words.filter.state} all={words.filter.state} choices={STATES} {...text("state")} />
      <Button variant="subtle" size="compact-sm" onClick={toggle} aria-expanded={open}>
        {open ? words.filter.fewer : words.filter.more}
      </Button>
      {clear !== undefined && (
        <Button variant="subtle" size="compact-sm" color="gray" onClick={clear}>
          {words.filter.clear}
        </Button>
      )}
      {open && (
        <Group gap="sm">
          {(["agent", "tool", "unit", "policy", "case", "code", "label"] as const).map((name) => (
            <TextFilter key={name} label={words.filter[name]} {...text(name)} />
          ))}
          {(["cost_from", "cost_to"] as const).map((name) => (
            <TextFilter key={name} label={`${words.filter[name]}, ${currency}`} {...text(name)} amount />
          ))}
          <DayFilter label={words.filter.since} {...text("since")} />
          <DayFilter label={words.filter.until} {...text("until")} />
        </Group>
      )}
    </>
  );
}
