// From nothing to the first counted callback, without leaving the page.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { at, get, segment } from "../api";
import { ChannelTest } from "../parts/channel-test";
import { CampaignForm, ChannelForm, LinkForm } from "../parts/setup-forms";
import { Copyable, Select, Skeleton, classes } from "../parts/ui";
import { PROVIDERS } from "../providers";
import { answered, useResource } from "../resource";
import { href } from "../router";
import type { Campaign, Channel, Health, Link, Page, Stats } from "../types";
import { words } from "../words";

function Stage(props: { number: number; title: string; text: string; done: boolean; ready: boolean; children?: ComponentChildren }) {
  return (
    <li class={classes(props.done && "done", !props.ready && "later")} data-stage={props.number} data-done={props.done}>
      <section class="card" aria-labelledby={`setup-${props.number}`}>
        <header>
          <span class="number" aria-hidden="true">
            {props.done ? "✓" : props.number}
          </span>
          <h2 id={`setup-${props.number}`}>
            {props.title}
            {props.done && <span class="hidden"> ({words.setup.done})</span>}
          </h2>
        </header>
        <div class="body stage-body">
          <p class="soft">{props.text}</p>
          {props.ready && props.children}
        </div>
      </section>
    </li>
  );
}

/** Where the opaque reference goes at the channel's provider; without one, who sends has to say what was sent. */
function howToSend({ campaign }: Campaign, { provider }: Channel): string {
  const reference = PROVIDERS[provider]?.reference;
  const name = words.providers[provider] ?? provider;
  if (!reference) return words.setup.callback.withDispatch(name, campaign);
  return provider === "twilio" ? words.setup.callback.withQuery(campaign) : words.setup.callback.withReference(name, reference, campaign);
}

export function SetupView() {
  const channels = useResource<Page<Channel>>("/v1/channels?limit=1000");
  const [channel, setChannel] = useState<Channel | null>(null);
  const [tested, setTested] = useState(false);
  const [campaign, setCampaign] = useState<Campaign | null>(null);
  const [link, setLink] = useState<Link | null>(null);
  const [counted, setCounted] = useState(false);
  const known = channels.data?.data ?? [];
  const health = channel && `/v1/channels/${segment(channel.channel)}/health`;
  const called = answered(useResource<Health>(health))?.last_received_at;
  useEffect(() => {
    document.title = `${words.setup.title} · ${words.product}`;
  }, []);
  // The last step ends by itself: by a callback that came since it began, and a message that is counted.
  useEffect(() => {
    if (!campaign || !health || counted) return;
    const stats = at(`/v1/campaigns/${segment(campaign.campaign)}/stats`, { max_age: 0 });
    // A channel whose health cannot be read holds nobody up.
    const received = (): Promise<string | null | undefined> =>
      get<Health>(health).then(
        ({ last_received_at: last }) => last,
        () => undefined,
      );
    const before = received();
    const look = async (): Promise<void> => {
      const then = await before;
      if (!(await get<Stats>(stats)).messages.sent) return;
      const last = await received();
      if (then === undefined || last === undefined || last !== then) setCounted(true);
    };
    const again = (): void => void look().catch(() => {});
    again();
    const timer = setInterval(again, 2000);
    return () => clearInterval(timer);
  }, [campaign, health, counted]);
  return (
    <>
      <div class="head">
        <div>
          <h1 tabIndex={-1}>{words.setup.title}</h1>
          <p class="meta">{words.setup.lead}</p>
        </div>
      </div>
      <ol class="setup">
        <Stage number={1} title={words.setup.channel.title} text={words.setup.channel.text} done={channel !== null} ready>
          {!channels.data && !channels.error ? (
            <Skeleton height={320} />
          ) : (
            <>
              {known.length > 0 && (
                <Select
                  label={words.setup.channel.use}
                  value={channel?.channel ?? ""}
                  onChange={(id) => {
                    setChannel(known.find((one) => one.channel === id) ?? null);
                    setTested(false);
                  }}
                  options={[["", words.setup.channel.fresh], ...known.map((one) => [one.channel, `${one.name || one.channel} (${words.providers[one.provider] ?? one.provider})`] as const)]}
                />
              )}
              {!channel && (
                <ChannelForm
                  taken={known.map(({ channel }) => channel)}
                  onTaken={channels.retry}
                  onMade={(made) => {
                    setChannel(made);
                    channels.retry();
                  }}
                />
              )}
            </>
          )}
        </Stage>
        <Stage number={2} title={words.setup.paste.title} text={words.setup.paste.text} done={Boolean(called) || counted} ready={channel !== null}>
          {channel?.callback_url ? <Copyable label={words.setup.paste.url} text={channel.callback_url} /> : <p class="note">{words.setup.paste.noUrl}</p>}
          {channel?.verify_token && <Copyable label={words.setup.channel.verify} text={channel.verify_token} />}
        </Stage>
        <Stage number={3} title={words.setup.test.title} text={words.setup.test.text} done={tested} ready={channel !== null}>
          {channel && <ChannelTest key={channel.channel} main channel={channel.channel} onPassed={() => setTested(true)} />}
        </Stage>
        <Stage number={4} title={words.setup.campaign.title} text={words.setup.campaign.text} done={campaign !== null} ready={tested}>
          {campaign ? <Copyable label={words.setup.campaign.reference} text={campaign.campaign} /> : <CampaignForm onMade={setCampaign} />}
        </Stage>
        <Stage number={5} title={words.setup.link.title} text={words.setup.link.text} done={link !== null} ready={campaign !== null}>
          {link ? (
            <>
              <Copyable label={words.setup.link.tracking} text={link.tracking_url} />
              <p class="soft small">{words.setup.link.perPerson}</p>
            </>
          ) : (
            campaign && <LinkForm campaign={campaign.campaign} onMade={setLink} />
          )}
        </Stage>
        <Stage number={6} title={words.setup.callback.title} text={words.setup.callback.text} done={counted} ready={campaign !== null}>
          {campaign && channel && <p>{howToSend(campaign, channel)}</p>}
          <p class={classes("note", counted && "good")} role="status">
            {counted ? words.setup.callback.counted : words.setup.callback.waiting}
          </p>
          {campaign && (
            <a class={classes("button", counted && "main")} href={href(["campaigns", campaign.campaign])}>
              {words.setup.callback.open}
            </a>
          )}
        </Stage>
      </ol>
    </>
  );
}
