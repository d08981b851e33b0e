// The list of campaigns, and what they come to together.
import { useEffect, useState } from "preact/hooks";
import { at } from "../api";
import { Performance } from "../parts/performance";
import { StatusMenu, statusTone } from "../parts/status";
import { Empty, Select, Skeleton, SkeletonRows, Trouble, classes } from "../parts/ui";
import { dayAndMonth, money, number, rate } from "../format";
import { periodOf } from "../period";
import { useNumbers } from "../resource";
import { href, setQuery, usePlace } from "../router";
import type { CampaignRow, Money, Page, PerformanceRow } from "../types";
import { useWorkspaceZone } from "../workspace";
import { words } from "../words";

const PAGE = 25;
/** Every day that a message can be of. */
const EVER = { from: "2009-01-01T00:00:00Z", to: "2100-01-01T00:00:00Z" };
/** Columns with a number: what is shown, and the rate below it. */
const COLUMNS = [
  ["sent", null],
  ["delivered", "delivery"],
  ["read", "read"],
  ["clicked", "click_through"],
  ["replied", "reply"],
  ["failed", "failure"],
] as const;

/** A column's heading that sorts by it: down first, then up. */
function Sorted({ column, name, sort }: { column: string; name: string; sort: string }) {
  const next = sort === `-${column}` ? column : `-${column}`;
  return (
    <button type="button" class="text-button" aria-label={`${words.campaigns.sortedBy} ${name}`} onClick={() => setQuery({ sort: next, page: null })}>
      {name} {sort === column ? "↑" : sort === `-${column}` ? "↓" : ""}
    </button>
  );
}

const direction = (column: string, sort: string): "ascending" | "descending" | undefined =>
  sort === column ? "ascending" : sort === `-${column}` ? "descending" : undefined;

export function CampaignsView() {
  const place = usePlace();
  const zone = useWorkspaceZone();
  const period = periodOf(place, zone, "last_30_days");
  const filters = Object.fromEntries(["q", "status", "type", "tag"].map((name) => [name, place.query.get(name)]));
  const asked = place.query.get("sort");
  const sort = asked ?? "-created_at";
  // The cursors of the pages so far: the way back.
  const [cursors, setCursors] = useState<string[]>([]);
  const path = at("/v1/campaigns", { ...filters, sort: asked, limit: PAGE, cursor: cursors.at(-1) });
  const key = JSON.stringify([filters, sort]);
  useEffect(() => setCursors([]), [key]);
  const { data, error, stale, retry } = useNumbers<Page<CampaignRow>>(path);
  // A campaign's row has no price; the comparison of all of them has. Nobody minds if it is a minute old.
  const ever = useNumbers<{ data: PerformanceRow[] }>(data?.total ? at("/v1/performance", { ...EVER, max_age: 60 }) : null);
  const costs = ever.error ? {} : ever.data && Object.fromEntries(ever.data.data.map(({ campaign = "", cost }) => [campaign, cost.total]));
  const filtered = Object.values(filters).some(Boolean);
  const nothingYet = data?.total === 0 && !filtered;
  const tags = [...new Set([filters.tag, ...(data?.data.flatMap(({ tags }) => tags) ?? [])].filter((tag) => tag !== null && tag !== undefined))];
  useEffect(() => {
    document.title = `${words.campaigns.title} · ${words.product}`;
  }, []);
  return (
    <>
      <div class="head">
        <h1>{words.campaigns.title}</h1>
      </div>
      {nothingYet ? (
        <section class="card">
          <Empty title={words.campaigns.empty} text={words.campaigns.emptyText}>
            <a class="button main" href={href(["setup"])}>
              {words.campaigns.setUp}
            </a>
          </Empty>
        </section>
      ) : (
        <>
          <Performance period={period} workspaceZone={zone} />
          <div class="toolbar">
            <Search value={filters.q ?? ""} />
            <Select
              label={words.campaigns.status}
              value={filters.status ?? ""}
              onChange={(status) => setQuery({ status: status || null })}
              options={[["", words.campaigns.anyStatus], ...Object.entries(words.status)]}
            />
            <Select
              label={words.campaigns.type}
              value={filters.type ?? ""}
              onChange={(type) => setQuery({ type: type || null })}
              options={[["", words.campaigns.anyType], ...Object.entries(words.types)]}
            />
            <Select
              label={words.campaigns.tag}
              value={filters.tag ?? ""}
              onChange={(tag) => setQuery({ tag: tag || null })}
              options={[["", words.campaigns.anyTag], ...tags.map((tag) => [tag, tag] as const)]}
            />
          </div>
          <div class="card" aria-busy={stale}>
            {error && !data ? (
              <Trouble problem={error} retry={retry} />
            ) : data?.data.length === 0 ? (
              <Empty title={words.campaigns.noneFound}>
                <button type="button" class="button" onClick={() => setQuery({ q: null, status: null, type: null, tag: null })}>
                  {words.campaigns.clear}
                </button>
              </Empty>
            ) : (
              <>
                <div class={classes("scroll", data && stale && "stale")} tabIndex={0} role="group" aria-label={words.campaigns.title}>
                  <table class="campaigns">
                    <thead>
                      <tr>
                        <th aria-sort={direction("name", sort)}>
                          <Sorted column="name" name={words.campaigns.name} sort={sort} />
                        </th>
                        <th class="text">{words.campaigns.status}</th>
                        <th>{words.campaigns.audience}</th>
                        {COLUMNS.map(([column]) => (
                          <th key={column} aria-sort={direction(column, sort)}>
                            <Sorted column={column} name={words.names[column] ?? column} sort={sort} />
                          </th>
                        ))}
                        <th>{words.campaigns.cost}</th>
                        <th aria-sort={direction("created_at", sort)}>
                          <Sorted column="created_at" name={words.campaigns.created} sort={sort} />
                        </th>
                        <th>
                          <span class="hidden">{words.campaigns.status}</span>
                        </th>
                      </tr>
                    </thead>
                    <tbody>
                      {!data && <SkeletonRows rows={6} columns={12} />}
                      {data?.data.map((row) => <Row key={row.campaign} row={row} cost={costs} zone={period.zone} onChanged={retry} />)}
                    </tbody>
                  </table>
                </div>
                <nav class="pages" aria-label={words.campaigns.pages}>
                  <span>{data ? (data.total === 1 ? words.campaigns.one : words.campaigns.count(number(data.total))) : words.loading}</span>
                  <div>
                    <button type="button" class="button slim" disabled={!cursors.length} onClick={() => setCursors(cursors.slice(0, -1))}>
                      {words.campaigns.previous}
                    </button>
                    <button
                      type="button"
                      class="button slim"
                      disabled={!data?.next_cursor || stale}
                      onClick={() => data?.next_cursor && setCursors([...cursors, data.next_cursor])}
                    >
                      {words.campaigns.next}
                    </button>
                  </div>
                </nav>
              </>
            )}
          </div>
        </>
      )}
    </>
  );
}

/** The search writes to the address when one pauses. */
function Search({ value }: { value: string }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => setQuery({ q: text || null }), 250);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <input
      type="search"
      class="grow"
      aria-label={words.campaigns.search}
      placeholder={words.campaigns.search}
      value={text}
      onInput={(event) => setText(event.currentTarget.value)}
    />
  );
}

function Row({ row, cost, zone, onChanged }: { row: CampaignRow; cost: Record<string, Money> | null; zone: string; onChanged: () => void }) {
  return (
    <tr data-campaign={row.campaign}>
      <td>
        <a class="strong" href={href(["campaigns", row.campaign])}>
          {row.name}
        </a>
        <span class="sub">
          {words.types[row.type] ?? row.type} · {row.tags.length ? row.tags.join(", ") : (words.messageTypes[row.message_type] ?? row.message_type)}
        </span>
      </td>
      <td class="text">
        <span class={classes("badge", statusTone(row.status))}>{words.status[row.status]}</span>
      </td>
      <td>{number(row.audience_size)}</td>
      {COLUMNS.map(([column, of]) => (
        <td key={column}>
          {number(row[column])}
          {of && <span class="sub">{rate(row.rates?.[of])}</span>}
          {!of && <span class="sub">&nbsp;</span>}
        </td>
      ))}
      <td>{cost === null ? <Skeleton width={48} /> : money(cost[row.campaign])}</td>
      <td>{dayAndMonth(row.created_at, zone)}</td>
      <td>
        <StatusMenu campaign={row} onChanged={onChanged} compact />
      </td>
    </tr>
  );
}
