//! What a Ledger can be asked to write and to read, and its answers: what goes over the wire between the edge and an object.

use serde::{Deserialize, Serialize};

use super::lists::{List, Position};
use super::to_json;
use crate::counters::{Book, StoredRow, TOTALS};
use crate::event::{Event, Ms};
use crate::facts::Word;
use crate::policy::Policy;
use crate::shares::Shares;
use crate::sorted::SortedMap;
use crate::sums::Cut;
use crate::transfer;

/// An event on its way to the Ledger that owns its contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routed {
    /// The contact's handle, as text; for a click of nobody its own, see [`crate::contact::handle_of_click`].
    pub handle: String,
    /// The person's canonical key; absent where only the handle is known (a tracking token).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The code of the provider whose message ids the event speaks of; `-` where it speaks of none.
    #[serde(default = "no_provider")]
    pub provider: char,
    /// When the edge received it: fixed once, carried with every retry.
    pub received_ms: Ms,
    /// The event named a message and nobody: it is this person's for as long as their claim on the message is the best.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub nameless: bool,
    pub event: Event,
}

/// An Identity's word on a person's claim on a thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub handle: String,
    /// The entry's id.
    pub thing: String,
    /// Each verdict on a thing has a higher number than the one before it.
    pub version: u64,
    pub word: Word,
}

/// Somebody's word that a key is another person's: a user id beside a phone number in one item of a provider, or a contact beside
/// the provider's `wa_id` in a dispatch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belonging {
    /// The handle of the key.
    pub handle: String,
    pub key: String,
    /// The person's key.
    pub to: String,
    /// A pair moves everything, an alias conversions alone.
    pub pair: bool,
    pub at_ms: Ms,
}

/// What was told under one key, on its way to the person whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The person's handle and key.
    pub handle: String,
    pub key: String,
    /// The handle and the key under which it was told.
    pub source: String,
    pub source_key: String,
    /// What came under an older one is taken back.
    pub epoch: u64,
    /// Entries: the id and the facts as JSON.
    pub things: Vec<(String, String)>,
}

/// What a Ledger has to tell another object. It knows keys; where they lead, the edge knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Errand {
    /// To the Ledger of the key: it is this person's.
    Belong { key: String, to: String, pair: bool, at_ms: Ms },
    /// To the Ledger of the person: what was told under a key of theirs.
    Move { to: String, source: String, source_key: String, epoch: u64, things: Vec<(String, String)> },
    /// To the Ledger of the key: the person `of` was erased, and if the key is theirs it goes as well.
    Erase {
        key: String,
        at_ms: Ms,
        #[serde(default)]
        of: Option<String>,
    },
    /// To the Identity of each thing: what this key claims, the person holds.
    Hold { to: String, source: String, epoch: u64, things: Vec<String> },
}

fn no_provider() -> char {
    '-'
}

/// What a Ledger can be asked to write. All of it is idempotent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    /// Put events into timelines and count the difference.
    Record { events: Vec<Routed> },
    /// Learn or renew campaign definitions.
    Declare { campaigns: Vec<Policy> },
    /// Forget a person, as of a moment: what happened before it counts nowhere if it comes later. Where it is a key of the person
    /// `of`, only if it is not somebody else's.
    Erase {
        handle: String,
        at_ms: Ms,
        #[serde(default)]
        of: Option<String>,
    },
    /// Learn for how long things are kept.
    Retain { days: u32 },
    /// Learn that keys of this Ledger belong to other persons.
    Belong { belongings: Vec<Belonging> },
    /// Take in what was told under other keys of persons of this Ledger.
    Host { moves: Vec<Move> },
    /// Take the rows of an export in; this Ledger's number is `ledger`.
    Restore { ledger: u32, rows: transfer::Rows },
    /// Learn what was decided about claims that persons of this and other Ledgers made.
    Judge { verdicts: Vec<Verdict> },
}

impl Write {
    /// Whom it is about, if it is told of persons one by one.
    #[must_use]
    pub fn handles(&self) -> Vec<&str> {
        match self {
            Self::Record { events } => events.iter().map(|event| event.handle.as_str()).collect(),
            Self::Judge { verdicts } => verdicts.iter().map(|verdict| verdict.handle.as_str()).collect(),
            Self::Belong { belongings } => belongings.iter().map(|belonging| belonging.handle.as_str()).collect(),
            Self::Host { moves } => moves.iter().map(|moving| moving.handle.as_str()).collect(),
            Self::Declare { .. } | Self::Erase { .. } | Self::Retain { .. } | Self::Restore { .. } => Vec::new(),
        }
    }
}

/// What became of one write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Events that were new, or brought something new.
    pub new: u64,
    /// Events that changed nothing.
    pub duplicate: u64,
    /// Rows written by the commit that this write took part in, and how many writes shared it.
    pub rows_written: u64,
    pub shared_by: u64,
    /// The places of events that the storage, which is well, will never take. The others are written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<u32>,
    /// The places of events that are older than anything is kept: they were not taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expired: Vec<u32>,
    /// The places of events of before their contact's erasure: they were not taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<u32>,
    /// What was remarkable about the events of each channel.
    #[serde(default, skip_serializing_if = "SortedMap::is_empty")]
    pub remarks: SortedMap<String, Remarks>,
}

/// What was remarkable about the events of one channel when they came: for the operator's eye, in no number of a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remarks {
    /// Events that changed nothing.
    #[serde(rename = "d")]
    pub duplicate: u64,
    /// Statuses that were new and came after one that follows them.
    #[serde(rename = "o")]
    pub out_of_order: u64,
    /// Second claims on one message.
    #[serde(rename = "c")]
    pub conflict: u64,
    /// Events that were older than anything is kept; they were not taken.
    #[serde(rename = "x")]
    pub expired: u64,
    /// Events of before their contact's erasure; they were not taken.
    #[serde(rename = "e")]
    pub after_erasure: u64,
}

impl Remarks {
    pub fn add(&mut self, more: &Self) {
        self.duplicate += more.duplicate;
        self.out_of_order += more.out_of_order;
        self.conflict += more.conflict;
        self.expired += more.expired;
        self.after_erasure += more.after_erasure;
    }
}

impl Written {
    /// Adds what became of another part of the same write.
    pub(super) fn add(&mut self, part: &Self) {
        self.new += part.new;
        self.duplicate += part.duplicate;
        self.rows_written += part.rows_written;
        for (channel, more) in &part.remarks {
            self.remarks.entry(channel.clone()).or_default().add(more);
        }
    }
}

/// What a Ledger can be asked to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// Counters, added up: the answer is [`BookRows`].
    Sums(Sums),
    /// The first and the last UTC day (since 1970) on which something happened in a campaign: two numbers, or two nulls.
    Extent { campaign: u32 },
    /// A page of all that is stored; this Ledger's number is `ledger`.
    Export { ledger: u32, place: transfer::Place },
    /// What other objects may know of a person too: a [`Traces`].
    Traces { handle: String },
    /// How many messages of each channel stand under no campaign now: an object of numbers by channel.
    Unattributed,
    /// A page of a list, from behind `after`: at most `most` rows, people in clear or masked.
    List { list: List, after: Option<Position>, most: u32, in_clear: bool },
    /// How long a list is.
    Tally { list: List, after: Option<Position> },
    /// Everything about one contact.
    Person { handle: String },
}

/// Which counters are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// By number; none: all that the Ledger knows, and what is under no campaign.
    pub campaigns: Option<Vec<u32>>,
    pub totals: Totals,
    pub cut: Option<Cut>,
    /// All campaigns as one, under the number 0.
    pub together: bool,
}

/// What of a campaign's totals is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Totals {
    #[default]
    None,
    Whole,
    /// As [`crate::sums::headline`] leaves them; with a cut of what was billed, or none.
    Headline,
}

/// The answer to [`Read::Traces`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Traces {
    /// The keys that a person is known by here.
    pub keys: Vec<String>,
    /// The key of the person to whom this one belongs.
    pub moved_to: Option<String>,
}

/// The answer to [`Read::Sums`]: campaign, share, origin, day and row; the totals as day −1, the spans of the cut by their numbers. Names are those of the rows with
/// the same campaign, share and origin.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct BookRows(pub Vec<(u32, u8, String, i32, StoredRow)>);

/// The shares of rows that count nothing, and say what else is true of the numbers. The Ledger answers from counters of other rules
/// until it has made its own.
pub(super) const RECOUNTING: u8 = 3;
/// So many things (the row's version) are on their way to another person, and counted nowhere.
pub(super) const MOVING: u8 = 4;

impl BookRows {
    /// Such a row.
    pub(super) fn remark(share: u8, n: u64) -> String {
        to_json(&(0, share, "", TOTALS, StoredRow { v: n, ..StoredRow::default() }))
    }

    /// Whether the Ledger is recounting.
    #[must_use]
    pub fn recounts(&self) -> bool {
        self.0.iter().any(|row| row.1 == RECOUNTING)
    }

    /// How many things of the Ledger are on their way to another person, and in no number of any Ledger.
    #[must_use]
    pub fn moving(&self) -> u64 {
        self.0.iter().filter(|row| row.1 == MOVING).map(|row| row.4.v).sum()
    }

    /// The numbers of all campaigns in the answer, by share.
    #[must_use]
    pub fn into_shares(self) -> SortedMap<u32, Shares> {
        let mut books: SortedMap<(u32, u8, String), Book> = SortedMap::new();
        for (campaign, share, origin, day, row) in self.0.into_iter().filter(|row| row.1 < RECOUNTING) {
            books.entry((campaign, share, origin)).or_default().load(day, &row);
        }
        let mut shares: SortedMap<u32, Shares> = SortedMap::new();
        for ((campaign, share, origin), book) in books {
            let mine = shares.entry(campaign).or_default().of(share);
            // The first is taken as it is: adding up goes through the names.
            if origin.is_empty() { *mine = book } else { mine.merge(&book) }
        }
        shares
    }
}
