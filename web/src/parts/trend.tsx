// The trend: what happened by hour, day, week or month, as lines, and as a table for those who do not see lines.
import { useMemo, useState } from "preact/hooks";
import { at } from "../api";
import { number } from "../format";
import { bounds, type Period } from "../period";
import { answered, useNumbers } from "../resource";
import type { Campaign, TrendBucket } from "../types";
import { words } from "../words";
import { LINES, TrendChart, bucketName, colorOf, countOf, useDark, type Granularity, type Line } from "./chart";
import { save } from "./save";
import { NoBefore } from "./tile";
import { Card, Empty, Icon, Segments, Skeleton, Trouble } from "./ui";

/** Without the empty ends, but for one bucket on each side. */
function trimmed(buckets: TrendBucket[]): TrendBucket[] {
  const full = buckets.map((bucket) => LINES.some((line) => countOf(bucket, line) > 0));
  const [first, last] = [full.indexOf(true), full.lastIndexOf(true)];
  return first < 0 ? [] : buckets.slice(Math.max(0, first - 1), last + 2);
}

const GRANULARITIES: Granularity[] = ["hour", "day", "week", "month"];
const HOUR = 3_600_000;

/** The finest granularity that stays readable. */
function fitting(length: number): Granularity {
  return length <= 49 * HOUR ? "hour" : length <= 100 * 24 * HOUR ? "day" : length <= 600 * 24 * HOUR ? "week" : "month";
}

export function Trend({ base, period, step, campaign }: { base: string; period: Period; step: string | null; campaign: Campaign | null }) {
  const [chosen, setChosen] = useState<Granularity | null>(null);
  const [lines, setLines] = useState<Line[]>(["sent", "delivered", "read", "clicked"]);
  const [table, setTable] = useState(false);
  const dark = useDark();
  const age = campaign ? Date.now() - Date.parse(campaign.created_at) : 0;
  const length = period.range ? period.range.to.getTime() - period.range.from.getTime() : age;
  const granularity = chosen ?? fitting(length);
  const ask = (range: { from?: string; to?: string }): string => at(`${base}/trend`, { granularity, timezone: period.zone, step, ...range });
  const path = campaign && ask(bounds(period.range));
  const answer = useNumbers<{ data: TrendBucket[] }>(path);
  const earlier = useNumbers<{ data: TrendBucket[] }>(path && period.before && ask(bounds(period.before)));
  const all = answer.data?.data ?? null;
  // All time begins and ends where something happened.
  const buckets = useMemo(() => (period.range || !all ? all : trimmed(all)), [all, period.range === null]);
  const before = (!answer.stale && answered(earlier)?.data) || null;
  const turn = (line: Line): void => {
    const next = lines.includes(line) ? lines.filter((other) => other !== line) : [...lines, line];
    if (next.length) setLines(next);
  };
  const stable = useMemo(() => lines, [lines.join()]);
  return (
    <Card
      title={words.campaign.trend}
      class="trend"
      stale={answer.stale && !!buckets}
      tools={
        <div class="tools">
          <Segments label={words.trend.granularity} value={granularity} onChange={setChosen} options={GRANULARITIES.map((name) => [name, words.trend[name]] as const)} />
          <button type="button" class="button slim" aria-pressed={table} onClick={() => setTable(!table)}>
            {table ? words.trend.chart : words.trend.table}
          </button>
          <button
            type="button"
            class="button slim"
            disabled={!path}
            aria-label={words.trend.export}
            onClick={() => path && save(path, "trend")}
          >
            <Icon name="export" />
          </button>
        </div>
      }
    >
      <NoBefore before={earlier} />
      <div class="body">
        <div class="chips" role="group" aria-label={words.trend.metrics}>
          {LINES.map((line) => (
            <button type="button" class="chip" key={line} aria-pressed={lines.includes(line)} onClick={() => turn(line)}>
              <i style={lines.includes(line) ? { background: colorOf(line, dark) } : {}} />
              {words.names[line]}
            </button>
          ))}
        </div>
        {answer.error && !buckets ? (
          <Trouble problem={answer.error} retry={answer.retry} />
        ) : !buckets ? (
          <Skeleton height={280} />
        ) : !buckets.length ? (
          <Empty title={words.trend.empty} />
        ) : table ? (
          <Table buckets={buckets} lines={stable} granularity={granularity} zone={period.zone} />
        ) : (
          <TrendChart buckets={buckets} before={before} lines={stable} granularity={granularity} zone={period.zone} />
        )}
      </div>
    </Card>
  );
}

function Table(props: { buckets: TrendBucket[]; lines: Line[]; granularity: Granularity; zone: string }) {
  const shown = LINES.filter((line) => props.lines.includes(line));
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={words.campaign.trend}>
      <table>
        <thead>
          <tr>
            <th>{words.trend.start}</th>
            {shown.map((line) => (
              <th key={line}>{words.names[line]}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.buckets.map((bucket) => (
            <tr key={bucket.start}>
              <td>{bucketName(bucket.start, props.granularity, props.zone)}</td>
              {shown.map((line) => (
                <td key={line}>{number(countOf(bucket, line))}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
