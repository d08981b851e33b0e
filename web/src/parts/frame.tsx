// The frame around every view: the bar, the way around, the place for what is said in passing.
import type { ComponentChildren } from "preact";
import { href, usePlace } from "../router";
import { signOut } from "../session";
import { words } from "../words";
import { Logo, Toasts } from "./ui";

export function Frame({ shared, children }: { shared?: boolean; children: ComponentChildren }) {
  const here = usePlace().path[0] ?? "campaigns";
  return (
    <>
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("content")?.focus();
        }}
      >
        {words.skip}
      </a>
      <header class="bar">
        <div>
          {shared ? <Logo /> : <a href={href([])}><Logo /></a>}
          {shared ? (
            <nav aria-label={words.nav.label}>
              <span class="badge accent">{words.share.viewing}</span>
            </nav>
          ) : (
            <>
              <nav aria-label={words.nav.label}>
                {(["campaigns", "usage", "channels", "setup"] as const).map((view) => (
                  <a key={view} href={href(view === "campaigns" ? [] : [view])} aria-current={here === view ? "page" : undefined}>
                    {words.nav[view]}
                  </a>
                ))}
              </nav>
              <button type="button" class="button quiet slim" onClick={signOut}>
                {words.nav.signOut}
              </button>
            </>
          )}
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      <Toasts />
    </>
  );
}
