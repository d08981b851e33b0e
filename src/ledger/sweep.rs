//! The work that nobody waits for, in parts of bounded size: what is too old goes, and under new rules everything is recounted.
//!
//! A part is one transaction with the mark of how far it came, so a crash costs one part. It knows no alarm.

use super::forget::add_all;
use super::load::parse;
use super::store::Rows;
use super::{Change, Ledger};
use crate::bounds::{SWEEP_CONTACTS, SWEEP_MS, SWEEP_PAUSE_MS};
use crate::contributions::Delta;
use crate::counters::RULES_VERSION;
use crate::event::Ms;
use crate::sorted::SortedSet;
use crate::sql::{Arg, Sql, SqlError};

/// The names of works in the table `progress`: stored, never change one.
const EXPIRY: &str = "expiry";
const RECOUNT: &str = "recount";

impl<S: Sql> Ledger<S> {
    /// Does the next part. Gives how long to wait before the one after it, in ms.
    ///
    /// # Errors
    /// If the storage refuses: then nothing of the part happened.
    pub fn tend(&mut self, now_ms: Ms) -> Result<Ms, SqlError> {
        self.now_ms = now_ms;
        self.in_transaction(|ledger| if ledger.marks.rules == RULES_VERSION { ledger.sweep() } else { ledger.recount() })
    }

    /// Whether there is work that should begin at once.
    #[must_use]
    pub fn recounts(&self) -> bool {
        self.marks.rules != RULES_VERSION
    }

    /// Lets go what is too old of the next contacts, unless everybody was looked at a short while ago: the alarm rings for other work
    /// too.
    fn sweep(&mut self) -> Result<Ms, SqlError> {
        let after = self.progress(EXPIRY)?;
        let rest_ms = self.marks.swept_ms + SWEEP_MS - self.now_ms;
        // A clock that was put back must not make it wait longer.
        if after.is_none() && (1..=SWEEP_MS).contains(&rest_ms) {
            return Ok(rest_ms);
        }
        let after = after.unwrap_or_default();
        let handles = self.contacts_after(&after)?;
        let handles: SortedSet<&str> = handles.iter().map(String::as_str).collect();
        let known: SortedSet<&str> = handles.iter().copied().filter(|handle| self.contacts.contains_key(*handle)).collect();
        self.load(handles.iter().copied())?;
        let (mut change, mut rows) = (Change::default(), Rows::default());
        self.expire(&handles, &mut change)?;
        self.add_up(&change, &mut rows)?;
        self.store(rows)?;
        // What came into memory for this alone leaves it again.
        self.contacts.retain(|handle, _| !handles.contains(handle.as_str()) || known.contains(handle.as_str()));
        let last = handles.last().filter(|_| handles.len() == SWEEP_CONTACTS);
        self.set_progress(EXPIRY, last.copied())?;
        if last.is_some() {
            return Ok(SWEEP_PAUSE_MS);
        }
        self.marks.swept_ms = self.now_ms;
        self.store_mark("swept_ms", self.now_ms)?;
        Ok(SWEEP_MS)
    }

    /// Counts the next contacts under the rules of this release, beside the counters of the old ones. The last part lets these go.
    fn recount(&mut self) -> Result<Ms, SqlError> {
        let after = self.marks.recounted.clone();
        if after.is_empty() {
            // Whatever another release began under these rules.
            self.sql.exec("DELETE FROM counter WHERE rules <> CAST(?1 AS INTEGER)", &[Arg::Int(i64::from(self.marks.rules))])?;
            self.books.retain(|(rules, _), _| *rules == self.marks.rules);
        }
        let handles = self.contacts_after(&after)?;
        let (mut change, mut rows) = (Change::default(), Rows::default());
        for handle in &handles {
            self.contacts.remove(handle);
            let mut whole = Delta::new();
            self.load_counting([handle.as_str()].into_iter(), &mut whole)?;
            add_all(&mut change.recounted, &whole);
            if let Some(cached) = self.contacts.get_mut(handle) {
                cached.timeline.unsave();
            }
            self.settle(handle, &mut Change::default(), &mut rows);
            self.contacts.remove(handle);
        }
        self.add_up(&change, &mut rows)?;
        rows.renewed = core::mem::take(&mut rows.entries);
        self.store(rows)?;
        match handles.last().filter(|_| handles.len() == SWEEP_CONTACTS) {
            Some(last) => {
                self.marks.recounted.clone_from(last);
                self.set_progress(RECOUNT, Some(&format!("{} {RULES_VERSION} {last}", self.marks.rules)))?;
            }
            None => {
                self.sql.exec("DELETE FROM counter WHERE rules <> CAST(?1 AS INTEGER)", &[Arg::Int(i64::from(RULES_VERSION))])?;
                self.marks.rules = RULES_VERSION;
                self.books.retain(|(rules, _), _| *rules == RULES_VERSION);
                self.set_progress(RECOUNT, None)?;
            }
        }
        Ok(SWEEP_PAUSE_MS)
    }

    fn contacts_after(&self, handle: &str) -> Result<Vec<String>, SqlError> {
        let handles = self.sql.text(
            "SELECT json_group_array(handle) FROM \
             (SELECT handle FROM contact WHERE handle > ?1 ORDER BY handle LIMIT CAST(?2 AS INTEGER))",
            &[Arg::Text(handle), Arg::Int(SWEEP_CONTACTS as i64)],
        )?;
        parse(handles.as_deref(), "contact")
    }

    fn progress(&self, work: &str) -> Result<Option<String>, SqlError> {
        self.sql.text("SELECT mark FROM progress WHERE work = ?1", &[Arg::Text(work)])
    }

    fn set_progress(&self, work: &str, mark: Option<&str>) -> Result<(), SqlError> {
        match mark {
            Some(mark) => {
                self.sql.exec("INSERT OR REPLACE INTO progress (work, mark) VALUES (?1, ?2)", &[Arg::Text(work), Arg::Text(mark)])
            }
            None => self.sql.exec("DELETE FROM progress WHERE work = ?1", &[Arg::Text(work)]),
        }
        .map(|_| ())
    }
}

/// The rules whose counters are answered from, and the contact up to which those of this release are made already.
pub(super) fn rules_of(sql: &impl Sql) -> Result<(u32, String), SqlError> {
    // What is being recounted says so; else all counters are of one kind.
    let mark = sql.text("SELECT mark FROM progress WHERE work = ?1", &[Arg::Text(RECOUNT)])?;
    if let Some(mark) = mark {
        let mut parts = mark.splitn(3, ' ');
        let (rules, under, last) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
        let same = under.and_then(|under| under.parse().ok()) == Some(RULES_VERSION);
        let rules = rules.and_then(|rules| rules.parse().ok()).unwrap_or(RULES_VERSION);
        if rules == RULES_VERSION {
            // Another release began and was taken back.
            sql.exec("DELETE FROM counter WHERE rules <> CAST(?1 AS INTEGER)", &[Arg::Int(i64::from(rules))])?;
            sql.exec("DELETE FROM progress WHERE work = ?1", &[Arg::Text(RECOUNT)])?;
        }
        return Ok((rules, if same { last.to_owned() } else { String::new() }));
    }
    let rules = sql.text("SELECT CAST(rules AS TEXT) FROM counter LIMIT 1", &[])?;
    Ok((rules.and_then(|rules| rules.parse().ok()).unwrap_or(RULES_VERSION), String::new()))
}
