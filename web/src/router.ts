// Where the page is: a path and parameters after the `#`, so that every view has an address that can be kept and sent.
import { useEffect, useState } from "preact/hooks";

export type Place = { path: string[]; query: URLSearchParams };

/** What stays when one goes from view to view: the period that one looks at, and the zone. */
const CARRIED = ["period", "from", "to", "compare", "zone"];

const SHARE = "#share=";

export function place(): Place {
  // A share's address has no path: its token, and what the reader chose.
  if (location.hash.startsWith(SHARE)) return { path: [], query: new URLSearchParams(location.hash.slice(1)) };
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return {
    path: path.split("/").filter(Boolean).map(decodeURIComponent),
    query: new URLSearchParams(query),
  };
}

/** The address of a view; what is carried comes along. */
export function href(path: string[], query: Record<string, string> = {}): string {
  const carried = place().query;
  const all = new URLSearchParams(CARRIED.flatMap((name) => (carried.has(name) ? [[name, carried.get(name) ?? ""]] : [])));
  for (const [name, value] of Object.entries(query)) all.set(name, value);
  const text = all.toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

export function go(path: string[], query: Record<string, string> = {}): void {
  location.hash = href(path, query);
}

/** Changes parameters of the present view; null takes one away. The step back leads to the view before, not to every click. */
export function setQuery(changes: Record<string, string | null>): void {
  const { path, query } = place();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  const view = `#/${path.map(encodeURIComponent).join("/")}`;
  history.replaceState(null, "", location.hash.startsWith(SHARE) ? `#${text}` : `${view}${text ? `?${text}` : ""}`);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

export function usePlace(): Place {
  const [now, setNow] = useState(place);
  useEffect(() => {
    const follow = (): void => setNow(place());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return now;
}
