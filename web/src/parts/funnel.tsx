// The funnel: people in a stage and in every stage before it. Stages can be switched off.
import { useState } from "preact/hooks";
import { at } from "../api";
import { number, rate } from "../format";
import { useNumbers } from "../resource";
import type { FunnelStage } from "../types";
import { words } from "../words";
import type { Listed } from "./people";
import { Card, Empty, Opens, Skeleton, Trouble } from "./ui";

const STAGES = ["sent", "delivered", "opened", "read", "clicked", "replied", "converted"];
const STANDARD = ["sent", "delivered", "read", "clicked", "converted"];

/** The part of a stage that its column shows: from what it had to what the next one has. */
function Shape({ from, to }: { from: number; to: number }) {
  const y = (part: number): number => 100 - part * 96;
  return (
    <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      <path d={`M0 ${y(from)}H55C80 ${y(from)} 80 ${y(to)} 100 ${y(to)}V100H0Z`} fill="var(--accent)" fill-opacity=".16" />
      <path d={`M0 ${y(from)}H55C80 ${y(from)} 80 ${y(to)} 100 ${y(to)}`} fill="none" stroke="var(--accent)" stroke-width="2" vector-effect="non-scaling-stroke" />
    </svg>
  );
}

export function Funnel(props: {
  base: string;
  step: string | null;
  /** Says that it is of all time, where the rest of the page is not. */
  allTime: boolean;
  onOpen: (listed: Listed) => void;
  class?: string;
}) {
  const { base, step } = props;
  const [stages, setStages] = useState(STANDARD);
  const answer = useNumbers<{ data: FunnelStage[] }>(at(`${base}/funnel`, { stages: stages.join(","), step }));
  const rows = answer.data?.data;
  const top = rows?.[0]?.contacts ?? 0;
  const turn = (stage: string): void => {
    const next = STAGES.filter((other) => (other === stage ? !stages.includes(stage) : stages.includes(other)));
    if (next.length) setStages(next);
  };
  return (
    <Card
      title={words.campaign.funnel}
      fills
      help={`${words.funnel.help}${props.allTime ? ` ${words.measure.allTime}` : ""}`}
      class={props.class}
      stale={answer.stale && !!rows}
      tools={
        <div class="chips" role="group" aria-label={words.funnel.stages}>
          {STAGES.map((stage) => (
            <button type="button" class="chip" key={stage} aria-pressed={stages.includes(stage)} onClick={() => turn(stage)}>
              {words.names[stage]}
            </button>
          ))}
        </div>
      }
    >
      {answer.error && !rows ? (
        <Trouble problem={answer.error} retry={answer.retry} />
      ) : !rows ? (
        <div class="body">
          <Skeleton height={220} />
        </div>
      ) : top === 0 ? (
        <Empty title={words.funnel.empty} />
      ) : (
        <ol class="funnel">
          {rows.map((row, index) => {
            const next = rows[index + 1];
            return (
              <li class="stage" key={row.stage} data-stage={row.stage}>
                <dl>
                  <dt>{words.names[row.stage]}</dt>
                  <dd class="figure">
                    <Opens
                      text={number(row.contacts)}
                      label={words.campaign.people(words.names[row.stage] ?? row.stage)}
                      onOpen={() =>
                        props.onOpen({
                          title: rows.slice(0, index + 1).map(({ stage }) => words.names[stage]).join(" → "),
                          path: at(`${base}/contacts`, { has: stages.slice(0, index + 1).join(","), step }),
                        })
                      }
                    />
                  </dd>
                  <dd class="small soft" title={index > 0 ? `${rate(row.of_first)} ${words.funnel.ofFirst}` : undefined}>
                    {index > 0 ? rate(row.of_previous) : "\u00a0"}
                  </dd>
                </dl>
                <Shape from={row.contacts / top} to={(next ?? row).contacts / top} />
              </li>
            );
          })}
        </ol>
      )}
    </Card>
  );
}
