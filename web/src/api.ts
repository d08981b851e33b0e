// The public API, and nothing else: paths, keys, problems.
import { currentSession } from "./session";
import { words } from "./words";

/** What the server said instead of an answer (RFC 9457), or that it said nothing. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    detail: string,
    readonly fields: { pointer: string; detail: string }[] = [],
  ) {
    super(detail);
  }
}

export type Query = Record<string, string | number | null | undefined>;

/** A path with the parameters that have a value. */
export function at(path: string, query: Query = {}): string {
  const [base = "", before = ""] = path.split("?");
  const parameters = new URLSearchParams(before);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) parameters.set(name, String(value));
  }
  return parameters.size ? `${base}?${parameters}` : base;
}

/** A segment of a path, whatever is in it. */
export const segment = encodeURIComponent;

async function ask(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { authorization: `Bearer ${currentSession()?.token ?? ""}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, words.errors.offline);
  }
  if (answer.ok) return answer;
  const said = (await answer.json().catch(() => null)) as { detail?: string; errors?: Problem["fields"] } | null;
  throw new Problem(answer.status, said?.detail ?? words.errors.status(answer.status), said?.errors ?? []);
}

export async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const answer = await ask(method, path, body, signal);
  return (answer.status === 204 ? null : await answer.json()) as T;
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => call<T>("GET", path, undefined, signal);

/** Saves an answer as a file. */
export async function download(path: string, name: string): Promise<void> {
  const url = URL.createObjectURL(await (await ask("GET", path)).blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
