/** A few figures of one thing side by side, each with its trend; the formula is told on asking. */
import { SimpleGrid, Skeleton, Tooltip } from "@mantine/core";
import { Suspense, type ReactElement } from "react";
import { useMe } from "@/frame/session";
import { Chart, Problem, Section, To } from "@/kit";
import { change, changed, said, type Formula, type Values } from "./figure";
import classes from "./figures.module.css";
import { useFigures, useSeries, type By, type Line } from "./queries";
import { words } from "./words";

interface Props {
  title: string;
  by: By;
  of: string;
  /** Which figures, by name, in order. */
  names: readonly string[];
}

export function Strip({ title, by, of, names }: Props): ReactElement {
  const found = useFigures(by, of);
  const series = useSeries(by, of);
  const line = found.data?.items[0];
  const more = (
    <To to="/figures" search={{ by, of }} size="sm">
      {words.all}
    </To>
  );
  return (
    <Section title={title} more={more}>
      {found.isPending && <Skeleton height={84} />}
      {found.error !== null && <Problem error={found.error} />}
      {found.data && line && (
        <FigureRow
          figures={names.flatMap((name) => {
            const formula = found.data.formulas[name];
            return formula === undefined ? [] : [toldOf(formula, line, series.data?.points)];
          })}
        />
      )}
    </Section>
  );
}

/** A figure now and in the time before, and its course. */
export interface Told {
  formula: Formula;
  value: number | null;
  before: number | null;
  trend?: readonly (number | null)[];
}

/** What is said of one figure of a line. */
export function toldOf(formula: Formula, line: Line, points: readonly { figures: Values }[] | undefined): Told {
  return {
    formula,
    value: line.figures[formula.name] ?? null,
    before: line.before[formula.name] ?? null,
    trend: points?.map((point) => point.figures[formula.name] ?? null),
  };
}

export function FigureRow({ figures }: { figures: readonly Told[] }): ReactElement {
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, md: figures.length }} spacing="lg">
      {figures.map((told) => (
        <Figure key={told.formula.name} {...told} />
      ))}
    </SimpleGrid>
  );
}

interface FigureProps extends Told {
  /** It stands in a button, which shows the formula when it is pressed. */
  inButton?: boolean;
}

export function Figure({ formula, value: now, before: then, trend, inButton = false }: FigureProps): ReactElement {
  const base = useMe();
  const by = changed(formula.unit, now, then);
  return (
    <div className={classes.figure}>
      <Tooltip label={formula.formula} multiline maw={340} withArrow>
        <span tabIndex={inButton ? undefined : 0} className={classes.name}>
          {formula.title}
        </span>
      </Tooltip>
      <div className={classes.value}>{said(formula.unit, now, base)}</div>
      <div className={classes.change} data-change={change(formula.good, now, then)}>
        {by ??
          (then === null ? words.noBefore : now === then ? words.same : words.from(said(formula.unit, then, base)))}
      </div>
      {trend !== undefined && trend.some((one) => one !== null) && (
        <Suspense>
          <Chart
            label={words.trend(formula.title)}
            labels={trend.map((_, index) => String(index))}
            series={[{ name: formula.title, values: trend }]}
            height={30}
            spark
          />
        </Suspense>
      )}
    </div>
  );
}
