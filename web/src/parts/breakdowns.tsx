// What a campaign's numbers are made of: its links, its errors, its steps.
import { at } from "../api";
import { money, number, rate } from "../format";
import { useNumbers, type Resource } from "../resource";
import type { ErrorRow, LinkRow, Stats } from "../types";
import { words } from "../words";
import type { Listed } from "./people";
import { Card, Empty, Opens, SkeletonRows, Term, Trouble } from "./ui";

type Asked = { base: string; query: Record<string, string | null | undefined>; onOpen: (listed: Listed) => void; class?: string };

/** A card around a table, in whatever state its numbers are. */
function TableCard<T>(props: {
  title: string;
  help?: string;
  class?: string | undefined;
  answer: Resource<{ data: T[] }>;
  columns: number;
  empty: preact.ComponentChildren;
  head: preact.ComponentChildren;
  row: (row: T, index: number, rows: T[]) => preact.ComponentChildren;
  lead?: (rows: T[]) => preact.ComponentChildren;
}) {
  const { answer } = props;
  const rows = answer.data?.data;
  return (
    <Card title={props.title} help={props.help} class={props.class} stale={answer.stale && !!rows}>
      {answer.error && !rows ? (
        <Trouble problem={answer.error} retry={answer.retry} />
      ) : rows?.length === 0 ? (
        props.empty
      ) : (
        <>
          {rows && props.lead?.(rows)}
          <div class="scroll flush" tabIndex={0} role="group" aria-label={props.title}>
            <table>
              <thead>{props.head}</thead>
              <tbody>{rows ? rows.map(props.row) : <SkeletonRows rows={3} columns={props.columns} />}</tbody>
            </table>
          </div>
        </>
      )}
    </Card>
  );
}

/** Why clicks were not people's. */
const reasons = (of: Record<string, number> = {}): string =>
  Object.entries(of)
    .map(([reason, n]) => `${words.links.reasons[reason] ?? reason}: ${number(n)}`)
    .join(", ");

export function Links({ base, query, onOpen, class: name }: Asked) {
  const answer = useNumbers<{ data: LinkRow[] }>(at(`${base}/links`, query));
  return (
    <TableCard
      title={words.campaign.links}
      help={words.links.help}
      class={`links ${name ?? ""}`}
      answer={answer}
      columns={5}
      empty={<Empty title={words.links.empty} text={words.links.emptyText} />}
      lead={(rows) => {
        const [human, machine] = (["human", "machine"] as const).map((kind) => rows.reduce((sum, row) => sum + row[kind], 0));
        return (
          <div class="body">
            <div class="split" role="img" aria-label={words.links.split(number(human), number(machine))}>
              {human ? <i class="accent" style={{ flexGrow: String(human) }} /> : null}
              {machine ? <i style={{ flexGrow: String(machine) }} /> : null}
            </div>
            <p class="small soft" data-number="split">
              {words.links.split(number(human), number(machine))}
            </p>
          </div>
        );
      }}
      head={
        <tr>
          <th>{words.links.link}</th>
          <th>{words.links.human}</th>
          <th>{words.links.machine}</th>
          <th>{words.links.unique}</th>
          <th>{words.links.share}</th>
        </tr>
      }
      row={(row) => (
        <tr key={row.link} data-link={row.link}>
          <td class="wide">
            <span class="strong">{row.label || row.link}</span>
            <span class="sub wrap-anywhere">{row.url}</span>
          </td>
          <td>
            <Opens
              text={number(row.human)}
              label={words.links.people}
              onOpen={row.list ? () => onOpen({ title: row.label || row.url || row.link, path: row.list ?? "" }) : undefined}
            />
          </td>
          <td class="soft">
            <Term name={number(row.machine)} meaning={reasons(row.machine_reasons)} />
          </td>
          <td>{number(row.unique)}</td>
          <td>
            {rate(row.share)}
            <span class="meter" aria-hidden="true">
              <i style={{ width: `${(row.share ?? 0) * 100}%` }} />
            </span>
          </td>
        </tr>
      )}
    />
  );
}

/** The provider whose code it is: its list is asked for by both, `error=meta:131026`. */
function providerOf({ list }: ErrorRow): string | undefined {
  const [provider = ""] = new URLSearchParams(list?.split("?")[1]).get("error")?.split(":") ?? [];
  return words.providers[provider];
}

export function Errors({ base, query, onOpen, class: name }: Asked) {
  const answer = useNumbers<{ data: ErrorRow[] }>(at(`${base}/errors`, query));
  return (
    <TableCard
      title={words.campaign.errors}
      class={name}
      answer={answer}
      columns={2}
      empty={<Empty icon="tick" title={words.errorsTable.empty} />}
      head={
        <tr>
          <th>{words.errorsTable.what}</th>
          <th>{words.errorsTable.count}</th>
        </tr>
      }
      row={(row, _, rows) => {
        const [what, todo] = words.classes[row.class] ?? [row.class, ""];
        const provider = rows.some((other) => other !== row && other.code === row.code) && providerOf(row);
        return (
          <tr key={`${row.kind}-${row.list ?? row.code}`} data-error={row.code}>
            <td class="wide">
              <span class="strong">{row.title || what}</span>{" "}
              <span class="soft small">{[row.title && what, provider, words.gaps.code(row.code), words.errorsTable[row.kind]].filter(Boolean).join(" · ")}</span>
              <span class="sub">
                {todo} {row.retryable && words.errorsTable.retry}
              </span>
            </td>
            <td>
              <Opens
                text={number(row.count)}
                label={words.campaign.people(what)}
                onOpen={row.list ? () => onOpen({ title: `${what} (${row.code})`, path: row.list ?? "" }) : undefined}
              />
            </td>
          </tr>
        );
      }}
    />
  );
}

const STEP_COLUMNS = [
  ["sent", null],
  ["delivered", "delivery"],
  ["read", "read"],
  ["clicked", "click_through"],
  ["replied", "reply"],
  ["converted", "conversion"],
  ["failed", "failure"],
] as const;

export function Steps({ answer, onStep }: { answer: Resource<{ data: Stats[] }>; onStep: (step: string) => void }) {
  return (
    <TableCard
      title={words.campaign.steps}
      answer={answer}
      columns={9}
      empty={<Empty title={words.steps.empty} />}
      head={
        <tr>
          <th>{words.steps.step}</th>
          {STEP_COLUMNS.map(([column]) => (
            <th key={column}>
              <Term name={words.names[column]} meaning={words.definitions[column]} />
            </th>
          ))}
          <th>{words.names.revenue}</th>
        </tr>
      }
      row={(row) => (
        <tr key={row.step} data-step={row.step}>
          <td>
            <button type="button" class="opens strong" onClick={() => onStep(row.step ?? "")}>
              {row.step || words.period.defaultStep}
            </button>
          </td>
          {STEP_COLUMNS.map(([column, of]) => (
            <td key={column}>
              {number(row.messages[column])}
              <span class="sub">{of ? rate(row.rates?.[of]) : "\u00a0"}</span>
            </td>
          ))}
          <td>{money(row.conversions.revenue)}</td>
        </tr>
      )}
    />
  );
}
