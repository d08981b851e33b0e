//! What a channel's callbacks brought and nothing could be made of: dead letters, and the quarantine of badly signed bodies.
//!
//! Letters are kept whole, in pieces that the storage takes, up to a bound; beyond it the oldest go, and are counted as dropped.
//! Beside them lie the channel's operational counts. Pure: storage is the port, time is an argument. It knows no provider.

mod forget;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::bounds::{
    LETTER_BYTES, LETTER_ITEMS, LETTER_MS, LETTER_PIECE_BYTES, QUARANTINE_BYTES, QUARANTINE_LETTERS, REASON_BYTES,
};
use crate::event::Ms;
use crate::health::Counts;
use crate::json;
use crate::sql::{Arg, Sql, SqlError};
use crate::time::to_rfc3339;

/// Where a letter lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shelf {
    /// Its sender was right and its content was not understood, wholly or in part.
    Dead,
    /// Its signature was wrong.
    Quarantine,
}

impl Shelf {
    const ALL: [Self; 2] = [Self::Dead, Self::Quarantine];

    /// Stored: never change one.
    fn no(self) -> i64 {
        match self {
            Self::Dead => 0,
            Self::Quarantine => 1,
        }
    }

    /// The most letters, and the most bytes of them.
    fn bound(self) -> (u64, u64) {
        match self {
            Self::Dead => (u64::MAX, LETTER_BYTES),
            Self::Quarantine => (QUARANTINE_LETTERS, QUARANTINE_BYTES),
        }
    }
}

/// One item of a body that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// JSON pointer into the body; empty for the body itself.
    pub pointer: String,
    pub reason: String,
}

/// A body as it came: text where it is text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    Body(String),
    BodyBase64(String),
}

impl Body {
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        match core::str::from_utf8(bytes) {
            // A NUL would end a text in some readers of the storage, and each of its kind grows sixfold in JSON.
            Ok(text) if !text.bytes().any(|byte| byte < b' ' && !byte.is_ascii_whitespace()) => Self::Body(text.to_owned()),
            _ => Self::BodyBase64(STANDARD.encode(bytes)),
        }
    }

    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Body(text) => text.into_bytes(),
            Self::BodyBase64(text) => STANDARD.decode(text).unwrap_or_default(),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Body(text) | Self::BodyBase64(text) => text,
        }
    }
}

/// What a letter says of itself beside its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// `{channel}~{hash of what came}`: the same callback is one letter, however often it comes.
    pub id: String,
    pub received_ms: Ms,
    /// Why it lies here, in words that hold nothing of the body.
    pub reason: String,
    /// What was not understood; the first [`LETTER_ITEMS`] of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// How long the body is, as it came.
    pub bytes: u64,
    pub method: String,
    /// As it was called, token included: a signature may cover it.
    pub url: String,
    /// In the quarantine: what the signature is checked with. A dead letter needs none, and may hold no secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

/// A callback that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    pub head: Head,
    pub content: Body,
}

/// A callback as it came in, before it becomes a letter.
#[derive(Clone, Copy, Debug)]
pub struct Came<'a> {
    pub channel: &'a str,
    pub received_ms: Ms,
    pub method: &'a str,
    pub url: &'a str,
    pub body: &'a [u8],
}

impl Letter {
    /// A letter of what came. Of too many items the first are kept.
    #[must_use]
    pub fn of(came: &Came<'_>, headers: Vec<(String, String)>, reason: &str, mut items: Vec<Item>) -> Self {
        let query = came.url.split_once('?').map_or("", |(_, query)| query);
        let mut hash = Sha256::new();
        for part in [came.method.as_bytes(), query.as_bytes()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        for (name, value) in &headers {
            hash.update((name.len() as u64).to_be_bytes());
            hash.update(name);
            hash.update((value.len() as u64).to_be_bytes());
            hash.update(value);
        }
        hash.update(came.body);
        let hash = URL_SAFE_NO_PAD.encode(hash.finalize().get(..16).unwrap_or_default());
        items.truncate(LETTER_ITEMS);
        for item in &mut items {
            cut(&mut item.pointer);
            cut(&mut item.reason);
        }
        let head = Head {
            id: format!("{}~{hash}", came.channel),
            received_ms: came.received_ms,
            reason: reason.to_owned(),
            items,
            bytes: came.body.len() as u64,
            method: came.method.to_owned(),
            url: came.url.to_owned(),
            headers,
        };
        Self { head, content: Body::of(came.body) }
    }

    /// As the API shows it, whole.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut shown = self.head.to_json();
        if let Some(shown) = shown.as_object_mut() {
            let (name, text) = match &self.content {
                Body::Body(text) => ("body", text),
                Body::BodyBase64(text) => ("body_base64", text),
            };
            shown.insert(name.to_owned(), json!(text));
        }
        shown
    }
}

impl Head {
    /// As the API shows it in a list.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "channel": channel_of(&self.id),
            "received_at": to_rfc3339(self.received_ms),
            "reason": self.reason,
            "items": self.items,
            "bytes": self.bytes,
        })
    }
}

/// The channel that a letter's id names.
#[must_use]
pub fn channel_of(id: &str) -> Option<&str> {
    id.split_once('~').map(|(channel, _)| channel)
}

fn cut(text: &mut String) {
    if let Some((at, _)) = text.char_indices().find(|(at, c)| at + c.len_utf8() > REASON_BYTES) {
        text.truncate(at);
    }
}

/// One page of a shelf, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    pub data: Vec<Head>,
    pub total: u64,
    /// Where the next page begins; absent at the end.
    pub next: Option<i64>,
}

/// How full a shelf is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    pub kept: u64,
    pub bytes: u64,
    /// What the bound has cost so far.
    pub dropped: u64,
}

/// What a channel's object knows beside the letters themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub counts: Counts,
    pub dead: Fill,
    pub quarantine: Fill,
}

/// What the object of a channel is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Keep {
        shelf: Shelf,
        letter: Letter,
        /// Counted in the same transaction.
        counts: Counts,
    },
    /// Adds to the counts.
    Count {
        counts: Counts,
    },
    List {
        shelf: Shelf,
        before: Option<i64>,
        limit: u32,
    },
    Get {
        shelf: Shelf,
        id: String,
    },
    /// It was replayed, and nothing in it is odd any more.
    Settle {
        shelf: Shelf,
        id: String,
    },
    /// Takes the letters away that hold one of these keys of a person, of the next after `after`: how many, and where the
    /// next begin.
    Forget {
        keys: Vec<String>,
        after: i64,
    },
    State,
}

/// The core of a channel's Letters object.
pub struct Letters<S: Sql> {
    sql: S,
}

/// - `letter`: what a letter says of itself; `bytes` is what it takes here. Newer ones have larger numbers.
/// - `piece`: its body, cut into rows.
/// - `shelf`: how full each shelf is.
/// - `counts`: one row.
const SCHEMA: [&str; 5] = [
    "CREATE TABLE IF NOT EXISTS letter (no INTEGER PRIMARY KEY, shelf INTEGER NOT NULL, id TEXT NOT NULL,
        received_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, base64 INTEGER NOT NULL, head TEXT NOT NULL,
        UNIQUE (shelf, id)) STRICT",
    // Else the oldest of a shelf is found by sorting all of it.
    "CREATE INDEX IF NOT EXISTS letter_by_shelf ON letter (shelf)",
    "CREATE TABLE IF NOT EXISTS piece (letter INTEGER NOT NULL, no INTEGER NOT NULL, text TEXT NOT NULL,
        PRIMARY KEY (letter, no)) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS shelf (no INTEGER PRIMARY KEY, kept INTEGER NOT NULL, bytes INTEGER NOT NULL,
        dropped INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS counts (no INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT",
];

impl<S: Sql> Letters<S> {
    /// Opens the database.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn open(sql: S) -> Result<Self, SqlError> {
        for statement in SCHEMA {
            sql.exec(statement, &[])?;
        }
        for shelf in Shelf::ALL {
            sql.exec(
                "INSERT OR IGNORE INTO shelf (no, kept, bytes, dropped) VALUES (CAST(? AS INTEGER), 0, 0, 0)",
                &[Arg::Int(shelf.no())],
            )?;
        }
        Ok(Self { sql })
    }

    /// Does what is asked, in one transaction; the answer is JSON text.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn apply(&self, command: &Command, now_ms: Ms) -> Result<String, SqlError> {
        let json = |value: &Value| value.to_string();
        self.sql.transaction(|| match command {
            Command::Keep { shelf, letter, counts } => {
                let new = self.keep(*shelf, letter)?;
                self.count(counts)?;
                self.drop_old(*shelf, now_ms)?;
                Ok(json(&json!(new)))
            }
            Command::Count { counts } => self.count(counts).map(|()| "null".to_owned()),
            Command::List { shelf, before, limit } => {
                self.drop_old(*shelf, now_ms)?;
                Ok(json(&json!(self.list(*shelf, *before, *limit)?)))
            }
            Command::Get { shelf, id } => Ok(json(&json!(self.get(*shelf, id)?))),
            Command::Forget { keys, after } => Ok(json(&json!(self.forget(keys, *after)?))),
            Command::Settle { shelf, id } => Ok(json(&json!(self.settle(*shelf, id)?))),
            Command::State => {
                self.drop_all_old(now_ms)?;
                Ok(json(&json!(self.state()?)))
            }
        })
    }

    /// Drops what is older than letters are kept. Says whether any are left.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn tidy(&self, now_ms: Ms) -> Result<bool, SqlError> {
        self.sql.transaction(|| {
            self.drop_all_old(now_ms)?;
            let state = self.state()?;
            Ok(state.dead.kept + state.quarantine.kept > 0)
        })
    }

    fn keep(&self, shelf: Shelf, letter: &Letter) -> Result<bool, SqlError> {
        if self.number(shelf, &letter.head.id)?.is_some() {
            return Ok(false);
        }
        let head = serde_json::to_string(&letter.head).map_err(|error| SqlError(error.to_string()))?;
        let text = letter.content.text();
        let bytes = (head.len() + text.len()) as i64;
        let base64 = matches!(letter.content, Body::BodyBase64(_));
        self.sql.exec(
            "INSERT INTO letter (shelf, id, received_ms, bytes, base64, head)
             VALUES (CAST(? AS INTEGER), ?, CAST(? AS INTEGER), CAST(? AS INTEGER), CAST(? AS INTEGER), ?)",
            &[
                Arg::Int(shelf.no()),
                Arg::Text(&letter.head.id),
                Arg::Int(letter.head.received_ms),
                Arg::Int(bytes),
                Arg::Int(i64::from(base64)),
                Arg::Text(&head),
            ],
        )?;
        let Some((number, _)) = self.number(shelf, &letter.head.id)? else {
            return Err(SqlError("a letter was not stored".to_owned()));
        };
        for (no, piece) in (0..).zip(pieces(text)) {
            self.sql.exec(
                "INSERT INTO piece (letter, no, text) VALUES (CAST(? AS INTEGER), CAST(? AS INTEGER), ?)",
                &[Arg::Int(number), Arg::Int(no), Arg::Text(piece)],
            )?;
        }
        self.fill(shelf, 1, bytes, 0)?;
        Ok(true)
    }

    fn list(&self, shelf: Shelf, before: Option<i64>, limit: u32) -> Result<Page, SqlError> {
        let numbers: Vec<i64> = self.rows(
            "SELECT json_group_array(no) FROM (SELECT no FROM letter
             WHERE shelf = CAST(? AS INTEGER) AND no < CAST(? AS INTEGER) ORDER BY no DESC LIMIT CAST(? AS INTEGER))",
            &[Arg::Int(shelf.no()), Arg::Int(before.unwrap_or(1 << 53)), Arg::Int(i64::from(limit))],
        )?;
        let full = u32::try_from(numbers.len()).is_ok_and(|n| n == limit);
        let last = numbers.last().copied().filter(|_| full);
        let next = match last {
            Some(no) if self.any_before(shelf, no)? => Some(no),
            _ => None,
        };
        let mut data = Vec::with_capacity(numbers.len());
        for number in numbers {
            data.extend(self.head(number)?);
        }
        Ok(Page { data, total: self.fill_of(shelf)?.kept, next })
    }

    /// One by one: a page of heads may be longer than the longest string.
    fn head(&self, number: i64) -> Result<Option<Head>, SqlError> {
        let heads = self.rows("SELECT json_array(json(head)) FROM letter WHERE no = CAST(? AS INTEGER)", &[Arg::Int(number)])?;
        Ok(heads.into_iter().next())
    }

    fn any_before(&self, shelf: Shelf, no: i64) -> Result<bool, SqlError> {
        let args = [Arg::Int(shelf.no()), Arg::Int(no)];
        let found = "SELECT '1' FROM letter WHERE shelf = CAST(? AS INTEGER) AND no < CAST(? AS INTEGER) LIMIT 1";
        Ok(self.sql.text(found, &args)?.is_some())
    }

    fn get(&self, shelf: Shelf, id: &str) -> Result<Option<Letter>, SqlError> {
        let Some((number, base64)) = self.number(shelf, id)? else { return Ok(None) };
        let mut text = String::new();
        for no in 0.. {
            // One by one: together they may be longer than the longest string.
            let piece = "SELECT text FROM piece WHERE letter = CAST(? AS INTEGER) AND no = CAST(? AS INTEGER)";
            match self.sql.text(piece, &[Arg::Int(number), Arg::Int(no)])? {
                Some(piece) => text.push_str(&piece),
                None => break,
            }
        }
        let content = if base64 { Body::BodyBase64(text) } else { Body::Body(text) };
        Ok(self.head(number)?.map(|head| Letter { head, content }))
    }

    fn settle(&self, shelf: Shelf, id: &str) -> Result<bool, SqlError> {
        let Some((number, _)) = self.number(shelf, id)? else { return Ok(false) };
        let bytes = self.remove(number)?;
        self.fill(shelf, -1, -bytes, 0)?;
        Ok(true)
    }

    /// Takes a letter away; gives the bytes that it took.
    fn remove(&self, number: i64) -> Result<i64, SqlError> {
        let args = [Arg::Int(number)];
        let bytes: Vec<i64> = self.rows("SELECT json_array(bytes) FROM letter WHERE no = CAST(? AS INTEGER)", &args)?;
        self.sql.exec("DELETE FROM piece WHERE letter = CAST(? AS INTEGER)", &args)?;
        self.sql.exec("DELETE FROM letter WHERE no = CAST(? AS INTEGER)", &args)?;
        Ok(bytes.first().copied().unwrap_or_default())
    }

    fn drop_all_old(&self, now_ms: Ms) -> Result<(), SqlError> {
        Shelf::ALL.into_iter().try_for_each(|shelf| self.drop_old(shelf, now_ms))
    }

    /// Lets the oldest go until the shelf is within its bound.
    fn drop_old(&self, shelf: Shelf, now_ms: Ms) -> Result<(), SqlError> {
        let (most, most_bytes) = shelf.bound();
        loop {
            let fill = self.fill_of(shelf)?;
            let oldest: Vec<i64> = self.rows(
                "SELECT json_array(no, received_ms) FROM letter WHERE shelf = CAST(? AS INTEGER) ORDER BY no LIMIT 1",
                &[Arg::Int(shelf.no())],
            )?;
            let &[number, received_ms] = oldest.as_slice() else { return Ok(()) };
            if fill.kept <= most && fill.bytes <= most_bytes && now_ms - received_ms < LETTER_MS {
                return Ok(());
            }
            let bytes = self.remove(number)?;
            self.fill(shelf, -1, -bytes, 1)?;
        }
    }

    fn count(&self, more: &Counts) -> Result<(), SqlError> {
        let mut counts = self.counts()?;
        let before = counts.clone();
        counts.add(more);
        if counts != before {
            let body = serde_json::to_string(&counts).map_err(|error| SqlError(error.to_string()))?;
            self.sql.exec("INSERT OR REPLACE INTO counts (no, body) VALUES (0, ?)", &[Arg::Text(&body)])?;
        }
        Ok(())
    }

    fn counts(&self) -> Result<Counts, SqlError> {
        let rows: Vec<Counts> = self.rows("SELECT json_group_array(json(body)) FROM counts", &[])?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    fn state(&self) -> Result<State, SqlError> {
        Ok(State { counts: self.counts()?, dead: self.fill_of(Shelf::Dead)?, quarantine: self.fill_of(Shelf::Quarantine)? })
    }

    fn fill_of(&self, shelf: Shelf) -> Result<Fill, SqlError> {
        let fill: Vec<Fill> = self.rows(
            "SELECT json_array(json_object('kept', kept, 'bytes', bytes, 'dropped', dropped)) FROM shelf WHERE no = CAST(? AS INTEGER)",
            &[Arg::Int(shelf.no())],
        )?;
        Ok(fill.first().copied().unwrap_or_default())
    }

    fn fill(&self, shelf: Shelf, kept: i64, bytes: i64, dropped: i64) -> Result<(), SqlError> {
        self.sql
            .exec(
                "UPDATE shelf SET kept = kept + CAST(? AS INTEGER), bytes = bytes + CAST(? AS INTEGER),
                 dropped = dropped + CAST(? AS INTEGER) WHERE no = CAST(? AS INTEGER)",
                &[Arg::Int(kept), Arg::Int(bytes), Arg::Int(dropped), Arg::Int(shelf.no())],
            )
            .map(|_| ())
    }

    fn number(&self, shelf: Shelf, id: &str) -> Result<Option<(i64, bool)>, SqlError> {
        let args = [Arg::Int(shelf.no()), Arg::Text(id)];
        let found: Vec<i64> =
            self.rows("SELECT json_array(no, base64) FROM letter WHERE shelf = CAST(? AS INTEGER) AND id = ?", &args)?;
        Ok(found.first().map(|no| (*no, found.last() == Some(&1))))
    }

    fn rows<T: DeserializeOwned>(&self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<T>, SqlError> {
        let rows = self.sql.text(sql, args)?.unwrap_or_else(|| "[]".to_owned());
        json::read(&rows).map_err(|error| SqlError(error.to_string()))
    }
}

/// A text in pieces of at most [`LETTER_PIECE_BYTES`], cut between characters.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let at = if rest.len() <= LETTER_PIECE_BYTES { rest.len() } else { rest.floor_char_boundary(LETTER_PIECE_BYTES) };
        let (piece, later) = rest.split_at_checked(at)?;
        rest = later;
        (!piece.is_empty()).then_some(piece)
    })
}
