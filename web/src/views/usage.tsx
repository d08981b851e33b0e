// What was used in a month: the quota, the conversations, and what they are made of.
import { useEffect } from "preact/hooks";
import { at } from "../api";
import { date, month as monthName, number, rate } from "../format";
import { dayOf, dayText } from "../period";
import { Tile } from "../parts/tile";
import { Card, Empty, Select, Skeleton, Trouble, classes } from "../parts/ui";
import { useNumbers } from "../resource";
import { setQuery, usePlace } from "../router";
import type { Overall, Usage, UsageShare } from "../types";
import { useWorkspaceZone } from "../workspace";
import { words } from "../words";

const MONTHS = 13;

/** The months up to this one, newest first. */
function months(zone: string): string[] {
  const today = dayOf(Date.now(), zone);
  return Array.from({ length: MONTHS }, (_, back) => {
    const first = new Date(Date.UTC(today.year, today.month - 1 - back, 1));
    return dayText({ year: first.getUTCFullYear(), month: first.getUTCMonth() + 1, day: 1 }).slice(0, 7);
  });
}

const COUNTRIES = new Intl.DisplayNames("en", { type: "region", fallback: "code" });

function country(code: string): string {
  try {
    return COUNTRIES.of(code) ?? code;
  } catch {
    return words.usage.noCountry;
  }
}

/** How many days of a month must be over before its pace says anything. */
const PACE_DAYS = 3;

/** How far the quota will last: of a month that is over, nothing more is to be said. */
function pace({ month, quota, used, runs_out_on: end }: Usage, zone: string): string {
  const today = dayOf(Date.now(), zone);
  if (!quota || month !== dayText(today).slice(0, 7)) return "";
  if (used >= quota.amount) return words.usage.usedUp;
  if (end) return words.usage.runsOut(date(end, "UTC"));
  return today.day > PACE_DAYS ? words.usage.lasts : words.usage.tooEarly;
}

export function UsageView() {
  const zone = useWorkspaceZone();
  const all = months(zone);
  const chosen = usePlace().query.get("month") ?? all[0] ?? "";
  const usage = useNumbers<Usage>(at("/v1/usage", { month: chosen }));
  const rest = useNumbers<Overall>(at("/v1/overall", { month: chosen }));
  const seen = usage.data;
  const overall = rest.data;
  useEffect(() => {
    document.title = `${words.usage.title} · ${words.product}`;
  }, []);
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1}>{words.usage.title}</h1>
        <Select
          label={words.usage.month}
          value={chosen}
          onChange={(month) => setQuery({ month })}
          options={all.map((month) => [month, monthName(`${month}-15`, "UTC")] as const)}
        />
      </div>
      {usage.error && !seen ? (
        <section class="card">
          <Trouble problem={usage.error} retry={usage.retry} />
        </section>
      ) : (
        <div class={classes("cards", seen && (usage.stale || rest.stale) && "stale")}>
          <Card title={words.usage.quota} class="half">
            <div class="body">{seen ? <Quota usage={seen} zone={zone} /> : <Skeleton height={96} />}</div>
          </Card>
          <section class="card half" aria-label={words.usage.conversations}>
            <div class="tiles alone">
              {(["conversations", "messages_delivered", "billable"] as const).map((name) => (
                <Tile
                  key={name}
                  id={`usage.${name}`}
                  name={name === "messages_delivered" ? words.usage.delivered : words.usage[name]}
                  meaning={words.usage.definitions[name]}
                  value={seen ? number(seen[name]) : null}
                />
              ))}
              {!rest.error &&
                (["messages", "failed", "in_flight"] as const).map((name) => (
                  <Tile
                    key={name}
                    id={`overall.${name}`}
                    name={name === "in_flight" ? words.usage.inFlight : words.usage[name]}
                    meaning={words.definitions[name]}
                    value={overall && number(overall[name])}
                  />
                ))}
            </div>
          </section>
          <Shares title={words.usage.byCategory} column={words.usage.category} rows={seen?.by_category ?? null} name={(key) => words.usage.categories[key] ?? key} />
          <Shares title={words.usage.byCountry} column={words.usage.country} rows={seen?.by_country ?? null} name={country} />
          {rest.error && (
            <Card title={words.usage.why}>
              <Trouble problem={rest.error} retry={rest.retry} />
            </Card>
          )}
          {overall && overall.why.length > 0 && (
            <Card title={words.usage.why}>
              <ul class="body ledger">
                <li class="total">
                  <span>{words.usage.messages}</span>
                  <span class="figure">{number(overall.messages)}</span>
                </li>
                {overall.why.map(({ reason, count, text }) => (
                  <li key={reason} class="reason">
                    <span>{words.usage.reasons[reason] ?? text}</span>
                    <span class="figure">{number(-count)}</span>
                  </li>
                ))}
                <li class="total">
                  <span>{words.usage.conversations}</span>
                  <span class="figure">{number(overall.conversations)}</span>
                </li>
              </ul>
            </Card>
          )}
          {seen && seen.window_unseen > 0 && <p class="note">{words.usage.unseen(number(seen.window_unseen))}</p>}
        </div>
      )}
    </>
  );
}

function Quota({ usage, zone }: { usage: Usage; zone: string }) {
  const { quota, used, remaining } = usage;
  if (!quota) return <Empty title={words.usage.noQuota} text={words.usage.noQuotaText} />;
  const part = quota.amount ? Math.min(1, used / quota.amount) : 1;
  return (
    <>
      <p class="quota">
        <span class="figure">
          {number(used)} <span class="soft small">{words.of("", number(quota.amount)).trim()} {words.usage.unit[quota.unit] ?? quota.unit}</span>
        </span>
      </p>
      <div class="split" role="meter" aria-label={words.usage.used} aria-valuemin={0} aria-valuemax={quota.amount} aria-valuenow={Math.min(used, quota.amount)}>
        <i class="accent" style={{ width: `${part * 100}%` }} />
      </div>
      <p class="soft">
        {words.usage.remaining}: {number(remaining)}. {pace(usage, zone)}
      </p>
    </>
  );
}

function Shares(props: { title: string; column: string; rows: Record<string, UsageShare> | null; name: (key: string) => string }) {
  const rows = Object.entries(props.rows ?? {}).sort(([, a], [, b]) => b.conversations - a.conversations);
  const all = rows.reduce((sum, [, { conversations }]) => sum + conversations, 0);
  return (
    <Card title={props.title} class="half">
      {!props.rows ? (
        <div class="body">
          <Skeleton height={120} />
        </div>
      ) : !rows.length ? (
        <Empty title={words.usage.empty} />
      ) : (
        <div class="scroll flush" tabIndex={0} role="group" aria-label={props.title}>
          <table>
            <thead>
              <tr>
                <th>{props.column}</th>
                <th>{words.usage.conversations}</th>
                <th>{words.usage.delivered}</th>
                <th>{words.usage.billable}</th>
                <th>{words.usage.share}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(([key, row]) => (
                <tr key={key}>
                  <td class="strong">{props.name(key)}</td>
                  <td>{number(row.conversations)}</td>
                  <td>{number(row.messages_delivered)}</td>
                  <td>{number(row.billable)}</td>
                  <td>
                    {all ? rate(row.conversations / all) : words.none}
                    <span class="meter" aria-hidden="true">
                      <i style={{ width: `${all ? (row.conversations / all) * 100 : 0}%` }} />
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}
