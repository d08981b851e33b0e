//! The Ledger: one partition of the contacts, their timelines and the counters that these add up to.
//!
//! Pure: storage is the port, time is an argument. It knows nothing of HTTP or of the other Ledgers. What is held in memory is
//! a copy of what is stored and may be dropped at any moment; after a failed transaction it is.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::contributions::Delta;
use crate::counters::{Book, RULES_VERSION, StoredRow, TOTALS};
use crate::event::{Event, Ms};
use crate::facts::Facts;
use crate::gather::gather;
use crate::ids;
use crate::policy::{Policies, Policy};
use crate::sql::{Arg, Sql, SqlError};
use crate::timeline::Timeline;

/// Entries of timelines that one Ledger keeps in memory: about 400 bytes each, so 13 MB at most. One contact with more than
/// that is loaded anew for every commit that touches it.
const MAX_CACHED_ENTRIES: usize = 32_768;
/// How often memory is looked over.
const TURNS_BETWEEN_TRIMS: u64 = 32;
/// Rows of counters kept in memory, about 2 KB each.
const MAX_CACHED_ROWS: usize = 2_048;
/// Entries read at a time: a row is below 3 KB (ids are at most 512 bytes), a string of the platform at most 2 MB.
const PAGE_ENTRIES: usize = 500;
/// Bytes of JSON handed to one statement, half of the platform's 2 MB.
const MAX_STATEMENT_BYTES: usize = 1_000_000;
/// Contacts looked at again at a time when a definition changes.
const CHUNK_CONTACTS: usize = 500;

/// An event on its way to the Ledger that owns its contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routed {
    /// The contact's handle, as text; for a click of nobody its own, see [`crate::contact::handle_of_click`].
    pub handle: String,
    /// The person's canonical key; absent where only the handle is known (a tracking token).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The code of the provider whose message ids the event speaks of; `-` where it speaks of none.
    #[serde(default = "no_provider")]
    pub provider: char,
    /// When the edge received it: fixed once, carried with every retry.
    pub received_ms: Ms,
    pub event: Event,
}

fn no_provider() -> char {
    '-'
}

/// What a Ledger can be asked to write. All of it is idempotent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    /// Put events into timelines and count the difference.
    Record { events: Vec<Routed> },
    /// Learn or renew campaign definitions.
    Declare { campaigns: Vec<Policy> },
}

/// What became of one write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Events that were new, or brought something new.
    pub new: u64,
    /// Events that changed nothing.
    pub duplicate: u64,
    /// Rows written by the commit that this write took part in, and how many writes shared it.
    pub rows_written: u64,
    pub shared_by: u64,
    /// The places of events that the storage, which is well, will never take. The others are written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<u32>,
    /// What was remarkable about the events of each channel.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub remarks: BTreeMap<String, Remarks>,
}

/// What was remarkable about the events of one channel when they came: for the operator's eye, in no number of a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remarks {
    /// Events that changed nothing.
    #[serde(rename = "d")]
    pub duplicate: u64,
    /// Statuses that were new and came after one that follows them.
    #[serde(rename = "o")]
    pub out_of_order: u64,
    /// Second claims on one message.
    #[serde(rename = "c")]
    pub conflict: u64,
}

impl Remarks {
    pub fn add(&mut self, more: &Self) {
        self.duplicate += more.duplicate;
        self.out_of_order += more.out_of_order;
        self.conflict += more.conflict;
    }
}

impl Written {
    /// Adds what became of another part of the same write.
    fn add(&mut self, part: &Self) {
        self.new += part.new;
        self.duplicate += part.duplicate;
        self.rows_written += part.rows_written;
        for (channel, more) in &part.remarks {
            self.remarks.entry(channel.clone()).or_default().add(more);
        }
    }
}

/// What a Ledger can be asked to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// The packed counters of one campaign: the totals, and the rows of the days `from_day..to_day` (UTC, since 1970).
    Book { campaign: u32, from_day: i32, to_day: i32 },
    /// How many messages of each channel stand under no campaign now: an object of numbers by channel.
    Unattributed,
}

/// The answer to [`Read::Book`]: rows by day, the totals as day −1.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct BookRows(pub Vec<(u32, i32, StoredRow)>);

impl BookRows {
    /// The books of all campaigns in the answer.
    #[must_use]
    pub fn into_books(self) -> BTreeMap<u32, Book> {
        let mut books: BTreeMap<u32, Book> = BTreeMap::new();
        for (campaign, day, row) in self.0 {
            books.entry(campaign).or_default().load(day, &row);
        }
        books
    }
}

/// The schema, one step per version; each is additive, so that an older release runs on a newer schema.
///
/// - `contact`: `k` the person's key, `c` the campaigns under which it has entries.
/// - `entry`: one thing of a timeline ([`crate::facts`]), under the campaign where it counts; `states` is a message's mask.
///   A campaign's rows stand together, so that a list scans them; nothing is indexed that changes per event.
/// - `counter`: one packed row per campaign, rules and day ([`crate::counters`]); day −1 is the totals.
/// - `waiting`: contacts with entries that name a campaign which is not declared.
const MIGRATIONS: &[&[&str]] = &[&[
    "CREATE TABLE policy (no INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT",
    "CREATE TABLE contact (handle TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE entry (campaign INTEGER NOT NULL, handle TEXT NOT NULL, id TEXT NOT NULL, states INTEGER NOT NULL, \
     body TEXT NOT NULL, PRIMARY KEY (campaign, handle, id)) STRICT, WITHOUT ROWID",
    "CREATE TABLE counter (campaign INTEGER NOT NULL, rules INTEGER NOT NULL, day INTEGER NOT NULL, body TEXT NOT NULL, \
     PRIMARY KEY (campaign, rules, day)) STRICT, WITHOUT ROWID",
    "CREATE TABLE waiting (campaign TEXT NOT NULL, handle TEXT NOT NULL, PRIMARY KEY (campaign, handle)) STRICT, WITHOUT ROWID",
]];

/// What is stored of a contact beside its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct ContactRow {
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(rename = "c", default)]
    campaigns: BTreeSet<u32>,
}

/// A timeline in memory.
#[derive(Default)]
struct Cached {
    timeline: Timeline,
    row: ContactRow,
    stored: bool,
    used: u64,
}

/// The counters in memory: a campaign's totals, and such days as were needed.
#[derive(Default)]
struct CachedBook {
    book: Book,
    loaded: BTreeSet<i32>,
}

/// The rows that a commit writes, as JSON arrays of one statement each.
#[derive(Default)]
struct Rows {
    contacts: Vec<String>,
    entries: Vec<String>,
    gone: Vec<String>,
    counters: Vec<String>,
    waiting: Vec<String>,
}

/// The core of the Ledger object.
pub struct Ledger<S: Sql> {
    sql: Rc<S>,
    /// Shared, so that a failed transaction takes back what it learned.
    policies: Rc<Policies>,
    contacts: BTreeMap<String, Cached>,
    books: BTreeMap<u32, CachedBook>,
    /// Counts commits; what was used longest ago leaves memory first.
    turn: u64,
}

fn damaged(what: &str) -> SqlError {
    SqlError(format!("a stored row of {what} cannot be read"))
}

fn parse<'a, T: Deserialize<'a>>(json: Option<&'a str>, what: &str) -> Result<Vec<T>, SqlError> {
    json.map_or_else(|| Ok(Vec::new()), |json| serde_json::from_str(json).map_err(|_| damaged(what)))
}

fn to_json(value: &impl Serialize) -> String {
    // Plain data with string keys: serializing it cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}

impl<S: Sql> Ledger<S> {
    /// Opens (and if need be migrates) the database. Synchronous and quick: it runs when the object wakes.
    pub fn open(sql: S) -> Result<Self, SqlError> {
        sql.exec("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID", &[])?;
        let version = sql.text("SELECT CAST(value AS TEXT) FROM meta WHERE key = 'schema'", &[])?;
        let version: usize = version.and_then(|v| v.parse().ok()).unwrap_or(0);
        for (step, no) in MIGRATIONS.iter().zip(1i64..).skip(version) {
            sql.transaction(|| {
                for statement in *step {
                    sql.exec(statement, &[])?;
                }
                sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('schema', CAST(?1 AS INTEGER))", &[Arg::Int(no)])
            })?;
        }
        let mut policies = Policies::default();
        let stored = sql.text("SELECT json_group_array(json(body)) FROM policy", &[])?;
        for policy in parse::<Policy>(stored.as_deref(), "policy")? {
            policies.learn(policy);
        }
        Ok(Self { sql: Rc::new(sql), policies: Rc::new(policies), contacts: BTreeMap::new(), books: BTreeMap::new(), turn: 0 })
    }

    /// Group commit with isolation: one transaction for all the writes; if it fails, each alone, so that only the guilty one
    /// gets the error. One answer per write, in order.
    pub fn commit(&mut self, writes: &[Write]) -> Vec<Result<Written, SqlError>> {
        match self.commit_together(&writes.iter().collect::<Vec<_>>()) {
            Ok(written) => written.into_iter().map(Ok).collect(),
            Err(_) => writes.iter().map(|write| self.commit_alone(write)).collect(),
        }
    }

    /// One write by itself; if it fails, its events one by one. What fails even so while the storage takes everything else can
    /// never succeed: it is refused, so that its sender does not try for ever.
    ///
    /// # Errors
    /// If the storage takes nothing.
    fn commit_alone(&mut self, write: &Write) -> Result<Written, SqlError> {
        let error = match self.commit_together(&[write]) {
            Ok(written) => return Ok(written.into_iter().next().unwrap_or_default()),
            Err(error) => error,
        };
        let Write::Record { events } = write else { return Err(error) };
        let mut all = Written { shared_by: 1, ..Written::default() };
        for (event, place) in events.iter().zip(0..) {
            match self.commit_together(&[&Write::Record { events: vec![event.clone()] }]) {
                Ok(written) => written.iter().for_each(|written| all.add(written)),
                Err(_) => all.refused.push(place),
            }
        }
        // Asked last: a storage that gave out on the way must not make all that followed look guilty.
        self.sql.transaction(|| {
            let probe = "INSERT OR REPLACE INTO meta (key, value) VALUES ('probe', CAST(?1 AS INTEGER))";
            self.sql.exec(probe, &[Arg::Int(i64::try_from(self.turn).unwrap_or_default())])
        })?;
        Ok(all)
    }

    /// Answers one read as JSON text.
    pub fn read(&mut self, read: &Read) -> Result<String, SqlError> {
        match read {
            Read::Book { campaign, from_day, to_day } => {
                let rows = self.sql.text(
                    "SELECT json_group_array(json_array(campaign, day, json(body))) FROM counter \
                     WHERE campaign = CAST(?1 AS INTEGER) AND rules = CAST(?2 AS INTEGER) \
                     AND (day = -1 OR (day >= CAST(?3 AS INTEGER) AND day < CAST(?4 AS INTEGER)))",
                    &[
                        Arg::Int(i64::from(*campaign)),
                        Arg::Int(i64::from(RULES_VERSION)),
                        Arg::Int(i64::from(*from_day)),
                        Arg::Int(i64::from(*to_day)),
                    ],
                )?;
                Ok(rows.unwrap_or_else(|| "[]".to_owned()))
            }
            // A scan of the entries under no campaign; it is asked when somebody looks at a channel's health.
            Read::Unattributed => {
                let counted = self.sql.text(
                    "SELECT json_group_object(channel, n) FROM (SELECT coalesce(body ->> '$.h[1]', body ->> '$.d[0].h[1]') AS channel, \
                     count(*) AS n FROM entry WHERE campaign = 0 AND id >= 'm' AND id < 'n' GROUP BY 1) WHERE channel IS NOT NULL",
                    &[],
                )?;
                Ok(counted.unwrap_or_else(|| "{}".to_owned()))
            }
        }
    }

    /// All the writes in one transaction, or none of them.
    fn commit_together(&mut self, writes: &[&Write]) -> Result<Vec<Written>, SqlError> {
        self.turn += 1;
        let policies = Rc::clone(&self.policies);
        let sql = Rc::clone(&self.sql);
        let result = sql.transaction(|| self.stage_and_store(writes));
        if result.is_err() {
            self.policies = policies;
            self.contacts.clear();
            self.books.clear();
        }
        self.trim();
        result
    }

    /// Definitions first: what is recorded beside them is counted under them, whatever the order of the writes.
    fn stage_and_store(&mut self, writes: &[&Write]) -> Result<Vec<Written>, SqlError> {
        let mut written = vec![Written::default(); writes.len()];
        let mut delta = Delta::new();
        let mut rows = Rows::default();
        let mut rows_written = 0;
        for write in writes {
            let Write::Declare { campaigns } = write else { continue };
            for policy in campaigns {
                if self.policies.by_no(policy.no) != Some(policy) {
                    rows_written += self.declare(policy, &mut delta)?;
                }
            }
        }
        let events =
            || writes.iter().filter_map(|w| if let Write::Record { events } = w { Some(events) } else { None }).flatten();
        let touched: BTreeSet<&str> = gather(events().map(|e| e.handle.as_str()));
        self.load(touched.iter().copied())?;
        for (write, answer) in writes.iter().zip(&mut written) {
            let Write::Record { events } = write else { continue };
            for routed in events {
                let Some(cached) = self.contacts.get_mut(&routed.handle) else {
                    continue;
                };
                let learned = routed.key.as_deref().is_some_and(|key| cached.timeline.learn_key(key));
                let out_of_order = cached.timeline.has_later_status(&routed.event, routed.provider);
                let claims = cached.timeline.claims_on(&routed.event, routed.provider);
                let news = cached.timeline.put(&routed.event, routed.provider, routed.received_ms) || learned;
                if news {
                    answer.new += 1;
                } else {
                    answer.duplicate += 1;
                }
                let conflict = claims == 1 && cached.timeline.claims_on(&routed.event, routed.provider) == 2;
                if let Some(channel) = routed.event.channel().filter(|_| !news || out_of_order || conflict) {
                    let remarks = answer.remarks.entry(channel.to_owned()).or_default();
                    remarks.duplicate += u64::from(!news);
                    remarks.out_of_order += u64::from(out_of_order);
                    remarks.conflict += u64::from(conflict);
                }
            }
        }
        for handle in &touched {
            self.settle(handle, &mut delta, &mut rows);
        }
        self.add_up(&delta, &mut rows)?;
        rows_written += self.store(rows)?;
        let shared_by = writes.len() as u64;
        for answer in &mut written {
            answer.rows_written = rows_written;
            answer.shared_by = shared_by;
        }
        Ok(written)
    }

    /// Brings the timelines of these contacts into memory, and settles them as they were counted.
    fn load<'a>(&mut self, handles: impl Iterator<Item = &'a str>) -> Result<(), SqlError> {
        let mut missing = Vec::new();
        for handle in handles {
            match self.contacts.get_mut(handle) {
                Some(cached) => cached.used = self.turn,
                None => missing.push(handle),
            }
        }
        for chunk in missing.chunks(CHUNK_CONTACTS) {
            let names = to_json(&chunk);
            let stored = self.sql.text(
                "SELECT json_group_array(json_array(handle, json(body))) FROM contact \
                 WHERE handle IN (SELECT value FROM json_each(?1))",
                &[Arg::Text(&names)],
            )?;
            for handle in chunk {
                let timeline = Timeline::new(handle, None);
                self.contacts.insert((*handle).to_owned(), Cached { timeline, used: self.turn, ..Cached::default() });
            }
            let mut places: Vec<(u32, String)> = Vec::new();
            for (handle, row) in parse::<(String, ContactRow)>(stored.as_deref(), "contact")? {
                places.extend(row.campaigns.iter().map(|campaign| (*campaign, handle.clone())));
                let timeline = Timeline::new(&handle, row.key.clone());
                self.contacts.insert(handle, Cached { timeline, row, stored: true, used: self.turn });
            }
            self.load_entries(&places)?;
            for handle in chunk {
                if let Some(cached) = self.contacts.get_mut(*handle) {
                    // As it was counted when it was stored: no difference, and nothing to store.
                    cached.timeline.settle(&self.policies, &mut Delta::new());
                    cached.timeline.unsaved();
                }
            }
        }
        Ok(())
    }

    fn load_entries(&mut self, places: &[(u32, String)]) -> Result<(), SqlError> {
        let places = to_json(&places);
        let mut after: (u32, String, String) = (0, String::new(), String::new());
        loop {
            let page = self.sql.text(
                "SELECT json_group_array(json_array(campaign, handle, id, json(body))) FROM (\
                   SELECT e.campaign, e.handle, e.id, e.body FROM json_each(?1) AS q \
                   CROSS JOIN entry AS e ON e.campaign = q.value ->> 0 AND e.handle = q.value ->> 1 \
                   WHERE (e.campaign, e.handle, e.id) > (CAST(?2 AS INTEGER), ?3, ?4) \
                   ORDER BY e.campaign, e.handle, e.id LIMIT CAST(?5 AS INTEGER))",
                &[
                    Arg::Text(&places),
                    Arg::Int(i64::from(after.0)),
                    Arg::Text(&after.1),
                    Arg::Text(&after.2),
                    Arg::Int(PAGE_ENTRIES as i64),
                ],
            )?;
            let page: Vec<(u32, String, String, &RawValue)> = parse(page.as_deref(), "entry")?;
            let Some(last) = page.last() else { return Ok(()) };
            let whole = page.len() < PAGE_ENTRIES;
            after = (last.0, last.1.clone(), last.2.clone());
            for (campaign, handle, id, body) in page {
                let facts = Facts::decode(&id, body.get()).ok_or_else(|| damaged("entry"))?;
                if let Some(cached) = self.contacts.get_mut(&handle) {
                    cached.timeline.load(id, facts, campaign);
                }
            }
            if whole {
                return Ok(());
            }
        }
    }

    /// Settles a timeline after events were put into it, and stages the rows that differ from what is stored.
    fn settle(&mut self, handle: &str, delta: &mut Delta, rows: &mut Rows) {
        let Some(cached) = self.contacts.get_mut(handle) else { return };
        cached.timeline.settle(&self.policies, delta);
        let mut row = ContactRow { key: cached.timeline.key().map(str::to_owned), campaigns: cached.row.campaigns.clone() };
        let mut waiting: BTreeSet<String> = BTreeSet::new();
        for entry in cached.timeline.unsaved() {
            row.campaigns.insert(entry.campaign);
            if let Some(old) = entry.moved_from {
                rows.gone.push(to_json(&(old, handle, &entry.id)));
            }
            let names = entry.names.into_iter().filter(|_| entry.campaign == 0);
            waiting.extend(names.filter(|name| ids::operator_id(name).is_ok()));
            let (campaign, id, mask, facts) = (entry.campaign, to_json(&entry.id), entry.mask, entry.facts);
            rows.entries.push(format!("[{campaign},\"{handle}\",{id},{mask},{facts}]"));
        }
        rows.waiting.extend(waiting.into_iter().map(|campaign| to_json(&(campaign, handle))));
        if row != cached.row || !cached.stored {
            rows.contacts.push(to_json(&(handle, &row)));
            cached.row = row;
            cached.stored = true;
        }
    }

    /// Learns a definition: everything that it can concern is looked at again, so that what was counted under the old one is
    /// counted under the new one. All in the transaction of the caller; returns the rows written.
    fn declare(&mut self, policy: &Policy, delta: &mut Delta) -> Result<u64, SqlError> {
        let known = self.policies.by_no(policy.no).is_some();
        let handles = if known {
            self.sql.text(
                "SELECT json_group_array(handle) FROM (SELECT DISTINCT handle FROM entry WHERE campaign = CAST(?1 AS INTEGER))",
                &[Arg::Int(i64::from(policy.no))],
            )?
        } else {
            self.sql.text("SELECT json_group_array(handle) FROM waiting WHERE campaign = ?1", &[Arg::Text(&policy.id)])?
        };
        let handles: Vec<String> = parse(handles.as_deref(), "entry")?;
        let mut rows_written = 0;
        let mut policies = Policies::clone(&self.policies);
        policies.learn(policy.clone());
        let policies = Rc::new(policies);
        for chunk in handles.chunks(CHUNK_CONTACTS) {
            self.load(chunk.iter().map(String::as_str))?;
            let mut rows = Rows::default();
            let old = core::mem::replace(&mut self.policies, Rc::clone(&policies));
            for handle in chunk {
                if let Some(cached) = self.contacts.get_mut(handle) {
                    cached.timeline.reconsider();
                }
                self.settle(handle, delta, &mut rows);
            }
            self.policies = old;
            rows_written += self.store(rows)?;
        }
        self.policies = policies;
        rows_written += self.sql.exec("DELETE FROM waiting WHERE campaign = ?1", &[Arg::Text(&policy.id)])?;
        rows_written += self.sql.exec(
            "INSERT OR REPLACE INTO policy (no, body) VALUES (CAST(?1 AS INTEGER), ?2)",
            &[Arg::Int(i64::from(policy.no)), Arg::Text(&to_json(policy))],
        )?;
        Ok(rows_written)
    }

    /// Adds a commit's differences to the counters, and stages the rows that changed.
    fn add_up(&mut self, delta: &Delta, rows: &mut Rows) -> Result<(), SqlError> {
        for (campaign, change) in delta {
            let days: Vec<i32> = change.days.iter().filter(|(_, row)| !row.is_empty()).map(|(day, _)| *day).collect();
            if change.totals.is_empty() && days.is_empty() {
                continue;
            }
            self.load_book(*campaign, &days)?;
            let Some(CachedBook { book, .. }) = self.books.get_mut(campaign) else {
                continue;
            };
            book.merge(change);
            book.version += 1;
            for day in days.into_iter().chain([TOTALS]) {
                rows.counters.push(to_json(&(campaign, RULES_VERSION, day, book.store(day))));
            }
        }
        Ok(())
    }

    fn load_book(&mut self, campaign: u32, days: &[i32]) -> Result<(), SqlError> {
        let cached = self.books.entry(campaign).or_default();
        let missing: Vec<i32> = days.iter().copied().chain([TOTALS]).filter(|day| !cached.loaded.contains(day)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let rows = self.sql.text(
            "SELECT json_group_array(json_array(campaign, day, json(body))) FROM counter \
             WHERE campaign = CAST(?1 AS INTEGER) AND rules = CAST(?2 AS INTEGER) AND day IN (SELECT value FROM json_each(?3))",
            &[Arg::Int(i64::from(campaign)), Arg::Int(i64::from(RULES_VERSION)), Arg::Text(&to_json(&missing))],
        )?;
        for (_, day, row) in parse::<(u32, i32, StoredRow)>(rows.as_deref(), "counter")? {
            cached.book.load(day, &row);
        }
        cached.loaded.extend(missing);
        Ok(())
    }

    /// Writes the staged rows; returns how many rows that was.
    fn store(&self, rows: Rows) -> Result<u64, SqlError> {
        let mut written = 0;
        for (statement, rows) in [
            ("INSERT OR REPLACE INTO contact (handle, body) SELECT value ->> 0, value ->> 1 FROM json_each(?1)", rows.contacts),
            (
                "DELETE FROM entry WHERE (campaign, handle, id) IN \
                 (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1))",
                rows.gone,
            ),
            (
                "INSERT OR REPLACE INTO entry (campaign, handle, id, states, body) \
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?1)",
                rows.entries,
            ),
            ("INSERT OR IGNORE INTO waiting (campaign, handle) SELECT value ->> 0, value ->> 1 FROM json_each(?1)", rows.waiting),
            (
                "INSERT OR REPLACE INTO counter (campaign, rules, day, body) \
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1)",
                rows.counters,
            ),
        ] {
            for batch in batches(&rows) {
                written += self.sql.exec(statement, &[Arg::Text(&batch)])?;
            }
        }
        Ok(written)
    }

    /// Lets what was used longest ago leave memory, beyond the bounds.
    fn trim(&mut self) {
        if !self.turn.is_multiple_of(TURNS_BETWEEN_TRIMS) {
            return;
        }
        let mut entries: usize = self.contacts.values().map(|c| c.timeline.len()).sum();
        if entries > MAX_CACHED_ENTRIES {
            let mut oldest: Vec<(u64, String)> = self.contacts.iter().map(|(handle, c)| (c.used, handle.clone())).collect();
            oldest.sort_unstable();
            for (_, handle) in oldest {
                if entries <= MAX_CACHED_ENTRIES / 2 {
                    break;
                }
                entries -= self.contacts.remove(&handle).map_or(0, |c| c.timeline.len());
            }
        }
        if self.books.values().map(|b| b.loaded.len()).sum::<usize>() > MAX_CACHED_ROWS {
            self.books.clear();
        }
    }
}

/// JSON arrays of the rows, none longer than one statement takes.
fn batches(rows: &[String]) -> Vec<String> {
    let mut batches = Vec::new();
    let mut batch = String::new();
    for row in rows {
        if !batch.is_empty() && batch.len() + row.len() > MAX_STATEMENT_BYTES {
            batch.push(']');
            batches.push(core::mem::take(&mut batch));
        }
        batch.push(if batch.is_empty() { '[' } else { ',' });
        batch.push_str(row);
    }
    if !batch.is_empty() {
        batch.push(']');
        batches.push(batch);
    }
    batches
}
