// Periods: presets and ranges of whole days in a zone, and the period before.
import type { Place } from "./router";

export const PRESETS = ["today", "yesterday", "last_7_days", "last_30_days", "this_month", "last_month"] as const;
export type Preset = (typeof PRESETS)[number];

/** A day of the calendar, without a zone. */
type Day = { year: number; month: number; day: number };

export type Range = { from: Date; to: Date };

export type Period = {
  /** `all`, a preset, or `custom`. */
  name: string;
  zone: string;
  /** Null: all time. */
  range: Range | null;
  /** The period before it, of the same length, where it is asked for. */
  before: Range | null;
};

const parts = new Map<string, Intl.DateTimeFormat>();

/** How far a zone is ahead of UTC at a moment, in ms. */
function offset(zone: string, at: number): number {
  let format = parts.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    parts.set(zone, format);
  }
  const value = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = value;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
}

/** The beginning of a day in a zone: the first moment of it that there is. */
export function midnight({ year, month, day }: Day, zone: string): Date {
  const wanted = Date.UTC(year, month - 1, day);
  let at = wanted - offset(zone, wanted);
  at = wanted - offset(zone, at);
  // Where the clock jumps over midnight, the day begins after the jump.
  if (offset(zone, at) + at < wanted) at += wanted - at - offset(zone, at);
  return new Date(at);
}

export function dayOf(at: number, zone: string): Day {
  const local = new Date(at + offset(zone, at));
  return { year: local.getUTCFullYear(), month: local.getUTCMonth() + 1, day: local.getUTCDate() };
}

/** Days later (or earlier). The calendar does the carrying. */
function plus({ year, month, day }: Day, days: number): Day {
  const moved = new Date(Date.UTC(year, month - 1, day + days));
  return { year: moved.getUTCFullYear(), month: moved.getUTCMonth() + 1, day: moved.getUTCDate() };
}

const firstOfMonth = ({ year, month }: Day, later = 0): Day => plus({ year, month: month + later, day: 1 }, 0);

export const dayText = ({ year, month, day }: Day): string =>
  `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;

export function readDay(text: string | null): Day | null {
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text ?? "");
  return found ? { year: Number(found[1]), month: Number(found[2]), day: Number(found[3]) } : null;
}

/** The first day of a period, the day after its last, and the first day of the period before. */
function days(name: string, today: Day, from: Day | null, last: Day | null): [Day, Day, Day] | null {
  const back = (first: Day, end: Day): [Day, Day, Day] => {
    const length = Math.round((Date.UTC(end.year, end.month - 1, end.day) - Date.UTC(first.year, first.month - 1, first.day)) / 86_400_000);
    return [first, end, plus(first, -length)];
  };
  const tomorrow = plus(today, 1);
  switch (name) {
    case "today":
      return back(today, tomorrow);
    case "yesterday":
      return back(plus(today, -1), today);
    case "last_7_days":
      return back(plus(today, -6), tomorrow);
    case "last_30_days":
      return back(plus(today, -29), tomorrow);
    case "this_month":
      return [firstOfMonth(today), firstOfMonth(today, 1), firstOfMonth(today, -1)];
    case "last_month":
      return [firstOfMonth(today, -1), firstOfMonth(today), firstOfMonth(today, -2)];
    case "custom":
      return from && last && dayText(from) <= dayText(last) ? back(from, plus(last, 1)) : null;
    default:
      return null;
  }
}

/** A range of days whose one end is moved to a day; the other end comes along where it would be passed. */
export function moved(end: "from" | "to", day: string, other: string): { from: string; to: string } {
  if (end === "from") return { from: day, to: other < day ? day : other };
  return { from: other > day ? day : other, to: day };
}

/** The period that an address asks for. What is none, such as a range that ends before it begins, counts as not asked for. */
export function periodOf({ query }: Place, workspaceZone: string, otherwise = "all", now = Date.now()): Period {
  const zone = knownZone(query.get("zone")) ?? workspaceZone;
  const daysOf = (name: string) => days(name, dayOf(now, zone), readDay(query.get("from")), readDay(query.get("to")));
  const asked = query.get("period") ?? otherwise;
  const name = daysOf(asked) ? asked : otherwise;
  const found = daysOf(name);
  if (!found) return { name: "all", zone, range: null, before: null };
  const [first, end, earlier] = found;
  const range = { from: midnight(first, zone), to: midnight(end, zone) };
  const before = query.has("compare") ? { from: midnight(earlier, zone), to: range.from } : null;
  return { name, zone, range, before };
}

/** The parameters `from` and `to` of a range; none for all time. */
export const bounds = (range: Range | null): { from?: string; to?: string } =>
  range ? { from: range.from.toISOString(), to: range.to.toISOString() } : {};

function knownZone(zone: string | null): string | null {
  if (!zone) return null;
  try {
    return todays(new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone);
  } catch {
    return null;
  }
}

export const browserZone = (): string => todays(Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");

/** Places whose zone browsers still list under a name of old. */
const RENAMED: Record<string, string> = {
  "Africa/Asmera": "Africa/Asmara",
  "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
  "Asia/Calcutta": "Asia/Kolkata",
  "Asia/Katmandu": "Asia/Kathmandu",
  "Asia/Rangoon": "Asia/Yangon",
  "Asia/Saigon": "Asia/Ho_Chi_Minh",
  "Atlantic/Faeroe": "Atlantic/Faroe",
  "Europe/Kiev": "Europe/Kyiv",
};

const todays = (zone: string): string => RENAMED[zone] ?? zone;

/** Every zone there is, those at hand first. */
export function zones(...first: string[]): string[] {
  const all = Intl.supportedValuesOf("timeZone").map(todays);
  return [...new Set([...first, browserZone(), "UTC", ...all.sort()])];
}
