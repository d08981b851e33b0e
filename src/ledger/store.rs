//! How what a commit changed is written: rows staged as JSON, a handful of statements for all of them.

use super::Ledger;
use crate::sql::{Arg, Sql, SqlError};

/// Bytes of JSON handed to one statement, half of the platform's 2 MB.
const MAX_STATEMENT_BYTES: usize = 1_000_000;

/// The rows that a commit writes, as JSON arrays of one statement each. A body, which is JSON itself, stands in them as a text:
/// SQLite would take anything else apart and put it together again, for every row.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) contacts: Vec<String>,
    pub(super) entries: Vec<String>,
    pub(super) gone: Vec<String>,
    pub(super) counters: Vec<String>,
    pub(super) waiting: Vec<String>,
    pub(super) sealed: Vec<String>,
    /// Entries that may be stored as they are already.
    pub(super) renewed: Vec<String>,
}

impl<S: Sql> Ledger<S> {
    /// Writes the staged rows; returns how many rows that was.
    pub(super) fn store(&self, rows: Rows) -> Result<u64, SqlError> {
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
            (
                "INSERT OR REPLACE INTO sealed (campaign, share, origin, day, body) \
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?1)",
                rows.sealed,
            ),
            (
                "INSERT INTO entry (campaign, handle, id, states, body) \
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?1) WHERE true \
                 ON CONFLICT (campaign, handle, id) DO UPDATE SET states = excluded.states, body = excluded.body \
                 WHERE states <> excluded.states OR body <> excluded.body",
                rows.renewed,
            ),
        ] {
            for batch in batches(&rows) {
                written += self.sql.exec(statement, &[Arg::Text(&batch)])?;
            }
        }
        Ok(written)
    }
}

/// JSON arrays of the rows, none longer than one statement takes.
pub(super) fn batches(rows: &[String]) -> Vec<String> {
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
