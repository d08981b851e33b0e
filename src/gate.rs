//! The gate of a campaign: may a sender go on, and how many more people may it send to.
//!
//! Under a send limit a sender reserves before it sends. A reservation is a lease of n contacts; each contact that is attempted
//! under it uses one up, and what is left lapses with the lease. No more is granted than
//!
//! ```text
//! limit − attempted − Σ over the open leases (n − used)
//! ```
//!
//! **Why that is exact under parallel senders.** `attempted` comes from the Ledgers and takes time, so a grant has two steps, both
//! in this one serial place: a *mark* before the Ledgers are asked, and the grant after. At the grant a lease counts as open if
//! it was so at the mark or was granted since, and what it had used counts as used only up to the mark. A use is noted once the
//! dispatch is durable in its Ledger: so a contact whose use is subtracted is in `attempted`, one whose lease lapsed before
//! the mark is too, and every other that can still come stands under a lease that counts. The sum never falls short, and so the
//! limit is never passed by senders who keep to their leases: to n distinct contacts, dispatched before `expires_at`. A contact
//! used twice, or a request repeated, uses one. A lease is open for [`LEASE_LATE_MS`] longer than its sender is told: what was sent in
//! its last moment is durable by then. Dispatches without a lease count once they are there; nothing can be promised
//! for them beforehand.
//!
//! It knows neither what a campaign is nor how the Ledgers are asked.

use serde::{Deserialize, Serialize};

use crate::bounds::{LEASE_KEPT_MS, LEASE_LATE_MS, LEASE_MS, LEASES};
use crate::event::Ms;
use crate::json;
use crate::problem::Problem;
use crate::sql::{Arg, Sql, SqlError};

/// What a gate is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Before the Ledgers are asked; the answer is a [`Mark`].
    Mark,
    /// After; the answer is a [`Granted`]. No limit grants everything.
    Grant { mark: Mark, lease: String, n: u64, limit: Option<u64>, attempted: u64 },
    /// Contacts were dispatched under a lease, durably. One that lapsed, or never was, is none; the answer is `null`.
    Use { lease: String, handles: Vec<String> },
}

/// A moment of this gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The number of the last use.
    pub turn: i64,
    pub at_ms: Ms,
    /// What is reserved and not used then.
    pub reserved: u64,
}

/// What came of asking for a reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// How many; nothing is reserved where it is 0.
    pub granted: u64,
    pub until_ms: Ms,
}

/// A campaign's gate.
pub struct Gate<S: Sql>(S);

const SCHEMA: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS leases (id TEXT PRIMARY KEY, n INTEGER NOT NULL, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS uses (lease TEXT NOT NULL, handle TEXT NOT NULL, turn INTEGER NOT NULL,
        PRIMARY KEY (lease, handle)) STRICT, WITHOUT ROWID",
    // One row; its number only grows, also where all uses are gone.
    "CREATE TABLE IF NOT EXISTS turns (one INTEGER PRIMARY KEY, turn INTEGER NOT NULL) STRICT",
];

impl<S: Sql> Gate<S> {
    /// Opens the database.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn open(sql: S) -> Result<Self, SqlError> {
        for statement in SCHEMA {
            sql.exec(statement, &[])?;
        }
        Ok(Self(sql))
    }

    /// Does what is asked, durably; the answer is JSON.
    ///
    /// # Errors
    /// 429, where too many leases are open; 503, if the storage refuses, or a mark is too old.
    pub fn apply(&self, command: &Command, now_ms: Ms) -> Result<String, Problem> {
        match command {
            Command::Mark => {
                let turn = self.number("SELECT json_array(coalesce(max(turn), 0)) FROM turns", &[])?;
                let mut mark = Mark { turn, at_ms: now_ms, reserved: 0 };
                mark.reserved = self.reserved(&mark)?;
                Ok(text(&mark))
            }
            Command::Grant { mark, lease, n, limit, attempted } => {
                if now_ms - mark.at_ms >= LEASE_KEPT_MS {
                    return Err(Problem::unavailable("The ledgers took too long."));
                }
                let most = match limit {
                    None => *n,
                    Some(limit) => limit.saturating_sub(*attempted).saturating_sub(self.reserved(mark)?),
                };
                let granted = Granted { granted: most.min(*n), until_ms: now_ms + LEASE_MS };
                if granted.granted > 0 {
                    self.0.transaction(|| self.lease(lease, &granted, now_ms))?;
                }
                Ok(text(&granted))
            }
            Command::Use { lease, handles } => {
                self.0.transaction(|| self.note(lease, handles, now_ms))?;
                Ok("null".to_owned())
            }
        }
    }

    /// What is reserved and not used, seen from a mark.
    fn reserved(&self, mark: &Mark) -> Result<u64, Problem> {
        // Whatever is granted after the mark is open by its time. Who used more than it was granted used nobody else's.
        let reserved = self.number(
            "SELECT json_array(coalesce(sum(max(0, n - (SELECT count(*) FROM uses
                WHERE lease = leases.id AND turn <= CAST(? AS INTEGER)))), 0))
             FROM leases WHERE until_ms > CAST(? AS INTEGER)",
            &[Arg::Int(mark.turn), Arg::Int(mark.at_ms - LEASE_LATE_MS)],
        )?;
        Ok(u64::try_from(reserved).unwrap_or_default())
    }

    fn lease(&self, lease: &str, granted: &Granted, now_ms: Ms) -> Result<(), Problem> {
        // Those that no mark can still see.
        let old = [Arg::Int(now_ms - LEASE_LATE_MS - LEASE_KEPT_MS)];
        self.0.exec("DELETE FROM uses WHERE lease IN (SELECT id FROM leases WHERE until_ms <= CAST(? AS INTEGER))", &old)?;
        self.0.exec("DELETE FROM leases WHERE until_ms <= CAST(? AS INTEGER)", &old)?;
        let open = self.number("SELECT json_array(count(*)) FROM leases", &[])?;
        if open >= LEASES {
            return Err(Problem::too_many("Too many leases are open: reserve more at a time."));
        }
        let n = i64::try_from(granted.granted).unwrap_or_default();
        self.0.exec(
            "INSERT INTO leases (id, n, until_ms) VALUES (?, CAST(? AS INTEGER), CAST(? AS INTEGER))",
            &[Arg::Text(lease), Arg::Int(n), Arg::Int(granted.until_ms)],
        )?;
        Ok(())
    }

    fn note(&self, lease: &str, handles: &[String], now_ms: Ms) -> Result<(), Problem> {
        let open = self.number(
            "SELECT json_array(count(*)) FROM leases WHERE id = ? AND until_ms > CAST(? AS INTEGER)
                AND n > (SELECT count(*) FROM uses WHERE lease = leases.id)",
            &[Arg::Text(lease), Arg::Int(now_ms - LEASE_LATE_MS)],
        )?;
        if open == 0 {
            return Ok(());
        }
        self.0.exec("INSERT INTO turns (one, turn) VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET turn = turn + 1", &[])?;
        self.0.exec(
            "INSERT INTO uses (lease, handle, turn) SELECT ?, value, turn FROM turns, json_each(?) WHERE true ON CONFLICT DO NOTHING",
            &[Arg::Text(lease), Arg::Text(&text(&handles))],
        )?;
        Ok(())
    }

    fn number(&self, sql: &str, args: &[Arg<'_>]) -> Result<i64, Problem> {
        let row = self.0.text(sql, args)?.unwrap_or_default();
        let numbers: Vec<i64> = json::read(&row).unwrap_or_default();
        numbers.first().copied().ok_or_else(|| Problem::unavailable("The gate's storage refused."))
    }
}

fn text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
