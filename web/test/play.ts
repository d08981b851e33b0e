// Campaigns over three weeks beside the demo's, so that periods, steps and lists have something to show.
import { api, callback, statuses, type Status } from "./world.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export type Channel = { id: string; url: string; secret: string };

const SECRET = "an app secret of the tests";

/** The flow whose numbers the tests read: two steps, over twenty days. */
export const FLOW = "welcome";

export async function play(): Promise<Channel> {
  const price = (country: string, category: string, price: string) => ({ effective_from: "2020-01-01", country, category, price, currency: "EUR" });
  await api("/v1/settings", "PUT", {
    timezone: "Europe/Berlin",
    monthly_quota: { amount: 2000, unit: "conversations" },
    rate_card: [price("*", "marketing", "0.0623"), price("GB", "marketing", "0.0382"), price("*", "utility", "0.0142")],
  });
  const { callback_url: url } = await api("/v1/channels/wa", "PUT", { provider: "meta", name: "Main number", secrets: [SECRET] });
  const now = Date.now();
  const campaign = (id: string, name: string, type: string, tags: string[], steps: string[], people: number, days: number): Promise<void> =>
    played(url, now, { id, name, type, tags, steps, people, days });
  await campaign(FLOW, "Welcome series", "flow", ["onboarding"], ["hello", "offer"], 260, 20);
  await campaign("cart", "Abandoned cart", "triggered", ["shop"], [""], 90, 26);
  await campaign("autumn", "Autumn letter", "one_time", ["shop", "letter"], [""], 310, 12);
  await campaign("refer", "Bring a friend", "api", ["onboarding"], [""], 45, 9);
  await api("/v1/campaigns/life", "PUT", { name: "A life", type: "broadcast", message_type: "template" });
  await api("/v1/campaigns/cart", "PATCH", { send_limit: 500 });
  await api("/v1/campaigns/autumn", "PATCH", { send_limit: 300 });
  await api("/v1/campaigns/autumn", "PATCH", { status: "sent" });
  // Somebody of the autumn letter alone wants to be forgotten.
  await api("/v1/contacts/erase", "POST", { contact: "447700900305" });
  await api("/v1/campaigns/refer", "PATCH", { status: "paused" });
  return { id: "wa", url, secret: SECRET };
}

type Story = { id: string; name: string; type: string; tags: string[]; steps: string[]; people: number; days: number };

/** Nine of ten messages are delivered, two of three read, a few fail; later days are fuller, and not everybody gets a second step. */
async function played(url: string, now: number, { id, name, type, tags, steps, people, days }: Story): Promise<void> {
  await api(`/v1/campaigns/${id}`, "PUT", {
    name,
    type,
    message_type: "template",
    tags,
    audience_size: people + Math.floor(people / 20),
    created_at: new Date(now - (days + 1) * DAY).toISOString(),
  });
  const all: Status[] = [];
  for (let person = 0; person < people; person++) {
    for (const [turn, step] of steps.entries()) {
      const day = Math.floor(Math.sqrt(person / people) * days);
      const sent = now - (days - day) * DAY - ((person * 37) % 9) * HOUR + turn * 90 * 60_000;
      const dice = (person * 7919 + turn * 104_729 + people) % 100;
      if (turn > 0 && dice > 70) continue;
      const failed = dice < 4;
      const tell = (status: string, later: number, more: Partial<Status> = {}): void => {
        const contact = `447700900${String(person).padStart(3, "0")}`;
        all.push({ id: `wamid.${id}.${step}.${person}`, status, at: sent + later, contact, reference: step ? `${id}:${step}` : id, ...more });
      };
      tell("sent", 0);
      if (failed) tell("failed", 9000, { error: 131_026 });
      else {
        if (dice < 95) tell("delivered", 4000, { category: step === "hello" ? "utility" : "marketing" });
        if (dice < 68) tell("read", 600_000);
      }
    }
  }
  for (let some = 0; some < all.length; some += 200) {
    const answer = await callback(url, SECRET, statuses(all.slice(some, some + 200)));
    if (answer !== 200) throw new Error(`the callback was answered ${answer}`);
  }
}
