// Links that open one campaign to whoever has them, read-only, until they expire.
import { useState } from "preact/hooks";
import { at, call, segment, type Problem } from "../api";
import { moment } from "../format";
import { useResource } from "../resource";
import type { Page, Share } from "../types";
import { words } from "../words";
import { CloseButton, Copyable, Dialog, Empty, Field, toast } from "./ui";

/** What whoever has a link reads when it is over. */
export function ShareGone() {
  return (
    <div role="alert">
      <Empty icon="trouble" title={words.errors.shareGone} />
    </div>
  );
}

export function ShareDialog({ campaign, zone, onClose }: { campaign: string; zone: string; onClose: () => void }) {
  const base = `/v1/campaigns/${segment(campaign)}/shares`;
  const listed = useResource<Page<Share>>(at(base, { limit: 1000 }));
  // One that expired stays in the list until the next is made.
  const open = listed.data?.data.filter(({ expires_at }) => Date.parse(expires_at) > Date.now()) ?? [];
  const [hours, setHours] = useState("168");
  const [made, setMade] = useState<Share | null>(null);
  const [busy, setBusy] = useState(false);
  const attempt = async <T,>(act: Promise<T>, then: (answer: T) => void): Promise<void> => {
    setBusy(true);
    try {
      then(await act);
      listed.retry();
    } catch (problem) {
      toast((problem as Problem).message);
    }
    setBusy(false);
  };
  const revoke = ({ id }: Share): Promise<void> =>
    attempt(call("DELETE", `${base}/${segment(id)}`), () => setMade((made) => (made?.id === id ? null : made)));
  return (
    <Dialog class="box" label={words.share.title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(call<Share>("POST", base, { expires_in_hours: Number(hours) }), setMade);
        }}
      >
        <div class="line">
          <h2>{words.share.title}</h2>
          <CloseButton onClose={onClose} />
        </div>
        <p class="soft">{words.share.text}</p>
        {made ? (
          <Copyable label={words.share.url} text={made.url} />
        ) : (
          <>
            <Field label={words.share.expires}>
              <select value={hours} onChange={(event) => setHours(event.currentTarget.value)}>
                {Object.entries(words.share.hours).map(([value, name]) => (
                  <option key={value} value={value} selected={value === hours}>
                    {name}
                  </option>
                ))}
              </select>
            </Field>
            <button type="submit" class="button main" disabled={busy}>
              {words.share.make}
            </button>
          </>
        )}
        {open.length > 0 && (
          <div>
            <h3>{words.share.list}</h3>
            <ul>
              {open.map((share) => (
                <li key={share.id} class="line">
                  <span class="soft">{words.share.until(moment(share.expires_at, zone))}</span>
                  <button type="button" class="button slim" disabled={busy} onClick={() => void revoke(share)}>
                    {words.share.revoke}
                  </button>
                </li>
              ))}
            </ul>
          </div>
        )}
      </form>
    </Dialog>
  );
}
