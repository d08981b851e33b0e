// Numbers as they move: the campaign's server-sent events, held open while somebody looks.
import { useEffect, useRef, useState } from "preact/hooks";
import { at, call, type Problem } from "./api";
import type { Stats } from "./types";

export type LiveState = "connecting" | "live" | "off";

/** How long to wait before the next try, by how many have failed in a row, in ms. */
const WAITS = [1000, 2000, 5000, 15_000, 60_000];

/**
 * Follows a campaign. A ticket opens one connection, so every connection asks for its own. Nobody looks at a hidden page: it is
 * let go, and comes back with what it missed, because every event is the whole stats object.
 */
export function useLive(base: string, on: boolean, onStats: (stats: Stats) => void): LiveState {
  const [state, setState] = useState<LiveState>("connecting");
  const tell = useRef(onStats);
  tell.current = onStats;
  useEffect(() => {
    if (!on) return setState("off");
    let source: EventSource | null = null;
    let timer = 0;
    let failures = 0;
    let over = false;
    // The version that is shown: a stream that follows another tells only what is newer.
    let known = "";
    const close = (): void => {
      clearTimeout(timer);
      source?.close();
      source = null;
    };
    const again = (): void => {
      close();
      if (over || document.hidden) return;
      // A stream ends by itself after a while; only a second failure is one.
      if (failures) setState("connecting");
      timer = window.setTimeout(() => void open(), WAITS[Math.min(failures++, WAITS.length - 1)]);
    };
    const open = async (): Promise<void> => {
      try {
        const { ticket } = await call<{ ticket: string }>("POST", `${base}/live_ticket`, {});
        if (over || document.hidden) return;
        source = new EventSource(at(`${base}/live`, { ticket, last_event_id: known || null }));
        source.onopen = () => {
          failures = 0;
          setState("live");
        };
        source.onmessage = ({ data, lastEventId }) => {
          known = lastEventId;
          tell.current(JSON.parse(data as string) as Stats);
        };
        source.onerror = again;
      } catch (problem) {
        // Who may not have it is not asked again.
        const { status } = problem as Problem;
        if (status === 401 || status === 403 || status === 404) setState("off");
        else again();
      }
    };
    const look = (): void => {
      if (document.hidden) return close();
      if (!source) void open();
    };
    document.addEventListener("visibilitychange", look);
    void open();
    return () => {
      over = true;
      document.removeEventListener("visibilitychange", look);
      close();
    };
  }, [base, on]);
  return state;
}
