// What of a provider matters when a channel is set up: whether it signs its callbacks, whether it asks for a word when the URL is
// pasted, and which of its fields hands the opaque reference back.

export type Provider = { signs: "always" | "optionally" | "never"; verifies?: boolean; reference?: string };

export const PROVIDERS: Record<string, Provider> = {
  meta: { signs: "always", verifies: true, reference: "biz_opaque_callback_data" },
  "360dialog": { signs: "optionally", reference: "biz_opaque_callback_data" },
  gupshup: { signs: "never" },
  twilio: { signs: "always", reference: "ref" },
  infobip: { signs: "optionally", reference: "callbackData" },
  vonage: { signs: "always", reference: "client_ref" },
  sinch: { signs: "always", reference: "message_metadata" },
  clevertap: { signs: "never" },
  interakt: { signs: "always", reference: "callbackData" },
  wati: { signs: "never" },
  netcore: { signs: "never", reference: "x-apiheader" },
  plivo: { signs: "always" },
};
