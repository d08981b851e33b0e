// One campaign: every number with its meaning, where it comes from, and who is behind it.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { at, segment } from "../api";
import { Errors, Links, Steps } from "../parts/breakdowns";
import { Funnel } from "../parts/funnel";
import { Gaps } from "../parts/gaps";
import { Headline } from "../parts/headline";
import { Conversions, ExperimentCard } from "../parts/outcome";
import { People, type Listed } from "../parts/people";
import { PeriodPicker } from "../parts/period";
import { ShareDialog, ShareGone } from "../parts/share";
import { StatusMenu, statusTone } from "../parts/status";
import { Trend } from "../parts/trend";
import { Empty, Icon, Segments, Select, Skeleton, Trouble, classes } from "../parts/ui";
import { clock, date } from "../format";
import { useLive } from "../live";
import { bounds, periodOf } from "../period";
import { Pulse, answered, useNumbers, useResource } from "../resource";
import { href, setQuery, usePlace } from "../router";
import type { Campaign, Stats } from "../types";
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
  // The default step has an empty name: what counts is whether the parameter is there.
  const step = place.query.get("step");
  const definition = useResource<Campaign>(base);
  const spans = { ...bounds(period.range), ...(period.range ? { basis } : {}) };
  const query = { ...spans, step };
  const read = useNumbers<Stats>(at(`${base}/stats`, query));
  const earlier = useNumbers<Stats>(period.before && at(`${base}/stats`, { ...bounds(period.before), basis, step }));
  const steps = useNumbers<{ data: Stats[] }>(at(`${base}/steps`, spans));

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
  const own = answered(read);
  const stats = plain && moved && (!own || moved.version >= own.version) ? { ...own, ...moved } : read.data;

  const [listed, setListed] = useState<Listed | null>(null);
  const [sharing, setSharing] = useState(false);
  const campaign = definition.data;
  const name = campaign?.name ?? id;
  useEffect(() => {
    document.title = `${name} · ${words.product}`;
  }, [name]);
  const problem = (!campaign && definition.error) || (!stats && read.error);
  if (problem && shared && problem.status === 401) return <ShareGone />;
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
          <h1 tabIndex={-1}>{campaign ? campaign.name : <Skeleton width={260} height={30} />}</h1>
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
              <Skeleton width={320} height={22} />
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
            onChange={(step) => setQuery({ step: step === "*" ? null : step })}
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
        <Headline {...{ stats, period, earlier }} stale={read.stale} onOpen={setListed} />
        {!quiet && (
          <>
            <Trend base={base} period={period} step={step} campaign={campaign} />
            <Funnel base={base} step={step} allTime={period.range !== null} onOpen={setListed} class="two-thirds" />
            <Gaps stats={stats} stale={read.stale} onOpen={setListed} class="third" />
            <Links base={base} query={query} onOpen={setListed} class="half" />
            <Errors base={base} query={query} onOpen={setListed} class="half" />
            {hasSteps && <Steps answer={steps} onStep={(step) => setQuery({ step })} />}
            <Conversions base={base} query={query} stats={stats} stale={read.stale} zone={period.zone} class="half" />
            <ExperimentCard base={base} allTime={period.range !== null} class="half" />
          </>
        )}
      </div>
      {listed && <People listed={listed} zone={period.zone} onClose={() => setListed(null)} />}
      {sharing && <ShareDialog campaign={id} zone={period.zone} onClose={() => setSharing(false)} />}
    </>
  );
}
