// How numbers, money and times are written. One language, many zones.
import type { Money } from "./types";
import { words } from "./words";

const LANGUAGE = "en";
const whole = new Intl.NumberFormat(LANGUAGE);
const compact = new Intl.NumberFormat(LANGUAGE, { notation: "compact", maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(LANGUAGE, { style: "percent", maximumFractionDigits: 1, minimumFractionDigits: 1 });
const wholePercent = new Intl.NumberFormat(LANGUAGE, { style: "percent" });
const points = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 1, minimumFractionDigits: 1, signDisplay: "exceptZero" });
const changes = new Intl.NumberFormat(LANGUAGE, { style: "percent", signDisplay: "exceptZero", maximumFractionDigits: 1, minimumFractionDigits: 1 });
const ratio = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 2 });

/** Intl writes a hyphen where a minus belongs. */
const minus = (text: string): string => text.replace("-", "−");

export const number = (value: number | null | undefined): string =>
  value === null || value === undefined ? words.none : minus(whole.format(value));
export const short = (value: number): string => (Math.abs(value) < 10_000 ? whole.format(value) : compact.format(value));
/** With one decimal, so that rates stand under one another; nothing and all need none. */
export const rate = (value: number | null | undefined): string =>
  value === null || value === undefined ? words.none : minus((value === 0 || value === 1 ? wholePercent : percent).format(value));
export const percentagePoints = (value: number): string => `${minus(points.format(value * 100))} ${words.points}`;
/** How many times the cost came back; each with its currency where there are several. */
export const multiples = (roi: Record<string, number | null>): string =>
  Object.entries(roi)
    .map(([currency, times], _, { length }) => `${times === null ? words.none : `${ratio.format(times)}×`}${length > 1 ? ` ${currency}` : ""}`)
    .join(" · ") || words.none;
export const fraction = (value: number): string => minus(ratio.format(value));
export const change = (value: number): string => minus(changes.format(value));

/** As `Currency::minor_digits` of the server has them, where they are not two. Intl leaves those away that a shop hardly uses. */
const DIGITS: [number, string][] = [
  [0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"],
  [3, "BHD IQD JOD KWD LYD OMR TND"],
  [4, "CLF UYW"],
];

/** A decimal in its currency, with as many digits as that has: halves go up. The text itself is written: no digit of a large sum is lost. */
export function amount(value: string, currency: string): string {
  const [digits] = DIGITS.find(([, currencies]) => currencies.includes(currency)) ?? [2];
  const shown = { style: "currency", currency, signDisplay: "negative", minimumFractionDigits: digits, maximumFractionDigits: digits } as const;
  return minus(new Intl.NumberFormat(LANGUAGE, shown).format(value as Intl.StringNumericLiteral));
}

export function money(value: Money | null | undefined): string {
  const parts = Object.entries(value ?? {}).map(([currency, text]) => amount(text, currency));
  return parts.length ? parts.join(" + ") : words.none;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone}${JSON.stringify(options)}`;
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options })));
  return made;
}

export const date = (at: string | number, zone: string): string =>
  format(zone, { day: "numeric", month: "short", year: "numeric" }).format(new Date(at));
export const dayAndMonth = (at: string | number, zone: string): string =>
  format(zone, { day: "numeric", month: "short" }).format(new Date(at));
/** The day, with its year where that is not this one. */
export const day = (at: string, zone: string, now = Date.now()): string =>
  (date(at, zone).slice(-4) === date(now, zone).slice(-4) ? dayAndMonth : date)(at, zone);
export const weekday = (at: string | number, zone: string): string =>
  format(zone, { weekday: "short", day: "numeric", month: "short" }).format(new Date(at));
export const month = (at: string | number, zone: string): string =>
  format(zone, { month: "long", year: "numeric" }).format(new Date(at));
export const clock = (at: string | number, zone: string): string =>
  format(zone, { hour: "2-digit", minute: "2-digit" }).format(new Date(at));
export const moment = (at: string | number, zone: string): string =>
  format(zone, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).format(new Date(at));
export const exactly = (at: string | number, zone: string): string =>
  format(zone, { dateStyle: "medium", timeStyle: "long" }).format(new Date(at));

/** How long ago, in the largest whole unit. */
export function ago(at: string, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(at)) / 1000));
  const relative = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" });
  for (const [unit, length] of [["day", 86_400], ["hour", 3600], ["minute", 60]] as const) {
    if (seconds >= length) return relative.format(-Math.floor(seconds / length), unit);
  }
  return words.justNow;
}
