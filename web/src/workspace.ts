// What the workspace says for all views: its time zone. Who may not read the settings gets the browser's.
import { useResource } from "./resource";
import { browserZone } from "./period";
import { currentSession } from "./session";
import type { Settings } from "./types";

export function useWorkspaceZone(): string {
  const path = currentSession()?.kind === "key" ? "/v1/settings" : null;
  return useResource<Settings>(path).data?.timezone ?? browserZone();
}
