//! How people, and what is too old of them, are forgotten: their rows go, what they added to the numbers stays without a name.
//!
//! It moves between shares what the timelines say; what is too old, [`crate::timeline`] knows.

use super::load::{Cached, parse};
use super::moves::Moving;
use super::store::Rows;
use super::sweep::rules_of;
use super::{Change, Errand, Ledger, to_json};
use crate::bounds::SWEEP_MS;
use crate::contributions::Delta;
use crate::counters::{Book, DAY_MS, StoredRow, TOTALS};
use crate::event::Ms;
use crate::shares::{ERASED, EXPIRED};
use crate::sorted::{SortedMap, SortedSet};
use crate::sql::{Arg, Sql, SqlError};
use crate::timeline::Expiry;

impl<S: Sql> Ledger<S> {
    /// Nothing from before this moment is kept or taken: the retention, or what went already, if the retention was shorter then.
    pub(super) fn cutoff_ms(&self) -> Ms {
        self.marks.horizon_ms.max(self.now_ms - Ms::from(self.marks.retention_days) * DAY_MS)
    }

    /// Whether an import goes on, or did today. Then nothing that is there goes: what keeps it may be in a later chunk.
    pub(super) fn restores(&self) -> bool {
        self.now_ms < self.marks.restored_ms + DAY_MS
    }

    /// Lets go what is too old of these contacts. They are in memory as they are stored; so they are afterwards.
    pub(super) fn expire(&mut self, handles: &SortedSet<&str>, change: &mut Change) -> Result<u64, SqlError> {
        if self.restores() {
            return Ok(0);
        }
        let cutoff_ms = self.cutoff_ms();
        let mut rows_written = 0;
        for handle in handles {
            let Some(cached) = self.contacts.get_mut(*handle).filter(|cached| cached.due_ms < cutoff_ms) else { continue };
            let expiry = cached.timeline.expiry(cutoff_ms);
            cached.due_ms = expiry.next_ms;
            if expiry.gone.is_empty() {
                continue;
            }
            rows_written += self.seal(handle, &expiry, EXPIRED, change)?;
            // Whatever went was from before it, so none of it can come again.
            if self.marks.horizon_ms < cutoff_ms {
                self.marks.horizon_ms = cutoff_ms;
                rows_written += self.store_mark("horizon_ms", cutoff_ms)?;
            }
        }
        Ok(rows_written)
    }

    /// Erases a person: nothing of them stays but their share of the counts, their handle and the moment.
    pub(super) fn erase(&mut self, handle: &str, at_ms: Ms, of: Option<&str>, change: &mut Change) -> Result<u64, SqlError> {
        self.load([handle].into_iter())?;
        let (mut rows_written, mut errands) = (0, Vec::new());
        if let Some(Cached { timeline, row, .. }) = self.contacts.get(handle).map(|cached| &**cached) {
            if of.zip(row.ties.home()).is_some_and(|(of, (home, _))| home != of) {
                return Ok(0);
            }
            // What was told under their other keys is of the same person.
            let erase = |key: &str| Errand::Erase { key: key.to_owned(), at_ms, of: timeline.key().map(str::to_owned) };
            errands.extend(row.ties.names().map(erase));
            let everything = timeline.expiry(Ms::MAX);
            rows_written += self.seal(handle, &everything, ERASED, change)?;
        }
        rows_written += self.send_away(Moving { errands, ..Moving::default() })?;
        rows_written += self.entomb(handle, at_ms)?;
        Ok(rows_written)
    }

    /// Takes entries of a contact away. What they added to the numbers moves from the live share (by `change`) to another one.
    fn seal(&mut self, handle: &str, gone: &Expiry, share: u8, change: &mut Change) -> Result<u64, SqlError> {
        let (mut before, mut after) = (Delta::new(), Delta::new());
        self.contacts.remove(handle);
        self.load_counting([handle].into_iter(), &mut before)?;
        let Some(cached) = self.contacts.remove(handle) else { return Ok(0) };
        let mut rows = Rows::default();
        rows.gone.extend(gone.gone.iter().map(|(campaign, id)| to_json(&(campaign, handle, id))));
        let mut row = cached.row;
        row.campaigns.clone_from(&gone.kept);
        // Whose a key is stays known for as long as nobody erases it.
        let stays = !row.campaigns.is_empty() || share == EXPIRED && !row.ties.is_empty();
        if stays {
            rows.contacts.push(to_json(&(handle, to_json(&row))));
        }
        let mut rows_written = self.store(rows)?;
        if !stays {
            for table in ["contact", "waiting", "away"] {
                rows_written += self.sql.exec(&format!("DELETE FROM {table} WHERE handle = ?1"), &[Arg::Text(handle)])?;
            }
        }
        self.load_counting([handle].into_iter(), &mut after)?;
        if let Some(cached) = self.contacts.get_mut(handle) {
            cached.due_ms = gone.next_ms;
        }
        subtract(&mut before, &after);
        subtract(&mut change.all, &before);
        if self.recounts() && handle <= self.marks.recounted.as_str() {
            subtract(&mut change.recounted, &before);
        }
        Ok(rows_written + self.add_to_share(share, &before)?)
    }

    fn add_to_share(&mut self, share: u8, change: &Delta) -> Result<u64, SqlError> {
        let mut rows_written = 0;
        if self.marks.sealed_ms == 0 {
            self.marks.sealed_ms = self.now_ms.max(1);
            rows_written += self.store_mark("sealed_ms", self.marks.sealed_ms)?;
        }
        for (campaign, change) in change {
            let mut days: Vec<i32> = change.days.iter().filter(|(_, row)| !row.is_empty()).map(|(day, _)| *day).collect();
            if change.totals.is_empty() && days.is_empty() {
                continue;
            }
            days.push(TOTALS);
            let key = [Arg::Int(i64::from(*campaign)), Arg::Int(i64::from(share))];
            let [no, share_no] = key;
            let stored = self.sql.text(
                "SELECT json_group_array(json_array(day, json(body))) FROM sealed WHERE campaign = CAST(?1 AS INTEGER) \
                 AND share = CAST(?2 AS INTEGER) AND origin = '' AND day IN (SELECT value FROM json_each(?3))",
                &[no, share_no, Arg::Text(&to_json(&days))],
            )?;
            let mut book = Book::default();
            for (day, row) in parse::<(i32, StoredRow)>(stored.as_deref(), "sealed")? {
                book.load(day, &row);
            }
            book.merge(change);
            book.version += 1;
            let mut rows = Rows::default();
            rows.sealed.extend(days.into_iter().map(|day| to_json(&(campaign, share, "", day, to_json(&book.store(day))))));
            rows_written += self.store(rows)?;
        }
        Ok(rows_written)
    }

    pub(super) fn store_mark(&self, name: &str, value: i64) -> Result<u64, SqlError> {
        self.sql.exec(
            "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, CAST(?2 AS INTEGER))",
            &[Arg::Text(name), Arg::Int(value)],
        )
    }
}

/// What a Ledger remembers of itself; in memory as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    pub(super) retention_days: u32,
    /// Something from before this moment has expired.
    pub(super) horizon_ms: Ms,
    /// When this Ledger forgot something for the first time; 0 if it never did.
    pub(super) sealed_ms: Ms,
    /// When lines of an export last came, to the hour.
    pub(super) restored_ms: Ms,
    /// When everybody was last looked at for what is too old.
    pub(super) swept_ms: Ms,
    /// Whether anybody was ever erased.
    pub(super) tombstones: bool,
    /// The rules whose counters are answered from.
    pub(super) rules: u32,
    /// If these are not the rules of this release: up to this contact its own counters are made already.
    pub(super) recounted: String,
}

impl Marks {
    pub(super) fn read(sql: &impl Sql) -> Result<Self, SqlError> {
        let stored = sql.text("SELECT json_group_array(json_array(key, value)) FROM meta", &[])?;
        let stored: SortedMap<String, i64> = parse::<(String, i64)>(stored.as_deref(), "meta")?.into_iter().collect();
        let days = stored.get("retention_days").and_then(|days| u32::try_from(*days).ok());
        let (rules, recounted) = rules_of(sql)?;
        let tombstones = sql.text("SELECT '1' FROM tombstone LIMIT 1", &[])?.is_some();
        Ok(Self {
            retention_days: days.unwrap_or(crate::bounds::RETENTION_DAYS),
            horizon_ms: stored.get("horizon_ms").copied().unwrap_or_default(),
            sealed_ms: stored.get("sealed_ms").copied().unwrap_or_default(),
            restored_ms: stored.get("restored_ms").copied().unwrap_or(-DAY_MS),
            swept_ms: stored.get("swept_ms").copied().unwrap_or(-SWEEP_MS),
            tombstones,
            rules,
            recounted,
        })
    }
}

pub(super) fn add_all(to: &mut Delta, what: &Delta) {
    for (campaign, book) in what {
        to.entry(*campaign).or_default().merge(book);
    }
}

fn subtract(from: &mut Delta, what: &Delta) {
    for (campaign, book) in what {
        from.entry(*campaign).or_default().subtract(book);
    }
}
