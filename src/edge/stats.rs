//! The numbers of one campaign: asked of every Ledger, added up, kept for as long as the reader allows.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::config::Config;
use super::http::{self, Request};
use super::metrics::METRICS;
use super::objects::call;
use super::{Answer, cache, now_ms};
use crate::bounds::{CACHED_ANSWERS, LEDGER_CALL_MS};
use crate::campaign::Campaign;
use crate::contributions::state;
use crate::counters::{Book, Kind};
use crate::event::Ms;
use crate::ids::UNATTRIBUTED;
use crate::ledger::{BookRows, Read};
use crate::problem::Problem;
use crate::route::Query;
use crate::time::to_rfc3339;

/// How old an answer may be if the reader does not say, in seconds (`api.md`).
const MAX_AGE_S: u32 = 2;
/// The oldest that a reader may accept.
const MAX_AGE_MOST_S: u32 = 86_400;

/// An answer and when it was made.
struct Snapshot {
    made_ms: Ms,
    etag: String,
    body: String,
}

thread_local! {
    static SNAPSHOTS: RefCell<HashMap<String, Rc<Snapshot>>> = RefCell::default();
}

/// `GET /v1/campaigns/{campaign}/stats`
pub async fn answer(config: &Config, request: &Request, campaign: &str, query: &Query) -> Answer {
    let max_age_ms = Ms::from(query.whole("max_age", 0..=MAX_AGE_MOST_S, MAX_AGE_S)?) * 1000;
    let kept = SNAPSHOTS.with_borrow(|snapshots| snapshots.get(campaign).cloned());
    let snapshot = match kept.filter(|kept| now_ms() - kept.made_ms < max_age_ms) {
        Some(kept) => kept,
        None => keep(campaign, make(config, campaign).await?),
    };
    let headers =
        [("content-type", "application/json"), ("etag", snapshot.etag.as_str()), ("cache-control", "private, no-cache")];
    let known = http::header(request, "if-none-match").unwrap_or_default();
    if known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == snapshot.etag || tag.trim() == "*") {
        return Ok(http::answer(304, &headers, None)?);
    }
    Ok(http::answer(200, &headers, Some(&snapshot.body))?)
}

fn keep(campaign: &str, snapshot: Snapshot) -> Rc<Snapshot> {
    let snapshot = Rc::new(snapshot);
    SNAPSHOTS.with_borrow_mut(|snapshots| {
        if snapshots.len() >= CACHED_ANSWERS {
            snapshots.clear();
        }
        snapshots.insert(campaign.to_owned(), Rc::clone(&snapshot));
    });
    snapshot
}

async fn make(config: &Config, campaign: &str) -> Result<Snapshot, Problem> {
    let no = match campaign {
        UNATTRIBUTED => 0,
        _ => {
            let known = cache::get::<Campaign>(config, campaign).await?;
            known.ok_or_else(|| Problem::not_found("No such campaign."))?.no
        }
    };
    let made_ms = now_ms();
    let book = gather(config, no).await?;
    let mut shown = show(campaign, &book);
    // Over everything but the moment.
    let digest = Sha256::digest(shown.to_string());
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest.get(..12).unwrap_or_default()));
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("as_of".to_owned(), json!(to_rfc3339(made_ms)));
    }
    Ok(Snapshot { made_ms, etag, body: shown.to_string() })
}

/// Asks every Ledger at once and adds up.
///
/// # Errors
/// 503, if one does not answer: a sum without it would be wrong.
async fn gather(config: &Config, campaign: u32) -> Result<Book, Problem> {
    let read = Read::Book { campaign, from_day: 0, to_day: 0 };
    let body = serde_json::to_string(&read).unwrap_or_default();
    let asked = (0..config.partition.ledgers).map(async |ledger| {
        METRICS.with(|metrics| metrics.ledger_calls.add(1));
        call(&config.ledger, &ledger.to_string(), "https://ledger/read", &body, LEDGER_CALL_MS).await
    });
    let mut sum = Book::default();
    for answer in join_all(asked).await {
        let rows = answer.ok().filter(|(status, _)| *status == 200);
        let rows = rows.and_then(|(_, text)| serde_json::from_str::<BookRows>(&text).ok());
        let rows = rows.ok_or_else(|| Problem::unavailable("A ledger does not answer."))?;
        for book in rows.into_books().values() {
            sum.merge(book);
        }
    }
    Ok(sum)
}

fn show(campaign: &str, book: &Book) -> Value {
    let sum = |kind: Kind, holds: &dyn Fn(u32, u16) -> bool| -> i64 {
        let cells = book.totals.cells().filter(|(cell, _)| cell.kind == kind && holds(cell.a, cell.b));
        cells.map(|(_, n)| n).sum()
    };
    let messages = |bit: u32| sum(Kind::Messages, &|mask, _| mask & bit != 0);
    json!({
        "campaign": campaign,
        "version": book.version,
        "messages": {
            "sent": messages(state::SENT),
            "delivered": messages(state::DELIVERED),
            "opened": messages(state::OPENED),
            "read": messages(state::READ),
            "failed": messages(state::FAILED),
            "clicked": messages(state::CLICKED),
            "replied": messages(state::REPLIED),
        },
        "clicks": {
            "total": sum(Kind::Clicks, &|_, _| true),
            "human": sum(Kind::Clicks, &|_, machine| machine == 0),
            "machine": sum(Kind::Clicks, &|_, machine| machine == 1),
            "unique": sum(Kind::UniqueClicks, &|_, _| true),
        },
        "replies": { "total": sum(Kind::Replies, &|_, _| true), "quick": sum(Kind::Replies, &|quick, _| quick == 1) },
    })
}
