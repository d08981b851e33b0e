// The forms of the setup: a channel, a campaign, a link. What the server says of a field stands beside it.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Problem, call, get, segment } from "../api";
import { ID, freeId, idOf } from "../ids";
import { PROVIDERS } from "../providers";
import type { Campaign, Channel, Link } from "../types";
import { words } from "../words";
import { Field } from "./ui";

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
      {/* A conflict may be about fields that this form does not have: it is told in any case. */}
      {problem && (problem.status === 409 || !problem.fields.length) && (
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

/** An id that an operator chooses; `refused` says why it cannot be this one. */
function IdInput({ value, onType, refused = "" }: { value: string; onType: (id: string) => void; refused?: string }) {
  return (
    <input
      type="text"
      name="id"
      required
      maxLength={64}
      pattern={ID}
      value={value}
      ref={(input) => input?.setCustomValidity(refused)}
      onInput={(event) => onType(event.currentTarget.value)}
      autoComplete="off"
    />
  );
}

/** A new channel. `taken` are the ids of those that are known; `onTaken` hears of an id that was missing there. */
export function ChannelForm({ taken, onTaken, onMade }: { taken: readonly string[]; onTaken: () => void; onMade: (channel: Channel) => void }) {
  const [typed, setTyped] = useState<string | null>(null);
  const id = typed ?? freeId("whatsapp", taken);
  const [provider, setProvider] = useState("meta");
  const [unsigned, setUnsigned] = useState(false);
  const { signs, verifies } = PROVIDERS[provider] ?? { signs: "never" };
  const make = async ({ secret, verify_token }: Record<string, string>): Promise<Channel> => {
    const path = `/v1/channels/${segment(id)}`;
    // PUT replaces a channel that is there, and the list may lack it: it failed, or somebody has made one since.
    const there = await get<Channel>(path).catch((problem: Problem) => {
      if (problem.status !== 404) throw problem;
      return null;
    });
    if (there) {
      onTaken();
      throw new Problem(409, words.setup.channel.taken(id));
    }
    return call("PUT", path, {
      provider,
      ...(secret ? { secrets: [secret] } : {}),
      ...(verify_token ? { verify_token } : {}),
      ...(unsigned && signs === "always" ? { allow_unsigned: true } : {}),
    });
  };
  return (
    <MakeForm act={words.setup.channel.make} make={make} onMade={onMade}>
      {(error) => (
        <>
          <Field label={words.setup.channel.provider} error={error("provider")}>
            <select value={provider} onChange={(event) => setProvider(event.currentTarget.value)}>
              {Object.keys(PROVIDERS).map((one) => (
                <option key={one} value={one} selected={one === provider}>
                  {words.providers[one]}
                </option>
              ))}
            </select>
          </Field>
          <Field label={words.setup.channel.id} error={error("channel")}>
            <IdInput value={id} onType={setTyped} refused={taken.includes(id) ? words.setup.channel.taken(id) : ""} />
          </Field>
          {signs === "never" ? (
            <p class="note whole">{words.setup.channel.neverSigns(words.providers[provider] ?? provider)}</p>
          ) : (
            <Field label={words.setup.channel.secret} help={words.setup.channel.secretHelp[signs]} error={error("secrets")} whole>
              <input type="password" name="secret" required={signs === "always" && !unsigned} disabled={unsigned && signs === "always"} autoComplete="off" />
            </Field>
          )}
          {verifies && (
            <Field label={words.setup.channel.verify} help={words.setup.channel.verifyHelp} error={error("verify_token")} whole>
              <input type="text" name="verify_token" autoComplete="off" />
            </Field>
          )}
          {signs === "always" && (
            <label class="check whole">
              <input type="checkbox" checked={unsigned} onChange={(event) => setUnsigned(event.currentTarget.checked)} />
              {words.setup.channel.unsigned}
            </label>
          )}
        </>
      )}
    </MakeForm>
  );
}

export function CampaignForm({ onMade }: { onMade: (campaign: Campaign) => void }) {
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
            <IdInput value={id ?? idOf(name)} onType={setId} />
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

export function LinkForm({ campaign, onMade }: { campaign: string; onMade: (link: Link) => void }) {
  const make = ({ url = "", label }: Record<string, string>): Promise<Link> => call("POST", "/v1/links", { campaign, url, ...(label ? { label } : {}) });
  return (
    <MakeForm act={words.setup.link.make} make={make} onMade={onMade}>
      {(error) => (
        <>
          <Field label={words.setup.link.url} error={error("url")}>
            <input type="url" name="url" required placeholder={words.setup.link.example} />
          </Field>
          <Field label={words.setup.link.label} error={error("label")}>
            <input type="text" name="label" maxLength={256} autoComplete="off" />
          </Field>
        </>
      )}
    </MakeForm>
  );
}
