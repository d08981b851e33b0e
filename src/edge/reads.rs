//! Reads: an answer is made once, kept for as long as its readers allow, and told apart from others by its tag.
//!
//! It lies in the isolate's memory, and where the reader lets it be a minute old or more, and nobody's data is in it, also in KV,
//! for all isolates. It knows nothing of what is asked.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use worker::Context;

use super::config::Config;
use super::http;
use super::objects::within;
use super::{Answer, Asked, now_ms};
use crate::bounds::{CACHED_ANSWER_BYTES, COPY_READ_MS, SHARED_ANSWER_BYTES, SHARED_ANSWER_S};
use crate::counters::RULES_VERSION;
use crate::etag;
use crate::event::Ms;
use crate::json;
use crate::problem::Problem;
use crate::route::Query;
use crate::table::{self, Format};
use crate::time::to_rfc3339;

/// How old an answer may be if the reader does not say, in seconds (`api.md`).
const MAX_AGE_S: u32 = 2;
/// The oldest that a reader may accept.
const MAX_AGE_MOST_S: u32 = 86_400;

/// What is asked: equal questions have equal answers.
pub struct Question {
    /// Everything that decides the answer beside the state of the workspace: the route, what it is of, the query, the scope.
    pub key: String,
    /// How old the answer may be.
    pub max_age_ms: Ms,
    /// Whether it may lie in KV: no person is named in it.
    pub of_nobody: bool,
}

impl Question {
    /// The question of a route and the parts of its query that decide the answer.
    ///
    /// # Errors
    /// 400, if `max_age` is no number of seconds.
    pub fn of(query: &Query, key: String) -> Result<Self, Problem> {
        let max_age_s = query.whole("max_age", 0..=MAX_AGE_MOST_S, MAX_AGE_S)?;
        Ok(Self { key, max_age_ms: Ms::from(max_age_s) * 1000, of_nobody: true })
    }

    /// The same, to be answered in this format.
    #[must_use]
    pub fn written_as(mut self, format: Format) -> Self {
        if format != Format::Json {
            self.key.push_str(format.content_type());
        }
        self
    }
}

/// What the Ledgers say of themselves beside their numbers.
#[derive(Debug, Default)]
pub struct Versions {
    /// In their order; one moves whenever a number of its Ledger does.
    pub of: Vec<u64>,
    /// Whether one answers from counters of other rules until it has made its own.
    pub recounting: bool,
    /// How many things are on their way from one of a person's keys to another, and in no number.
    pub moving: u64,
}

/// An answer that was made.
pub struct Made {
    /// Everything that it depends on, and not the moment at which it was made: another state, another tag.
    pub state: String,
    pub content_type: &'static str,
    pub body: String,
}

impl Made {
    /// An object, which is given the moment of which it speaks, or the list in it as a table; `versions` are those of the Ledgers.
    #[must_use]
    pub fn of(format: Format, mut object: Value, versions: &Versions, as_of_ms: Ms) -> Self {
        let format = if object.get("data").is_some() { format } else { Format::Json };
        let state = format!("{versions:?}{object}");
        if let Some(object) = object.as_object_mut() {
            object.insert("as_of".to_owned(), json!(to_rfc3339(as_of_ms)));
            if versions.recounting {
                object.insert("recounting".to_owned(), json!(true));
            }
            if versions.moving > 0 {
                object.insert("moving".to_owned(), json!(versions.moving));
            }
        }
        Self { state, content_type: format.content_type(), body: table::written(format, &object) }
    }
}

/// An answer and when it was made.
#[derive(Serialize, Deserialize)]
pub struct Snapshot {
    made_ms: Ms,
    etag: String,
    content_type: String,
    pub body: String,
}

impl Snapshot {
    fn is_young(&self, max_age_ms: Ms) -> bool {
        now_ms() - self.made_ms < max_age_ms
    }
}

/// What this isolate keeps, and how long the bodies are together.
#[derive(Default)]
struct Snapshots {
    by_question: HashMap<String, Rc<Snapshot>>,
    bytes: usize,
}

thread_local! {
    static SNAPSHOTS: RefCell<Snapshots> = RefCell::default();
}

/// Answers a question: with what is kept, else with what `make` makes. `make` does nothing before it is needed.
///
/// # Errors
/// Those of `make`.
pub async fn answer(
    config: &Config,
    asked: &Asked<'_>,
    question: &Question,
    make: LocalBoxFuture<'_, Result<Made, Problem>>,
) -> Answer {
    let snapshot = snapshot(config, Some(asked.context), question, make).await?;
    let headers = [
        ("content-type", snapshot.content_type.as_str()),
        ("etag", snapshot.etag.as_str()),
        ("cache-control", if question.of_nobody { "private, no-cache" } else { "private, no-store" }),
    ];
    let known = http::header(asked.request, "if-none-match").unwrap_or_default();
    if etag::named_by(&known, &snapshot.etag) {
        return Ok(http::answer(304, &headers, None)?);
    }
    Ok(http::answer(200, &headers, Some(&snapshot.body))?)
}

/// What this isolate keeps of a question, however old.
pub fn kept(question: &Question) -> Option<Rc<Snapshot>> {
    SNAPSHOTS.with_borrow(|snapshots| snapshots.by_question.get(&question.key).cloned())
}

/// What is kept of a question if it is young enough, else what `make` makes. Without a context nothing is put into KV.
///
/// # Errors
/// Those of `make`.
pub async fn snapshot(
    config: &Config,
    context: Option<&Context>,
    question: &Question,
    make: LocalBoxFuture<'_, Result<Made, Problem>>,
) -> Result<Rc<Snapshot>, Problem> {
    match kept(question).filter(|kept| kept.is_young(question.max_age_ms)) {
        Some(kept) => Ok(kept),
        None => fresh(config, context, question, make).await,
    }
}

async fn fresh(
    config: &Config,
    context: Option<&Context>,
    question: &Question,
    make: LocalBoxFuture<'_, Result<Made, Problem>>,
) -> Result<Rc<Snapshot>, Problem> {
    let shared = question.of_nobody && question.max_age_ms >= Ms::from(SHARED_ANSWER_S) * 1000;
    let copy_key = format!("read:{RULES_VERSION}:{}", etag::of(&question.key, ""));
    if shared {
        let copy = within(config.kv.get(&copy_key).text(), COPY_READ_MS).await;
        let copy = copy.ok().and_then(Result::ok).flatten().and_then(|text| json::read::<Snapshot>(&text).ok());
        if let Some(copy) = copy.filter(|copy| copy.is_young(question.max_age_ms)) {
            return Ok(keep(question, copy));
        }
    }
    let made_ms = now_ms();
    let made = make.await?;
    let etag = etag::of(&question.key, &format!("{RULES_VERSION} {}", made.state));
    let snapshot = Snapshot { made_ms, etag, content_type: made.content_type.to_owned(), body: made.body };
    if shared && snapshot.body.len() <= SHARED_ANSWER_BYTES {
        let text = serde_json::to_string(&snapshot).unwrap_or_default();
        // As bytes: `put` would write any number first, and weigh for it.
        let put = config.kv.put_bytes(&copy_key, text.as_bytes());
        // A copy that is not written is made again.
        if let (Ok(put), Some(context)) = (put.map(|put| put.expiration_ttl(question.max_age_ms.unsigned_abs() / 1000)), context)
        {
            context.wait_until(async move {
                let _ = put.execute().await;
            });
        }
    }
    Ok(keep(question, snapshot))
}

fn keep(question: &Question, snapshot: Snapshot) -> Rc<Snapshot> {
    let snapshot = Rc::new(snapshot);
    SNAPSHOTS.with_borrow_mut(|snapshots| {
        snapshots.bytes += question.key.len() + snapshot.body.len();
        if snapshots.bytes > CACHED_ANSWER_BYTES {
            *snapshots = Snapshots::default();
            snapshots.bytes = question.key.len() + snapshot.body.len();
        }
        let before = snapshots.by_question.insert(question.key.clone(), Rc::clone(&snapshot));
        snapshots.bytes -= before.map_or(0, |before| question.key.len() + before.body.len());
    });
    snapshot
}
