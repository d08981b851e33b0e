// Who is looking: a key asked for once and kept for this tab alone, or a share's token that came in the address.

const KEY = "bluetick.key";

export type Session = { kind: "key" | "share"; token: string };

/** The token of `/#share=…`; it is kept nowhere but there. */
function shareToken(): string | null {
  return location.hash.startsWith("#share=") ? location.hash.slice("#share=".length).split("&")[0] || null : null;
}

let session: Session | null = read();
const watchers = new Set<() => void>();

function read(): Session | null {
  const share = shareToken();
  if (share) return { kind: "share", token: share };
  const token = sessionStorage.getItem(KEY);
  return token ? { kind: "key", token } : null;
}

export const currentSession = (): Session | null => session;

export function watchSession(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function become(next: Session | null): void {
  session = next;
  for (const watcher of watchers) watcher();
}

export function signIn(token: string): void {
  sessionStorage.setItem(KEY, token);
  become({ kind: "key", token });
}

export function signOut(): void {
  sessionStorage.removeItem(KEY);
  become(null);
}

// A share's address may be opened in a tab that shows something else.
addEventListener("hashchange", () => {
  const share = shareToken();
  if (share ? share !== session?.token : session?.kind === "share") become(read());
});
