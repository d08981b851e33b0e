// What all campaigns come to in a period, with the period before beside it.
import { at } from "../api";
import { number } from "../format";
import { bounds, type Period, type Range } from "../period";
import { answered, useNumbers } from "../resource";
import type { PerformanceRow } from "../types";
import { words } from "../words";
import { PeriodPicker } from "./period";
import { Delta, NoBefore, Tile } from "./tile";
import { Trouble, classes } from "./ui";
import { WorthTiles } from "./worth";

const path = (range: Range): string => at("/v1/performance", bounds(range));

export function Performance({ period, workspaceZone }: { period: Period; workspaceZone: string }) {
  const now = useNumbers<{ total: PerformanceRow }>(period.range && path(period.range));
  const before = useNumbers<{ total: PerformanceRow }>(period.before && path(period.before));
  const [sums = null, earlier = null] = [now.data?.total, now.stale ? null : answered(before)?.total];
  const counted = [
    ["sent", "delivery"],
    ["delivered", "delivery"],
    ["opened", "open"],
    ["clicked", "click_through"],
  ] as const;
  return (
    <>
      <div class="toolbar">
        <PeriodPicker period={period} workspaceZone={workspaceZone} all={false} />
      </div>
      <section class={classes("card", "overview")} aria-label={words.campaigns.overview} aria-busy={now.stale}>
        {now.error && !sums ? (
          <Trouble problem={now.error} retry={now.retry} />
        ) : (
          <>
            <NoBefore before={before} />
            <div class={classes("tiles", "alone", sums && now.stale && "stale")}>
              {counted.map(([name, rate]) => (
                <Tile
                  key={name}
                  id={`all-${name}`}
                  name={words.names[name] ?? name}
                  meaning={words.definitions[name]}
                  value={sums ? number(sums[name]) : null}
                  {...(name !== "sent" && sums ? { rate: sums.rates?.[rate] ?? null, rateOf: words.rates[name] } : {})}
                  delta={sums && earlier && <Delta now={sums[name]} before={earlier[name]} />}
                />
              ))}
              <Tile
                id="all-conversions"
                name={words.names.conversions ?? ""}
                meaning={words.definitions.conversions}
                value={sums ? number(sums.conversions) : null}
                delta={sums && earlier && <Delta now={sums.conversions} before={earlier.conversions} />}
              />
              <WorthTiles id="all-" now={sums} before={earlier} />
            </div>
            <p class="body small soft">{words.campaigns.overviewHelp}</p>
          </>
        )}
      </section>
    </>
  );
}
