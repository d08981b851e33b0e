//! Identity: whose a message or a conversion is, where that cannot be seen in one contact's timeline.
//!
//! Two contacts may claim one thing, and a status may name a message and nobody. So whoever has a word on whose a thing is
//! (a dispatch that was accepted, a conversion, and, where a provider's statuses name nobody, all that names both) tells the
//! thing's Identity. It tells the loser's Ledger, and hands what named nobody to the winner's; when the winner changes, to the
//! next one's too. All of that is written down first and told until it is acknowledged, and what comes of it does not depend on
//! the order of anything. Pure: storage is the port.

mod alone;
mod claims;
mod schema;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bounds::{IDENTITY_TIDY_MS, MOVE_AGAIN_MS, MOVES_PER_TURN};
use crate::contact::Handle;
use crate::counters::DAY_MS;
use crate::event::{Conversion, Event, Ms};
use crate::facts::{Word, conversion_entry_id, entry_id};
use crate::json;
use crate::keys::Key;
use crate::ledger::{Routed, Verdict};
use crate::migrations::migrate;
use crate::sorted::{SortedMap, SortedSet};
use crate::sql::{Arg, Sql, SqlError};
use crate::transfer::{self, Page, Place};
use schema::{COLUMNS, MIGRATIONS, SECTIONS};

pub use claims::{Claim, Ground, Holder, Thing};

/// An event that names a message and no person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nameless {
    /// See [`message_name`].
    pub message: String,
    /// When the edge received it first.
    pub received_ms: Ms,
    /// Of a click: the handle of nobody under which it counts for as long as nobody knows whose the message is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nobody: Option<String>,
    pub event: Event,
}

impl Nameless {
    /// The event on its way to the Ledger of the person with this handle, or to that of nobody.
    #[must_use]
    pub fn of_person(self, handle: String) -> Routed {
        let provider = provider_of(&self.message);
        Routed { handle, key: None, provider, received_ms: self.received_ms, nameless: true, event: self.event }
    }
}

/// What one key claims is held by another person from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    pub thing: String,
    /// The handle of the key.
    pub source: String,
    pub holder: Holder,
}

/// What an Identity object is asked. All of it is idempotent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Whose are these? What nobody knows waits here. The answer is a list of handles and nulls.
    Resolve { events: Vec<Nameless> },
    /// Somebody claims these. Everybody concerned has been told when the answer comes: the places of the claims that are the
    /// second on their thing.
    Claim { claims: Vec<Claim>, received_ms: Ms },
    /// These claims have moved, likewise.
    Moved { moved: Vec<Moved>, received_ms: Ms },
    /// How many statuses of each channel wait for a name.
    Waiting,
    /// Forget the keys of a person, each by its handle.
    Forget { handles: Vec<String> },
    /// A page of all that is stored.
    Export { place: Place },
    /// Take the rows of an export in.
    Import { rows: transfer::Rows },
}

/// What has to be told to Ledgers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    pub verdicts: Vec<Verdict>,
    /// Events that named nobody, each with its number.
    pub events: Vec<(i64, Routed)>,
}

impl Due {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.verdicts.is_empty() && self.events.is_empty()
    }
}

/// The name of a message among all providers': the provider's code and its id.
#[must_use]
pub fn message_name(provider: char, message_id: &str) -> String {
    format!("{provider}{message_id}")
}

/// Begins the name of a conversion; no provider's code.
const CONVERSION: char = '#';

/// The name of a conversion: its entry's id, marked.
#[must_use]
pub fn conversion_name(conversion: &Conversion) -> String {
    format!("{CONVERSION}{}", conversion_entry_id(&conversion.goal, &conversion.id))
}

/// What stands for a thing: 96 bits of a keyed hash of its name, as for a person. That any two of a billion things of a workspace
/// meet in it has a chance of one in a hundred billion.
#[must_use]
pub fn thing_handle(key: &Key, name: &str) -> Handle {
    // No person's key contains a slash.
    Handle::of(key, &format!("message/{name}"))
}

/// The name of the thing that an entry is of, if it is one that is claimed.
#[must_use]
pub fn name_of_entry(id: &str) -> Option<String> {
    match id.chars().next()? {
        'm' => id.get(1..).map(str::to_owned),
        'v' => Some(format!("{CONVERSION}{id}")),
        _ => None,
    }
}

/// The id of a thing's entry.
fn entry_of(name: &str) -> String {
    name.strip_prefix(CONVERSION).map_or_else(|| format!("m{name}"), str::to_owned)
}

fn provider_of(message: &str) -> char {
    message.chars().next().unwrap_or('-')
}

/// The core of an Identity object.
pub struct Identity<S: Sql> {
    sql: S,
    /// The deployment's, of handles.
    key: Key,
}

/// What is stored of a thing.
#[derive(Default)]
struct Known {
    thing: Thing,
    holder: String,
    seen_ms: Ms,
    /// Whether it is a claim that stands alone, with the day on which that was seen last.
    alone: bool,
}

/// What does not wait any more is not due. Little is due at a time.
const GONE: &str = "DELETE FROM due WHERE NOT EXISTS (SELECT 1 FROM waiting WHERE waiting.no = due.no)";

/// Rows of an export that are taken in together: 2 KB each at most.
const EXPORTED: usize = 500;

/// Rows that expire together.
const EXPIRED_PER_TURN: i64 = 5_000;

impl<S: Sql> Identity<S> {
    /// Opens (and if need be migrates) the database.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn open(sql: S, key: Key) -> Result<Self, SqlError> {
        migrate(&sql, MIGRATIONS)?;
        Ok(Self { sql, key })
    }

    /// The handle of each event's person, in order; what has none waits here from now on.
    ///
    /// # Errors
    /// If the storage refuses: then nothing is kept that was not before.
    pub fn resolve(&self, events: &[Nameless]) -> Result<Vec<Option<String>>, SqlError> {
        self.sql.transaction(|| {
            let messages = text(&events.iter().map(|event| &event.message).collect::<Vec<_>>())?;
            let known: Vec<(String, String)> = self.rows(
                "SELECT json_group_array(json_array(name, holder)) FROM thing
                 WHERE holder <> '' AND name IN (SELECT value FROM json_each(?))",
                &[Arg::Text(&messages)],
            )?;
            let mut known: SortedMap<String, String> = known.into_iter().collect();
            let others = events.iter().map(|event| event.message.as_str()).filter(|message| !known.contains_key(*message));
            let alone = self.alone(&others.collect())?;
            known.extend(alone.into_iter().map(|(_, _, claim)| (claim.thing, claim.handle)));
            let (mut waiting, mut kept) = (Vec::new(), Vec::new());
            for event in events {
                let channel = event.event.channel().unwrap_or_default();
                let row = (
                    &event.message,
                    text(&event.event)?,
                    event.received_ms,
                    channel,
                    event.nobody.as_deref().unwrap_or_default(),
                );
                if known.contains_key(&event.message) { &mut kept } else { &mut waiting }.push(row);
            }
            for (table, more, rows) in [("waiting (nobody,", "value ->> 4,", waiting), ("kept (", "", kept)] {
                if !rows.is_empty() {
                    self.sql.exec(
                        &format!(
                            "INSERT INTO {table} message, event, received_ms, channel)
                             SELECT {more} value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE true
                             ON CONFLICT (message, event) DO UPDATE SET received_ms = min(received_ms, excluded.received_ms)"
                        ),
                        &[Arg::Text(&text(&rows)?)],
                    )?;
                }
            }
            Ok(events.iter().map(|event| known.get(&event.message).cloned()).collect())
        })
    }

    /// Takes claims in. Gives the places of those that are the second on their thing; who has to be told is due from now on.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn claim(&self, claims: &[Claim], received_ms: Ms) -> Result<Vec<usize>, SqlError> {
        let names: SortedSet<&str> = claims.iter().map(|claim| claim.thing.as_str()).collect();
        let mut second = Vec::new();
        self.change(&names, received_ms, &mut |things| {
            second.clear();
            for (place, claim) in claims.iter().enumerate() {
                if things.get_mut(&claim.thing).is_some_and(|thing| thing.put(claim)) {
                    second.push(place);
                }
            }
        })?;
        Ok(second)
    }

    /// Learns that what some keys claim is held by other persons.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn moved(&self, moved: &[Moved], received_ms: Ms) -> Result<(), SqlError> {
        let names: SortedSet<&str> = moved.iter().map(|moved| moved.thing.as_str()).collect();
        self.change(&names, received_ms, &mut |things| {
            for Moved { thing, source, holder } in moved {
                if let Some(thing) = things.get_mut(thing) {
                    thing.moved(source, holder);
                }
            }
        })
    }

    /// Forgets the keys of a person's handles. The claims stay, under the handles. A scan of everything: erasures are rare.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn forget(&self, handles: &[String]) -> Result<(), SqlError> {
        let wanted = serde_json::to_string(handles).map_err(|error| SqlError(error.to_string()))?;
        let wanted = [Arg::Text(&wanted)];
        self.sql.exec("UPDATE claim SET key = '' WHERE handle IN (SELECT value FROM json_each(?))", &wanted)?;
        let names: Vec<String> = self.rows(
            "SELECT json_group_array(name) FROM thing
             WHERE EXISTS (SELECT 1 FROM json_each(?) AS handle WHERE instr(body, handle.value) > 0)",
            &wanted,
        )?;
        self.change(&names.iter().map(String::as_str).collect(), 0, &mut |things| {
            for thing in things.values_mut() {
                handles.iter().for_each(|handle| thing.forget(handle));
            }
        })
    }

    /// Changes things, known or not, and writes down what follows from it.
    fn change(
        &self,
        names: &SortedSet<&str>,
        received_ms: Ms,
        change: &mut dyn FnMut(&mut SortedMap<String, Thing>),
    ) -> Result<(), SqlError> {
        self.sql.transaction(|| {
            let asked = text(names)?;
            let stored: Vec<(String, Thing, String, Ms)> = self.rows(
                "SELECT json_group_array(json_array(name, json(body), holder, seen_ms)) FROM thing
                 WHERE name IN (SELECT value FROM json_each(?))",
                &[Arg::Text(&asked)],
            )?;
            // Of these somebody told something that names nobody.
            let spoken: Vec<String> = self.rows(
                "SELECT json_group_array(message) FROM (
                   SELECT message FROM waiting WHERE message IN (SELECT value FROM json_each(?1))
                   UNION SELECT message FROM kept WHERE message IN (SELECT value FROM json_each(?1)))",
                &[Arg::Text(&asked)],
            )?;
            let spoken: SortedSet<String> = spoken.into_iter().collect();
            let (mut before, mut things) = (SortedMap::new(), SortedMap::new());
            things.extend(names.iter().map(|name| ((*name).to_owned(), Thing::default())));
            for (name, thing, holder, seen_ms) in stored {
                things.insert(name.clone(), thing.clone());
                before.insert(name, Known { thing, holder, seen_ms, alone: false });
            }
            for (_, seen, claim) in self.alone(names)? {
                let Some(thing) = things.get_mut(&claim.thing) else { continue };
                thing.put(&claim);
                let seen_ms = seen.saturating_add(1).saturating_mul(DAY_MS) - 1;
                // In both tables it stands if a release that knew one alone ran meanwhile, or rows of an export came.
                let known = before.entry(claim.thing).or_insert_with(|| Known {
                    thing: thing.clone(),
                    holder: claim.handle,
                    ..Known::default()
                });
                (known.seen_ms, known.alone) = (known.seen_ms.max(seen_ms), true);
            }
            change(&mut things);
            let (mut rows, mut claims, mut moved) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
            let (mut verdicts, mut passed_on) = (Vec::new(), Vec::new());
            for (name, mut thing) in things {
                let old = before.get(&name);
                let alone = thing.alone(&name).filter(|_| !spoken.contains(&name));
                if old.is_some_and(|old| old.thing == thing && old.alone == alone.is_some()) {
                    continue;
                }
                let seen_ms = old.map_or(received_ms, |old| old.seen_ms.max(received_ms));
                let [gone_things, gone_claims] = &mut moved;
                if let Some(claim) = alone {
                    if old.is_some_and(|old| !old.alone) {
                        gone_things.push(name);
                    }
                    claims.push(self.row_of(claim, seen_ms));
                    continue;
                }
                if old.is_some_and(|old| old.alone) {
                    gone_claims.push(thing_handle(&self.key, &name).to_text());
                }
                let clicks = if spoken.contains(&name) { self.clicks_in(&name)? } else { Vec::new() };
                for (handle, version, word) in thing.decide() {
                    verdicts.push((entry_of(&name), handle.clone(), version, word));
                    verdicts.extend(clicks.iter().map(|(click, _)| (click.clone(), handle.clone(), version, word)));
                }
                let holder = thing.winner().unwrap_or_default();
                if old.is_none_or(|old| old.holder != holder) {
                    // They were nobody's; now they are somebody's for good.
                    let nobodys = clicks.into_iter().filter(|(_, nobody)| !nobody.is_empty());
                    verdicts.extend(nobodys.map(|(click, nobody)| (click, nobody, 1, Word::Lost)));
                    passed_on.push(name.clone());
                }
                rows.push((name, text(&thing)?, holder, seen_ms));
            }
            let [gone_things, gone_claims] = moved;
            for (statement, rows) in [
                (
                    "INSERT INTO thing (name, body, holder, seen_ms)
                     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE true
                     ON CONFLICT (name) DO UPDATE SET body = excluded.body, holder = excluded.holder,
                     seen_ms = max(seen_ms, excluded.seen_ms)",
                    text(&rows)?,
                ),
                ("DELETE FROM thing WHERE name IN (SELECT value FROM json_each(?))", text(&gone_things)?),
                ("DELETE FROM claim WHERE thing IN (SELECT value FROM json_each(?))", text(&gone_claims)?),
                (alone::KEEP, text(&claims)?),
                (
                    "INSERT OR REPLACE INTO verdict (entry, handle, version, word)
                     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)",
                    text(&verdicts)?,
                ),
                (
                    "INSERT OR IGNORE INTO waiting (message, event, received_ms, channel)
                     SELECT message, event, received_ms, channel FROM kept WHERE message IN (SELECT value FROM json_each(?))",
                    text(&passed_on)?,
                ),
                ("DELETE FROM kept WHERE message IN (SELECT value FROM json_each(?))", text(&passed_on)?),
                (
                    "INSERT OR IGNORE INTO due (no) SELECT no FROM waiting WHERE message IN (SELECT value FROM json_each(?))",
                    text(&passed_on)?,
                ),
            ] {
                if rows != "[]" {
                    self.sql.exec(statement, &[Arg::Text(&rows)])?;
                }
            }
            Ok(())
        })
    }

    /// The entries of the clicks that name a message and nobody, each with the handle of nobody under which it counted.
    fn clicks_in(&self, name: &str) -> Result<Vec<(String, String)>, SqlError> {
        let clicks: Vec<(Event, String)> = self.rows(
            "SELECT json_group_array(json_array(json(event), nobody)) FROM (
               SELECT event, '' AS nobody FROM kept WHERE message = ?1 AND event LIKE '{\"click\"%'
               UNION ALL SELECT event, nobody FROM waiting WHERE message = ?1 AND event LIKE '{\"click\"%')",
            &[Arg::Text(name)],
        )?;
        let entry = |(click, nobody)| Some((entry_id(&click, provider_of(name))?, nobody));
        Ok(clicks.into_iter().filter_map(entry).collect())
    }

    /// Whether a Ledger has to be told anything.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn any_due(&self) -> Result<bool, SqlError> {
        let any = "SELECT '1' FROM (SELECT 1 FROM verdict UNION ALL SELECT 1 FROM due) LIMIT 1";
        Ok(self.sql.text(any, &[])?.is_some())
    }

    /// What Ledgers have to be told, [`MOVES_PER_TURN`] of each kind at a time; events after number `after`.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn due(&self, after: i64) -> Result<Due, SqlError> {
        let most = Arg::Int(i64::from(MOVES_PER_TURN));
        let verdicts: Vec<(String, String, u64, Word)> = self.rows(
            "SELECT json_group_array(json_array(handle, entry, version, word)) FROM
             (SELECT * FROM verdict LIMIT CAST(? AS INTEGER))",
            &[most],
        )?;
        let rows: Vec<(i64, String, Ms, Event, String)> = self.rows(
            "SELECT json_group_array(json_array(seq, message, received_ms, json(event), holder)) FROM (
               SELECT d.seq, w.message, w.received_ms, w.event, t.holder FROM due AS d
               JOIN waiting AS w ON w.no = d.no JOIN thing AS t ON t.name = w.message
               WHERE d.seq > CAST(? AS INTEGER) AND t.holder <> '' ORDER BY d.seq LIMIT CAST(? AS INTEGER))",
            &[Arg::Int(after), most],
        )?;
        let verdict = |(handle, thing, version, word)| Verdict { handle, thing, version, word };
        let event = |(seq, message, received_ms, event, holder)| {
            let nameless = Nameless { message, received_ms, nobody: None, event };
            (seq, nameless.of_person(holder))
        };
        Ok(Due { verdicts: verdicts.into_iter().map(verdict).collect(), events: rows.into_iter().map(event).collect() })
    }

    /// The Ledgers have these. What was decided anew meanwhile stays due.
    ///
    /// # Errors
    /// If the storage refuses; then they are told again, which is harmless.
    pub fn done(&self, done: &Due) -> Result<(), SqlError> {
        let verdicts = done.verdicts.iter().map(|v| (&v.thing, &v.handle, v.version)).collect::<Vec<_>>();
        let events = done.events.iter().map(|(seq, routed)| (seq, &routed.handle)).collect::<Vec<_>>();
        let (verdicts, events) = (text(&verdicts)?, text(&events)?);
        let with_their_holder = "SELECT d.no FROM json_each(?) JOIN due AS d ON d.seq = value ->> 0
             JOIN waiting AS w ON w.no = d.no JOIN thing AS t ON t.name = w.message WHERE t.holder = value ->> 1";
        self.sql.transaction(|| {
            if !done.verdicts.is_empty() {
                self.sql.exec(
                    "DELETE FROM verdict WHERE (entry, handle, version) IN
                     (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?))",
                    &[Arg::Text(&verdicts)],
                )?;
            }
            if !done.events.is_empty() {
                for statement in [
                    &format!(
                        "INSERT OR IGNORE INTO kept (message, event, received_ms, channel)
                         SELECT message, event, received_ms, channel FROM waiting WHERE no IN ({with_their_holder})"
                    ),
                    &format!("DELETE FROM waiting WHERE no IN ({with_their_holder})"),
                ] {
                    self.sql.exec(statement, &[Arg::Text(&events)])?;
                }
                self.sql.exec(GONE, &[])?;
            }
            Ok(())
        })
    }

    /// A page of all that is stored.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn export(&self, place: &Place) -> Result<Page, SqlError> {
        transfer::page(&self.sql, SECTIONS, place, "")
    }

    /// Takes the rows of an export in; what is here already stays.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn import(&self, rows: &transfer::Rows) -> Result<(), SqlError> {
        self.sql.transaction(|| {
            for (kind, columns) in COLUMNS {
                let values: Vec<String> = (0..columns.split(", ").count()).map(|no| format!("value ->> {no}")).collect();
                let take = format!("INSERT OR IGNORE INTO {kind} ({columns}) SELECT {} FROM json_each(?)", values.join(", "));
                for chunk in rows.get(kind).map(Vec::as_slice).unwrap_or_default().chunks(EXPORTED) {
                    let rows: Vec<&Value> = chunk.iter().map(|(_, row)| row).collect();
                    self.sql.exec(&take, &[Arg::Text(&text(&rows)?)])?;
                }
            }
            for chunk in rows.get("claim").map(Vec::as_slice).unwrap_or_default().chunks(EXPORTED) {
                let rows: Vec<&Value> = chunk.iter().map(|(_, row)| row).collect();
                self.sql.exec(&alone::KEEP.replacen("REPLACE", "IGNORE", 1), &[Arg::Text(&text(&rows)?)])?;
            }
            Ok(())
        })?;
        self.join()?;
        let due = "INSERT OR IGNORE INTO due (no) SELECT w.no FROM waiting AS w JOIN thing AS t ON t.name = w.message
                   WHERE t.holder <> ''";
        self.sql.exec(due, &[]).map(|_| ())
    }

    /// What waits for a name that came with a claim finds it.
    fn join(&self) -> Result<(), SqlError> {
        let mut after = String::new();
        loop {
            let names: Vec<String> = self.rows(
                "SELECT json_group_array(message) FROM (SELECT DISTINCT message FROM waiting WHERE message > ?
                 ORDER BY message LIMIT 500)",
                &[Arg::Text(&after)],
            )?;
            let Some(last) = names.last() else { return Ok(()) };
            after.clone_from(last);
            self.change(&names.iter().map(String::as_str).collect(), 0, &mut |things| {
                things.retain(|_, thing| *thing != Thing::default());
            })?;
        }
    }

    /// How many statuses of each channel wait for a name.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn waiting(&self) -> Result<SortedMap<String, u64>, SqlError> {
        let counted: Vec<(String, u64)> = self.rows(
            "SELECT json_group_array(json_array(channel, n)) FROM (
               SELECT channel, count(DISTINCT json_array(message, event ->> '$.status.status', event ->> '$.status.participant')) AS n
               FROM waiting WHERE event LIKE '{\"status\"%' GROUP BY channel)",
            &[],
        )?;
        Ok(counted.into_iter().collect())
    }

    /// Once in [`IDENTITY_TIDY_MS`]: drops what nobody has spoken of since `before_ms`, some at a time. Gives how long to wait before
    /// the next look: the alarm rings for other work too.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn tidy(&self, before_ms: Ms, now_ms: Ms) -> Result<u64, SqlError> {
        let tidied: Vec<Ms> = self.rows("SELECT json_group_array(value) FROM meta WHERE key = 'tidied_ms'", &[])?;
        let rest_ms = tidied.first().and_then(|tidied_ms| u64::try_from(tidied_ms + IDENTITY_TIDY_MS as Ms - now_ms).ok());
        // A clock that was put back must not make it wait longer.
        if let Some(rest_ms) = rest_ms.filter(|rest_ms| (1..=IDENTITY_TIDY_MS).contains(rest_ms)) {
            return Ok(rest_ms);
        }
        if self.expire(before_ms)? {
            return Ok(MOVE_AGAIN_MS);
        }
        let mark = "INSERT OR REPLACE INTO meta (key, value) VALUES ('tidied_ms', CAST(? AS INTEGER))";
        self.sql.exec(mark, &[Arg::Int(now_ms)])?;
        Ok(IDENTITY_TIDY_MS)
    }

    /// Drops what nobody has spoken of since `before_ms`, some of it. Says whether there is more.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn expire(&self, before_ms: Ms) -> Result<bool, SqlError> {
        let mut more = false;
        for (table, id, time, before) in [
            ("claim", "thing", "seen", before_ms.div_euclid(DAY_MS)),
            ("thing", "name", "seen_ms", before_ms),
            ("kept", "message", "received_ms", before_ms),
            ("waiting", "no", "received_ms", before_ms),
        ] {
            let old = format!("SELECT {id} FROM {table} WHERE {time} < CAST(?1 AS INTEGER) LIMIT CAST(?2 AS INTEGER)");
            let gone = format!("DELETE FROM {table} WHERE {time} < CAST(?1 AS INTEGER) AND {id} IN ({old})");
            more |= self.sql.exec(&gone, &[Arg::Int(before), Arg::Int(EXPIRED_PER_TURN)])? >= EXPIRED_PER_TURN as u64;
        }
        self.sql.exec(GONE, &[])?;
        Ok(more)
    }

    fn rows<T: DeserializeOwned>(&self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<T>, SqlError> {
        let rows = self.sql.text(sql, args)?.unwrap_or_else(|| "[]".to_owned());
        json::read(&rows).map_err(|error| SqlError(error.to_string()))
    }
}

fn text(value: &impl Serialize) -> Result<String, SqlError> {
    serde_json::to_string(value).map_err(|error| SqlError(error.to_string()))
}
