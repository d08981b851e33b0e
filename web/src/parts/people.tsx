// The people (or messages) behind a number: a list that pages, narrows, and can be taken along; and one person's timeline.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { at, call, type Problem } from "../api";
import { exactly, moment, number } from "../format";
import { answered, useResource } from "../resource";
import { told } from "../timeline";
import type { Page, PersonRow, TimelineEntry } from "../types";
import { words } from "../words";
import { useMore } from "./more";
import { save } from "./save";
import { CloseButton, Dialog, Empty, Icon, SkeletonRows, Trouble, classes } from "./ui";

/** A list and what it is of. */
export type Listed = { title: string; path: string };

/** States in the order in which a message goes through them: the latest one that holds is shown. */
const STATES = ["control", "skipped", "dispatch_error", "sent", "in_flight", "failed", "delivered", "opened", "read", "clicked", "replied", "converted"];
const NARROW = ["delivered", "read", "clicked", "replied", "converted", "failed"];

const LIMIT = 50;

export function People({ listed, zone, onClose }: { listed: Listed; zone: string; onClose: () => void }) {
  const [path, setPath] = useState(listed.path);
  const [person, setPerson] = useState<PersonRow | null>(null);
  const opener = useRef<HTMLElement | null>(null);
  // The list stays as it is behind its person, and whoever comes back is where they were.
  useLayoutEffect(() => {
    if (!person) opener.current?.focus();
  }, [person]);
  return (
    <Dialog class="drawer" label={`${words.people.title}: ${listed.title}`} onClose={onClose}>
      <div class={classes("list", person && "behind")}>
        <List
          title={listed.title}
          path={path}
          zone={zone}
          onPath={setPath}
          onPerson={(person, from) => {
            opener.current = from;
            setPerson(person);
          }}
          onClose={onClose}
        />
      </div>
      {person && <Person person={person} zone={zone} onBack={() => setPerson(null)} onClose={onClose} />}
    </Dialog>
  );
}

function List(props: {
  title: string;
  path: string;
  zone: string;
  onPath: (path: string) => void;
  onPerson: (person: PersonRow, from: HTMLElement) => void;
  onClose: () => void;
}) {
  const first = useResource<Page<PersonRow>>(at(props.path, { limit: LIMIT }));
  const page = answered(first);
  const { rows, more } = useMore(props.path, LIMIT, first);
  const messages = props.path.includes("/messages");
  const gone = page ? (page.erased ?? 0) + (page.expired ?? 0) : 0;
  return (
    <>
      <header>
        <div>
          <h2>{props.title}</h2>
          <p class="soft" data-total={page?.total}>
            {page ? (messages ? words.people.totalMessages : words.people.total)(number(page.total)) : words.loading}
            {gone > 0 && ` ${words.people.erased(number(gone))}`}
          </p>
        </div>
        <div class="tools">
          <button type="button" class="button" onClick={() => save(props.path, props.title.toLowerCase().replaceAll(/\W+/g, "-"))}>
            <Icon name="export" />
            {words.people.export}
          </button>
          <CloseButton onClose={props.onClose} />
        </div>
      </header>
      <Narrow path={props.path} onPath={props.onPath} />
      <div class="content" tabIndex={0} role="group" aria-label={props.title}>
        {first.error && !page ? (
          <Trouble problem={first.error} retry={first.retry} />
        ) : rows?.length === 0 && !more ? (
          <Empty title={words.people.empty} />
        ) : (
          <>
            {rows?.some(({ contact }) => contact === null) && <p class="note small">{words.people.masked}</p>}
            <table>
              <thead>
                <tr>
                  <th>{words.people.contact}</th>
                  <th class="text">{words.people.reached}</th>
                  <th class="text">{words.people.when}</th>
                  <th>{words.people.clicks}</th>
                  <th>{words.people.replies}</th>
                  <th class="text">{words.people.error}</th>
                </tr>
              </thead>
              <tbody>
                {rows ? rows.map((row, index) => <PersonLine key={index} row={row} zone={props.zone} onPerson={props.onPerson} />) : <SkeletonRows rows={12} columns={6} />}
              </tbody>
            </table>
            {more}
          </>
        )}
      </div>
    </>
  );
}

function PersonLine({ row, zone, onPerson }: { row: PersonRow; zone: string; onPerson: (person: PersonRow, from: HTMLElement) => void }) {
  const states = STATES.filter((state) => row.states?.[`${state}_at`]);
  const state = states.at(-1);
  const error = typeof row.error === "string" ? row.error : (row.error?.code ?? row.error?.class);
  const why = row.reason && (words.gaps.reasons[row.reason] ?? words.gaps.skipped(row.reason));
  const name = row.contact ?? row.masked;
  const when = state && row.states[`${state}_at`];
  return (
    <tr>
      <td>
        {row.contact !== null ? (
          <button type="button" class="opens strong" onClick={(event) => onPerson(row, event.currentTarget)}>
            {name}
          </button>
        ) : (
          name
        )}
      </td>
      <td class="text">{state ? words.names[state] : words.none}</td>
      <td class="text soft">{when ? moment(when, zone) : words.none}</td>
      <td>{number(row.clicks)}</td>
      <td>{number(row.replies)}</td>
      <td class="text soft">{error ?? why ?? ""}</td>
    </tr>
  );
}

/** Has, has not, or does not matter: a press leads to the next. */
function Narrow({ path, onPath }: { path: string; onPath: (path: string) => void }) {
  const [base = "", query = ""] = path.split("?");
  const parameters = new URLSearchParams(query);
  const read = (name: string): string[] => (parameters.get(name) ?? "").split(",").filter(Boolean);
  const [has, not] = [read("has"), read("not")];
  const turn = (state: string): void => {
    const next = new URLSearchParams(query);
    const set = (name: string, states: string[]): void => {
      if (states.length) next.set(name, states.join(","));
      else next.delete(name);
    };
    const without = (states: string[]): string[] => states.filter((other) => other !== state);
    set("has", has.includes(state) ? without(has) : not.includes(state) ? has : [...has, state]);
    set("not", has.includes(state) ? [...not, state] : without(not));
    onPath(`${base}${next.size ? `?${next}` : ""}`);
  };
  return (
    <div class="filters chips" role="group" aria-label={words.people.segment}>
      {NARROW.map((state) => (
        <button
          type="button"
          key={state}
          class="chip"
          aria-pressed={has.includes(state) || not.includes(state)}
          aria-label={`${words.people.hasOrNot(words.names[state] ?? state)}${has.includes(state) ? ` (${words.people.has})` : not.includes(state) ? ` (${words.people.not})` : ""}`}
          onClick={() => turn(state)}
        >
          {has.includes(state) ? "✓ " : not.includes(state) ? "✕ " : ""}
          {words.names[state]}
        </button>
      ))}
    </div>
  );
}

type Known = { contact: string | null; opted_out?: boolean; timeline: TimelineEntry[] };

function Person({ person, zone, onBack, onClose }: { person: PersonRow; zone: string; onBack: () => void; onClose: () => void }) {
  const [known, setKnown] = useState<Known | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  useEffect(() => {
    call<Known>("POST", "/v1/contacts/lookup", { handle: person.handle }).then(setKnown, setProblem);
  }, [person.handle]);
  const name = known?.contact ?? person.contact ?? person.masked;
  return (
    <div class="person">
      <header>
        <div>
          <button type="button" class="crumb text-button" onClick={onBack}>
            <Icon name="back" /> {words.people.back}
          </button>
          <h2 ref={heading} tabIndex={-1}>
            {name}
          </h2>
          {known?.opted_out && <span class="badge warn">{words.people.optedOut}</span>}
        </div>
        <CloseButton onClose={onClose} />
      </header>
      <div class="content" tabIndex={0} role="group" aria-label={words.people.timeline}>
        {problem ? (
          <Trouble problem={problem} />
        ) : (
          <ol class="timeline">
            {known?.timeline.map((entry, index) => (
              <li key={index}>
                <time class="soft tabular" dateTime={entry.at} title={exactly(entry.at, zone)}>
                  {moment(entry.at, zone)}
                </time>
                <div>
                  <b>{told(entry)}</b>
                  <span class="sub soft small wrap-anywhere">
                    {[entry.campaign, entry.step, entry.class, entry.reason, entry.channel].filter(Boolean).join(" · ")}
                  </span>
                </div>
              </li>
            ))}
            {known && !known.timeline.length && <Empty title={words.people.noTimeline} />}
          </ol>
        )}
      </div>
    </div>
  );
}
