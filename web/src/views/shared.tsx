// What a share's link opens: its one campaign. The token names it after its first point.
import { CampaignView } from "./campaign";
import { Empty } from "../parts/ui";
import { currentSession } from "../session";
import { words } from "../words";

export function SharedView() {
  const token = currentSession()?.token ?? "";
  const campaign = token.slice(token.indexOf(".") + 1);
  if (!token.includes(".") || !campaign) return <Empty icon="trouble" title={words.errors.shareGone} />;
  return <CampaignView id={campaign} shared />;
}
