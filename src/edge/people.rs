//! Lists of people, messages and conversions, and everything about one person: asked of the Ledgers.
//!
//! A list goes through the Ledgers in their order. Which of them have something to show is asked first, so that a page asks
//! few of them for rows, and a sparse one asks all that have any at once.

use std::rc::Rc;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::Config;
use super::pages::{self, Page, Pages};
use super::{Answer, Asked, cache, http, ledgers, now_ms};
use crate::body::{self, Fields};
use crate::bounds::{LIST_LEDGERS, LIST_MS, TEXT_BYTES};
use crate::campaign::Campaign;
use crate::contact::{Handle, canonical_key};
use crate::ids::UNATTRIBUTED;
use crate::json;
use crate::ledger::{List, Listed, ListedRow, Of, Position, Read};
use crate::period::{Basis, Period};
use crate::problem::Problem;
use crate::registry::NUMBERED;
use crate::route::Query;
use crate::segment::Segment;
use crate::timeline::Span;

const CONTACT_COLUMNS: &[&str] = &[
    "contact",
    "masked",
    "handle",
    "steps",
    "states.dispatch_error_at",
    "states.sent_at",
    "states.delivered_at",
    "states.opened_at",
    "states.read_at",
    "states.failed_at",
    "states.in_flight_at",
    "states.clicked_at",
    "states.quick_replied_at",
    "states.replied_at",
    "states.converted_at",
    "states.skipped_at",
    "states.control_at",
    "clicks",
    "replies",
    "error.code",
    "error.class",
    "error.title",
    "error.retryable",
    "reason",
];
const MESSAGE_COLUMNS: &[&str] = &[
    "contact",
    "masked",
    "handle",
    "message_id",
    "attempt",
    "channel",
    "step",
    "category",
    "country",
    "states.dispatch_error_at",
    "states.sent_at",
    "states.delivered_at",
    "states.opened_at",
    "states.read_at",
    "states.failed_at",
    "states.in_flight_at",
    "states.clicked_at",
    "states.quick_replied_at",
    "states.replied_at",
    "states.converted_at",
    "clicks",
    "replies",
    "error.code",
    "error.class",
    "error.title",
    "error.retryable",
];
const CONVERSION_COLUMNS: &[&str] =
    &["id", "goal", "at", "value", "currency", "contact", "masked", "handle", "campaign", "step", "message_id"];

/// `GET /v1/campaigns/{campaign}/contacts`, `…/messages`, `…/conversions`, and, without a campaign, `GET /v1/conversions`
pub async fn list(config: &Rc<Config>, asked: &Asked<'_>, of: Of, campaign: Option<&str>, query: &Query) -> Answer {
    let mut period = Period::read(query)?;
    if let (None, Some(period), None) = (campaign, &mut period, query.get("basis")) {
        // Across campaigns a conversion is looked for when it was made.
        period.basis = Basis::Event;
    }
    let span = |period: Period| Span { from_ms: period.from_ms, to_ms: period.to_ms, by_event: period.basis == Basis::Event };
    let text = |name: &str| query.get(name).map(str::to_owned);
    let list = List {
        of,
        campaign: match campaign.or(query.get("campaign")) {
            None => None,
            Some(campaign) => Some(number(config, campaign).await?),
        },
        step: text("step"),
        segment: Segment::read(query.get("has"), query.get("not"))?,
        link: text("link"),
        error: text("error"),
        span: period.map(span),
    };
    let in_clear = asked.principal.sees_people();
    let columns = match of {
        Of::Contacts => CONTACT_COLUMNS,
        Of::Messages => MESSAGE_COLUMNS,
        Of::Conversions => CONVERSION_COLUMNS,
    };
    let of = format!("people {in_clear} {}", serde_json::to_string(&list).unwrap_or_default());
    let config_of_turn = Rc::clone(config);
    let turn = Rc::new(move |position: Option<String>, limit: u32, whole: bool| {
        let search = Search { config: Rc::clone(&config_of_turn), list: list.clone(), in_clear };
        let page: futures_util::future::LocalBoxFuture<'static, _> =
            Box::pin(async move { search.page(position.as_deref(), limit as usize, whole).await });
        page
    });
    pages::answer(config, asked, query, Pages { of, columns, turn }).await
}

/// The number of a campaign.
///
/// # Errors
/// 404, if it is not declared; 503, if the Registry does not answer.
async fn number(config: &Config, campaign: &str) -> Result<u32, Problem> {
    if campaign == UNATTRIBUTED {
        return Ok(0);
    }
    // By its number nobody asks for it from outside.
    let known = if campaign.starts_with(NUMBERED) { None } else { cache::get::<Campaign>(config, campaign).await? };
    known.map(|known| known.no).ok_or_else(|| Problem::not_found("No such campaign."))
}

/// A place in a list, in a cursor.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Mark {
    ledger: u32,
    /// Behind which row of it; `None`: from its beginning.
    after: Option<Position>,
    /// How many of its rows were shown.
    seen: u64,
    /// How long the list was when it began, where counting it means to go through it.
    total: Option<u64>,
}

/// What is known of one Ledger's part of a list.
#[derive(Default)]
struct Part {
    rows: Vec<ListedRow>,
    /// Where it goes on.
    after: Option<Position>,
    /// Whether all of it is here.
    done: bool,
    /// How many rows it has yet, as far as that is known.
    expected: Option<u64>,
}

/// A list on its way.
struct Search {
    config: Rc<Config>,
    list: List,
    in_clear: bool,
}

impl Search {
    /// The page behind a mark.
    async fn page(&self, mark: Option<&str>, limit: usize, whole: bool) -> Result<Page, Problem> {
        let mark: Mark = mark.and_then(|mark| json::read(mark).ok()).unwrap_or_default();
        let (mut counts, moving) = match mark.total {
            None if whole => self.tally().await.map(|(counts, moving)| (Some(counts), moving))?,
            _ => (None, 0),
        };
        let first = mark.ledger as usize;
        let mut parts: Vec<Part> = (0..self.config.partition.ledgers as usize).map(|_| Part::default()).collect();
        if let Some(counts) = &counts {
            for (part, counted) in parts.iter_mut().zip(counts) {
                part.expected = u64::try_from(counted[0]).ok();
                part.done = part.expected == Some(0);
            }
        }
        parts.iter_mut().take(first).for_each(|part| part.done = true);
        if let Some(part) = parts.get_mut(first) {
            part.done = false;
            part.after = mark.after.clone();
            part.expected = part.expected.map(|expected| expected.saturating_sub(mark.seen));
        }
        self.gather(&mut parts, first, limit + 1, &mut counts).await?;

        let mut rows: Vec<(usize, ListedRow)> = Vec::new();
        let mut stopped = None;
        for (ledger, part) in parts.into_iter().enumerate().skip(first) {
            rows.extend(part.rows.into_iter().map(|row| (ledger, row)));
            if !part.done {
                stopped = Some((ledger, part.after));
                break;
            }
        }
        let total = mark.total.or_else(|| Some(counts.as_ref()?.iter().map(|[live, ..]| live.unsigned_abs()).sum()));
        let more = rows.len() > limit;
        rows.truncate(limit);
        let at = if more {
            rows.last().map(|(ledger, (handle, id, _))| (*ledger, Some((handle.clone(), id.clone()))))
        } else {
            stopped
        };
        let next = at.and_then(|(ledger, after)| {
            let here = rows.iter().filter(|(of, _)| *of == ledger).count() as u64;
            let seen = here + if ledger == first { mark.seen } else { 0 };
            let total = total.filter(|_| !self.list.is_counted());
            serde_json::to_string(&Mark { ledger: u32::try_from(ledger).ok()?, after, seen, total }).ok()
        });
        let share = |share: usize| -> Value {
            // Where nothing is counted, nothing is said of those who are gone.
            let counts = counts.as_ref().filter(|_| self.list.is_counted());
            json!(counts.map(|counts| counts.iter().filter_map(|shares| shares.get(share)).sum::<i64>()))
        };
        let mut whole = vec![("total", json!(total)), ("erased", share(1)), ("expired", share(2))];
        whole.extend((moving > 0).then(|| ("moving", json!(moving))));
        Ok(Page { rows: rows.into_iter().map(|(_, (_, _, row))| row).collect(), whole, next })
    }

    /// Asks the Ledgers for rows until there are `wanted` of them, one after the other and without a gap, or none are left, or it
    /// took too long.
    async fn gather(
        &self,
        parts: &mut [Part],
        first: usize,
        wanted: usize,
        counts: &mut Option<Vec<[i64; 3]>>,
    ) -> Result<(), Problem> {
        let begun_ms = now_ms();
        let mut width = 1;
        loop {
            let (mut have, mut asked) = (0, Vec::new());
            for (ledger, part) in parts.iter().enumerate().skip(first) {
                have += part.rows.len();
                if part.done {
                    continue;
                }
                let blindly = part.expected.is_none();
                if have >= wanted || asked.len() >= LIST_LEDGERS || blindly && asked.len() >= width {
                    break;
                }
                let most = wanted - have;
                let most = part.expected.map_or(most, |expected| most.min(expected as usize + 1));
                have += part.expected.map_or(0, |expected| expected as usize);
                asked.push((
                    ledger,
                    Read::List { list: self.list.clone(), after: part.after.clone(), most: most as u32, in_clear: self.in_clear },
                ));
            }
            if asked.is_empty() {
                return Ok(());
            }
            let answers = join_all(asked.iter().map(|(ledger, read)| self.ask(*ledger, read))).await;
            for ((ledger, _), answer) in asked.iter().zip(answers) {
                let Listed { rows, next, counts: counted, .. } = answer?;
                let Some(part) = parts.get_mut(*ledger) else { continue };
                part.expected = part.expected.map(|expected| expected.saturating_sub(rows.len() as u64));
                part.rows.extend(rows);
                part.done = next.is_none();
                part.after = next;
                // Of the same moment as its rows.
                if let (Some(counts), Some(counted)) = (counts.as_mut().and_then(|counts| counts.get_mut(*ledger)), counted) {
                    *counts = counted;
                }
            }
            width = (width * 2).min(LIST_LEDGERS);
            if now_ms() > begun_ms + LIST_MS {
                return Ok(());
            }
        }
    }

    /// How many rows every Ledger has: shown, erased, expired. And how many things of all of them are on their way to another person.
    async fn tally(&self) -> Result<(Vec<[i64; 3]>, u64), Problem> {
        let ledgers = 0..self.config.partition.ledgers as usize;
        let tallies = join_all(ledgers.map(async |ledger| {
            let (mut sum, mut after) = (0, None);
            loop {
                let read = Read::Tally { list: self.list.clone(), after };
                let Listed { found, next, counts, moving, .. } = self.ask(ledger, &read).await?;
                sum += i64::try_from(found).unwrap_or_default();
                if counts.is_some() || next.is_none() {
                    return Ok((counts.unwrap_or([sum, 0, 0]), moving));
                }
                after = next;
            }
        }))
        .await;
        let tallies: Vec<([i64; 3], u64)> = tallies.into_iter().collect::<Result<_, Problem>>()?;
        let (counts, moving): (Vec<_>, Vec<u64>) = tallies.into_iter().unzip();
        Ok((counts, moving.iter().sum()))
    }

    async fn ask(&self, ledger: usize, read: &Read) -> Result<Listed, Problem> {
        let text = serde_json::to_string(read).map_err(|_| ledgers::unanswered())?;
        let text = ledgers::read(&self.config, u32::try_from(ledger).map_err(|_| ledgers::unanswered())?, &text).await?;
        json::read(&text).map_err(|_| ledgers::unanswered())
    }
}

/// `POST /v1/contacts/lookup`
pub async fn lookup(config: &Config, asked: &Asked<'_>) -> Answer {
    let body: Value = body::json(&http::body(asked.request).await?)?;
    let handle = named(config, &body)?;
    let shown = known(config, handle).await?;
    let Value::Object(mut shown) = json::read(&shown).unwrap_or_default() else {
        return Err(Problem::not_found("Nothing is known of this contact.").into());
    };
    // Whose a user id is, its own Ledger says: a phone of a later pair has it among its names too.
    let key = shown.get("contact").cloned().unwrap_or_default();
    let user_ids: Vec<String> = shown.get("user_ids").and_then(|ids| json::of(ids).ok()).unwrap_or_default();
    let asked = user_ids.into_iter().map(async |id| {
        let known = if key == id.as_str() {
            Ok(String::new())
        } else {
            person(config, Handle::of(&config.partition.handle_key, &id)).await
        };
        (id, known)
    });
    let (mut own, mut conflicts) = (Vec::new(), Vec::new());
    for (id, known) in join_all(asked).await {
        let known: Value = json::read(&known?).unwrap_or_default();
        let holder = known.get("moved_to").unwrap_or(&key);
        if let Some(claimed_by) = known.get("claimed_by").filter(|by| by.as_array().is_some_and(|by| !by.is_empty())) {
            conflicts.push(json!({ "user_id": id, "contact": holder, "claimed_by": claimed_by }));
        }
        if *holder == key {
            own.push(id);
        }
    }
    shown.insert("user_ids".to_owned(), json!(own));
    shown.insert("conflicts".to_owned(), json!(conflicts));
    let headers = [("content-type", "application/json"), ("cache-control", "no-store")];
    Ok(http::answer(200, &headers, Some(&Value::Object(shown).to_string()))?)
}

/// What the Ledger of a handle knows of it.
async fn person(config: &Config, handle: Handle) -> Result<String, Problem> {
    let read = serde_json::to_string(&Read::Person { handle: handle.to_text() }).unwrap_or_default();
    ledgers::read(config, handle.ledger(config.partition.ledgers), &read).await
}

/// What is known of a contact, as JSON; `null` if nothing is.
///
/// # Errors
/// 503, if the Ledger does not answer.
pub async fn known(config: &Config, handle: Handle) -> Result<String, Problem> {
    let shown = person(config, handle).await?;
    // A key that belongs to another person leads to them, in one step.
    let moved: Value = json::read(&shown).unwrap_or_default();
    let Some(to) = moved.get("moved_to").and_then(Value::as_str) else { return Ok(shown) };
    let whole = person(config, Handle::of(&config.partition.handle_key, to)).await?;
    let mut whole: Value = json::read(&whole).unwrap_or_default();
    if let Some(members) = whole.as_object_mut() {
        members.insert("moving".to_owned(), moved.get("moving").cloned().unwrap_or_default());
    }
    Ok(whole.to_string())
}

/// The contact that a body names: by `contact` or by `handle`.
///
/// # Errors
/// 400, if it names none, or both.
pub fn named(config: &Config, body: &Value) -> Result<Handle, Problem> {
    let mut fields = Fields::of(body, "");
    let contact = fields.text("contact", TEXT_BYTES);
    let handle = fields.text("handle", TEXT_BYTES);
    let found = match (contact, handle) {
        (Some(contact), None) => {
            let key = canonical_key(contact);
            if key.is_none() {
                fields.wrong("contact", "must be a phone number with its country code, or a user id");
            }
            key.map(|key| Handle::of(&config.partition.handle_key, &key))
        }
        (None, Some(handle)) => {
            let found = Handle::from_text(handle);
            if found.is_none() {
                fields.wrong("handle", "is no handle");
            }
            found
        }
        _ => {
            fields.wrong("contact", "or handle is needed, one of them");
            None
        }
    };
    fields.done()?;
    found.ok_or_else(|| Problem::bad(""))
}
