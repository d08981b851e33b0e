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

/** The list of a reason, by the number that it is. */
function listOf(gap: Gap, { reason, class: kind }: Reason): string | null {
  if (kind) return null;
  return reason === "control" ? "contacts.control" : reason === "pending" && gap.from === "sent" ? "messages.in_flight" : null;
}

/** The numbers that the gaps lie between. Messages, but for the audience, which are people. */
function figures(stats: Stats, gap: Gap): [number, number] {
  const { messages, contacts } = stats;
  if (gap.from === "audience") return [(contacts?.submitted ?? 0) + gap.count, contacts?.submitted ?? 0];
  if (gap.from === "limit") return [(contacts?.submitted ?? 0) + gap.count, contacts?.submitted ?? 0];
  return [messages[gap.from] ?? 0, messages[gap.to] ?? 0];
}

export function Gaps({ stats, onOpen, class: name }: { stats: Stats | null; onOpen: (listed: Listed) => void; class?: string }) {
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
    <Card title={words.campaign.gaps} help={words.gaps.help} {...(name ? { class: name } : {})}>
      <div class="body">
        {!stats ? (
          <Skeleton height={220} />
        ) : !stats.gaps ? (
          <Empty title={words.gaps.empty} text={words.gaps.emptyText} />
        ) : (
          <ul class="ledger">
            {stats.gaps.map((gap, index) => {
              const [from, to] = figures(stats, gap);
              const unit = gap.from === "audience" || gap.from === "limit" ? words.gaps.people : words.gaps.messages;
              const last = stats.gaps?.[index + 1]?.from !== gap.to;
              return [
                <li class="total" key={`${gap.from}-from`}>
                  <span>
                    {words.names[gap.from] ?? gap.from} <span class="soft small">{unit}</span>
                  </span>
                  {figure(from, words.names[gap.from] ?? gap.from, gap.from === "audience" ? null : `messages.${gap.from}`)}
                </li>,
                ...gap.reasons.map((reason) => (
                  <li class="reason" key={`${gap.from}-${reason.reason}-${reason.code}`}>
                    <span>{inWords(gap, reason)}</span>
                    {figure(-reason.count, inWords(gap, reason), listOf(gap, reason))}
                  </li>
                )),
                last && (
                  <li class="total" key={`${gap.from}-to`}>
                    <span>
                      {words.names[gap.to] ?? gap.to} <span class="soft small">{unit}</span>
                    </span>
                    {figure(to, words.names[gap.to] ?? gap.to, `${gap.to === "submitted" ? "contacts" : "messages"}.${gap.to}`)}
                  </li>
                ),
              ];
            })}
          </ul>
        )}
      </div>
    </Card>
  );
}
