//! From what changed in the timelines to the rows and counters that differ: after events, and after a definition changed.

use std::rc::Rc;

use super::forget::add_all;
use super::load::{CachedBook, parse};
use super::store::Rows;
use super::{CHUNK_CONTACTS, Change, Ledger, to_json};
use crate::contributions::Delta;
use crate::counters::{RULES_VERSION, TOTALS};
use crate::ids;
use crate::policy::{Policies, Policy};
use crate::sorted::SortedSet;
use crate::sql::{Arg, Sql, SqlError};

impl<S: Sql> Ledger<S> {
    /// Settles a timeline after events were put into it, and stages the rows that differ from what is stored.
    pub(super) fn settle(&mut self, handle: &str, change: &mut Change, rows: &mut Rows) {
        let Some(cached) = self.contacts.get_mut(handle) else { return };
        if self.marks.rules == RULES_VERSION {
            cached.timeline.renew(&mut change.all);
            cached.timeline.settle(&self.policies, &mut change.all);
        } else {
            let mut own = Delta::new();
            cached.timeline.renew(&mut own);
            cached.timeline.settle(&self.policies, &mut own);
            add_all(&mut change.all, &own);
            if handle <= self.marks.recounted.as_str() {
                add_all(&mut change.recounted, &own);
            }
        }
        let mut changed =
            core::mem::take(&mut cached.tied) || !cached.stored || cached.row.key.as_deref() != cached.timeline.key();
        rows.gone.extend(cached.timeline.gone().iter().map(|(campaign, id)| to_json(&(campaign, handle, id))));
        let mut waiting: SortedSet<String> = SortedSet::new();
        for entry in cached.timeline.unsaved() {
            changed |= cached.row.campaigns.insert(entry.campaign);
            if let Some(old) = entry.moved_from {
                rows.gone.push(to_json(&(old, handle, &*entry.id)));
            }
            let names = entry.names.into_iter().filter(|_| entry.campaign == 0);
            waiting.extend(names.filter(|name| ids::operator_id(name).is_ok()));
            let (campaign, id, mask, facts) = (entry.campaign, to_json(&&*entry.id), entry.mask, to_json(&entry.facts));
            rows.entries.push(format!("[{campaign},\"{handle}\",{id},{mask},{facts}]"));
        }
        rows.waiting.extend(waiting.into_iter().map(|campaign| to_json(&(campaign, handle))));
        // Whose events were all refused is nobody.
        if changed && !(cached.row.campaigns.is_empty() && cached.row.ties.is_empty()) {
            cached.row.key = cached.timeline.key().map(str::to_owned);
            cached.stored = true;
            rows.contacts.push(to_json(&(handle, to_json(&cached.row))));
        }
    }

    /// Learns a definition: everything that it can concern is looked at again, so that what was counted under the old one is
    /// counted under the new one. All in the transaction of the caller; returns the rows written.
    pub(super) fn declare(&mut self, policy: &Policy, change: &mut Change) -> Result<u64, SqlError> {
        let known = self.policies.by_no(policy.no).is_some();
        let (concerned, of) = if known {
            ("SELECT DISTINCT handle FROM entry WHERE campaign = CAST(?1 AS INTEGER)", policy.no.to_string())
        } else {
            ("SELECT handle FROM waiting WHERE campaign = ?1", policy.id.clone())
        };
        let concerned =
            format!("SELECT json_group_array(handle) FROM ({concerned} AND handle > ?2 ORDER BY handle LIMIT {CHUNK_CONTACTS})");
        let mut rows_written = 0;
        let mut policies = Policies::clone(&self.policies);
        policies.learn(policy.clone());
        let policies = Rc::new(policies);
        let mut after = String::new();
        loop {
            let chunk = self.sql.text(&concerned, &[Arg::Text(&of), Arg::Text(&after)])?;
            let chunk: Vec<String> = parse(chunk.as_deref(), "entry")?;
            let Some(last) = chunk.last() else { break };
            after.clone_from(last);
            self.load(chunk.iter().map(String::as_str))?;
            rows_written += self.expire(&chunk.iter().map(String::as_str).collect(), change)?;
            let mut rows = Rows::default();
            let old = core::mem::replace(&mut self.policies, Rc::clone(&policies));
            for handle in &chunk {
                if let Some(cached) = self.contacts.get_mut(handle) {
                    cached.timeline.reconsider();
                }
                self.settle(handle, change, &mut rows);
            }
            self.policies = old;
            rows_written += self.store(rows)?;
            // A large campaign's people are more than memory holds.
            chunk.iter().for_each(|handle| drop(self.contacts.remove(handle)));
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
    pub(super) fn add_up(&mut self, change: &Change, rows: &mut Rows) -> Result<(), SqlError> {
        self.add_up_under(self.marks.rules, &change.all, rows)?;
        self.add_up_under(RULES_VERSION, &change.recounted, rows)
    }

    fn add_up_under(&mut self, rules: u32, delta: &Delta, rows: &mut Rows) -> Result<(), SqlError> {
        for (campaign, change) in delta {
            let days: Vec<i32> = change.days.iter().filter(|(_, row)| !row.is_empty()).map(|(day, _)| *day).collect();
            if change.totals.is_empty() && days.is_empty() {
                continue;
            }
            self.load_book(rules, *campaign, &days)?;
            let Some(CachedBook { book, .. }) = self.books.get_mut(&(rules, *campaign)) else {
                continue;
            };
            book.merge(change);
            book.version += 1;
            for day in days.into_iter().chain([TOTALS]) {
                rows.counters.push(to_json(&(campaign, rules, day, to_json(&book.store(day)))));
            }
        }
        Ok(())
    }
}
