// The list of campaigns, and what they come to together.
import { useEffect, useId, useState } from "preact/hooks";
import { at } from "../api";
import { Performance } from "../parts/performance";
import { StatusMenu, statusTone } from "../parts/status";
import { Empty, Select, SkeletonRows, Trouble, classes } from "../parts/ui";
import { day, money, number, rate } from "../format";
import { periodOf } from "../period";
import { useNumbers } from "../resource";
import { href, setQuery, usePlace } from "../router";
import type { CampaignRow, Page } from "../types";
import { useWorkspaceZone } from "../workspace";
import { words } from "../words";

const PAGE = 25;
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
    <button type="button" class="text-button" aria-label={`${words.campaigns.sortedBy} ${name}`} onClick={() => setQuery({ sort: next })}>
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
  const filtered = Object.values(filters).some(Boolean);
  const nothingYet = data?.total === 0 && !filtered;
  useEffect(() => {
    document.title = `${words.campaigns.title} · ${words.product}`;
  }, []);
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1}>{words.campaigns.title}</h1>
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
            <TagFilter value={filters.tag ?? ""} offered={data?.data.flatMap(({ tags }) => tags) ?? []} />
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
                    <caption class="soft small">{words.campaigns.help}</caption>
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
                      {!data && <SkeletonRows rows={6} columns={12} height={39} />}
                      {data?.data.map((row) => <Row key={row.campaign} row={row} zone={period.zone} onChanged={retry} />)}
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

/** Any tag can be typed; those of the campaigns in sight are offered. One that is chosen filters at once, one that is typed when it is done. */
function TagFilter({ value, offered }: { value: string; offered: string[] }) {
  const list = useId();
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const tags = [...new Set(offered)].sort();
  const choose = (tag: string): void => setQuery({ tag: tag.trim() || null });
  return (
    <>
      <input
        type="search"
        class="tag-filter"
        aria-label={words.campaigns.tag}
        placeholder={words.campaigns.anyTag}
        list={list}
        value={text}
        onInput={({ currentTarget: { value } }) => {
          setText(value);
          if (!value || tags.includes(value)) choose(value);
        }}
        onChange={() => choose(text)}
      />
      <datalist id={list}>
        {tags.map((tag) => (
          <option key={tag} value={tag} />
        ))}
      </datalist>
    </>
  );
}

function Row({ row, zone, onChanged }: { row: CampaignRow; zone: string; onChanged: () => void }) {
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
      <td>{money(row.cost.total)}</td>
      <td>{day(row.created_at, zone)}</td>
      <td>
        <StatusMenu campaign={row} onChanged={onChanged} compact />
      </td>
    </tr>
  );
}
