//! The live stream of a campaign's numbers: server-sent events, the stats object whenever its version moves.
//!
//! The streams of an isolate share what they are told: one of them asks the Ledgers, every two seconds at most, and the others
//! look at the answer that is kept. A stream ends by itself after a while; the page opens the next with the version it has.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use worker::Delay;

use super::config::Config;
use super::definitions::ask;
use super::http;
use super::reads::{self, Question, Snapshot};
use super::{Answer, Asked, keys, now_ms, random, reports};
use crate::access::Principal;
use crate::bounds::{CACHED_RECORDS, LIVE_BEAT_MS, LIVE_CALLS, LIVE_LOOK_MS, LIVE_MS, LIVE_POLL_MS, TICKET_MS};
use crate::event::Ms;
use crate::json;
use crate::problem::Problem;
use crate::registry::Command;
use crate::route::{Query, Report};
use crate::table::Format;
use crate::ticket;
use crate::time::to_rfc3339;

/// `POST /v1/campaigns/{campaign}/live_ticket`
pub fn give_ticket(config: &Config, asked: &Asked<'_>, campaign: &str) -> Answer {
    let now_ms = now_ms();
    let ticket = ticket::seal(&config.cursor_key, campaign, &asked.principal.key, &random::bytes()?, now_ms);
    let shown = json!({ "ticket": ticket, "expires_at": to_rfc3339(now_ms + TICKET_MS) });
    let headers = [("content-type", "application/json"), ("cache-control", "no-store")];
    Ok(http::answer(201, &headers, Some(&shown.to_string()))?)
}

/// Who has the ticket, which is good no more from now on.
///
/// # Errors
/// 401, if it is not good for this campaign, or was used.
pub async fn holder(config: &Rc<Config>, campaign: &str, ticket: &str) -> Result<Principal, Problem> {
    let ticket = ticket::open(&config.cursor_key, campaign, ticket, now_ms())?;
    ask::<Value>(config, &Command::UseTicket { id: ticket.id, until_ms: ticket.until_ms }).await?;
    keys::holder(config, &ticket.key).await
}

/// `GET /v1/campaigns/{campaign}/live`
pub async fn answer(config: &Rc<Config>, asked: &Asked<'_>, campaign: &str, query: &Query) -> Answer {
    let header = http::header(asked.request, "last-event-id");
    let known = query.get("last_event_id").map(str::to_owned).or(header).unwrap_or_default();
    let all = Query::default();
    let question = reports::question(campaign, Report::Stats, &all)?;
    let make = Box::pin(reports::make(config, campaign, Report::Stats, &all, false, Format::Json));
    let first = reads::snapshot(config, None, &question, make).await?;
    let headers = [("content-type", "text/event-stream"), ("cache-control", "no-store")];
    let (answer, stream) = http::stream(&headers)?;
    let live = Live {
        config: Rc::clone(config),
        campaign: campaign.to_owned(),
        key: asked.principal.key.clone(),
        question,
        stream,
        known,
        calls: 0,
    };
    asked.context.wait_until(live.run(first));
    Ok(answer)
}

thread_local! {
    /// When a stream of this isolate asked the Ledgers last, by campaign.
    static ASKED: RefCell<HashMap<String, Ms>> = RefCell::default();
}

/// Whether it is this stream that asks now: no other did for a while.
fn is_our_turn(campaign: &str) -> bool {
    let now_ms = now_ms();
    ASKED.with_borrow_mut(|asked| {
        let ours = asked.get(campaign).is_none_or(|asked_ms| now_ms >= asked_ms + LIVE_POLL_MS);
        if ours {
            if asked.len() >= CACHED_RECORDS {
                asked.clear();
            }
            asked.insert(campaign.to_owned(), now_ms);
        }
        ours
    })
}

/// A stream on its way.
struct Live {
    config: Rc<Config>,
    campaign: String,
    /// The key that it was opened with: without it, it ends.
    key: String,
    question: Question,
    stream: http::Stream,
    /// The version that the reader has.
    known: String,
    /// How many Ledgers it has called.
    calls: u32,
}

impl Live {
    async fn run(mut self, first: Rc<Snapshot>) {
        let begun_ms = now_ms();
        let mut beat_ms = begun_ms;
        let mut going = self.stream.write(&format!("retry: {LIVE_POLL_MS}\n\n")).await && self.tell(&first).await;
        while going && now_ms() < begun_ms + LIVE_MS && self.calls < LIVE_CALLS {
            Delay::from(Duration::from_millis(LIVE_LOOK_MS)).await;
            if let Some(snapshot) = self.look().await {
                going = self.tell(&snapshot).await;
            }
            if going && now_ms() >= beat_ms + LIVE_BEAT_MS {
                beat_ms = now_ms();
                // A Registry that does not answer ends no stream: the key was good a moment ago.
                let revoked = keys::holder(&self.config, &self.key).await.is_err_and(|problem| problem.status == 401);
                going = !revoked && self.stream.write(":\n\n").await;
            }
        }
        self.stream.end().await;
    }

    /// The newest numbers that there are.
    async fn look(&mut self) -> Option<Rc<Snapshot>> {
        if !is_our_turn(&self.campaign) {
            return reads::kept(&self.question);
        }
        self.calls += self.config.partition.ledgers;
        let all = Query::default();
        let make = Box::pin(reports::make(&self.config, &self.campaign, Report::Stats, &all, false, Format::Json));
        // What does not answer is asked again at the next turn.
        reads::snapshot(&self.config, None, &self.question, make).await.ok()
    }

    /// Tells the reader, unless it knows. Says whether it is still there.
    async fn tell(&mut self, snapshot: &Snapshot) -> bool {
        let shown: Value = json::read(&snapshot.body).unwrap_or_default();
        let version = shown.get("version").map(Value::to_string).unwrap_or_default();
        if version == self.known {
            return true;
        }
        let told = self.stream.write(&format!("id: {version}\ndata: {}\n\n", snapshot.body)).await;
        self.known = version;
        told
    }
}
