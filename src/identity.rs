//! Identity: whose a message is, for providers whose statuses name nobody.
//!
//! It learns from dispatches, and from callbacks that name a message and a person. What names a message that it does not know
//! waits here, durably, and moves to the person's Ledger once somebody tells: first it is written there, then it is deleted
//! here, so that a crash between costs a repetition and nothing else. It holds handles and no keys. Pure: storage is the port.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::bounds::MOVES_PER_TURN;
use crate::event::{Event, Ms};
use crate::ledger::Routed;
use crate::sql::{Arg, Sql, SqlError};

/// An event that names a message and no person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nameless {
    /// The code of the provider, and its id of the message.
    pub message: String,
    /// When the edge received it first.
    pub received_ms: Ms,
    pub event: Event,
}

impl Nameless {
    /// The event on its way to the Ledger of the person with this handle.
    #[must_use]
    pub fn of_person(self, handle: String) -> Routed {
        let provider = self.message.chars().next().unwrap_or('-');
        Routed { handle, key: None, provider, received_ms: self.received_ms, event: self.event }
    }
}

/// Whose a message is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    pub message: String,
    pub handle: String,
}

/// What an Identity object is asked. All of it is idempotent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Whose are these? What nobody knows waits here. The answer is a list of handles and nulls.
    Resolve { events: Vec<Nameless> },
    /// These messages are these people's. What waited for it is with their Ledgers when the answer comes.
    Learn { known: Vec<Known> },
    /// How many events of each channel wait.
    Waiting,
}

/// An event that waited, and can go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its row.
    pub no: i64,
    pub routed: Routed,
}

/// The core of an Identity object.
pub struct Identity<S: Sql> {
    sql: S,
}

/// - `known`: the handle of a message's person. The first word stays.
/// - `waiting`: events by message; `event` is their text, so that a repeat is no second row, `received_ms` the earliest receipt.
const SCHEMA: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS known (message TEXT PRIMARY KEY, handle TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS waiting (no INTEGER PRIMARY KEY, message TEXT NOT NULL, event TEXT NOT NULL,
        received_ms INTEGER NOT NULL, channel TEXT NOT NULL, UNIQUE (message, event)) STRICT",
];

impl<S: Sql> Identity<S> {
    /// Opens the database.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn open(sql: S) -> Result<Self, SqlError> {
        for statement in SCHEMA {
            sql.exec(statement, &[])?;
        }
        Ok(Self { sql })
    }

    /// The handle of each event's person, in order; what has none waits here from now on.
    ///
    /// # Errors
    /// If the storage refuses: then nothing waits that did not before.
    pub fn resolve(&self, events: &[Nameless]) -> Result<Vec<Option<String>>, SqlError> {
        self.sql.transaction(|| {
            let messages = text(&events.iter().map(|event| &event.message).collect::<Vec<_>>())?;
            let known: Vec<(String, String)> = self.rows(
                "SELECT json_group_array(json_array(message, handle)) FROM known
                 WHERE message IN (SELECT value FROM json_each(?))",
                &[Arg::Text(&messages)],
            )?;
            let known: BTreeMap<String, String> = known.into_iter().collect();
            let waiting = events.iter().filter(|event| !known.contains_key(&event.message));
            let waiting = waiting.map(|event| {
                Ok((&event.message, text(&event.event)?, event.received_ms, event.event.channel().unwrap_or_default()))
            });
            let waiting = waiting.collect::<Result<Vec<_>, SqlError>>()?;
            if !waiting.is_empty() {
                self.sql.exec(
                    "INSERT INTO waiting (message, event, received_ms, channel)
                     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE true
                     ON CONFLICT (message, event) DO UPDATE SET received_ms = min(received_ms, excluded.received_ms)",
                    &[Arg::Text(&text(&waiting)?)],
                )?;
            }
            Ok(events.iter().map(|event| known.get(&event.message).cloned()).collect())
        })
    }

    /// Learns whose messages are. Gives whether anything that waited can go now.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn learn(&self, known: &[Known]) -> Result<bool, SqlError> {
        let known = text(&known.iter().map(|known| (&known.message, &known.handle)).collect::<Vec<_>>())?;
        self.sql.transaction(|| {
            self.sql.exec(
                "INSERT OR IGNORE INTO known (message, handle) SELECT value ->> 0, value ->> 1 FROM json_each(?)",
                &[Arg::Text(&known)],
            )?;
            let freed = "SELECT '1' FROM waiting WHERE message IN (SELECT value ->> 0 FROM json_each(?)) LIMIT 1";
            Ok(self.sql.text(freed, &[Arg::Text(&known)])?.is_some())
        })
    }

    /// Whether anything waits at all.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn any_waits(&self) -> Result<bool, SqlError> {
        Ok(self.sql.text("SELECT '1' FROM waiting LIMIT 1", &[])?.is_some())
    }

    /// What waited and can go, [`MOVES_PER_TURN`] at a time, after row `after`.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn due(&self, after: i64) -> Result<Vec<Due>, SqlError> {
        let rows: Vec<(i64, String, Ms, Event, String)> = self.rows(
            "SELECT json_group_array(json_array(no, message, received_ms, json(event), handle)) FROM (
               SELECT w.no, w.message, w.received_ms, w.event, k.handle FROM waiting AS w JOIN known AS k ON k.message = w.message
               WHERE w.no > CAST(? AS INTEGER) ORDER BY w.no LIMIT CAST(? AS INTEGER))",
            &[Arg::Int(after), Arg::Int(i64::from(MOVES_PER_TURN))],
        )?;
        let due = |(no, message, received_ms, event, handle)| {
            let nameless = Nameless { message, received_ms, event };
            Due { no, routed: nameless.of_person(handle) }
        };
        Ok(rows.into_iter().map(due).collect())
    }

    /// These have been written where they belong.
    ///
    /// # Errors
    /// If the storage refuses; then they go again, which is harmless.
    pub fn moved(&self, rows: &[i64]) -> Result<(), SqlError> {
        let rows = text(&rows)?;
        self.sql.exec("DELETE FROM waiting WHERE no IN (SELECT value FROM json_each(?))", &[Arg::Text(&rows)]).map(|_| ())
    }

    /// How many events of each channel wait.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn waiting(&self) -> Result<BTreeMap<String, u64>, SqlError> {
        let counted: Vec<(String, u64)> = self.rows(
            "SELECT json_group_array(json_array(channel, n)) FROM (SELECT channel, count(*) AS n FROM waiting GROUP BY channel)",
            &[],
        )?;
        Ok(counted.into_iter().collect())
    }

    fn rows<T: DeserializeOwned>(&self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<T>, SqlError> {
        let rows = self.sql.text(sql, args)?.unwrap_or_else(|| "[]".to_owned());
        serde_json::from_str(&rows).map_err(|error| SqlError(error.to_string()))
    }
}

fn text(value: &impl Serialize) -> Result<String, SqlError> {
    serde_json::to_string(value).map_err(|error| SqlError(error.to_string()))
}
