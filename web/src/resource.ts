// What a view reads: fetched when its path changes, kept while it is fetched again, so that nothing jumps.
import { createContext } from "preact";
import { useCallback, useContext, useEffect, useRef, useState } from "preact/hooks";
import { at, get, type Problem } from "./api";

export type Resource<T> = {
  data: T | null;
  error: Problem | null;
  /** Whether what is shown is about to be replaced by something else (another period, another zone). */
  stale: boolean;
  retry: () => void;
};

/** What was answered to what is asked now: two answers shown as one must be of the same period. */
export const answered = <T>({ data, stale }: Resource<T>): T | null => (stale ? null : data);

/** Counts what has happened to the numbers since: whoever shows some reads them again when it moves. */
export const Pulse = createContext(0);

function useReading<T>(path: string | null, pulse: number, counted: boolean): Resource<T> {
  const [state, setState] = useState<{ path: string | null; data: T | null; error: Problem | null }>({
    path: null,
    data: null,
    error: null,
  });
  const [turn, setTurn] = useState(0);
  const seen = useRef(`${pulse} ${turn}`);
  useEffect(() => {
    if (path === null) return;
    const moved = seen.current !== `${pulse} ${turn}`;
    seen.current = `${pulse} ${turn}`;
    const stop = new AbortController();
    // Something has happened: numbers that were true a second ago are not good enough.
    get<T>(moved && counted ? at(path, { max_age: 0 }) : path, stop.signal).then(
      (data) => setState({ path, data, error: null }),
      (error: Problem) => {
        // What is shown stays if only its renewal failed.
        if (!stop.signal.aborted) setState((old) => ({ path, data: old.path === path ? old.data : null, error }));
      },
    );
    return () => stop.abort();
  }, [path, pulse, turn]);
  const retry = useCallback(() => setTurn((turn) => turn + 1), []);
  const current = state.path === path;
  return { data: path === null ? null : state.data, error: current ? state.error : null, stale: path !== null && !current, retry };
}

/** Reads a definition: a channel, the settings … */
export const useResource = <T>(path: string | null): Resource<T> => useReading(path, 0, false);

/** Reads numbers or people, again whenever something has happened to them. */
export const useNumbers = <T>(path: string | null): Resource<T> => useReading(path, useContext(Pulse), true);
