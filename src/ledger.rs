//! The Ledger: one partition of the contacts, their timelines and the counters that these add up to.
//!
//! Pure: storage is the port, time is an argument. It knows nothing of HTTP or of the other Ledgers. What is held in memory is
//! a copy of what is stored and may be dropped at any moment; after a failed transaction it is.

mod forget;
mod lists;
mod load;
mod moves;
mod read;
mod requests;
mod restore;
mod schema;
mod settle;
mod store;
mod sums;
mod sweep;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::rc::Rc;

use serde::Serialize;

use crate::contributions::Delta;
use crate::event::Ms;
use crate::facts::time_of;
use crate::migrations::migrate;
use crate::policy::{Policies, Policy};
use crate::sorted::{SortedMap, SortedSet};
use crate::sql::{Arg, Sql, SqlError};
use crate::timeline::{Put, Timeline};
use forget::Marks;
use load::{Cached, CachedBook, parse};
use moves::Moving;
use schema::MIGRATIONS;
use store::Rows;

pub use lists::{List, Listed, ListedRow, Of, Position};
pub use load::{is_contact, load_entry};
pub use requests::{Belonging, BookRows, Errand, Move, Read, Remarks, Routed, Sums, Totals, Traces, Verdict, Write, Written};

/// Contacts and their entries that one Ledger keeps in memory, between two looks more. Each took 1.0 KB there (16 Ledgers, 250,000
/// entries), so a Ledger takes about 24 MB; an isolate has 128 MB, and may have several Ledgers in it. A contact with more than that
/// leaves at the next look, and is loaded anew for what comes then.
const MAX_CACHED: usize = 20_480;
/// After how many turns memory is looked over, if no more contacts than that are in it.
const TURNS_BETWEEN_TRIMS: u64 = 32;
/// Rows of counters kept in memory, about 2 KB each.
const MAX_CACHED_ROWS: usize = 2_048;
/// Contacts looked at again at a time when a definition changes.
const CHUNK_CONTACTS: usize = 500;

/// What a commit adds to the numbers.
#[derive(Default)]
struct Change {
    all: Delta,
    /// While everything is recounted: of the contacts that are.
    recounted: Delta,
}

/// The core of the Ledger object.
pub struct Ledger<S: Sql> {
    sql: Rc<S>,
    /// Shared, so that a failed transaction takes back what it learned.
    policies: Rc<Policies>,
    /// Boxed: the tree's nodes are half empty.
    contacts: BTreeMap<String, Box<Cached>>,
    /// By the rules that made them, and campaign.
    books: SortedMap<(u32, u32), CachedBook>,
    /// Counts commits.
    turn: u64,
    /// The contact who left memory last.
    gone_until: String,
    marks: Marks,
    /// When the last commit began.
    now_ms: Ms,
    /// Whether anything may have to be told to other objects.
    errands_due: bool,
}

fn to_json(value: &impl Serialize) -> String {
    // Plain data with string keys: serializing it cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}

impl<S: Sql> Ledger<S> {
    /// Opens (and if need be migrates) the database. Synchronous and quick: it runs when the object wakes.
    pub fn open(sql: S) -> Result<Self, SqlError> {
        migrate(&sql, MIGRATIONS)?;
        let mut policies = Policies::default();
        // Together they may be longer than one text.
        let page = "SELECT json_group_array(json(body)) FROM (SELECT body FROM policy WHERE no > CAST(?1 AS INTEGER) ORDER BY no LIMIT 500)";
        let mut after = 0;
        loop {
            let stored = sql.text(page, &[Arg::Int(after)])?;
            let stored = parse::<Policy>(stored.as_deref(), "policy")?;
            let Some(last) = stored.last() else { break };
            after = last.no.into();
            for policy in stored {
                policies.learn(policy);
            }
        }
        let marks = Marks::read(&sql)?;
        let (policies, contacts, books) = (Rc::new(policies), BTreeMap::new(), SortedMap::new());
        let gone_until = String::new();
        Ok(Self { sql: Rc::new(sql), policies, contacts, books, turn: 0, gone_until, marks, now_ms: 0, errands_due: true })
    }

    /// Group commit with isolation: one transaction for all the writes; if it fails, each alone, so that only the guilty one
    /// gets the error. One answer per write, in order. `now_ms` says what is too old to be kept.
    pub fn commit(&mut self, writes: &[Write], now_ms: Ms) -> Vec<Result<Written, SqlError>> {
        self.now_ms = now_ms;
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
                Ok(written) => {
                    all.expired.extend(written.iter().filter(|written| !written.expired.is_empty()).map(|_| place));
                    all.erased.extend(written.iter().filter(|written| !written.erased.is_empty()).map(|_| place));
                    written.iter().for_each(|written| all.add(written));
                }
                // What needs no new page would still be taken, the probe too: that says nothing of the others.
                Err(error) if error.is_full() => return Err(error),
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

    /// All the writes in one transaction, or none of them.
    fn commit_together(&mut self, writes: &[&Write]) -> Result<Vec<Written>, SqlError> {
        self.turn += 1;
        let result = self.in_transaction(|ledger| ledger.stage_and_store(writes));
        self.trim();
        result
    }

    /// All of some work, or nothing of it: then nothing in memory is believed.
    fn in_transaction<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, SqlError>) -> Result<T, SqlError> {
        let (policies, marks) = (Rc::clone(&self.policies), self.marks.clone());
        let sql = Rc::clone(&self.sql);
        let result = sql.transaction(|| work(self));
        if result.is_err() {
            (self.policies, self.marks) = (policies, marks);
            self.contacts.clear();
            self.books.clear();
        }
        result
    }

    /// Definitions first: what is recorded beside them is counted under them, whatever the order of the writes.
    fn stage_and_store(&mut self, writes: &[&Write]) -> Result<Vec<Written>, SqlError> {
        let mut written = vec![Written::default(); writes.len()];
        let mut delta = Change::default();
        let mut rows = Rows::default();
        let mut rows_written = 0;
        for write in writes {
            match write {
                Write::Declare { campaigns } => {
                    for policy in campaigns {
                        if self.policies.by_no(policy.no) != Some(policy) {
                            rows_written += self.declare(policy, &mut delta)?;
                        }
                    }
                }
                Write::Retain { days } if *days != self.marks.retention_days => {
                    self.marks.retention_days = *days;
                    rows_written += self.store_mark("retention_days", i64::from(*days))?;
                }
                _ => {}
            }
        }
        let touched = SortedSet::sorted(writes.iter().flat_map(|write| write.handles()));
        self.load(touched.iter().copied())?;
        // What is too old goes first, so that it makes no difference whether it had gone already.
        rows_written += self.expire(&touched, &mut delta)?;
        let cutoff_ms = self.cutoff_ms();
        let mut moving = Moving::default();
        for (write, answer) in writes.iter().zip(&mut written) {
            let Write::Record { events } = write else { continue };
            for (place, routed) in (0..).zip(events) {
                let Some(cached) = self.contacts.get_mut(&routed.handle) else {
                    continue;
                };
                let at_ms = time_of(&routed.event, routed.received_ms);
                let expired = at_ms < cutoff_ms;
                if expired || at_ms < cached.erased_ms {
                    if expired { &mut answer.expired } else { &mut answer.erased }.push(place);
                    if let Some(channel) = routed.event.channel() {
                        let remarks = answer.remarks.entry(channel.to_owned()).or_default();
                        *(if expired { &mut remarks.expired } else { &mut remarks.after_erasure }) += 1;
                    }
                    continue;
                }
                cached.due_ms = cached.due_ms.min(at_ms);
                let learned = routed.key.as_deref().is_some_and(|key| cached.timeline.learn_key(key));
                let (event, provider, received_ms) = (&routed.event, routed.provider, routed.received_ms);
                moving.errands.extend(cached.learn_name(routed, at_ms));
                if cached.row.ties.moves(event) {
                    if !routed.nameless {
                        moving.away.push((routed, at_ms));
                    }
                    answer.new += 1;
                    continue;
                }
                let put = if routed.nameless { Timeline::put_nameless } else { Timeline::put };
                let Put { news, out_of_order, conflict } = put(&mut cached.timeline, event, provider, received_ms);
                let news = news || learned;
                if news {
                    answer.new += 1;
                } else {
                    answer.duplicate += 1;
                }
                if let Some(channel) = routed.event.channel().filter(|_| !news || out_of_order || conflict) {
                    let remarks = answer.remarks.entry(channel.to_owned()).or_default();
                    remarks.duplicate += u64::from(!news);
                    remarks.out_of_order += u64::from(out_of_order);
                    remarks.conflict += u64::from(conflict);
                }
            }
        }
        for write in writes {
            match write {
                Write::Belong { belongings } => {
                    for belonging in belongings {
                        rows_written += self.belong(belonging, &mut moving)?;
                    }
                }
                Write::Host { moves } => {
                    // What would have expired where it was, did not.
                    let cutoff_ms = if self.restores() { Ms::MIN } else { cutoff_ms };
                    moves.iter().for_each(|one| self.host(one, cutoff_ms));
                }
                _ => {}
            }
        }
        rows_written += self.send_away(moving)?;
        for write in writes {
            let Write::Judge { verdicts } = write else { continue };
            for Verdict { handle, thing, version, word } in verdicts {
                if let Some(cached) = self.contacts.get_mut(handle) {
                    cached.timeline.judge(thing, *version, *word, self.now_ms);
                    cached.due_ms = cached.due_ms.min(self.now_ms);
                }
            }
        }
        for handle in &touched {
            self.settle(handle, &mut delta, &mut rows);
        }
        self.add_up(&delta, &mut rows)?;
        rows_written += self.store(rows)?;
        for write in writes {
            let (mut delta, mut rows) = (Change::default(), Rows::default());
            rows_written += match write {
                Write::Erase { handle, at_ms, of } => self.erase(handle, *at_ms, of.as_deref(), &mut delta)?,
                Write::Restore { ledger, rows } => self.restore(*ledger, rows, &mut delta)?,
                _ => continue,
            };
            self.add_up(&delta, &mut rows)?;
            rows_written += self.store(rows)?;
        }
        let shared_by = writes.len() as u64;
        for answer in &mut written {
            answer.rows_written = rows_written;
            answer.shared_by = shared_by;
        }
        Ok(written)
    }

    /// Lets go of what is beyond the bounds. A campaign reaches its audience in the order in which the last one did, so who was
    /// used longest ago comes next: contacts go in the order of their handles instead, which says nothing about them, and no more
    /// go than have to.
    fn trim(&mut self) {
        if !self.turn.is_multiple_of(TURNS_BETWEEN_TRIMS) && self.contacts.len() <= MAX_CACHED {
            return;
        }
        let room = |cached: &Cached| 1 + cached.timeline.len();
        let mut taken: usize = self.contacts.values().map(|cached| room(cached)).sum();
        while taken > MAX_CACHED {
            let next = self.contacts.range::<str, _>((Bound::Excluded(self.gone_until.as_str()), Bound::Unbounded)).next();
            self.gone_until = next.map_or_else(String::new, |(handle, _)| handle.clone());
            taken -= self.contacts.remove(&self.gone_until).map_or(0, |cached| room(&cached));
        }
        if self.books.values().map(|b| b.loaded.len()).sum::<usize>() > MAX_CACHED_ROWS {
            self.books.clear();
        }
    }
}
