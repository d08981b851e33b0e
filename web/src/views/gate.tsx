// The one question that is asked of a stranger: a key.
import { useState } from "preact/hooks";
import { Field, Logo } from "../parts/ui";
import { signIn } from "../session";
import { words } from "../words";

export function Gate() {
  const [key, setKey] = useState("");
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const open = async (event: Event): Promise<void> => {
    event.preventDefault();
    // No key has others, and no header takes them.
    if (!/^[\x21-\x7e]+$/.test(key.trim())) return setError(words.gate.wrong);
    setBusy(true);
    setError(undefined);
    const answer = await fetch("/v1/campaigns?limit=1", { headers: { authorization: `Bearer ${key.trim()}` } }).catch(() => null);
    setBusy(false);
    if (answer?.ok) signIn(key.trim());
    else setError(!answer ? words.errors.offline : answer.status < 404 ? words.gate.wrong : words.errors.status(answer.status));
  };
  return (
    <main class="gate">
      <form onSubmit={open}>
        <Logo />
        <h1>{words.gate.title}</h1>
        <p class="soft">{words.gate.text}</p>
        <Field label={words.gate.key} error={error}>
          <input
            type="password"
            name="key"
            autoComplete="off"
            spellcheck={false}
            autoFocus
            required
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </Field>
        <button type="submit" class="button main" disabled={busy || !key.trim()}>
          {words.gate.open}
        </button>
        <p class="soft small">{words.gate.where}</p>
      </form>
    </main>
  );
}
