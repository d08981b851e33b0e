// The test of a channel: a signed sample through the real handler, step by step.
import { useState } from "preact/hooks";
import { call, segment, type Problem } from "../api";
import type { TestAnswer } from "../types";
import { words } from "../words";
import { toast } from "./ui";

export function ChannelTest(props: { channel: string; main?: boolean; onPassed?: () => void }) {
  const [answer, setAnswer] = useState<TestAnswer | null>(null);
  const [busy, setBusy] = useState(false);
  const run = async (): Promise<void> => {
    setBusy(true);
    try {
      const answer = await call<TestAnswer>("POST", `/v1/channels/${segment(props.channel)}/test`, {});
      setAnswer(answer);
      if (answer.ok) props.onPassed?.();
    } catch (problem) {
      toast((problem as Problem).message);
    }
    setBusy(false);
  };
  return (
    <div class="channel-test">
      <button type="button" class={props.main && !answer ? "button main" : "button"} disabled={busy} onClick={() => void run()}>
        {busy ? words.channels.testing : answer ? words.setup.test.again : words.setup.test.run}
      </button>
      {answer && (
        <div role="status">
          <p class={`note ${answer.ok ? "good" : "bad"}`}>{answer.ok ? words.channels.tested : words.channels.failed(answer.failed ?? "")}</p>
          <ol class="steps-passed">
            {answer.steps.map(({ step, ok, detail }) => (
              <li key={step}>
                <span class={ok ? "ok" : "not-ok"} aria-hidden="true">
                  {ok ? "✓" : "✕"}
                </span>
                <b>{step}</b>
                <span class="soft wrap-anywhere">{detail}</span>
              </li>
            ))}
          </ol>
        </div>
      )}
    </div>
  );
}
