// What a campaign brought: its conversions, and what it changed against the control group.
import { useState } from "preact/hooks";
import { at } from "../api";
import { amount, fraction, moment, money, multiples, number, percentagePoints, rate } from "../format";
import { useNumbers } from "../resource";
import type { ConversionRow, Experiment, Page, Stats } from "../types";
import { words } from "../words";
import { More } from "./more";
import { save } from "./save";
import { Card, Empty, Icon, Skeleton, SkeletonRows, Trouble, classes } from "./ui";

/** How many are shown at first, how many more with each step, and at most: the rest is in the file. */
const LIMIT = 10;
const MORE = 50;
const MOST = 1000;

/** A few numbers in a line, each under its name; null is on its way. */
function Facts({ facts, stale }: { facts: [string, string | null][]; stale?: boolean }) {
  return (
    <dl class={classes("body facts", stale && "stale")}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="tabular">{value ?? <Skeleton width={56} height={21} />}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Conversions(props: {
  base: string;
  query: Record<string, string | null | undefined>;
  stats: Stats | null;
  /** Whether the figures, which are those of `stats`, are about to be replaced; the list is read for itself. */
  stale: boolean;
  zone: string;
  class?: string;
}) {
  const { base, query, stats, zone } = props;
  const path = at(`${base}/conversions`, query);
  const [wanted, setWanted] = useState({ path, limit: LIMIT });
  const limit = wanted.path === path ? wanted.limit : LIMIT;
  // New ones come anywhere in the list: as many as are shown are read together.
  const first = useNumbers<Page<ConversionRow>>(at(path, { limit }));
  const rows = first.data?.data;
  const more = first.data?.next_cursor && limit < MOST && (
    <More shown={rows?.length} of={first.data.total} disabled={first.stale} onMore={() => setWanted({ path, limit: Math.min(MOST, limit + MORE) })} />
  );
  return (
    <Card
      title={words.campaign.conversions}
      class={props.class}
      tools={
        rows?.length ? (
          <button type="button" class="button slim" onClick={() => save(path, "conversions")}>
            <Icon name="export" />
            {words.people.export}
          </button>
        ) : null
      }
    >
      <Facts
        stale={props.stale && !!stats}
        facts={[
          [words.conversions.total, stats && number(stats.conversions.total)],
          [words.conversions.people, stats && number(stats.conversions.contacts)],
          [words.conversions.revenue, stats && money(stats.conversions.revenue)],
          [words.conversions.roi, stats && multiples(stats.roi)],
        ]}
      />
      {first.error && !rows ? (
        <Trouble problem={first.error} retry={first.retry} />
      ) : rows?.length === 0 && !more ? (
        <Empty title={words.conversions.empty} text={words.conversions.emptyText} />
      ) : (
        <div class={classes(rows && first.stale && "stale")} aria-busy={first.stale}>
          <div class="scroll" tabIndex={0} role="group" aria-label={words.campaign.conversions}>
            <table>
              <thead>
                <tr>
                  <th>{words.conversions.at}</th>
                  <th class="text">{words.conversions.contact}</th>
                  <th class="text">{words.conversions.goal}</th>
                  <th>{words.conversions.value}</th>
                </tr>
              </thead>
              <tbody>
                {rows ? (
                  rows.map((row) => (
                    <tr key={`${row.goal}-${row.id}`}>
                      <td class="soft">{moment(row.at, zone)}</td>
                      <td class="text">{row.contact ?? row.masked ?? words.none}</td>
                      <td class="text soft">{row.goal || words.none}</td>
                      <td>{row.value && row.currency ? amount(row.value, row.currency) : words.none}</td>
                    </tr>
                  ))
                ) : (
                  <SkeletonRows rows={5} columns={4} />
                )}
              </tbody>
            </table>
          </div>
          {more}
        </div>
      )}
    </Card>
  );
}

/** What the numbers of an experiment say, in a sentence. */
function verdict({ uplift }: Experiment): [string, string] {
  const { absolute, absolute_interval: interval, p_value: p } = uplift;
  if (absolute === null || !interval || p === null) return ["", words.experiment.small];
  const say = p < 0.05 ? (absolute > 0 ? words.experiment.up : words.experiment.down) : words.experiment.open;
  const tone = p < 0.05 ? (absolute > 0 ? "good" : "bad") : "";
  return [tone, say(percentagePoints(absolute), percentagePoints(interval[0]), percentagePoints(interval[1]))];
}

/** The interval as a line, with nothing (zero) marked on it. */
function IntervalBar({ value, interval }: { value: number; interval: [number, number] }) {
  const reach = Math.max(Math.abs(interval[0]), Math.abs(interval[1])) * 1.15 || 1;
  const x = (at: number): number => ((at + reach) / (2 * reach)) * 100;
  return (
    <svg class="interval" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label={`${words.experiment.interval}: ${percentagePoints(interval[0])}, ${percentagePoints(interval[1])}`}>
      <path d="M0 12H100" stroke="var(--line)" stroke-width="1" vector-effect="non-scaling-stroke" />
      <path d="M50 3V21" stroke="var(--soft)" stroke-width="1" stroke-dasharray="3 3" vector-effect="non-scaling-stroke" />
      <path d={`M${x(interval[0])} 12H${x(interval[1])}`} stroke="var(--accent)" stroke-opacity=".4" stroke-width="6" stroke-linecap="round" vector-effect="non-scaling-stroke" />
      <path d={`M${x(value)} 12h.01`} stroke="var(--accent)" stroke-width="12" stroke-linecap="round" vector-effect="non-scaling-stroke" />
    </svg>
  );
}

export function ExperimentCard({ base, allTime, class: name }: { base: string; allTime: boolean; class?: string }) {
  const answer = useNumbers<Experiment>(`${base}/experiment`);
  const seen = answer.data;
  const [tone, text] = seen ? verdict(seen) : ["", ""];
  return (
    <Card title={words.campaign.experiment} help={`${words.experiment.help}${allTime ? ` ${words.measure.allTime}` : ""}`} class={name}>
      {answer.error && !seen ? (
        <Trouble problem={answer.error} retry={answer.retry} />
      ) : !seen ? (
        <div class="body">
          <Skeleton height={200} />
        </div>
      ) : seen.control.contacts === 0 ? (
        <Empty title={words.experiment.none} text={words.experiment.noneText} />
      ) : (
        <>
          <div class="body">
            <p class={`note ${tone}`}>{text}</p>
            {seen.uplift.absolute !== null && seen.uplift.absolute_interval && (
              <IntervalBar value={seen.uplift.absolute} interval={seen.uplift.absolute_interval} />
            )}
          </div>
          <div class="scroll" tabIndex={0} role="group" aria-label={words.campaign.experiment}>
            <table>
              <thead>
                <tr>
                  <th>
                    <span class="hidden">{words.campaign.experiment}</span>
                  </th>
                  <th>{words.experiment.people}</th>
                  <th>{words.experiment.converted}</th>
                  <th>{words.experiment.rate}</th>
                  <th>{words.experiment.revenue}</th>
                </tr>
              </thead>
              <tbody>
                {(["target", "control"] as const).map((arm) => (
                  <tr key={arm} data-arm={arm}>
                    <th scope="row">{words.experiment[arm]}</th>
                    <td>{number(seen[arm].contacts)}</td>
                    <td>{number(seen[arm].converted)}</td>
                    <td>{rate(seen[arm].rate)}</td>
                    <td>{money(seen[arm].revenue)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <Facts
            facts={[
              [words.experiment.absolute, seen.uplift.absolute === null ? words.none : percentagePoints(seen.uplift.absolute)],
              [words.experiment.relative, rate(seen.uplift.relative)],
              [words.experiment.p, seen.uplift.p_value === null ? words.none : seen.uplift.p_value < 0.001 ? "< 0.001" : seen.uplift.p_value.toFixed(3)],
              [words.experiment.incremental, seen.incremental_conversions === null ? words.none : fraction(seen.incremental_conversions)],
              [words.experiment.incrementalRevenue, money(seen.incremental_revenue)],
            ]}
          />
          {seen.contaminated > 0 && <p class="body small soft">{words.experiment.contaminated(number(seen.contaminated))}</p>}
        </>
      )}
    </Card>
  );
}
