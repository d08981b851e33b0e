//! The numbers of one campaign: asked of every Ledger, added up, kept for as long as the reader allows.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::config::Config;
use super::http::{self, Request};
use super::metrics::METRICS;
use super::objects::call;
use super::zone::IntlZone;
use super::{Answer, cache, now_ms};
use crate::bounds::{CACHED_ANSWERS, LEDGER_CALL_MS};
use crate::calendar::date_at;
use crate::campaign::Campaign;
use crate::counters::Book;
use crate::event::Ms;
use crate::ids::UNATTRIBUTED;
use crate::ledger::{BookRows, Read};
use crate::numbers::{Numbers, Period};
use crate::problem::Problem;
use crate::rate_card::RateCard;
use crate::registry::SETTINGS;
use crate::route::Query;
use crate::settings::Settings;
use crate::stats::{Asked, stats};
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
    let (step, period) = (query.get("step"), Period::read(query)?);
    // Ids contain no control character.
    let asked = format!("{campaign}\u{1f}{step:?}\u{1f}{period:?}");
    let kept = SNAPSHOTS.with_borrow(|snapshots| snapshots.get(&asked).cloned());
    let snapshot = match kept.filter(|kept| now_ms() - kept.made_ms < max_age_ms) {
        Some(kept) => kept,
        None => keep(&asked, make(config, campaign, step, period).await?),
    };
    let headers =
        [("content-type", "application/json"), ("etag", snapshot.etag.as_str()), ("cache-control", "private, no-cache")];
    let known = http::header(request, "if-none-match").unwrap_or_default();
    if known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == snapshot.etag || tag.trim() == "*") {
        return Ok(http::answer(304, &headers, None)?);
    }
    Ok(http::answer(200, &headers, Some(&snapshot.body))?)
}

fn keep(asked: &str, snapshot: Snapshot) -> Rc<Snapshot> {
    let snapshot = Rc::new(snapshot);
    SNAPSHOTS.with_borrow_mut(|snapshots| {
        if snapshots.len() >= CACHED_ANSWERS {
            snapshots.clear();
        }
        snapshots.insert(asked.to_owned(), Rc::clone(&snapshot));
    });
    snapshot
}

async fn make(config: &Config, campaign: &str, step: Option<&str>, period: Option<Period>) -> Result<Snapshot, Problem> {
    let (no, audience_size) = match campaign {
        UNATTRIBUTED => (0, None),
        _ => {
            let known = cache::get::<Campaign>(config, campaign).await?;
            let known = known.ok_or_else(|| Problem::not_found("No such campaign."))?;
            (known.no, known.declared.audience_size)
        }
    };
    let settings = cache::get::<Settings>(config, SETTINGS).await?;
    let made_ms = now_ms();
    let days = period.map_or((0, i32::MAX), |period| period.days());
    let book = gather(config, no, days).await?;
    let zone = IntlZone::new(settings.as_ref().map_or("UTC", |settings| &settings.timezone));
    // The card was checked when it was set.
    let card = settings.and_then(|settings| RateCard::read(&settings.rate_card, "").ok()).unwrap_or_default();
    let asked = Asked {
        campaign,
        step,
        period,
        audience_size,
        rate_card: &card,
        date_at: &|at_ms| date_at(&zone, at_ms).unwrap_or_default(),
    };
    let shown = serde_json::to_value(stats(&asked, Numbers::of(&book, step, period), book.version));
    let mut shown = shown.map_err(|_| Problem::new(500, "The answer could not be written."))?;
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
async fn gather(config: &Config, campaign: u32, (from_day, to_day): (i32, i32)) -> Result<Book, Problem> {
    let read = Read::Book { campaign, from_day, to_day };
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
