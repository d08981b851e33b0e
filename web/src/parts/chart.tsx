// The chart of a trend: counts by event, one line each, and the numbers of the bucket that one points at.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { clock, date, dayAndMonth, month, moment, number, short, weekday } from "../format";
import type { TrendBucket } from "../types";
import { words } from "../words";

export const LINES = ["sent", "delivered", "read", "clicked", "replied", "converted", "failed"] as const;
export type Line = (typeof LINES)[number];
export type Granularity = "hour" | "day" | "week" | "month";

/** Colours of the lines, light and dark. */
const COLORS: Record<Line, [string, string]> = {
  sent: ["#8b95a3", "#8590a0"],
  delivered: ["#6ea8f7", "#4f8fe6"],
  read: ["#1668dc", "#6cb0ff"],
  clicked: ["#0a9b8e", "#35cdbd"],
  replied: ["#8a56d8", "#b18cf5"],
  converted: ["#c27803", "#eab24a"],
  failed: ["#d04437", "#ff8e86"],
};

const HOUR = 3600;
const DAY = 24 * HOUR;
/** How far ticks of the time axis can be apart, in seconds; no closer than the buckets. */
const STEPS = [...[1, 2, 3, 6, 12].map((hours) => hours * HOUR), ...[1, 2, 3, 7, 14, 30, 60, 90, 180, 365].map((days) => days * DAY)];
const LEAST: Record<Granularity, number> = { hour: HOUR, day: DAY, week: 7 * DAY, month: 30 * DAY };

export const colorOf = (line: Line, dark: boolean): string => COLORS[line][dark ? 1 : 0];

export function countOf(bucket: TrendBucket | undefined, line: string): number {
  const value = bucket?.[line];
  return typeof value === "number" ? value : 0;
}

const darkness = matchMedia("(prefers-color-scheme: dark)");

export function useDark(): boolean {
  const [dark, setDark] = useState(darkness.matches);
  useEffect(() => {
    const follow = (): void => setDark(darkness.matches);
    darkness.addEventListener("change", follow);
    return () => darkness.removeEventListener("change", follow);
  }, []);
  return dark;
}

/** A bucket's beginning, as long as its granularity needs. */
export function bucketName(start: string, granularity: Granularity, zone: string): string {
  if (granularity === "hour") return moment(start, zone);
  if (granularity === "day") return weekday(start, zone);
  return granularity === "week" ? date(start, zone) : month(start, zone);
}

export function TrendChart(props: {
  buckets: TrendBucket[];
  before: TrendBucket[] | null;
  lines: Line[];
  granularity: Granularity;
  zone: string;
}) {
  const { buckets, before, lines, granularity, zone } = props;
  const root = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [cursor, setCursor] = useState<{ index: number; left: number } | null>(null);
  const dark = useDark();
  const shown = useMemo(() => LINES.filter((line) => lines.includes(line)), [lines.join()]);

  const data = useMemo<uPlot.AlignedData>(() => {
    const times = buckets.map(({ start }) => Date.parse(start) / 1000);
    const now = shown.map((line) => buckets.map((bucket) => countOf(bucket, line)));
    const earlier = before ? shown.map((line) => buckets.map((_, index) => (before[index] ? countOf(before[index], line) : null))) : [];
    return [times, ...now, ...earlier];
  }, [buckets, before, shown]);

  const latest = useRef(data);
  latest.current = data;

  // The chart is made anew when its form changes; new numbers only move its lines.
  useLayoutEffect(() => {
    const element = root.current;
    if (!element) return;
    const style = getComputedStyle(element);
    const [line, soft] = ["--line", "--soft"].map((name) => resolve(element, name));
    const font = `12px ${style.fontFamily}`;
    const tick = (at: number): string =>
      granularity === "hour" ? clock(at * 1000, zone) : granularity === "month" ? month(at * 1000, zone).replace(/(\w{3})\w* \d+/, "$1") : dayAndMonth(at * 1000, zone);
    // A curve through the points that never leaves their range.
    const spline = uPlot.paths.spline?.();
    const curve = spline ? { paths: spline } : {};
    const options: uPlot.Options = {
      width: element.clientWidth,
      height: element.clientHeight,
      padding: [12, 28, 0, 0],
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone),
      legend: { show: false },
      // The line stands on the bucket that is read out.
      cursor: {
        y: false,
        drag: { x: false, y: false },
        points: { size: 8 },
        move: (chart, left, top) => [left < 0 ? left : chart.valToPos(chart.data[0][chart.posToIdx(left)] ?? 0, "x"), top],
      },
      scales: { y: { range: (_, __, high) => [0, Math.max(4, high * 1.08)] } },
      axes: [
        {
          stroke: soft ?? "",
          font,
          grid: { show: false },
          ticks: { show: false },
          size: 34,
          gap: 10,
          space: 70,
          incrs: STEPS.filter((step) => step >= LEAST[granularity]),
          values: (_, ticks) => ticks.map((at, index) => {
            const day = granularity === "hour" && (index === 0 || clock(at * 1000, zone) === "00:00");
            return day ? dayAndMonth(at * 1000, zone) : tick(at);
          }),
        },
        {
          stroke: soft ?? "",
          font,
          size: 48,
          gap: 10,
          ticks: { show: false },
          grid: { stroke: line ?? "", width: 1 },
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7],
          values: (_, ticks) => ticks.map(short),
        },
      ],
      series: [
        {},
        ...shown.map((name) => ({
          stroke: colorOf(name, dark),
          fill: `${colorOf(name, dark)}14`,
          width: 2,
          ...curve,
          points: { show: buckets.length < 2, size: 7, fill: colorOf(name, dark) },
        })),
        ...(before ? shown.map((name) => ({ stroke: `${colorOf(name, dark)}99`, width: 1.5, dash: [4, 4], points: { show: false }, ...curve })) : []),
      ],
      hooks: {
        setCursor: [
          ({ cursor: { idx, left } }) =>
            setCursor(idx === null || idx === undefined || left === undefined || left < 0 ? null : { index: idx, left }),
        ],
      },
    };
    const chart = new uPlot(options, latest.current, element);
    plot.current = chart;
    const sizes = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: element.clientHeight }));
    sizes.observe(element);
    return () => {
      sizes.disconnect();
      chart.destroy();
      plot.current = null;
      setCursor(null);
    };
  }, [shown, zone, granularity, dark, before !== null, buckets.length < 2]);

  useLayoutEffect(() => plot.current?.setData(data), [data]);

  const name = shown.map((line) => words.names[line]).join(", ");
  const bucket = cursor && buckets[cursor.index];
  return (
    <div class="chart" ref={root} role="img" aria-label={words.trend.description(name, buckets.length, zone)}>
      {cursor && bucket && <Readout {...{ bucket, shown, granularity, zone, dark }} earlier={before?.[cursor.index]} left={cursor.left} width={root.current?.clientWidth ?? 0} />}
    </div>
  );
}

/** A colour of the style sheet as the canvas takes it. */
function resolve(element: HTMLElement, name: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  element.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

function Readout(props: {
  bucket: TrendBucket;
  earlier: TrendBucket | undefined;
  shown: Line[];
  granularity: Granularity;
  zone: string;
  dark: boolean;
  left: number;
  width: number;
}) {
  const side = props.left + 60 > props.width / 2 ? { right: `${props.width - props.left - 36}px` } : { left: `${props.left + 62}px` };
  return (
    <div class="readout tabular" style={side}>
      <b>{bucketName(props.bucket.start, props.granularity, props.zone)}</b>
      {props.shown.map((line) => (
        <div key={line}>
          <span>
            <i style={{ background: colorOf(line, props.dark) }} />
            {words.names[line]}
          </span>
          <span>
            {number(countOf(props.bucket, line))}
            {props.earlier && <span class="soft"> · {number(countOf(props.earlier, line))}</span>}
          </span>
        </div>
      ))}
    </div>
  );
}
