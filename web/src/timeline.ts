// What an entry of somebody's timeline is, in a word.
import type { TimelineEntry } from "./types";
import { words } from "./words";

/** The most that is said of it: what came of it, before what kind it is. */
function nameOf({ kind, status, outcome, conflict, removed, cancelled, stopped, human }: TimelineEntry): string {
  if (conflict) return "conflict";
  if (removed) return "removed";
  if (cancelled) return "cancelled";
  if (stopped === false) return "opt_in";
  if (human === false) return "machine";
  return outcome ?? status ?? kind;
}

export function told(entry: TimelineEntry): string {
  const name = nameOf(entry);
  return words.timeline[name] ?? name;
}
