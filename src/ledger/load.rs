//! How stored rows come into memory: timelines and books, in pages that the platform can hand over. A stored body is JSON and is
//! put into the answer as it is: `json(body)` would parse and print it first.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::moves::Ties;
use super::{CHUNK_CONTACTS, Ledger, to_json};
use crate::contributions::Delta;
use crate::counters::{Book, StoredRow, TOTALS};
use crate::event::Ms;
use crate::facts::{Facts, Shared};
use crate::json;
use crate::order::sort;
use crate::sorted::SortedSet;
use crate::sql::{Arg, Sql, SqlError};
use crate::timeline::Timeline;

/// Entries read at a time: a row is below 3 KB (ids are at most 512 bytes), a string of the platform at most 2 MB.
const PAGE_ENTRIES: usize = 500;
/// Contacts' places in campaigns whose entries are asked for at a time.
const PLACES: usize = 200;

/// What is stored of a contact beside its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ContactRow {
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    #[serde(rename = "c", default)]
    pub(super) campaigns: SortedSet<u32>,
    #[serde(flatten)]
    pub(super) ties: Ties,
}

/// Whether this is what an export tells of a contact.
#[must_use]
pub fn is_contact(row: &Value) -> bool {
    json::of::<ContactRow>(row).is_ok()
}

/// An entry as it is read: campaign, handle, id, body.
#[derive(Deserialize)]
struct EntryRow<'a>(u32, &'a str, #[serde(borrow)] Cow<'a, str>, #[serde(borrow)] &'a RawValue);

/// A timeline in memory.
#[derive(Default)]
pub(super) struct Cached {
    pub(super) timeline: Timeline,
    pub(super) row: ContactRow,
    pub(super) stored: bool,
    /// The ties to other keys changed.
    pub(super) tied: bool,
    /// Nothing in it is too old before this time is.
    pub(super) due_ms: Ms,
    /// When the person was erased who had this handle before.
    pub(super) erased_ms: Ms,
}

/// The counters in memory: a campaign's totals, and such days as were needed.
#[derive(Default)]
pub(super) struct CachedBook {
    pub(super) book: Book,
    pub(super) loaded: SortedSet<i32>,
}

pub(super) fn damaged(what: &str) -> SqlError {
    SqlError(format!("a stored row of {what} cannot be read"))
}

pub(super) fn parse<'a, T: Deserialize<'a>>(json: Option<&'a str>, what: &str) -> Result<Vec<T>, SqlError> {
    json.map_or_else(|| Ok(Vec::new()), |json| json::read(json).map_err(|_| damaged(what)))
}

/// Takes a stored entry into its timeline. `None` if it cannot be read.
pub fn load_entry(timeline: &mut Timeline, id: &str, body: &str, campaign: u32) -> Option<()> {
    if Shared::is_in(body) {
        timeline.load_shared(id.into(), Shared::decode(id, body)?, campaign);
    } else {
        timeline.load(id.into(), Facts::decode(id, body)?, campaign);
    }
    Some(())
}

impl<S: Sql> Ledger<S> {
    /// Brings the timelines of these contacts into memory, and settles them as they were counted.
    pub(super) fn load<'a>(&mut self, handles: impl Iterator<Item = &'a str>) -> Result<(), SqlError> {
        // As they were counted when they were stored: no difference.
        self.load_counting(handles, &mut Delta::new())
    }

    /// The same, and adds to `counted` what those count for that were not in memory.
    pub(super) fn load_counting<'a>(
        &mut self,
        handles: impl Iterator<Item = &'a str>,
        counted: &mut Delta,
    ) -> Result<(), SqlError> {
        self.bring(handles, None, counted)
    }

    /// Brings so much of these contacts into memory as decides what they are in one campaign; the others' entries of whom no word
    /// or click ties campaigns together stay where they are. Who was not in memory before has to be let go of, whatever comes of it.
    pub(super) fn load_for<'a>(&mut self, campaign: u32, handles: impl Iterator<Item = &'a str>) -> Result<(), SqlError> {
        self.bring(handles, Some(campaign), &mut Delta::new())
    }

    fn bring<'a>(
        &mut self,
        handles: impl Iterator<Item = &'a str>,
        only: Option<u32>,
        counted: &mut Delta,
    ) -> Result<(), SqlError> {
        let missing: Vec<&str> = handles.filter(|handle| !self.contacts.contains_key(*handle)).collect();
        let brought = missing.chunks(CHUNK_CONTACTS).try_for_each(|chunk| self.bring_chunk(chunk, only, counted));
        if brought.is_err() {
            // Who is here in part would be taken for whole.
            for handle in missing {
                self.contacts.remove(handle);
            }
        }
        brought
    }

    fn bring_chunk(&mut self, chunk: &[&str], only: Option<u32>, counted: &mut Delta) -> Result<(), SqlError> {
        let names = to_json(&chunk);
        let stored = self.sql.text(
            "SELECT '[' || group_concat('[\"' || handle || '\",' || body || ']') || ']' FROM contact \
             WHERE handle IN (SELECT value FROM json_each(?1))",
            &[Arg::Text(&names)],
        )?;
        for handle in chunk {
            let timeline = Timeline::new(handle, None);
            let cached = Cached { timeline, ..Cached::default() };
            self.contacts.insert((*handle).to_owned(), Box::new(cached));
        }
        let (mut places, mut others) = (Vec::new(), Vec::new());
        for (handle, row) in parse::<(String, ContactRow)>(stored.as_deref(), "contact")? {
            for campaign in row.campaigns.iter().copied() {
                let needed = only.is_none_or(|only| campaign == only || campaign == 0 || !row.ties.is_empty());
                if needed { &mut places } else { &mut others }.push((campaign, handle.clone()));
            }
            let timeline = Timeline::new(&handle, row.key.clone());
            let cached = Cached { timeline, row, stored: true, ..Cached::default() };
            self.contacts.insert(handle, Box::new(cached));
        }
        self.load_entries(places)?;
        others.retain(|(_, handle)| self.contacts.get(handle).is_some_and(|cached| cached.timeline.ties_campaigns()));
        self.load_entries(others)?;
        self.load_tombstones(&names)?;
        for handle in chunk {
            if let Some(cached) = self.contacts.get_mut(*handle) {
                cached.timeline.settle(&self.policies, counted);
                // As it is stored: there is nothing to store.
                cached.timeline.loaded();
            }
        }
        Ok(())
    }

    fn load_entries(&mut self, mut places: Vec<(u32, String)>) -> Result<(), SqlError> {
        // As they lie there: contacts of one read are neighbours in every campaign, and each page of the storage is read once.
        sort(&mut places, Ord::cmp);
        let (mut rest, mut after) = (places.as_slice(), String::new());
        while !rest.is_empty() {
            let now = rest.get(..PLACES).unwrap_or(rest);
            // The places in their order, and the entries of each in the table's: nothing is sorted, and nothing is read twice.
            let page = self.sql.text(
                "SELECT '[' || group_concat('[' || campaign || ',\"' || handle || '\",' || json_quote(id) || ',' || body || ']') \
                 || ']' FROM (\
                   SELECT e.campaign, e.handle, e.id, e.body FROM json_each(?1) AS q \
                   CROSS JOIN entry AS e ON e.campaign = q.value ->> 0 AND e.handle = q.value ->> 1 \
                   AND e.id > CASE q.key WHEN 0 THEN ?2 ELSE '' END LIMIT CAST(?3 AS INTEGER))",
                &[Arg::Text(&to_json(&now)), Arg::Text(&after), Arg::Int(PAGE_ENTRIES as i64)],
            )?;
            let page: Vec<EntryRow<'_>> = parse(page.as_deref(), "entry")?;
            // What SQLite does without promising it.
            if !page.is_sorted_by(|a, b| (a.0, a.1, &a.2) < (b.0, b.1, &b.2)) {
                return Err(damaged("entry"));
            }
            let last = page.last().filter(|_| page.len() == PAGE_ENTRIES);
            let whole = match last {
                Some(last) => now.partition_point(|(campaign, handle)| (*campaign, handle.as_str()) < (last.0, last.1)),
                None => now.len(),
            };
            rest = rest.get(whole..).unwrap_or_default();
            after = last.map_or_else(String::new, |last| last.2.clone().into_owned());
            for EntryRow(campaign, handle, id, body) in page {
                let Some(cached) = self.contacts.get_mut(handle) else { continue };
                load_entry(&mut cached.timeline, &id, body.get(), campaign).ok_or_else(|| damaged("entry"))?;
            }
        }
        Ok(())
    }

    fn load_tombstones(&mut self, handles: &str) -> Result<(), SqlError> {
        if !self.marks.tombstones {
            return Ok(());
        }
        let stored = self.sql.text(
            "SELECT json_group_array(json_array(handle, erased_ms)) FROM tombstone \
             WHERE handle IN (SELECT value FROM json_each(?1))",
            &[Arg::Text(handles)],
        )?;
        for (handle, erased_ms) in parse::<(String, Ms)>(stored.as_deref(), "tombstone")? {
            if let Some(cached) = self.contacts.get_mut(&handle) {
                cached.erased_ms = erased_ms;
            }
        }
        Ok(())
    }

    pub(super) fn load_book(&mut self, rules: u32, campaign: u32, days: &[i32]) -> Result<(), SqlError> {
        let cached = self.books.entry((rules, campaign)).or_default();
        let missing: Vec<i32> = days.iter().copied().chain([TOTALS]).filter(|day| !cached.loaded.contains(day)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let rows = self.sql.text(
            "SELECT '[' || group_concat('[' || day || ',' || body || ']') || ']' FROM counter \
             WHERE campaign = CAST(?1 AS INTEGER) AND rules = CAST(?2 AS INTEGER) AND day IN (SELECT value FROM json_each(?3))",
            &[Arg::Int(i64::from(campaign)), Arg::Int(i64::from(rules)), Arg::Text(&to_json(&missing))],
        )?;
        for (day, row) in parse::<(i32, StoredRow)>(rows.as_deref(), "counter")? {
            cached.book.load(day, &row);
        }
        cached.loaded.extend(missing);
        Ok(())
    }
}
