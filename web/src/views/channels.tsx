// The channels: how each one does, in words and in numbers, and what it could not read.
import { useEffect, useState } from "preact/hooks";
import { at, call, segment, type Problem } from "../api";
import { ChannelTest } from "../parts/channel-test";
import { CloseButton, Copyable, Dialog, Empty, Skeleton, Term, Trouble, classes, toast } from "../parts/ui";
import { ago, exactly, moment, number } from "../format";
import { useResource } from "../resource";
import { href } from "../router";
import type { Channel, Health, Letter, LetterHead, Page } from "../types";
import { useWorkspaceZone } from "../workspace";
import { words } from "../words";

const TONES: Record<Health["verdict"], string> = { healthy: "good", silent: "warn", misconfigured: "bad", unprotected: "warn" };

export function ChannelsView() {
  const zone = useWorkspaceZone();
  const { data, error, retry } = useResource<Page<Channel>>("/v1/channels?limit=1000");
  useEffect(() => {
    document.title = `${words.channels.title} · ${words.product}`;
  }, []);
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1}>{words.channels.title}</h1>
        <a class="button" href={href(["setup"])}>
          {words.setup.channel.title}
        </a>
      </div>
      {error && !data ? (
        <section class="card">
          <Trouble problem={error} retry={retry} />
        </section>
      ) : !data ? (
        <section class="card">
          <div class="body">
            <Skeleton height={220} />
          </div>
        </section>
      ) : data.data.length === 0 ? (
        <section class="card">
          <Empty title={words.channels.empty} text={words.channels.emptyText}>
            <a class="button main" href={href(["setup"])}>
              {words.campaigns.setUp}
            </a>
          </Empty>
        </section>
      ) : (
        <div class="cards">
          {data.data.map((channel) => (
            <ChannelCard key={channel.channel} channel={channel} zone={zone} />
          ))}
        </div>
      )}
    </>
  );
}

function ChannelCard({ channel, zone }: { channel: Channel; zone: string }) {
  const { data: health, error, retry } = useResource<Health>(`/v1/channels/${segment(channel.channel)}/health`);
  const [letters, setLetters] = useState(false);
  return (
    <section class="card" aria-label={channel.name || channel.channel} data-channel={channel.channel}>
      <header>
        <div>
          <h2>{channel.name || channel.channel}</h2>
          <span class="soft small">
            {words.providers[channel.provider] ?? channel.provider} · {channel.channel} · {words.channels.secrets(channel.secrets)}
          </span>
        </div>
        {health ? (
          <span class={classes("badge", TONES[health.verdict])} data-verdict={health.verdict}>
            {words.channels.verdict[health.verdict]}
          </span>
        ) : (
          <Skeleton width={80} height={22} />
        )}
      </header>
      {error && !health ? (
        <Trouble problem={error} retry={retry} />
      ) : (
        <div class="body channel">
          <p>
            {health ? health.reason : <Skeleton width={360} height={21} />}{" "}
            {health && (
              <span class="soft" title={health.last_received_at ? exactly(health.last_received_at, zone) : undefined}>
                {words.channels.last}: {health.last_received_at ? ago(health.last_received_at) : words.channels.never}.
              </span>
            )}
          </p>
          <dl class="facts">
            {Object.entries(words.channels.numbers).map(([name, label]) => (
              <div key={name} data-number={name}>
                <dt>
                  <Term name={label} meaning={words.channels.definitions[name]} />
                </dt>
                <dd class="tabular">{health ? number(health[name] as number) : <Skeleton width={40} height={21} />}</dd>
              </div>
            ))}
          </dl>
          {channel.callback_url && <Copyable label={words.channels.url} text={channel.callback_url} />}
          <div class="tools">
            <ChannelTest channel={channel.channel} />
            <button type="button" class="button" onClick={() => setLetters(true)}>
              {words.channels.letters} ({number(health?.dead_letters.kept)})
            </button>
          </div>
        </div>
      )}
      {letters && <Letters channel={channel.channel} dropped={health?.dead_letters.dropped ?? 0} zone={zone} onClose={() => setLetters(false)} onChanged={retry} />}
    </section>
  );
}

function Letters(props: { channel: string; dropped: number; zone: string; onClose: () => void; onChanged: () => void }) {
  const { data, error, retry } = useResource<Page<LetterHead>>(at("/v1/dead_letters", { channel: props.channel, limit: 100 }));
  const [letter, setLetter] = useState<Letter | null>(null);
  const attempt = <T,>(act: Promise<T>, then: (answer: T) => void): Promise<void> => act.then(then, (problem: Problem) => toast(problem.message));
  const open = (id: string): Promise<void> => attempt(call<Letter>("GET", `/v1/dead_letters/${segment(id)}`), setLetter);
  const replay = (id: string): Promise<void> =>
    attempt(call<{ events: number; kept: boolean }>("POST", `/v1/dead_letters/${segment(id)}/replay`, {}), ({ events, kept }) => {
      toast(words.channels.replayed(events, kept));
      retry();
      props.onChanged();
    });
  return (
    <Dialog class="drawer" label={words.channels.letters} onClose={props.onClose}>
      <header>
        <div>
          <h2>{letter ? words.channels.letter : words.channels.letters}</h2>
          <p class="soft">
            {words.channels.lettersHelp} {props.dropped > 0 && words.channels.dropped(number(props.dropped))}
          </p>
        </div>
        <CloseButton onClose={props.onClose} />
      </header>
      <div class="content" tabIndex={0} role="group" aria-label={words.channels.letters}>
        {letter ? (
          <>
            <div class="toolbar back">
              <button type="button" class="button slim" onClick={() => setLetter(null)}>
                {words.people.back}
              </button>
            </div>
            <pre class="mono">{letter.body ?? letter.body_base64}</pre>
          </>
        ) : error && !data ? (
          <Trouble problem={error} retry={retry} />
        ) : data?.data.length === 0 ? (
          <Empty icon="tick" title={words.channels.noLetters} />
        ) : (
          <table>
            <thead>
              <tr>
                <th>{words.channels.at}</th>
                <th class="text">{words.channels.reason}</th>
                <th>{words.channels.bytes}</th>
                <th>
                  <span class="hidden">{words.channels.replay}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data?.data.map((head) => (
                <tr key={head.id}>
                  <td class="soft">{moment(head.received_at, props.zone)}</td>
                  <td class="text wide">{head.reason}</td>
                  <td>{number(head.bytes)}</td>
                  <td>
                    <span class="tools end">
                      <button type="button" class="button slim" onClick={() => void open(head.id)}>
                        {words.channels.read}
                      </button>
                      <button type="button" class="button slim" onClick={() => void replay(head.id)}>
                        {words.channels.replay}
                      </button>
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </Dialog>
  );
}
