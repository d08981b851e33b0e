//! The packed counters of one campaign inside one Ledger: what its timelines add up to.
//!
//! A campaign has one row of totals and one row per UTC day; each is a map from a [`Cell`] to a number. Names (steps, error
//! codes, links, reasons, currencies) are kept once, in the totals, and cells refer to them by index; so an index means
//! something only beside its own table, and [`Book::merge`] goes through the names. What a cell means is said by [`Kind`];
//! who adds to it is `contributions`' business.

use serde::{Deserialize, Serialize};

use crate::event::Ms;
use crate::order;
use crate::sorted::SortedMap;

/// The rules that made a set of counters. Raised whenever a definition changes what equal events count for.
pub const RULES_VERSION: u32 = 2;

pub const QUARTER_MS: Ms = 15 * 60 * 1000;
pub const DAY_MS: Ms = 24 * 3_600_000;
/// Stands for the totals where a UTC day number is meant.
pub const TOTALS: i32 = -1;
/// Stands for no quarter hour.
const NO_QUARTER: u8 = 127;

/// What a cell counts. The number is stored: never reuse one.
///
/// `a` and `b` are the two details of a cell; "name" says that the detail is an index into the book's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Messages (and errors of dispatch) of a step in one combination of states: `a` = message mask.
    Messages = 1,
    /// Contacts of the whole campaign in one combination of states: `a` = contact mask. No step.
    Contacts = 2,
    /// Contacts of one step in one combination of states: `a` = contact mask.
    StepContacts = 3,
    /// Dispatch errors by provider code: `a` = code (name).
    DispatchErrors = 4,
    /// Failed messages by provider code: `a` = code (name).
    DeliveryErrors = 5,
    /// Contacts whose place in the audience is "skipped": `a` = reason (name), `b` = 1 in the step, 0 in the whole campaign.
    Skipped = 6,
    /// Clicks by link: `a` = link (name), `b` = 0 human, else the machine's reason by its number, see [`crate::click::MACHINES`].
    Clicks = 7,
    /// (contact, link) pairs with a human click: `a` = link (name).
    UniqueClicks = 8,
    /// Replies: `a` = 1 if quick.
    Replies = 9,
    Reactions = 10,
    Conversions = 11,
    /// Money: value of conversions, `a` = currency (name).
    Revenue = 12,
    /// Dispatches that lost the claim on a message; `b` = 1: conversions that lost theirs to another contact's.
    Conflicts = 13,
    /// Inbound messages that belong to nobody.
    Inbound = 14,
    /// Billable messages without a price of their own: `a` and `b` = category and country, and quarter hours from sent to billed,
    /// packed by `contributions::billed_code`.
    Billed = 15,
    /// Money: prices that the dispatches named, of messages that are billed. `a` = currency (name).
    OwnCost = 16,
    /// Money: value of an arm's conversions in the window: `a` = currency (name), `b` = 0 target, 1 control. No step.
    ExperimentRevenue = 18,
    /// Messages in one state, by the state's own time: `a` = the state's bit number. Days only.
    States = 19,
    /// The kinds above, for basis=event: by the thing's own time instead of its message's sent time. Days only.
    ClicksAt = 20,
    UniqueClicksAt = 21,
    RepliesAt = 22,
    ReactionsAt = 23,
    ConversionsAt = 24,
    RevenueAt = 25,
    BilledAt = 26,
    OwnCostAt = 27,
    DeliveryErrorsAt = 28,
    /// By category and country (`a`): `b` = 0 delivered messages, at their delivered time; 1 billable ones, at the time they are
    /// billed. Days only.
    Usage = 29,
    /// Conversations opened, by category and country (`a`): `b` = 1 if its service window was not seen. Days only.
    Conversations = 30,
    /// Billable messages without a price of their own, by category and country (`a`) and UTC month billed (`b`, since 1970). Totals
    /// only: where no price changes within a month, no day need be read to know what it cost.
    BilledIn = 31,
}

impl Kind {
    const ALL: [Kind; 30] = {
        use Kind::*;
        [
            Messages,
            Contacts,
            StepContacts,
            DispatchErrors,
            DeliveryErrors,
            Skipped,
            Clicks,
            UniqueClicks,
            Replies,
            Reactions,
            Conversions,
            Revenue,
            Conflicts,
            Inbound,
            Billed,
            OwnCost,
            ExperimentRevenue,
            States,
            ClicksAt,
            UniqueClicksAt,
            RepliesAt,
            ReactionsAt,
            ConversionsAt,
            RevenueAt,
            BilledAt,
            OwnCostAt,
            DeliveryErrorsAt,
            Usage,
            Conversations,
            BilledIn,
        ]
    };

    fn from_code(code: u64) -> Option<Kind> {
        Self::ALL.into_iter().find(|kind| *kind as u64 == code)
    }

    /// Whether the detail `a` is an index into the names.
    #[must_use]
    pub fn names_a(self) -> bool {
        use Kind::*;
        matches!(
            self,
            DispatchErrors
                | DeliveryErrors
                | Skipped
                | Clicks
                | UniqueClicks
                | Revenue
                | OwnCost
                | ExperimentRevenue
                | ClicksAt
                | UniqueClicksAt
                | RevenueAt
                | OwnCostAt
                | DeliveryErrorsAt
        )
    }
}

/// One counter: what, of which step, in which quarter hour of its day (none in the totals), with two details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    pub kind: Kind,
    /// Index of the step's name; 0 is the default step, and stands where a kind has no step.
    pub step: u16,
    /// 0–95 in a day's row.
    pub quarter: Option<u8>,
    pub a: u32,
    pub b: u16,
}

impl Cell {
    /// kind 6 bits · step 14 · quarter 7 · a 20 · b 16: 63 bits, pinned by a test.
    #[must_use]
    pub fn pack(self) -> u64 {
        let quarter = u64::from(self.quarter.unwrap_or(NO_QUARTER));
        (self.kind as u64) << 57
            | u64::from(self.step & 0x3fff) << 43
            | quarter << 36
            | u64::from(self.a & 0xf_ffff) << 16
            | u64::from(self.b)
    }

    /// The inverse of [`Cell::pack`]; `None` for a kind that this release does not know (a newer one wrote it).
    #[must_use]
    pub fn unpack(packed: u64) -> Option<Self> {
        let quarter = (packed >> 36 & 0x7f) as u8;
        Some(Self {
            kind: Kind::from_code(packed >> 57)?,
            step: (packed >> 43 & 0x3fff) as u16,
            quarter: (quarter != NO_QUARTER).then_some(quarter),
            a: (packed >> 16 & 0xf_ffff) as u32,
            b: (packed & 0xffff) as u16,
        })
    }
}

/// The day (UTC, since 1970) and the quarter hour in it of an instant.
#[must_use]
pub fn day_and_quarter(at_ms: Ms) -> (i32, u8) {
    let day = at_ms.div_euclid(DAY_MS);
    (day as i32, (at_ms.rem_euclid(DAY_MS) / QUARTER_MS) as u8)
}

/// The cells of one row: counts, and sums of money in units of 10^-9. Zeros are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub counts: SortedMap<u64, i64>,
    pub money: SortedMap<u64, i128>,
}

impl Row {
    pub fn add(&mut self, cell: Cell, n: i64) {
        let slot = self.counts.entry(cell.pack()).or_default();
        *slot += n;
        if *slot == 0 {
            self.counts.remove(&cell.pack());
        }
    }

    pub fn add_money(&mut self, cell: Cell, nanos: i128) {
        let slot = self.money.entry(cell.pack()).or_default();
        *slot += nanos;
        if *slot == 0 {
            self.money.remove(&cell.pack());
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.money.is_empty()
    }

    /// The counts with their cells; cells of an unknown kind are passed over.
    pub fn cells(&self) -> impl Iterator<Item = (Cell, i64)> + '_ {
        self.counts.iter().filter_map(|(packed, n)| Some((Cell::unpack(*packed)?, *n)))
    }

    pub fn money_cells(&self) -> impl Iterator<Item = (Cell, i128)> + '_ {
        self.money.iter().filter_map(|(packed, n)| Some((Cell::unpack(*packed)?, *n)))
    }
}

/// A row as it is stored: `c` packed cell, count, packed cell, count …; `m` [cell, decimal nanos]; the totals also keep the
/// names and the version.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct StoredRow {
    #[serde(default, skip_serializing_if = "is_zero")]
    pub v: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub n: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub c: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub m: Vec<(u64, String)>,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl From<&Row> for StoredRow {
    fn from(row: &Row) -> Self {
        Self {
            v: 0,
            n: Vec::new(),
            // 63 bits are used, so a packed cell is a positive i64.
            c: row.counts.iter().flat_map(|(cell, n)| [*cell as i64, *n]).collect(),
            m: row.money.iter().map(|(cell, nanos)| (*cell, nanos.to_string())).collect(),
        }
    }
}

impl StoredRow {
    /// The counts with their cells; cells of an unknown kind are passed over.
    pub fn cells(&self) -> impl Iterator<Item = (Cell, i64)> + '_ {
        self.c.chunks_exact(2).filter_map(|pair| Some((Cell::unpack(*pair.first()? as u64)?, *pair.last()?)))
    }

    pub fn money_cells(&self) -> impl Iterator<Item = (Cell, i128)> + '_ {
        self.m.iter().filter_map(|(cell, nanos)| Some((Cell::unpack(*cell)?, nanos.parse().ok()?)))
    }

    /// What is stored.
    #[must_use]
    pub fn row(&self) -> Row {
        Row {
            counts: self.c.chunks_exact(2).filter_map(|pair| Some((*pair.first()? as u64, *pair.last()?))).collect(),
            money: self.m.iter().filter_map(|(cell, nanos)| Some((*cell, nanos.parse().ok()?))).collect(),
        }
    }
}

/// All counters of one campaign in one Ledger (or, merged, in all of them).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// Grows by one with every commit that changes a cell.
    pub version: u64,
    names: Vec<String>,
    /// The indices of the names, in the order of the names.
    sorted: Vec<u16>,
    pub totals: Row,
    pub days: SortedMap<i32, Row>,
}

impl Book {
    /// Nothing, at a version.
    #[must_use]
    pub fn of_version(version: u64) -> Self {
        Self { version, ..Self::default() }
    }

    /// The index of a name, which is given one if it has none. The empty name is 0.
    pub fn name(&mut self, name: &str) -> u16 {
        if self.names.is_empty() {
            self.names.push(String::new());
            self.sorted.push(0);
        }
        match self.sorted.binary_search_by(|no| self.name_of(u32::from(*no)).cmp(name)) {
            Ok(place) => self.sorted.get(place).copied().unwrap_or_default(),
            Err(place) => {
                // Nothing keeps a campaign's names below 2^14, the width of the step's field (ARCHITECTURE, quirks).
                let no = self.names.len() as u16;
                self.names.push(name.to_owned());
                self.sorted.insert(place, no);
                no
            }
        }
    }

    /// The name behind an index.
    #[must_use]
    pub fn name_of(&self, no: u32) -> &str {
        self.names.get(no as usize).map_or("", String::as_str)
    }

    /// The row of a day, or of the totals.
    pub fn row(&mut self, day: i32) -> &mut Row {
        if day == TOTALS { &mut self.totals } else { self.days.entry(day).or_default() }
    }

    /// Takes a stored row in.
    pub fn load(&mut self, day: i32, stored: &StoredRow) {
        if day == TOTALS {
            self.version = stored.v;
            self.names.clone_from(&stored.n);
            self.sorted = (0..).take(stored.n.len()).collect();
            order::sort(&mut self.sorted, |a, b| stored.n.get(usize::from(*a)).cmp(&stored.n.get(usize::from(*b))));
        }
        *self.row(day) = stored.row();
    }

    /// One row in its stored form.
    #[must_use]
    pub fn store(&self, day: i32) -> StoredRow {
        if day == TOTALS {
            StoredRow { v: self.version, n: self.names.clone(), ..StoredRow::from(&self.totals) }
        } else {
            self.days.get(&day).map(StoredRow::from).unwrap_or_default()
        }
    }

    /// Adds another Ledger's counters of the same campaign. Versions add up: the sum changes whenever one of them does.
    pub fn merge(&mut self, other: &Book) {
        self.version += other.version;
        self.add(other, 1);
    }

    /// Takes other counters of the same campaign away.
    pub fn subtract(&mut self, other: &Book) {
        self.add(other, -1);
    }

    fn add(&mut self, other: &Book, sign: i64) {
        let numbers: Vec<u16> = other.names.iter().map(|name| self.name(name)).collect();
        let here = |no: u32| numbers.get(no as usize).copied().unwrap_or(0);
        let renamed = |cell: Cell| Cell {
            step: here(u32::from(cell.step)),
            a: if cell.kind.names_a() { u32::from(here(cell.a)) } else { cell.a },
            ..cell
        };
        for (day, row) in other.days.iter().map(|(day, row)| (*day, row)).chain([(TOTALS, &other.totals)]) {
            let mine = self.row(day);
            for (cell, n) in row.cells() {
                mine.add(renamed(cell), n * sign);
            }
            for (cell, nanos) in row.money_cells() {
                mine.add_money(renamed(cell), nanos * i128::from(sign));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(kind: Kind) -> Cell {
        Cell { kind, step: 3, quarter: Some(95), a: 0xf_edcb, b: 7 }
    }

    #[test]
    fn packing_is_pinned_and_reversible() {
        for kind in Kind::ALL {
            for quarter in [None, Some(0), Some(95)] {
                let cell = Cell { quarter, ..cell(kind) };
                assert_eq!(Cell::unpack(cell.pack()), Some(cell));
                assert!(cell.pack() < 1 << 63);
            }
        }
        assert_eq!(cell(Kind::Messages).pack(), 0x0200_1dff_edcb_0007);
    }

    #[test]
    fn a_stored_book_is_the_book() {
        let mut book = Book::default();
        let step = book.name("second");
        let eur = book.name("EUR");
        book.version = 4;
        book.totals.add(Cell { step, ..cell(Kind::Messages) }, 5);
        book.row(20_000).add(cell(Kind::States), -2);
        book.row(20_000).add_money(Cell { a: u32::from(eur), ..cell(Kind::Revenue) }, i128::from(i64::MAX) * 1000);
        let mut again = Book::default();
        for day in [TOTALS, 20_000] {
            let text = serde_json::to_string(&book.store(day)).unwrap();
            again.load(day, &serde_json::from_str(&text).unwrap());
        }
        assert_eq!(again, book);
    }

    #[test]
    fn merging_goes_through_the_names() {
        let mut one = Book::default();
        let mut two = Book::default();
        for (book, order) in [(&mut one, ["x", "y"]), (&mut two, ["y", "x"])] {
            for name in order {
                book.name(name);
            }
            let step = book.name("x");
            let code = u32::from(book.name("y"));
            book.totals.add(Cell { kind: Kind::DispatchErrors, step, quarter: None, a: code, b: 0 }, 1);
            book.version = 1;
        }
        one.merge(&two);
        assert_eq!(one.version, 2);
        assert_eq!(one.totals.counts.values().copied().collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn zeros_are_not_kept() {
        let mut row = Row::default();
        row.add(cell(Kind::Messages), 1);
        row.add(cell(Kind::Messages), -1);
        row.add_money(cell(Kind::Revenue), 1);
        row.add_money(cell(Kind::Revenue), -1);
        assert!(row.is_empty());
    }
}
