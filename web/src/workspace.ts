// What the workspace says for all views: its time zone. Keys that may not read the settings get the browser's.
import { useResource } from "./resource";
import { browserZone } from "./period";
import type { Settings } from "./types";

export function useWorkspaceZone(): string {
  return useResource<Settings>("/v1/settings").data?.timezone ?? browserZone();
}
