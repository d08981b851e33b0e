// A headline number: its name with its meaning, the number that leads to its people, its rate, and what it was before.
import type { ComponentChildren } from "preact";
import { change as written, money, number, rate } from "../format";
import type { Resource } from "../resource";
import type { Money } from "../types";
import { words } from "../words";
import { Opens, Skeleton, Term, classes } from "./ui";

type More = "better" | "worse" | "neither";

/** What a number was before, and how it changed since. More is better, worse, or neither. */
export function Delta({ now, before, was = number(before), more = "better" }: { now: number; before: number | null | undefined; was?: string; more?: More }) {
  if (before === null || before === undefined) return null;
  const change = before ? now / before - 1 : 0;
  const up = change > 0 === (more === "better");
  return (
    <span class="before">
      {before > 0 && <span class={classes("delta", change !== 0 && more !== "neither" && (up ? "up" : "down"))}>{written(change)}</span>}{" "}
      {words.measure.before(was)}
    </span>
  );
}

/** The same of money: how it changed can be said if it is of one currency. */
export function MoneyDelta({ now, before, more }: { now: Money; before: Money; more?: More }) {
  const currencies = [...new Set(Object.keys({ ...now, ...before }))];
  const [currency = ""] = currencies;
  const one = currencies.length === 1;
  return <Delta now={one ? Number(now[currency] ?? 0) : 0} before={one ? Number(before[currency] ?? 0) : 0} was={money(before)} {...(more ? { more } : {})} />;
}

/** That what stands beside the numbers is missing, and why. */
export function NoBefore({ before: { data, error, retry } }: { before: Resource<unknown> }) {
  if (!error || data) return null;
  return (
    <p class="note bad missing" role="alert">
      {words.measure.noBefore(error.message)}{" "}
      <button type="button" class="text-button" onClick={retry}>
        {words.retry}
      </button>
    </p>
  );
}

export function Tile(props: {
  /** The number's key: what tests and styles find it by. */
  id: string;
  name: string;
  meaning: string | undefined;
  value: string | null;
  long?: boolean;
  rate?: number | null;
  rateOf?: string | undefined;
  delta?: ComponentChildren;
  note?: string | undefined;
  onOpen?: (() => void) | undefined;
}) {
  return (
    <div class="tile" data-number={props.id}>
      <span class="name">
        <Term name={props.name} meaning={props.meaning} />
      </span>
      <span class={classes("figure", props.long && "long")}>
        {props.value === null ? (
          <Skeleton width={72} height={24} />
        ) : (
          <Opens text={props.value} label={words.campaign.people(props.name)} onOpen={props.onOpen} />
        )}
      </span>
      <span class="under">
        {props.value !== null && props.rate !== undefined && props.rate !== null && (
          <span>
            {rate(props.rate)} {props.rateOf}
          </span>
        )}
        {props.note && <span>{props.note}</span>}
        {props.delta}
      </span>
    </div>
  );
}
