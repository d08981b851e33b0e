// The headline numbers: of messages or of people, each with its meaning, its rate, the number before it, and its people.
import { useState } from "preact/hooks";
import { number } from "../format";
import type { Period } from "../period";
import { answered, type Resource } from "../resource";
import type { Stats } from "../types";
import { words } from "../words";
import type { Listed } from "./people";
import { Delta, NoBefore, Tile } from "./tile";
import { Card, Segments } from "./ui";
import { WorthTiles } from "./worth";

/** The numbers of messages, with the rate below each; more is better, if nothing else is said. */
const MESSAGES = [
  { state: "attempted" },
  { state: "sent" },
  { state: "delivered", rate: "delivery" },
  { state: "opened", rate: "open" },
  { state: "read", rate: "read" },
  { state: "clicked", rate: "click_through" },
  { state: "replied", rate: "reply" },
  { state: "quick_replied", rate: "response" },
  { state: "converted", rate: "conversion" },
  { state: "failed", rate: "failure", more: "worse" },
  { state: "in_flight", more: "neither" },
] as const;

/** The numbers of people, with what each is divided by. */
const PEOPLE = [
  { state: "submitted" },
  { state: "sent" },
  { state: "delivered", of: "sent" },
  { state: "opened", of: "delivered" },
  { state: "read", of: "delivered" },
  { state: "clicked", of: "delivered" },
  { state: "replied", of: "delivered" },
  { state: "converted", of: "delivered" },
  { state: "failed", of: "sent" },
  { state: "skipped" },
  { state: "control" },
] as const;

const divided = (part: number | undefined, whole: number | undefined): number | null => (part === undefined || !whole ? null : part / whole);

const worth = (stats: Stats | null) => stats && { ...stats, revenue: stats.conversions.revenue };

export function Headline(props: {
  stats: Stats | null;
  earlier: Resource<Stats>;
  period: Period;
  stale: boolean;
  onOpen: (listed: Listed) => void;
}) {
  const { stats, period, onOpen } = props;
  const earlier = props.stale ? null : answered(props.earlier);
  const [wanted, setUnit] = useState<"messages" | "people">("messages");
  // Distinct people are counted for all time.
  const unit = period.range ? "messages" : wanted;
  const open = (of: "contacts" | "messages", state: string): (() => void) | undefined => {
    const path = stats?.lists?.[`${of}.${state}`];
    return path === undefined ? undefined : () => onOpen({ title: words.names[state] ?? state, path });
  };
  return (
    <Card
      title={words.campaign.headline}
      stale={props.stale && !!stats}
      tools={
        <Segments
          label={words.measure.label}
          value={unit}
          onChange={setUnit}
          disabled={period.range ? ["people"] : []}
          options={[
            ["messages", words.measure.messages],
            ["people", words.measure.people, period.range ? words.measure.allTimeOnly : undefined],
          ]}
        />
      }
    >
      <NoBefore before={props.earlier} />
      <div class="tiles">
        {unit === "messages"
          ? MESSAGES.map((shown) => {
              const { state } = shown;
              const now = stats?.messages[state];
              const rate = "rate" in shown && stats?.rates ? { rate: stats.rates[shown.rate] ?? null, rateOf: words.rates[state] } : {};
              return (
                <Tile
                  key={state}
                  id={`messages.${state}`}
                  name={words.names[state] ?? state}
                  meaning={words.definitions[state]}
                  value={stats ? number(now) : null}
                  {...rate}
                  note={state === "attempted" && stats?.messages.after_stop ? words.campaign.after(number(stats.messages.after_stop)) : undefined}
                  delta={earlier && <Delta now={now ?? 0} before={earlier.messages[state]} {...("more" in shown ? { more: shown.more } : {})} />}
                  onOpen={open("messages", state)}
                />
              );
            })
          : PEOPLE.map((shown) => {
              const { state } = shown;
              const now = stats?.contacts?.[state];
              const rate = "of" in shown ? { rate: divided(now, stats?.contacts?.[shown.of]), rateOf: words.rates[state] } : {};
              return (
                <Tile
                  key={state}
                  id={`contacts.${state}`}
                  name={words.names[state] ?? state}
                  meaning={words.peopleDefinitions[state] ?? words.definitions[state]}
                  value={stats ? number(now) : null}
                  {...rate}
                  onOpen={open("contacts", state)}
                />
              );
            })}
        <Tile
          id="clicks"
          name={words.names.clicks ?? ""}
          meaning={words.definitions.clicks}
          value={stats ? number(stats.clicks.total) : null}
          note={stats ? words.links.split(number(stats.clicks.human), number(stats.clicks.machine)) : undefined}
          delta={stats && earlier && <Delta now={stats.clicks.total ?? 0} before={earlier.clicks.total} />}
        />
        <WorthTiles now={worth(stats)} before={worth(earlier)} />
      </div>
    </Card>
  );
}
