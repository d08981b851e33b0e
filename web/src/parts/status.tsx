// Setting a campaign's status: what is open from here, the final ones confirmed.
import { useState } from "preact/hooks";
import { call, segment, type Problem } from "../api";
import type { Campaign, CampaignStatus } from "../types";
import { words } from "../words";
import { Dialog, Icon, Menu, toast } from "./ui";

export const statusTone = (status: CampaignStatus): string => ({ live: "accent", paused: "warn", stopped: "", sent: "good" })[status];

/** The moves of the metric contract, section 6. */
const MOVES: Record<CampaignStatus, CampaignStatus[]> = {
  live: ["paused", "sent", "stopped"],
  paused: ["live", "sent", "stopped"],
  stopped: [],
  sent: [],
};

export function StatusMenu(props: { campaign: Campaign; onChanged: () => void; compact?: boolean }) {
  const { campaign, name, status } = props.campaign;
  const [asked, setAsked] = useState<CampaignStatus | null>(null);
  const set = async (next: CampaignStatus): Promise<void> => {
    setAsked(null);
    try {
      await call("PATCH", `/v1/campaigns/${segment(campaign)}`, { status: next });
      toast(words.campaigns.set(name, words.status[next] ?? next));
      props.onChanged();
    } catch (problem) {
      toast((problem as Problem).message);
    }
  };
  const confirm = asked && words.confirm[asked];
  if (!MOVES[status].length) return null;
  return (
    <>
      <Menu
        label={words.campaigns.actions(name)}
        class={props.compact ? "button quiet slim" : "button"}
        text={props.compact ? <Icon name="more" /> : words.campaign.setStatus}
        choices={MOVES[status].map((next) => [words.statusAct[next] ?? next, () => (words.confirm[next] ? setAsked(next) : void set(next))])}
      />
      {asked && confirm && (
        <Dialog class="box" label={confirm.title} onClose={() => setAsked(null)}>
          <div>
            <h2>{confirm.title}</h2>
            <p class="soft">{confirm.text}</p>
            <div class="tools">
              <button type="button" class="button" onClick={() => setAsked(null)}>
                {words.cancel}
              </button>
              <button type="button" class={asked === "stopped" ? "button danger" : "button main"} onClick={() => void set(asked)}>
                {confirm.act}
              </button>
            </div>
          </div>
        </Dialog>
      )}
    </>
  );
}
