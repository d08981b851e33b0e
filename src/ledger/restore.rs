//! Export and import of one Ledger: its facts, tombstones and the shares of what was forgotten, as rows; counters are not told, they
//! follow from the facts.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::load::{ContactRow, damaged};
use super::store::{Rows, batches};
use super::{Change, Ledger, to_json};
use crate::counters::StoredRow;
use crate::event::Ms;
use crate::json;
use crate::policy::HOUR_MS;
use crate::sorted::SortedSet;
use crate::sql::{Arg, Sql, SqlError};
use crate::transfer::{self, Page, Place, Section};

/// What is told, in this order.
const SECTIONS: &[Section] = &[
    (
        "erased",
        "SELECT json_group_array(json_array(json_array(handle), json_array(handle, erased_ms))) FROM (SELECT * FROM tombstone \
         WHERE handle > iif(?1 ->> 0 = -1, '', ?1 ->> 0) ORDER BY handle LIMIT 2000)",
    ),
    (
        "contact",
        "SELECT json_group_array(json_array(json_array(handle), json_array(handle, json(body)))) FROM (SELECT * FROM contact \
         WHERE handle > iif(?1 ->> 0 = -1, '', ?1 ->> 0) ORDER BY handle LIMIT 200)",
    ),
    (
        "entry",
        "SELECT json_group_array(json_array(json_array(campaign, handle, id), json_array(handle, id, json(body)))) FROM (SELECT * FROM entry \
         WHERE (campaign, handle, id) > (?1 ->> 0, CAST(?1 ->> 1 AS TEXT), CAST(?1 ->> 2 AS TEXT)) \
         ORDER BY campaign, handle, id LIMIT 500)",
    ),
    (
        "away",
        "SELECT json_group_array(json_array(json_array(handle, id), json_array(handle, id, json(body)))) FROM (SELECT * FROM away \
         WHERE (handle, id) > (iif(?1 ->> 0 = -1, '', ?1 ->> 0), CAST(?1 ->> 1 AS TEXT)) ORDER BY handle, id LIMIT 500)",
    ),
    (
        "share",
        "SELECT json_group_array(json_array(json_array(campaign, share, origin, day), json_array(campaign, share, \
         CASE origin WHEN '' THEN ?2 ELSE origin END, day, json(body)))) FROM (SELECT * FROM sealed \
         WHERE (campaign, share, origin, day) > (?1 ->> 0, ?1 ->> 1, CAST(?1 ->> 2 AS TEXT), ?1 ->> 3) \
         ORDER BY campaign, share, origin, day LIMIT 20)",
    ),
];

impl<S: Sql> Ledger<S> {
    /// A page of all that is stored; this Ledger's number is `ledger`.
    pub(super) fn export(&self, ledger: u32, place: &Place) -> Result<Page, SqlError> {
        transfer::page(&*self.sql, SECTIONS, place, &self.origin(ledger))
    }

    /// Under which name the shares of what this Ledger forgot go elsewhere: no two have the same, and it keeps its own.
    fn origin(&self, ledger: u32) -> String {
        format!("{ledger}.{}", self.marks.sealed_ms)
    }

    /// Takes the rows of an export in: with what is there already they make what all their events would have made.
    ///
    /// # Errors
    /// If the storage refuses, or a row cannot be read.
    pub(super) fn restore(&mut self, ledger: u32, lines: &transfer::Rows, change: &mut Change) -> Result<u64, SqlError> {
        let rows = |kind: &str| lines.get(kind).into_iter().flatten().map(|(_, row)| row);
        let mut rows_written = 0;
        if self.now_ms >= self.marks.restored_ms + HOUR_MS {
            self.marks.restored_ms = self.now_ms;
            rows_written += self.store_mark("restored_ms", self.now_ms)?;
        }
        for row in rows("erased") {
            let (handle, at_ms) = read::<(String, Ms)>(row)?;
            rows_written += self.entomb(&handle, at_ms)?;
        }
        let mut handles: SortedSet<&str> = SortedSet::new();
        handles.extend(rows("contact").chain(rows("entry")).filter_map(|row| row.get(0)?.as_str()));
        self.load(handles.iter().copied())?;
        for row in rows("contact") {
            let (handle, row) = read::<(String, ContactRow)>(row)?;
            let Some(cached) = self.contacts.get_mut(&handle) else { continue };
            if let Some(key) = &row.key {
                cached.timeline.learn_key(key);
            }
            if cached.row.ties.is_empty() && !row.ties.is_empty() {
                cached.row.ties = row.ties;
                cached.tied = true;
            }
        }
        for row in rows("entry") {
            let (handle, id, body) = read::<(String, String, Value)>(row)?;
            let Some(cached) = self.contacts.get_mut(&handle) else { continue };
            let not_before_ms = cached.erased_ms;
            cached.timeline.adopt(id, &body.to_string(), not_before_ms).ok_or_else(|| damaged("the import"))?;
            cached.due_ms = Ms::MIN;
        }
        let away: Vec<String> = rows("away").map(Value::to_string).collect();
        for batch in batches(&away) {
            let keep =
                "INSERT OR IGNORE INTO away (handle, id, body) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)";
            rows_written += self.sql.exec(keep, &[Arg::Text(&batch)])?;
        }
        let mut staged = Rows::default();
        for handle in &handles {
            self.settle(handle, change, &mut staged);
        }
        // The key of those whose entries come with another chunk.
        for handle in &handles {
            let Some(cached) = self.contacts.get_mut(*handle).filter(|cached| !cached.stored) else { continue };
            cached.row.key = cached.timeline.key().map(str::to_owned);
            cached.stored = true;
            staged.contacts.push(to_json(&(handle, to_json(&cached.row))));
        }
        let own = self.origin(ledger);
        for row in rows("share") {
            let (campaign, share, origin, day, body) = read::<(u32, u8, String, i32, StoredRow)>(row)?;
            if origin != own {
                staged.sealed.push(to_json(&(campaign, share, origin, day, to_json(&body))));
            }
        }
        Ok(rows_written + self.store(staged)?)
    }

    /// A tombstone stands at the latest erasure.
    pub(super) fn entomb(&mut self, handle: &str, at_ms: Ms) -> Result<u64, SqlError> {
        self.marks.tombstones = true;
        self.contacts.remove(handle);
        self.sql.exec(
            "INSERT INTO tombstone (handle, erased_ms) VALUES (?1, CAST(?2 AS INTEGER)) \
             ON CONFLICT (handle) DO UPDATE SET erased_ms = max(erased_ms, excluded.erased_ms)",
            &[Arg::Text(handle), Arg::Int(at_ms)],
        )
    }
}

fn read<T: DeserializeOwned>(row: &Value) -> Result<T, SqlError> {
    json::of(row).map_err(|_| damaged("the import"))
}
