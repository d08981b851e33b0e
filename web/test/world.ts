// What the tests stand on: the running server, its API, what was played before they began, and what they play themselves.
import { createHmac } from "node:crypto";

type World = {
  url: string;
  key: string;
  /** The demo's campaign. */
  campaign: string;
  /** Where the pictures go. */
  shots: string;
};

const text = process.env.BLUETICK_WORLD;
if (!text) throw new Error("these tests are run by cargo test --test e2e page");
export const world = JSON.parse(text) as World;

export type Json = any;

export async function api(path: string, method = "GET", body?: unknown): Promise<Json> {
  const answer = await fetch(world.url + path, {
    method,
    headers: { authorization: `Bearer ${world.key}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? null : answer.json();
}

/** Numbers with everything that was acknowledged before. */
export const fresh = (path: string): Promise<Json> => api(`${path}${path.includes("?") ? "&" : "?"}max_age=0`);

/** What Meta would send: a body, signed with the channel's secret. */
export async function callback(url: string, secret: string, body: string): Promise<number> {
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "x-hub-signature-256": `sha256=${signature}` },
    body,
  });
  return answer.status;
}

export type Status = { id: string; status: string; at: number; contact: string; reference: string; category?: string; error?: number };

/** A callback body with these statuses. Its numbers are of those that are kept free for fiction. */
export function statuses(all: Status[]): string {
  const value = {
    messaging_product: "whatsapp",
    metadata: { display_phone_number: "12025550100", phone_number_id: "106540352242922" },
    statuses: all.map(({ id, status, at, contact, reference, category, error }) => ({
      id,
      status,
      timestamp: String(Math.floor(at / 1000)),
      recipient_id: contact,
      biz_opaque_callback_data: reference,
      ...(category ? { pricing: { billable: true, pricing_model: "PMP", type: "regular", category } } : {}),
      ...(error ? { errors: [{ code: error, title: "Message undeliverable" }] } : {}),
    })),
  };
  return JSON.stringify({ object: "whatsapp_business_account", entry: [{ id: "1", changes: [{ field: "messages", value }] }] });
}

/** One status, now. */
export const status = (id: string, status: string, reference: string, contact = "12025550177"): string =>
  statuses([{ id, status, at: Date.now(), contact, reference }]);

/** A number as the page writes it. */
export const written = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : new Intl.NumberFormat("en").format(value);
