// One campaign: every number with its meaning, where it comes from, and who is behind it.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { at, download, segment, type Problem } from "../api";
import { Errors, Links, Steps } from "../parts/breakdowns";
import { Funnel, STANDARD_STAGES } from "../parts/funnel";
import { Gaps } from "../parts/gaps";
import { Headline } from "../parts/headline";
import { Conversions, ExperimentCard } from "../parts/outcome";
import { People, type Listed } from "../parts/people";
import { PeriodPicker } from "../parts/period";
import { ShareDialog } from "../parts/share";
import { StatusMenu, statusTone } from "../parts/status";
import { LINES, TrendChart, TrendTable, colorOf, countOf, useDark, type Granularity, type Line } from "../parts/trend";
import { Card, Empty, Icon, Segments, Select, Skeleton, Trouble, classes, toast } from "../parts/ui";
import { clock, date } from "../format";
import { useLive } from "../live";
import { bounds, periodOf, type Period } from "../period";
import { Pulse, useNumbers, useResource } from "../resource";
import { href, setQuery, usePlace } from "../router";
import type { Campaign, Stats, TrendBucket } from "../types";
import { useWorkspaceZone } from "../workspace";
import { words } from "../words";

/** How long to wait after a change before the numbers around it are read again, in ms: changes come in swarms. */
const SETTLE = 800;

export function CampaignView({ id, shared }: { id: string; shared?: boolean }) {
  const [pulse, setPulse] = useState(0);
  return (
    <Pulse.Provider value={pulse}>
      <Whole id={id} shared={Boolean(shared)} onMoved={useCallback(() => setPulse((pulse) => pulse + 1), [])} />
    </Pulse.Provider>
  );
}

function Whole({ id, shared, onMoved }: { id: string; shared: boolean; onMoved: () => void }) {
  const base = `/v1/campaigns/${segment(id)}`;
  const place = usePlace();
  const workspaceZone = useWorkspaceZone();
  const period = periodOf(place, workspaceZone);
  const basis = place.query.get("basis") === "event" ? "event" : "sent";
  const step = place.query.get("step");
  const definition = useResource<Campaign>(base);
  const query = { ...bounds(period.range), ...(period.range ? { basis } : {}), step };
  const read = useNumbers<Stats>(at(`${base}/stats`, query));
  const earlier = useNumbers<Stats>(period.before && at(`${base}/stats`, { ...bounds(period.before), basis, step }));
  const steps = useNumbers<{ data: Stats[] }>(at(`${base}/steps`, { ...bounds(period.range), ...(period.range ? { basis } : {}) }));

  // What comes live is the whole campaign, all time: it is shown as it comes, and everything else is read again after it.
  const [moved, setMoved] = useState<Stats | null>(null);
  const timer = useRef(0);
  const live = useLive(base, true, (stats) => {
    setMoved(stats);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(onMoved, SETTLE);
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  const plain = !period.range && step === null;
  const stats = plain && moved && (!read.data || moved.version >= read.data.version) ? { ...read.data, ...moved } : read.data;

  const [listed, setListed] = useState<Listed | null>(null);
  const [sharing, setSharing] = useState(false);
  const campaign = definition.data;
  const name = campaign?.name ?? id;
  useEffect(() => {
    document.title = `${name} · ${words.product}`;
  }, [name]);
  const problem = (!campaign && definition.error) || (!stats && read.error);
  if (problem) return <Trouble problem={problem} {...(problem.status === 404 ? {} : { retry: campaign ? read.retry : definition.retry })} />;
  const stepNames = (steps.data?.data ?? []).map((row) => row.step ?? "");
  const hasSteps = stepNames.some(Boolean);
  const quiet = stats && plain && stats.messages.attempted === 0 && !stats.clicks.total && !(stats.contacts?.control ?? 0) && !(stats.contacts?.skipped ?? 0);
  return (
    <>
      <div class="head">
        <div>
          {!shared && (
            <a class="crumb" href={href([])}>
              <Icon name="back" /> {words.campaigns.title}
            </a>
          )}
          <h1>{campaign ? campaign.name : <Skeleton width={260} height={28} />}</h1>
          <div class="meta">
            {campaign ? (
              <>
                <span class={classes("badge", statusTone(campaign.status))}>{words.status[campaign.status]}</span>
                <span>
                  {words.types[campaign.type]} · {words.messageTypes[campaign.message_type]}
                </span>
                <span>{words.campaign.created(date(campaign.created_at, period.zone))}</span>
                <span>{words.campaign.goals(campaign.attribution.window_hours, words.names[campaign.attribution.touch]?.toLowerCase() ?? campaign.attribution.touch)}</span>
                {campaign.tags.map((tag) => (
                  <span class="tag" key={tag}>
                    {tag}
                  </span>
                ))}
              </>
            ) : (
              <Skeleton width={320} height={20} />
            )}
          </div>
        </div>
        <div class="tools">
          <span class={classes("badge", live === "live" && "accent live")} data-live={live} title={stats ? `${words.campaign.updated} ${clock(stats.as_of, period.zone)}` : undefined}>
            {live === "live" ? words.campaign.live : live === "connecting" ? words.campaign.connecting : words.campaign.paused}
          </span>
          {!shared && (
            <>
              <button type="button" class="button" onClick={() => setSharing(true)}>
                <Icon name="share" />
                {words.campaign.share}
              </button>
              {campaign && <StatusMenu campaign={campaign} onChanged={definition.retry} />}
            </>
          )}
        </div>
      </div>
      <div class="toolbar">
        <PeriodPicker period={period} workspaceZone={workspaceZone} all />
        {period.range && (
          <Segments
            label={words.period.basis ?? ""}
            value={basis}
            onChange={(basis) => setQuery({ basis: basis === "sent" ? null : basis })}
            options={[
              ["sent", words.period.basisSent ?? "", words.period.basisSentHelp],
              ["event", words.period.basisEvent ?? "", words.period.basisEventHelp],
            ]}
          />
        )}
        {hasSteps && (
          <Select
            label={words.period.step ?? ""}
            value={step === null ? "*" : step}
            onChange={(step) => setStep(step === "*" ? null : step)}
            options={[["*", words.period.allSteps ?? ""], ...stepNames.map((step) => [step, step || (words.period.defaultStep ?? "")] as const)]}
          />
        )}
      </div>
      <div class="cards">
        {quiet && (
          <section class="card">
            <Empty title={words.campaign.noMessages} text={words.campaign.noMessagesText} />
          </section>
        )}
        <Headline {...{ stats, period }} earlier={period.before ? earlier.data : null} stale={read.stale} onOpen={setListed} />
        <Trend base={base} period={period} step={step} campaign={campaign} />
        <StagesOf base={base} step={step} allTime={period.range !== null} onOpen={setListed} />
        <Gaps stats={stats} onOpen={setListed} class="third" />
        <Links base={base} query={query} onOpen={setListed} class="half" />
        <Errors base={base} query={query} onOpen={setListed} class="half" />
        {hasSteps && <Steps answer={steps} onStep={(step) => setStep(step)} />}
        <Conversions base={base} query={{ ...bounds(period.range) }} stats={stats} zone={period.zone} class="half" />
        <ExperimentCard base={base} allTime={period.range !== null} class="half" />
      </div>
      {listed && <People listed={listed} zone={period.zone} onClose={() => setListed(null)} />}
      {sharing && <ShareDialog campaign={id} zone={period.zone} onClose={() => setSharing(false)} />}
    </>
  );
}

/** The default step has an empty name, so the parameter is set even then. */
function setStep(step: string | null): void {
  setQuery({ step });
}

function StagesOf({ base, step, allTime, onOpen }: { base: string; step: string | null; allTime: boolean; onOpen: (listed: Listed) => void }) {
  const [stages, setStages] = useState(STANDARD_STAGES);
  return <Funnel base={base} step={step} allTime={allTime} stages={stages} onStages={setStages} onOpen={onOpen} class="two-thirds" />;
}

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

function Trend({ base, period, step, campaign }: { base: string; period: Period; step: string | null; campaign: Campaign | null }) {
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
  const before = (period.before && earlier.data?.data) || null;
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
            onClick={() => path && void download(at(path, { format: "csv" }), "trend.csv").catch((problem: Problem) => toast(problem.message))}
          >
            <Icon name="export" />
          </button>
        </div>
      }
    >
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
          <TrendTable buckets={buckets} lines={stable} granularity={granularity} zone={period.zone} />
        ) : (
          <TrendChart buckets={buckets} before={before} lines={stable} granularity={granularity} zone={period.zone} />
        )}
      </div>
    </Card>
  );
}
