/** A few figures of one thing side by side, each with its trend; the formula is told on asking. */
import { SimpleGrid, Skeleton, Tooltip } from "@mantine/core";
import { Suspense, type ReactElement } from "react";
import { useMe } from "@/frame/session";
import { Chart, Problem, Section, To } from "@/kit";
import { change, changed, said, type Formula, type Values } from "./figure";
import classes from "./figures.module.css";
import { useFigures, useSeries, type By } from "./queries";
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
        <SimpleGrid cols={{ base: 2, sm: names.length }} spacing="lg">
          {names.map((name) => {
            const formula = found.data.formulas[name];
            return (
              formula && (
                <Figure
                  key={name}
                  formula={formula}
                  figures={line.figures}
                  before={line.before}
                  trend={series.data?.points.map((point) => point.figures[name] ?? null)}
                />
              )
            );
          })}
        </SimpleGrid>
      )}
    </Section>
  );
}

interface FigureProps {
  formula: Formula;
  figures: Values;
  before: Values;
  trend?: readonly (number | null)[];
  /** It stands in a button, which shows the formula when it is pressed. */
  inButton?: boolean;
}

export function Figure({ formula, figures, before, trend, inButton = false }: FigureProps): ReactElement {
  const { currency } = useMe();
  const now = figures[formula.name] ?? null;
  const then = before[formula.name] ?? null;
  const by = changed(formula.unit, now, then);
  return (
    <div className={classes.figure}>
      <Tooltip label={formula.formula} multiline maw={340} withArrow>
        <span tabIndex={inButton ? undefined : 0} className={classes.name}>
          {formula.title}
        </span>
      </Tooltip>
      <div className={classes.value}>{said(formula.unit, now, currency)}</div>
      <div className={classes.change} data-change={change(formula.good, now, then)}>
        {by ??
          (then === null ? words.noBefore : now === then ? words.same : words.from(said(formula.unit, then, currency)))}
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
