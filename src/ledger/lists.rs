//! Lists: who and what stands behind a number, page by page.
//!
//! The entries of a campaign are neighbours, and a message's row bears its states, so SQL looks through a stretch of them and names
//! the contacts that can belong to the list; their timelines are loaded and decide, by what they counted. One read looks through a
//! bounded number of rows and loads a bounded number of contacts, and says where it stopped. How many there are is told by the
//! counters, wherever they tell it.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::{Ledger, to_json};
use crate::contact::NOBODY;
use crate::contributions::state;
use crate::counters::{Book, Cell, DAY_MS, Kind, QUARTER_MS, TOTALS};
use crate::error_class;
use crate::event::Ms;
use crate::segment::{Segment, Word};
use crate::sorted::SortedSet;
use crate::sql::{Arg, Sql, SqlError};
use crate::timeline::{Filter, Span};

/// Rows looked through at a time, at first and at most.
const WINDOW_ROWS: (u32, u32) = (512, 8_192);
/// Rows looked through by one read: 50 ms of an object that others wait for.
const ROWS_PER_READ: u32 = 65_536;
/// Contacts loaded by one read, likewise, and at a time.
const CONTACTS_PER_READ: usize = 2_000;
const CONTACTS_AT_A_TIME: (usize, usize) = (16, 250);

/// Above every id of an entry.
const END: &str = "\u{10ffff}";

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    Contacts,
    /// Messages and dispatch errors.
    Messages,
    /// Conversions that go to a message.
    Conversions,
}

/// A list; what decides about its rows is said by [`Filter`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    pub of: Of,
    /// `None`, of conversions alone: all campaigns.
    pub campaign: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    #[serde(default)]
    pub segment: Segment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

/// A place in a list: behind the row of this handle and entry.
pub type Position = (String, String);

/// A row: where it stands, and what is shown.
pub type ListedRow = (String, String, Box<RawValue>);

/// The answer to [`Read::List`] and [`Read::Tally`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Listed {
    pub rows: Vec<ListedRow>,
    /// How many belong to the list behind the position asked for; what [`Read::Tally`] came by.
    pub found: u64,
    /// Where to go on; `None`: there is nothing more.
    pub next: Option<Position>,
    /// By the counters, in the whole list: how many are shown, and how many were erased and have expired. `None`: they do not tell.
    pub counts: Option<[i64; 3]>,
    /// Of a tally: how many things are on their way to another person, and counted nowhere.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub moving: u64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl List {
    fn filter(&self) -> Filter<'_> {
        Filter {
            campaign: self.campaign.unwrap_or_default(),
            step: self.step.as_deref(),
            segment: self.segment,
            link: self.link.as_deref(),
            error: self.error.as_deref(),
            span: self.span,
        }
    }

    fn by_event(&self) -> bool {
        self.span.is_some_and(|span| span.by_event)
    }

    /// Whether the counters tell how long it is: without a link; an error of messages by the failed or refused ones; states by
    /// their own time one at a time; conversions of one campaign.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        let (has, not) = self.segment.or_attempted().words();
        let one = not.is_empty() && has.len() == 1;
        self.link.is_none()
            && match self.of {
                Of::Contacts => self.error.is_none(),
                Of::Messages if self.error.is_some() => one && self.error_kinds().is_some(),
                Of::Messages => one || !self.by_event(),
                Of::Conversions => self.campaign.is_some(),
            }
    }

    /// Which kinds of counted errors it is about, if it is about errors alone.
    fn error_kinds(&self) -> Option<[bool; 2]> {
        let (has, _) = self.segment.words();
        Some(match has.first().map(|word| word.name) {
            Some("dispatch_error") => [true, false],
            Some("failed") => [false, true],
            Some("failed_total") => [true, true],
            // By event, what was attempted in a time and what failed in it are not the same.
            None if !self.by_event() => [true, true],
            _ => return None,
        })
    }

    /// How many are in a book, which holds the days of the span.
    fn count(&self, book: &Book) -> i64 {
        let (has, _) = self.segment.or_attempted().words();
        let bits = has.first().map_or(0, |word| word.message);
        let [dispatch, delivery] = self.error_kinds().unwrap_or_default();
        let own_time = |kind: Kind, by_sent: Kind, by_event: Kind| kind == if self.by_event() { by_event } else { by_sent };
        let takes = |cell: &Cell| match self.of {
            Of::Contacts => {
                cell.kind == if self.step.is_some() { Kind::StepContacts } else { Kind::Contacts }
                    && self.segment.takes_contact(cell.a)
            }
            Of::Conversions => own_time(cell.kind, Kind::Conversions, Kind::ConversionsAt),
            Of::Messages => match &self.error {
                Some(error) => {
                    (dispatch && cell.kind == Kind::DispatchErrors
                        || delivery && own_time(cell.kind, Kind::DeliveryErrors, Kind::DeliveryErrorsAt))
                        && error_class::is(book.name_of(cell.a), error)
                }
                None if self.by_event() => cell.kind == Kind::States && bits >> cell.a & 1 == 1,
                None => cell.kind == Kind::Messages && self.segment.takes_message(cell.a),
            },
        };
        let in_step = |cell: &Cell| self.step.as_ref().is_none_or(|step| book.name_of(u32::from(cell.step)) == step);
        let rows = book.days.iter().map(|(day, row)| (*day, row)).filter(|_| self.span.is_some());
        let totals = Some((TOTALS, &book.totals)).filter(|_| self.span.is_none());
        let cells = rows.chain(totals).flat_map(|(day, row)| row.cells().map(move |(cell, n)| (day, cell, n)));
        cells.filter(|(day, cell, _)| self.holds(*day, cell) && in_step(cell) && takes(cell)).map(|(_, _, n)| n).sum()
    }

    fn holds(&self, day: i32, cell: &Cell) -> bool {
        let start_ms = Ms::from(day) * DAY_MS + cell.quarter.map_or(0, Ms::from) * QUARTER_MS;
        self.span.is_none_or(|span| span.holds(start_ms))
    }

    fn days(&self) -> (i32, i32) {
        let day = |ms: Ms| ms.div_euclid(DAY_MS) as i32;
        // An empty stretch of days: the totals alone.
        self.span.map_or((0, 0), |span| (day(span.from_ms), day(span.to_ms + DAY_MS - 1)))
    }
}

/// What an entry must be for its contact to be looked at, in SQL: each of `one_each` must hold for some entry of the contact, none
/// of `none`; never more than what the list itself asks. Texts are bound, from parameter 5 on.
#[derive(Default)]
struct Conditions {
    one_each: Vec<String>,
    none: Vec<String>,
    texts: Vec<String>,
}

/// A body in parts ([`crate::facts`]): what stands in it is not looked for here.
const IN_PARTS: &str = "substr(body, 1, 10) = '{\"shared\":'";
/// A click that nobody has called a machine's.
const CLICK: &str = "(id >= 'c' AND id < 'd' AND body ->> '$[1].m' IS NULL)";
const SKIPPED: &str = "(id >= 's' AND id < 't')";
const CONTROL: &str = "(id >= 'k' AND id < 'l')";
/// The code of a failed message or of a dispatch error.
const CODE: &str = "coalesce(body ->> '$.e[1][0]', '')";
/// When a message was sent or an error happened; of two claims the earlier, which is not looked for here.
const SENT: &str = "coalesce(body ->> '$.t', 9e15)";

fn states(bits: u32) -> String {
    format!("(states & {bits} <> 0)")
}

impl Conditions {
    /// `codes` are those of the errors that the list asks for.
    fn of(list: &List, codes: &[String]) -> Self {
        let mut conditions = Self::default();
        match list.of {
            Of::Contacts => conditions.of_contacts(list),
            Of::Messages => conditions.of_messages(list),
            Of::Conversions if list.campaign.is_some() => conditions.one_each.push(states(state::CONVERTED)),
            Of::Conversions => conditions.one_each.push("(id >= 'v' AND id < 'w')".to_owned()),
        }
        let mut more = Vec::new();
        if let (Some(link), true) = (&list.link, list.of != Of::Conversions) {
            let link = conditions.text(link.clone());
            more.push(match list.of {
                Of::Contacts => format!("{CLICK} AND (body ->> '$[1].l' = {link} OR {IN_PARTS})"),
                _ => format!(
                    "states & {} AND EXISTS (SELECT 1 FROM entry AS c WHERE c.campaign = entry.campaign AND c.handle = entry.handle \
                     AND c.id >= 'c' AND c.id < 'd' AND (c.body ->> '$[1].l' = {link} OR substr(c.body, 1, 10) = '{{\"shared\":'))",
                    state::CLICKED
                ),
            });
        }
        if list.error.is_some() {
            let codes = conditions.text(to_json(&codes));
            let failed = state::FAILED | state::DISPATCH_ERROR;
            more.push(format!("states & {failed} AND ({CODE} IN (SELECT value FROM json_each({codes})) OR {IN_PARTS})"));
        }
        if let Some(step) = list.step.as_ref().filter(|step| !step.is_empty()) {
            // As it stands in the facts' JSON.
            let step = conditions.text(to_json(step).trim_matches('"').to_owned());
            more.push(format!("instr(body, {step}) > 0"));
        }
        conditions.one_each.extend(more);
        if list.of == Of::Messages {
            // One and the same entry.
            conditions.one_each = vec![conditions.one_each.iter().map(|c| format!("({c})")).collect::<Vec<_>>().join(" AND ")];
        }
        conditions
    }

    fn of_contacts(&mut self, list: &List) {
        let (has, not) = list.segment.words();
        let condition = |word: &Word| match word.name {
            "skipped" => SKIPPED.to_owned(),
            "control" | "contaminated" => CONTROL.to_owned(),
            "clicked" => CLICK.to_owned(),
            "interacted" => format!("({CLICK} OR {})", states(state::QUICK_REPLIED)),
            _ if word.contact == 0 => "0".to_owned(),
            _ => states(word.message),
        };
        self.one_each.extend(has.iter().map(condition));
        if has.is_empty() {
            self.one_each.push(format!("states <> 0 OR {CLICK} OR {SKIPPED} OR {CONTROL}"));
        }
        if list.step.is_some() {
            return;
        }
        // Of the whole campaign, some words are said of whoever has one such message.
        let of_messages = |word: &&Word| {
            let other = ["failed", "failed_total", "clicked", "interacted", "skipped", "control", "contaminated"];
            word.contact != 0 && !other.contains(&word.name)
        };
        self.none.extend(not.iter().filter(of_messages).map(|word| states(word.message)));
        if has.iter().any(|word| word.name.starts_with("failed")) {
            self.none.push(states(state::DELIVERED));
        }
    }

    fn of_messages(&mut self, list: &List) {
        let (has, not) = list.segment.or_attempted().words();
        self.one_each.extend(has.iter().map(|word| states(word.message)));
        if list.by_event() {
            return;
        }
        self.one_each.extend(not.iter().map(|word| format!("NOT {}", states(word.message))));
        if let Some(Span { from_ms, to_ms, .. }) = list.span {
            self.one_each
                .push(format!("{IN_PARTS} OR body ->> '$.d[1]' IS NOT NULL OR {SENT} BETWEEN {from_ms} AND {}", to_ms - 1));
        }
    }

    fn text(&mut self, text: String) -> String {
        self.texts.push(text);
        format!("?{}", self.texts.len() + 4)
    }

    /// The contacts of a stretch of entries that meet them.
    fn statement(&self) -> String {
        let one_each = self.one_each.iter().map(|condition| format!(" AND max({condition})"));
        let none = self.none.iter().map(|condition| format!(" AND NOT max({condition})"));
        let having: String = one_each.chain(none).collect();
        format!(
            "SELECT json_group_array(handle) FROM (SELECT handle FROM entry WHERE campaign = CAST(?1 AS INTEGER) \
             AND (handle, id) > (?2, ?3) AND handle <= ?4 GROUP BY handle HAVING 1{having} ORDER BY handle)"
        )
    }
}

/// How much of a read's bounds is used up.
#[derive(Default)]
struct Used {
    rows: u32,
    contacts: usize,
}

impl<S: Sql> Ledger<S> {
    /// A page of a list, from behind `after`: at most `most` rows, and fewer where the bounds of one read end it.
    pub(super) fn list(
        &mut self,
        list: &List,
        after: Option<&Position>,
        most: usize,
        in_clear: bool,
    ) -> Result<Listed, SqlError> {
        let mut listed = self.scan(list, after, most, in_clear)?;
        listed.counts = self.counts(list)?;
        Ok(listed)
    }

    /// How long a list is: by its counters, else as far as one read comes.
    pub(super) fn tally(&mut self, list: &List, after: Option<&Position>) -> Result<Listed, SqlError> {
        let mut listed = match self.counts(list)? {
            Some(counts) => Listed { counts: Some(counts), ..Listed::default() },
            None => Listed { rows: Vec::new(), ..self.scan(list, after, usize::MAX, false)? },
        };
        listed.moving = self.moving()?;
        Ok(listed)
    }

    fn counts(&self, list: &List) -> Result<Option<[i64; 3]>, SqlError> {
        let Some(campaign) = list.campaign.filter(|_| list.is_counted()) else { return Ok(None) };
        let shares = self.shares(campaign, list.days())?;
        Ok(Some([&shares.live, &shares.erased, &shares.expired].map(|book| list.count(book))))
    }

    fn scan(&mut self, list: &List, after: Option<&Position>, most: usize, in_clear: bool) -> Result<Listed, SqlError> {
        let campaign = list.campaign.unwrap_or_default();
        let conditions = Conditions::of(list, &self.codes(list)?);
        let statement = conditions.statement();
        let (mut listed, mut used) = (Listed::default(), Used::default());
        let mut at: Position = after.cloned().unwrap_or_default();
        let mut window = WINDOW_ROWS.0.max(u32::try_from(most).unwrap_or(u32::MAX)).min(WINDOW_ROWS.1);
        loop {
            // A contact in the middle of whose rows a page ended is looked at whole: rows are not sorted as entries are.
            let from = if at.1 == END { END } else { "" };
            let until = self.end_of_window(campaign, (&at.0, from), window)?;
            // Clicks of nobody stand behind all handles of contacts, and are on no list.
            let last = until.clone().unwrap_or_else(|| NOBODY.to_string());
            let mut args = vec![Arg::Int(i64::from(campaign)), Arg::Text(&at.0), Arg::Text(from), Arg::Text(&last)];
            args.extend(conditions.texts.iter().map(|text| Arg::Text(text)));
            let handles = self.sql.text(&statement, &args)?;
            let handles: Vec<String> = super::parse(handles.as_deref(), "entry")?;
            if let Some(stopped) = self.take(list, &handles, &at, most, in_clear, &mut listed, &mut used)? {
                listed.next = Some(stopped);
                return Ok(listed);
            }
            let Some(until) = until else { return Ok(listed) };
            at = (until, END.to_owned());
            used.rows = used.rows.saturating_add(window);
            if used.rows >= ROWS_PER_READ {
                listed.next = Some(at);
                return Ok(listed);
            }
            window = (window * 2).min(WINDOW_ROWS.1);
        }
    }

    /// The contact in whose entries a number of rows behind `at` ends; `None`, if there are fewer.
    fn end_of_window(&self, campaign: u32, at: (&str, &str), rows: u32) -> Result<Option<String>, SqlError> {
        self.sql.text(
            "SELECT handle FROM entry WHERE campaign = CAST(?1 AS INTEGER) AND (handle, id) > (?2, ?3) AND handle < ?4 \
             ORDER BY handle, id LIMIT 1 OFFSET CAST(?5 AS INTEGER)",
            &[
                Arg::Int(i64::from(campaign)),
                Arg::Text(at.0),
                Arg::Text(at.1),
                Arg::Text(&NOBODY.to_string()),
                Arg::Int(i64::from(rows)),
            ],
        )
    }

    /// Adds the rows of these contacts. Says where it stopped, if the page is full or the bounds of the read are reached.
    #[expect(clippy::too_many_arguments, reason = "one loop, cut in two")]
    fn take(
        &mut self,
        list: &List,
        handles: &[String],
        at: &Position,
        most: usize,
        in_clear: bool,
        listed: &mut Listed,
        used: &mut Used,
    ) -> Result<Option<Position>, SqlError> {
        let mut rest = handles;
        while !rest.is_empty() {
            let wanted = most.saturating_sub(listed.rows.len()).clamp(CONTACTS_AT_A_TIME.0, CONTACTS_AT_A_TIME.1);
            let (chunk, later) = rest.split_at_checked(wanted).unwrap_or((rest, &[]));
            rest = later;
            let fresh: Vec<&String> = chunk.iter().filter(|handle| !self.contacts.contains_key(*handle)).collect();
            let handles = chunk.iter().map(String::as_str);
            let loaded = match list.campaign {
                Some(campaign) => self.load_for(campaign, handles),
                None => self.load(handles),
            };
            let mut full = None;
            for handle in chunk {
                let after = if *handle == at.0 { at.1.as_str() } else { "" };
                for (id, row) in self.rows_of(list, handle, after, most - listed.rows.len(), in_clear) {
                    listed.found += 1;
                    if most < usize::MAX {
                        listed.rows.push((handle.clone(), id, row));
                    }
                }
                if listed.rows.len() == most {
                    full = listed.rows.last().map(|(handle, id, _)| (handle.clone(), id.clone()));
                    break;
                }
            }
            used.contacts += chunk.len();
            // Nobody writes to them, and they may be here in part.
            for handle in fresh {
                self.contacts.remove(handle);
            }
            loaded?;
            if full.is_some() {
                return Ok(full);
            }
            if used.contacts >= CONTACTS_PER_READ {
                return Ok(chunk.last().map(|handle| (handle.clone(), END.to_owned())));
            }
        }
        Ok(None)
    }

    /// The rows of a loaded contact that belong to the list, with the ids of their entries; a contact's own has the last of all.
    fn rows_of(&self, list: &List, handle: &str, after: &str, most: usize, in_clear: bool) -> Vec<(String, Box<RawValue>)> {
        let Some(cached) = self.contacts.get(handle) else { return Vec::new() };
        let (timeline, filter) = (&cached.timeline, list.filter());
        let rows = match list.of {
            Of::Contacts => timeline.contact_row(&filter).map(|row| (END.to_owned(), row)).into_iter().collect(),
            Of::Messages => timeline.message_rows(&filter, after, most),
            Of::Conversions => timeline.conversion_rows(list.campaign, &filter, &self.policies, after, most),
        };
        let (contact, masked) = timeline.name_of(in_clear);
        let named = |(id, mut row): (String, Value)| {
            if let Some(fields) = row.as_object_mut() {
                fields.insert("contact".to_owned(), contact.clone());
                fields.insert("masked".to_owned(), masked.clone());
                fields.insert("handle".to_owned(), json!(handle));
                // Meta's ids of messages hold the person's number.
                if let Some(id) = fields.get_mut("message_id").filter(|_| !in_clear) {
                    *id = Value::Null;
                }
            }
            Some((id, to_raw_value(&row).ok()?))
        };
        rows.into_iter().filter_map(named).collect()
    }

    /// The codes of the errors that a list asks for, as they are counted in its campaign.
    fn codes(&mut self, list: &List) -> Result<Vec<String>, SqlError> {
        let (Some(campaign), Some(error)) = (list.campaign, &list.error) else { return Ok(Vec::new()) };
        let rules = self.marks.rules;
        self.load_book(rules, campaign, &[])?;
        let Some(cached) = self.books.get(&(rules, campaign)) else { return Ok(Vec::new()) };
        let book = &cached.book;
        let errors = book.totals.cells().filter(|(cell, _)| matches!(cell.kind, Kind::DispatchErrors | Kind::DeliveryErrors));
        let keys = errors.map(|(cell, _)| book.name_of(cell.a)).filter(|key| error_class::is(key, error));
        Ok(keys.map(|key| error_class::counted(key).0.to_owned()).collect())
    }

    /// Everything about one contact; `null`, if nothing is known.
    pub(super) fn person(&mut self, handle: &str) -> Result<Value, SqlError> {
        let fresh = !self.contacts.contains_key(handle);
        self.load(core::iter::once(handle))?;
        let Some(cached) = self.contacts.get(handle) else { return Ok(Value::Null) };
        let timeline = &cached.timeline;
        let key = timeline.key();
        let home = cached.row.ties.home().filter(|(_, pair)| *pair || timeline.is_empty());
        if let Some((to, _)) = home {
            return Ok(json!({ "moved_to": to, "moving": self.moving_of(handle)?, "claimed_by": cached.row.ties.claimed_by }));
        }
        let user_ids: SortedSet<&str> = key.into_iter().chain(cached.row.ties.names()).filter(|key| key.contains('.')).collect();
        let shown = json!({
            "contact": key, "handle": handle, "user_ids": user_ids,
            "opted_out": timeline.opted_out(), "moving": 0, "timeline": timeline.story(&self.policies),
        });
        let known = !timeline.is_empty();
        if fresh {
            self.contacts.remove(handle);
        }
        Ok(if known { shown } else { Value::Null })
    }
}
