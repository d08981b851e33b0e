// The choice of a period, its zone, and whether the one before stands beside it. It lives in the address.
import { useMemo, useRef } from "preact/hooks";
import { PRESETS, dayOf, dayText, moved, type Period, readDay, zones } from "../period";
import { setQuery, usePlace } from "../router";
import { words } from "../words";
import { Select } from "./ui";

export function PeriodPicker({ period, workspaceZone, all }: { period: Period; workspaceZone: string; all: boolean }) {
  const { query } = usePlace();
  const known = useMemo(() => zones(workspaceZone), [workspaceZone]);
  // The other end as it was when one came to this one: a day that is typed passes through days that nobody means.
  const other = useRef("");
  const last = period.range && dayText(dayOf(period.range.to.getTime() - 1, period.zone));
  const choose = (chosen: string): void => {
    if (chosen !== "custom") return setQuery({ period: chosen, from: null, to: null });
    const today = dayText(dayOf(Date.now(), period.zone));
    const from = period.range ? dayText(dayOf(period.range.from.getTime(), period.zone)) : today;
    setQuery({ period: chosen, from, to: last ?? today });
  };
  return (
    <>
      <Select
        label={words.period.label ?? ""}
        value={period.name}
        onChange={choose}
        options={[...(all ? ["all"] : []), ...PRESETS, "custom"].map((name) => [name, words.period[name] ?? name] as const)}
      />
      {period.name === "custom" && (
        <>
          {(["from", "to"] as const).map((end) => (
            <input
              key={end}
              type="date"
              aria-label={words.period[end]}
              value={query.get(end) ?? ""}
              onFocus={() => (other.current = query.get(end === "from" ? "to" : "from") ?? "")}
              onChange={({ currentTarget: { value } }) => readDay(value) && setQuery(moved(end, value, other.current))}
            />
          ))}
        </>
      )}
      <Select
        label={words.period.zone ?? ""}
        value={period.zone}
        onChange={(zone) => setQuery({ zone })}
        options={[...new Set([period.zone, ...known])].map((zone) => [zone, zone.replaceAll("_", " ")] as const)}
      />
      {period.range && (
        <label class="check">
          <input
            type="checkbox"
            checked={query.has("compare")}
            onChange={(event) => setQuery({ compare: event.currentTarget.checked ? "1" : null })}
          />
          {words.period.compare}
        </label>
      )}
    </>
  );
}
