// Why numbers differ: a ledger from the audience to what was delivered, every reason with its count. It always adds up.
import { number } from "../format";
import type { Gap, Reason, Stats } from "../types";
import { words } from "../words";
import type { Listed } from "./people";
import { Card, Empty, Opens, Skeleton } from "./ui";

/** What a reason is, in words. */
function inWords(gap: Gap, { reason, code, class: kind }: Reason): string {
  if (kind) {
    const name = words.classes[kind]?.[0] ?? kind;
    return code ? `${name} (${words.gaps.code(code)})` : name;
  }
  if (reason === "pending" && gap.from === "sent") return words.gaps.inFlight;
  return words.gaps.reasons[reason] ?? words.gaps.skipped(reason);
}

/** What is counted and stands in no list any more. */
const forgotten = ({ erased, expired }: Stats): string[] => [
  ...(erased ? [words.gaps.erased(number(erased))] : []),
  ...(expired ? [words.gaps.expired(number(expired))] : []),
];

/** The list of a reason, by the number that it is. */
function listOf(gap: Gap, { reason, class: kind }: Reason): string | null {
  if (kind) return null;
  return reason === "control" ? "contacts.control" : reason === "pending" && gap.from === "sent" ? "messages.in_flight" : null;
}

/** Whether a gap lies between numbers of people: what begins with the audience or a limit does. */
const ofPeople = (gap: Gap): boolean => gap.from === "audience" || gap.from === "limit";

/** The numbers that a gap lies between. */
function figures({ messages, contacts }: Stats, gap: Gap): [number, number] {
  const to = (ofPeople(gap) ? contacts : messages)?.[gap.to] ?? 0;
  return [to + gap.count, to];
}

export function Gaps({ stats, stale, onOpen, class: name }: { stats: Stats | null; stale: boolean; onOpen: (listed: Listed) => void; class?: string }) {
  /** A figure of the ledger, with the list behind it where there is exactly one. */
  const figure = (value: number, title: string, list: string | null) => {
    const path = list === null ? undefined : stats?.lists?.[list];
    return (
      <span class="figure">
        <Opens text={number(value)} label={words.campaign.people(title)} onOpen={path === undefined ? undefined : () => onOpen({ title, path })} />
      </span>
    );
  };
  return (
    <Card title={words.campaign.gaps} help={words.gaps.help} stale={stale && !!stats} class={name}>
      <div class="body">
        {!stats ? (
          <Skeleton height={220} />
        ) : !stats.gaps ? (
          <Empty title={words.gaps.empty} text={words.gaps.emptyText} />
        ) : (
          <ul class="ledger">
            {stats.gaps.map((gap, index) => {
              const [from, to] = figures(stats, gap);
              const unit = ofPeople(gap) ? words.gaps.people : words.gaps.messages;
              const last = stats.gaps?.[index + 1]?.from !== gap.to;
              return [
                <li class="total" key={`${gap.from}-from`}>
                  <span>
                    {words.names[gap.from] ?? gap.from} <span class="soft small">{unit}</span>
                  </span>
                  {figure(from, words.names[gap.from] ?? gap.from, ofPeople(gap) ? null : `messages.${gap.from}`)}
                </li>,
                ...gap.reasons.map((reason, index) => (
                  <li class="reason" key={`${gap.from}-${index}`}>
                    <span>{inWords(gap, reason)}</span>
                    {figure(-reason.count, inWords(gap, reason), listOf(gap, reason))}
                  </li>
                )),
                last && (
                  <li class="total" key={`${gap.from}-to`}>
                    <span>
                      {words.names[gap.to] ?? gap.to} <span class="soft small">{unit}</span>
                    </span>
                    {figure(to, words.names[gap.to] ?? gap.to, `${ofPeople(gap) ? "contacts" : "messages"}.${gap.to}`)}
                  </li>
                ),
              ];
            })}
          </ul>
        )}
        {stats && forgotten(stats).map((text) => (
          <p class="note small" key={text}>
            {text}
          </p>
        ))}
      </div>
    </Card>
  );
}
