/** A chart by ECharts, of which only what is used is loaded. The figures stand beside it as a table for readers of screens. */
import { useComputedColorScheme, VisuallyHidden } from "@mantine/core";
import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { init, use, type ECharts } from "echarts/core";
import type { ECBasicOption } from "echarts/types/dist/shared";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef, type ReactElement } from "react";
import classes from "./kit.module.css";

use([
  LineChart,
  BarChart,
  GridComponent,
  LegendComponent,
  TooltipComponent,
  MarkLineComponent,
  AriaComponent,
  CanvasRenderer,
]);

export interface Series {
  name: string;
  /** A value for each of the labels; null where nothing was measured. */
  values: readonly (number | null)[];
  as?: "line" | "bar";
}

interface Props {
  label: string;
  labels: readonly string[];
  series: readonly Series[];
  height?: number;
  /** How a value is said. */
  say?: (value: number) => string;
  /** A line across, such as a limit. */
  limit?: { name: string; value: number };
  /** Without axes, as a trend beside a figure. */
  spark?: boolean;
}

const COLOURS = {
  light: ["#1b6a84", "#b54708", "#5f3dc4", "#2b8a3e"],
  dark: ["#4fa4c0", "#ffb366", "#b197fc", "#69db7c"],
};

export default function Chart(props: Props): ReactElement {
  const { label, labels, series, height = 220, say = String, spark = false } = props;
  const place = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light");
  useEffect(() => {
    if (place.current === null) return undefined;
    const chart = init(place.current);
    chart.setOption(option(props, scheme));
    const stop = following(chart, place.current);
    return () => {
      stop();
      chart.dispose();
    };
  }, [props, scheme]);
  return (
    <figure style={{ margin: 0 }} aria-label={label}>
      <div ref={place} className={classes.chart} style={{ height }} aria-hidden="true" />
      {!spark && (
        <VisuallyHidden>
          <table>
            <caption>{label}</caption>
            <tbody>
              {labels.map((name, index) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  {series.map((one) => (
                    <td key={one.name}>{told(one.values[index], say)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </VisuallyHidden>
      )}
    </figure>
  );
}

function told(value: number | null | undefined, say: (value: number) => string): string {
  return value === null || value === undefined ? "–" : say(value);
}

function following(chart: ECharts, place: HTMLElement): () => void {
  const watch = new ResizeObserver(() => chart.resize());
  watch.observe(place);
  return () => watch.disconnect();
}

function option(
  { labels, series, say = String, limit, spark = false }: Props,
  scheme: "light" | "dark",
): ECBasicOption {
  const faint = scheme === "light" ? "#5c6770" : "#a9b4be";
  const line = scheme === "light" ? "#e3e8ec" : "#323c45";
  return {
    animation: false,
    color: COLOURS[scheme],
    textStyle: { fontFamily: "Inter Variable, system-ui, sans-serif" },
    grid: spark
      ? { left: 0, right: 0, top: 2, bottom: 2 }
      : {
          left: 8,
          right: 16,
          top: series.length > 1 || limit ? 40 : 14,
          bottom: 8,
          outerBoundsMode: "same",
          outerBoundsContain: "axisLabel",
        },
    legend: { show: !spark && series.length > 1, top: 0, textStyle: { color: faint } },
    // Drawn on the canvas: names in it are other people's words, and must not become HTML.
    tooltip: {
      show: !spark,
      trigger: "axis",
      renderMode: "richText",
      valueFormatter: (value: number | null) => told(value, say),
    },
    xAxis: {
      show: !spark,
      type: "category",
      data: labels,
      axisLabel: { color: faint },
      axisLine: { lineStyle: { color: line } },
      axisTick: { show: false },
    },
    yAxis: {
      show: !spark,
      type: "value",
      max: limit && ((shown: { max: number }) => Math.max(shown.max, limit.value)),
      axisLabel: { color: faint, formatter: say },
      splitLine: { lineStyle: { color: line } },
    },
    series: series.map((one, index) => ({
      name: one.name,
      type: one.as ?? "line",
      data: one.values,
      showSymbol: false,
      barMaxWidth: 28,
      lineStyle: { width: 2 },
      areaStyle: spark ? { opacity: 0.12 } : undefined,
      markLine:
        index === 0 && limit
          ? {
              symbol: "none",
              data: [{ name: limit.name, yAxis: limit.value }],
              label: { formatter: limit.name, color: faint, position: "insideEndTop" },
            }
          : undefined,
    })),
  };
}
