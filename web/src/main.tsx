// The page: who is looking, and at what.
import "uplot/dist/uPlot.min.css";
import "./style.css";
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Frame } from "./parts/frame";
import { Empty } from "./parts/ui";
import { href, usePlace } from "./router";
import { currentSession, watchSession } from "./session";
import { CampaignView } from "./views/campaign";
import { CampaignsView } from "./views/campaigns";
import { ChannelsView } from "./views/channels";
import { Gate } from "./views/gate";
import { SetupView } from "./views/setup";
import { SharedView } from "./views/shared";
import { UsageView } from "./views/usage";
import { words } from "./words";

function Views() {
  const { path } = usePlace();
  const [view = "campaigns", id] = path;
  const begun = useRef(false);
  useEffect(() => {
    scrollTo(0, 0);
    // Who does not see that there is another view hears its name; the first one has the address bar before it.
    if (begun.current) (document.querySelector<HTMLElement>("main h1") ?? document.querySelector("main"))?.focus({ preventScroll: true });
    begun.current = true;
  }, [view, id]);
  if (view === "campaigns") return id ? <CampaignView key={id} id={id} /> : <CampaignsView />;
  if (view === "usage") return <UsageView />;
  if (view === "channels") return <ChannelsView />;
  if (view === "setup") return <SetupView />;
  return (
    <Empty title={words.errors.noSuchView}>
      <a class="button" href={href([])}>
        {words.errors.back}
      </a>
    </Empty>
  );
}

function App() {
  const [session, setSession] = useState(currentSession);
  useEffect(() => watchSession(() => setSession(currentSession())), []);
  if (!session) return <Gate />;
  if (session.kind === "share") {
    return (
      <Frame shared key={session.token}>
        <SharedView />
      </Frame>
    );
  }
  return (
    <Frame>
      <Views />
    </Frame>
  );
}

const root = document.getElementById("page");
if (root) render(<App />, root);
