// What a share's link opens: its one campaign. The token names it after its first point.
import { CampaignView } from "./campaign";
import { ShareGone } from "../parts/share";
import { currentSession } from "../session";

export function SharedView() {
  const token = currentSession()?.token ?? "";
  const campaign = token.slice(token.indexOf(".") + 1);
  if (!token.includes(".") || !campaign) return <ShareGone />;
  return <CampaignView id={campaign} shared />;
}
