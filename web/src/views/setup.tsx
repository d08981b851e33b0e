// From nothing to the first counted callback, without leaving the page.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { at, call, get, segment, Problem } from "../api";
import { ChannelTest } from "../parts/channel-test";
import { Copyable, Field, Select, classes } from "../parts/ui";
import { useResource } from "../resource";
import { href } from "../router";
import type { Campaign, Channel, Link, Page, Stats } from "../types";
import { words } from "../words";

const PROVIDERS = ["meta", "360dialog", "gupshup", "twilio", "infobip", "vonage", "sinch", "clevertap", "interakt", "wati", "netcore", "plivo"];

/** What of a name can be an id. */
const idOf = (name: string): string =>
  name
    .toLowerCase()
    .normalize("NFKD")
    .replaceAll(/[^a-z0-9.]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 64);

/** A form's fields as texts, the empty ones left out. */
function texts(form: HTMLFormElement): Record<string, string> {
  return Object.fromEntries([...new FormData(form)].flatMap(([name, value]) => (typeof value === "string" && value ? [[name, value]] : [])));
}

/** A form that makes something and shows the server's words beside the fields that they are about. */
function MakeForm<T>(props: {
  act: string;
  make: (fields: Record<string, string>) => Promise<T>;
  onMade: (made: T) => void;
  children: (error: (field: string) => string | undefined) => ComponentChildren;
}) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      props.onMade(await props.make(texts(event.currentTarget as HTMLFormElement)));
    } catch (error) {
      setProblem(error instanceof Problem ? error : null);
    }
    setBusy(false);
  };
  const error = (field: string): string | undefined => problem?.fields.find(({ pointer }) => pointer.split("/")[1] === field)?.detail;
  return (
    <form class="form" onSubmit={submit}>
      {props.children(error)}
      {problem && !problem.fields.length && (
        <p class="note bad whole" role="alert">
          {problem.message}
        </p>
      )}
      <div class="whole">
        <button type="submit" class="button main" disabled={busy}>
          {props.act}
        </button>
      </div>
    </form>
  );
}

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

export function SetupView() {
  const channels = useResource<Page<Channel>>("/v1/channels?limit=1000");
  const [channel, setChannel] = useState<Channel | null>(null);
  const [tested, setTested] = useState(false);
  const [campaign, setCampaign] = useState<Campaign | null>(null);
  const [link, setLink] = useState<Link | null>(null);
  const [counted, setCounted] = useState(false);
  const known = channels.data?.data ?? [];
  useEffect(() => {
    document.title = `${words.setup.title} · ${words.product}`;
  }, []);
  // The last step ends by itself.
  useEffect(() => {
    if (!campaign || counted) return;
    const timer = setInterval(() => {
      get<Stats>(at(`/v1/campaigns/${segment(campaign.campaign)}/stats`, { max_age: 0 })).then(
        ({ messages }) => messages.sent && setCounted(true),
        () => {},
      );
    }, 2000);
    return () => clearInterval(timer);
  }, [campaign, counted]);
  return (
    <>
      <div class="head">
        <div>
          <h1>{words.setup.title}</h1>
          <p class="meta">{words.setup.lead}</p>
        </div>
      </div>
      <ol class="setup">
        <Stage number={1} title={words.setup.channel.title} text={words.setup.channel.text} done={channel !== null} ready>
          {known.length > 0 && (
            <Select
              label={words.setup.channel.use}
              value={channel?.channel ?? ""}
              onChange={(id) => {
                setChannel(known.find((one) => one.channel === id) ?? null);
                setTested(false);
              }}
              options={[["", words.setup.channel.fresh], ...known.map((one) => [one.channel, `${one.name || one.channel} (${one.provider})`] as const)]}
            />
          )}
          {!channel && <ChannelForm onMade={(made) => {
            setChannel(made);
            channels.retry();
          }} />}
        </Stage>
        <Stage number={2} title={words.setup.paste.title} text={words.setup.paste.text} done={tested} ready={channel !== null}>
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

function ChannelForm({ onMade }: { onMade: (channel: Channel) => void }) {
  const [unsigned, setUnsigned] = useState(false);
  const make = ({ id = "", provider = "meta", secret, verify_token }: Record<string, string>): Promise<Channel> =>
    call("PUT", `/v1/channels/${segment(id)}`, {
      provider,
      ...(secret ? { secrets: [secret] } : {}),
      ...(verify_token ? { verify_token } : {}),
      ...(unsigned ? { allow_unsigned: true } : {}),
    });
  return (
    <MakeForm act={words.setup.channel.make} make={make} onMade={onMade}>
      {(error) => (
        <>
          <Field label={words.setup.channel.provider} error={error("provider")}>
            <select name="provider">
              {PROVIDERS.map((provider) => (
                <option key={provider} value={provider}>
                  {provider}
                </option>
              ))}
            </select>
          </Field>
          <Field label={words.setup.channel.id} error={error("channel")}>
            <input type="text" name="id" required maxLength={64} pattern="[A-Za-z0-9.\-][A-Za-z0-9_.\-]*" defaultValue="whatsapp" autoComplete="off" />
          </Field>
          <Field label={words.setup.channel.secret} help={words.setup.channel.secretHelp} error={error("secrets")} whole>
            <input type="password" name="secret" required={!unsigned} disabled={unsigned} autoComplete="off" />
          </Field>
          <Field label={words.setup.channel.verify} help={words.setup.channel.verifyHelp} error={error("verify_token")} whole>
            <input type="text" name="verify_token" autoComplete="off" />
          </Field>
          <label class="check whole">
            <input type="checkbox" checked={unsigned} onChange={(event) => setUnsigned(event.currentTarget.checked)} />
            {words.setup.channel.unsigned}
          </label>
        </>
      )}
    </MakeForm>
  );
}

function CampaignForm({ onMade }: { onMade: (campaign: Campaign) => void }) {
  const [name, setName] = useState("");
  const [id, setId] = useState<string | null>(null);
  const make = ({ id = "", name = "", type = "broadcast", audience }: Record<string, string>): Promise<Campaign> =>
    call("PUT", `/v1/campaigns/${segment(id)}`, { name, type, message_type: "template", ...(audience ? { audience_size: Number(audience) } : {}) });
  return (
    <MakeForm act={words.setup.campaign.make} make={make} onMade={onMade}>
      {(error) => (
        <>
          <Field label={words.setup.campaign.name} error={error("name")}>
            <input type="text" name="name" required maxLength={256} value={name} onInput={(event) => setName(event.currentTarget.value)} autoComplete="off" />
          </Field>
          <Field label={words.setup.campaign.id} error={error("campaign")}>
            <input
              type="text"
              name="id"
              required
              maxLength={64}
              pattern="[A-Za-z0-9.\-][A-Za-z0-9_.\-]*"
              value={id ?? idOf(name)}
              onInput={(event) => setId(event.currentTarget.value)}
              autoComplete="off"
            />
          </Field>
          <Field label={words.setup.campaign.type} error={error("type")}>
            <select name="type">
              {Object.entries(words.types).map(([value, name]) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </select>
          </Field>
          <Field label={words.setup.campaign.audience} error={error("audience_size")}>
            <input type="number" name="audience" min={0} />
          </Field>
        </>
      )}
    </MakeForm>
  );
}

function LinkForm({ campaign, onMade }: { campaign: string; onMade: (link: Link) => void }) {
  const make = ({ url = "", label }: Record<string, string>): Promise<Link> => call("POST", "/v1/links", { campaign, url, ...(label ? { label } : {}) });
  return (
    <MakeForm act={words.setup.link.make} make={make} onMade={onMade}>
      {(error) => (
        <>
          <Field label={words.setup.link.url} error={error("url")}>
            <input type="url" name="url" required placeholder="https://shop.example/spring" />
          </Field>
          <Field label={words.setup.link.label} error={error("label")}>
            <input type="text" name="label" maxLength={256} autoComplete="off" />
          </Field>
        </>
      )}
    </MakeForm>
  );
}
