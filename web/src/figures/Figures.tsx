/** Figures of the workforce: all of them for one, with trend and formula; or one of them for everybody, side by side. */
import { Checkbox, Group, SegmentedControl, Select, Skeleton, Stack, Text } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { Suspense, useState, type ReactElement } from "react";
import { answered, client } from "@/api/client";
import { useMe } from "@/frame/session";
import { Chart, DataTable, EmptyState, Foreign, Page, Problem, Section, To } from "@/kit";
import { Compared } from "./Compared";
import { said, span, type Formula } from "./figure";
import classes from "./figures.module.css";
import { BYS, useFigures, useSeries, type By, type Line, type Lines } from "./queries";
import { Figure, toldOf } from "./Strip";
import { words } from "./words";
import { DAYS } from "./Figures.search";

const DAY_MS = 86_400_000;

/** What the address of the page says. */
export interface Search {
  by?: By;
  /** Of whom; of everybody side by side where nothing is said. */
  of?: string;
  days?: (typeof DAYS)[number];
  figure?: string;
  /** Who is compared. */
  with?: string[];
}

const GROUPS: readonly (readonly [keyof typeof words.groups, readonly string[]])[] = [
  ["work", ["throughput", "runs_done", "tasks_done", "cases", "run_cycle_time", "case_cycle_time", "action_time"]],
  ["quality", ["accuracy", "labelled", "error_rate", "exceptions", "escalations", "denials"]],
  ["people", ["autonomy", "holds", "human_time", "human_time_per_case", "time_saved"]],
  ["money", ["cost", "moved", "cost_per_case", "cost_per_outcome", "tokens", "value", "roi"]],
];

export function Figures({ search }: { search: Search }): ReactElement {
  const navigate = useNavigate({ from: "/figures" });
  const go = (more: Search) => void navigate({ search: { ...search, ...more } });
  const by = search.by ?? "all";
  const since = sinceOf(search.days);
  const of = by === "all" ? "all" : search.of;
  return (
    <Page title={of === undefined || by === "all" ? words.title : `${of} · ${words.title}`} about={words.about}>
      <Group gap="sm">
        <Select
          size="xs"
          aria-label={words.by}
          data={BYS.map((one) => ({ value: one, label: words.bys[one] }))}
          value={by}
          allowDeselect={false}
          onChange={(value) => go({ by: value as By, of: undefined, with: undefined })}
        />
        <SegmentedControl
          size="xs"
          aria-label={words.since}
          data={DAYS.map((one) => ({ value: one, label: words.sinces[one] }))}
          value={search.days ?? "30"}
          onChange={(value) => go({ days: value as Search["days"] })}
        />
      </Group>
      {of === undefined && by !== "all" ? (
        <Everybody by={by} since={since} search={search} go={go} />
      ) : (
        <One by={by} of={of ?? "all"} since={since} figure={search.figure} go={go} />
      )}
    </Page>
  );
}

/** The beginning of the time, at the border of an hour, so that everybody who asks within it asks the same. */
function sinceOf(days: string | undefined): number | undefined {
  if (days === undefined) return undefined;
  const hour = 3_600_000;
  return Math.floor((Date.now() - Number(days) * DAY_MS) / hour) * hour;
}

interface OneProps {
  by: By;
  of: string;
  since: number | undefined;
  figure: string | undefined;
  go: (more: Search) => void;
}

function One({ by, of, since, figure = "throughput", go }: OneProps): ReactElement {
  const found = useFigures(by, of, since);
  const series = useSeries(by, of, since);
  if (found.isPending) return <Skeleton height={360} />;
  if (found.error !== null) return <Problem error={found.error} again={() => void found.refetch()} />;
  const line = found.data.items[0];
  const formulas = found.data.formulas;
  const shown = formulas[figure] ?? formulas["throughput"];
  if (line === undefined || shown === undefined) return <EmptyState {...words.none} />;
  const points = series.data?.points ?? [];
  return (
    <>
      {by !== "all" && (
        <Group gap="sm">
          <Text fw={600}>
            <Foreign text={of} line first={120} />
          </Text>
          <To to="/figures" search={{ by }} size="sm">
            {words.back}
          </To>
        </Group>
      )}
      <Trend formula={shown} points={points} bucket={found.data.bucket} />
      <div className={classes.groups}>
        {GROUPS.map(([group, names]) => (
          <Section key={group} title={words.groups[group]}>
            <div className={classes.grid}>
              {names.map((name) => {
                const formula = formulas[name];
                return (
                  formula && (
                    <button
                      key={name}
                      type="button"
                      className={classes.choose}
                      aria-pressed={formula === shown}
                      onClick={() => go({ figure: name })}
                    >
                      <Figure inButton {...toldOf(formula, line, points)} />
                    </button>
                  )
                );
              })}
            </div>
          </Section>
        ))}
      </div>
      <Lag of={found.data} />
    </>
  );
}

function Trend({
  formula,
  points,
  bucket,
}: {
  formula: Formula;
  points: readonly { start: number; figures: Record<string, number | null> }[];
  bucket: string;
}): ReactElement {
  const base = useMe();
  const say = (value: number) => said(formula.unit, value, base);
  return (
    <Section title={formula.title}>
      <Suspense fallback={<Skeleton height={240} />}>
        <Chart
          label={words.trend(formula.title)}
          labels={points.map((point) => label(point.start, bucket))}
          series={[
            {
              name: formula.title,
              values: points.map((point) => point.figures[formula.name] ?? null),
              as: formula.unit === "count" || formula.unit === "money" ? "bar" : "line",
            },
          ]}
          height={240}
          say={say}
        />
      </Suspense>
      <Text size="sm" mt="xs">
        <Text span c="dimmed" size="sm">
          {words.formula}:{" "}
        </Text>
        {formula.formula}.{" "}
        <Text span c="dimmed" size="sm">
          {words.source}: {formula.source}
        </Text>
      </Text>
    </Section>
  );
}

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const HOUR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", timeZone: "UTC" });

function label(start: number, bucket: string): string {
  return bucket === "hour" ? `${HOUR.format(start)} h` : DAY.format(start);
}

function Lag({ of }: { of: Lines }): ReactElement {
  return (
    <Text size="xs" c="dimmed">
      {of.lag.behind === 0 ? words.current : words.behind(span(of.lag.ms))}
    </Text>
  );
}

interface EverybodyProps {
  by: Exclude<By, "all">;
  since: number | undefined;
  search: Search;
  go: (more: Search) => void;
}

const COLUMNS = ["throughput", "accuracy", "error_rate", "human_time_per_case", "cost", "cost_per_case"];
const MOST_COMPARED = 20;

function Everybody({ by, since, search, go }: EverybodyProps): ReactElement {
  const base = useMe();
  const [formulas, setFormulas] = useState<Record<string, Formula>>({});
  const compared = search.with ?? [];
  const toggle = (key: string) => {
    const after = compared.includes(key) ? compared.filter((one) => one !== key) : [...compared, key];
    go({ with: after.length > 0 ? after.slice(0, MOST_COMPARED) : undefined });
  };
  return (
    <Stack gap="lg">
      {compared.length > 1 && <Compared by={by} keys={compared} since={since} />}
      <DataTable<Line>
        label={words.bys[by]}
        queryKey={["figures", "list", by, since]}
        page={async (after) => {
          const found = await answered(
            client.GET("/api/insight/kpis", { params: { query: { by, since, after, limit: 50 } } }),
          );
          setFormulas(found.formulas);
          return found;
        }}
        keyOf={(row) => row.key}
        open={(row) => go({ of: row.key, with: undefined })}
        columns={[
          {
            name: words.name,
            of: (row) => (
              <Group gap="xs" wrap="nowrap">
                <Checkbox
                  size="xs"
                  aria-label={words.select(row.key)}
                  checked={compared.includes(row.key)}
                  onClick={(event) => event.stopPropagation()}
                  onChange={() => toggle(row.key)}
                />
                <Text size="sm" fw={550} component="div">
                  <Foreign text={short(by, row.key)} line first={60} />
                </Text>
              </Group>
            ),
          },
          ...COLUMNS.map((name, index) => ({
            name: formulas[name]?.title ?? name,
            right: true,
            wide: index > 0,
            of: (row: Line) => {
              const unit = formulas[name]?.unit;
              return unit === undefined ? "–" : said(unit, row.figures[name], base);
            },
          })),
        ]}
        empty={<EmptyState {...words.none} />}
      />
    </Stack>
  );
}

/** A revision is a digest; its beginning says enough in a list. */
function short(by: By, key: string): string {
  return by === "revision" ? key.slice(0, 80) : key;
}
