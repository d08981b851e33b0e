// Links that open one campaign to whoever has them, read-only, until they expire.
import { useState } from "preact/hooks";
import { call, segment, type Problem } from "../api";
import { moment } from "../format";
import { useResource } from "../resource";
import type { Page, Share } from "../types";
import { words } from "../words";
import { CloseButton, Copyable, Dialog, Field, toast } from "./ui";

export function ShareDialog({ campaign, zone, onClose }: { campaign: string; zone: string; onClose: () => void }) {
  const base = `/v1/campaigns/${segment(campaign)}/shares`;
  const open = useResource<Page<Share>>(base);
  const [hours, setHours] = useState("168");
  const [made, setMade] = useState<Share | null>(null);
  const attempt = (act: Promise<Share | null>): Promise<void> =>
    act.then(
      (share) => {
        setMade(share);
        open.retry();
      },
      (problem: Problem) => toast(problem.message),
    );
  return (
    <Dialog class="box" label={words.share.title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(call("POST", base, { expires_in_hours: Number(hours) }));
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
            <button type="submit" class="button main">
              {words.share.make}
            </button>
          </>
        )}
        {open.data && open.data.data.length > 0 && (
          <div>
            <h3>{words.share.list}</h3>
            <ul>
              {open.data.data.map((share) => (
                <li key={share.id} class="line">
                  <span class="soft">{words.share.until(moment(share.expires_at, zone))}</span>
                  <button type="button" class="button slim" onClick={() => void attempt(call<null>("DELETE", `${base}/${segment(share.id)}`))}>
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
