// What the workspace says for all views: its time zone. Who may not read the settings gets the browser's.
import { useResource } from "./resource";
import { browserZone } from "./period";
import { currentSession } from "./session";
import type { Settings } from "./types";

/** Whose zone was read last: the next view begins with it. */
let known = { token: "", zone: "" };

export function useWorkspaceZone(): string {
  const { kind, token } = currentSession() ?? { kind: "share", token: "" };
  const zone = useResource<Settings>(kind === "key" ? "/v1/settings" : null).data?.timezone;
  if (zone) known = { token, zone };
  return zone ?? (known.token === token ? known.zone : browserZone());
}
