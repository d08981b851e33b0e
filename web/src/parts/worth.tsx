// What was brought, what it cost, and the one divided by the other: three tiles.
import { money, multiples, number } from "../format";
import type { Cost, Money, Rates } from "../types";
import { words } from "../words";
import { MoneyDelta, Tile } from "./tile";

type Worth = { revenue: Money; cost: Cost; roi: Rates };

/** `id` is what tests find them by, before the name of each. */
export function WorthTiles({ id = "", now, before }: { id?: string; now: Worth | null; before: Worth | null }) {
  return (
    <>
      <Tile
        id={`${id}revenue`}
        long
        name={words.names.revenue ?? ""}
        meaning={words.definitions.revenue}
        value={now && money(now.revenue)}
        delta={now && before && <MoneyDelta now={now.revenue} before={before.revenue} />}
      />
      <Tile
        id={`${id}cost`}
        long
        name={words.names.cost ?? ""}
        meaning={words.definitions.cost}
        value={now && money(now.cost.total)}
        note={now?.cost.unpriced ? words.campaign.unpriced(number(now.cost.unpriced)) : undefined}
        delta={now && before && <MoneyDelta now={now.cost.total} before={before.cost.total} more="neither" />}
      />
      <Tile id={`${id}roi`} long name={words.names.roi ?? ""} meaning={words.definitions.roi} value={now && multiples(now.roi)} />
    </>
  );
}
