//! Counters added up over spans of time: what a Ledger answers, so that its rows stay where they are.
//!
//! A sum is a [`Book`] whose "days" are the numbers of the spans, and whose cells have no quarter hour: numbers are read off it as
//! off the totals, and the sums of all Ledgers merge as books do. It knows what belongs to a span by which time, and nothing of what
//! is made of it.

use serde::{Deserialize, Serialize};

use crate::contributions::{billed_parts, state};
use crate::counters::{Book, Cell, DAY_MS, Kind, QUARTER_MS, Row, StoredRow};
use crate::event::Ms;

/// Quarter hours of UTC since 1970.
pub type Quarter = i64;

/// Quarter hours of a day.
const DAY_QUARTERS: Quarter = DAY_MS / QUARTER_MS;

/// By which time a thing belongs to a span, and which things are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The messages sent in it, with their present states and what belongs to them.
    #[default]
    Sent,
    /// Each state and thing by its own time.
    Event,
    /// Of a month: the messages sent in it; what was delivered, billed and opened in it by category and country.
    Usage,
    /// What was billed in it, of all steps together: no name is needed, so it goes with a [`headline`].
    Billing,
}

/// Spans of time, and how they are added up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// Where each begins and how many quarter hours it has; in order, none overlapping.
    pub spans: Vec<(Quarter, u32)>,
    pub by: By,
    /// When the price of something changes, in order: billed messages are counted apart between these.
    pub prices: Vec<Quarter>,
}

impl Cut {
    /// One span.
    #[must_use]
    pub fn one(from_ms: Ms, to_ms: Ms, by: By, prices: Vec<Quarter>) -> Self {
        Self { spans: vec![span(from_ms, to_ms)], by, prices }
    }

    /// The UTC days that the spans touch, as half-open ranges in order, none overlapping.
    #[must_use]
    pub fn days(&self) -> Vec<(i32, i32)> {
        let mut ranges: Vec<(i32, i32)> = Vec::new();
        for (from, quarters) in &self.spans {
            let to = from + Quarter::from(*quarters);
            let (first, end) = (from.div_euclid(DAY_QUARTERS) as i32, (to + DAY_QUARTERS - 1).div_euclid(DAY_QUARTERS) as i32);
            match ranges.last_mut() {
                Some((_, last)) if first <= *last => *last = end.max(*last),
                _ => ranges.push((first, end)),
            }
        }
        ranges
    }

    /// Adds what a day's row has in the spans to the rows of a sum, which has the same names.
    pub fn add(&self, day: i32, row: &Row, sum: &mut Book) {
        for (cell, n) in row.cells() {
            if let Some((span, quarter)) = self.span_of(day, cell) {
                self.put(cell, quarter, |cell| sum.row(span).add(cell, n));
            }
        }
        for (cell, nanos) in row.money_cells() {
            if let Some((span, quarter)) = self.span_of(day, cell) {
                self.put(cell, quarter, |cell| sum.row(span).add_money(cell, nanos));
            }
        }
    }

    /// The number of the span that a cell lies in, and the cell's quarter hour.
    fn span_of(&self, day: i32, cell: Cell) -> Option<(i32, Quarter)> {
        let quarter = Quarter::from(day) * DAY_QUARTERS + Quarter::from(cell.quarter?);
        let no = self.spans.partition_point(|(from, _)| *from <= quarter).checked_sub(1)?;
        let (from, quarters) = self.spans.get(no)?;
        (quarter < from + Quarter::from(*quarters)).then_some((i32::try_from(no).ok()?, quarter))
    }

    /// The cells of a sum that a day's cell adds to.
    fn put(&self, cell: Cell, quarter: Quarter, mut add: impl FnMut(Cell)) {
        use Kind::*;
        let cell = Cell { quarter: None, ..cell };
        let billed = |usage: u32, billed: Quarter| {
            let segment = self.prices.partition_point(|change| *change <= billed) as u16;
            Cell { kind: Billed, a: usage, b: segment, ..cell }
        };
        match (self.by, cell.kind) {
            (By::Sent | By::Usage, Messages) => states(cell, add),
            (By::Sent, DeliveryErrors | Clicks | UniqueClicks | Replies | Reactions | Conversions | Revenue | OwnCost) => {
                add(cell)
            }
            (By::Sent | By::Event, DispatchErrors) => add(cell),
            (By::Sent, Kind::Billed) => {
                let (usage, later) = billed_parts(cell.a, cell.b);
                add(billed(usage, quarter + later));
            }
            (By::Event, States) => add(cell),
            (By::Event, BilledAt) => add(billed(cell.a, quarter)),
            (By::Billing, BilledAt) => add(Cell { step: 0, ..billed(cell.a, quarter) }),
            (By::Event, kind) => {
                if let Some(kind) = as_if_sent(kind) {
                    add(Cell { kind, ..cell });
                }
            }
            (By::Usage, Usage | Kind::Conversations) => add(cell),
            _ => {}
        }
    }
}

/// A stretch of whole quarter hours as a span of a cut.
#[must_use]
pub fn span(from_ms: Ms, to_ms: Ms) -> (Quarter, u32) {
    let (from, to) = (from_ms.div_euclid(QUARTER_MS), to_ms.div_euclid(QUARTER_MS));
    (from, u32::try_from(to - from).unwrap_or_default())
}

/// The headline of a campaign's totals: what a row in a list of campaigns shows, without steps, links and errors. It is made of the
/// stored form, since a list has many.
#[must_use]
pub fn headline(totals: &StoredRow) -> Book {
    use Kind::*;
    let mut book = Book::of_version(totals.v);
    let mut in_state = [0; state::COUNT];
    for (cell, n) in totals.cells() {
        let cell = Cell { step: 0, ..cell };
        match cell.kind {
            Messages => {
                for (bit, sum) in in_state.iter_mut().enumerate() {
                    *sum += if cell.a >> bit & 1 == 1 { n } else { 0 };
                }
            }
            Clicks | UniqueClicks => book.totals.add(Cell { a: 0, b: cell.b.min(1), ..cell }, n),
            Replies | Reactions | Conversions | BilledIn => book.totals.add(cell, n),
            _ => {}
        }
    }
    for (bit, n) in (0..).zip(in_state) {
        book.totals.add(Cell { kind: States, step: 0, quarter: None, a: bit, b: 0 }, n);
    }
    for (cell, nanos) in totals.money_cells().filter(|(cell, _)| matches!(cell.kind, Revenue | OwnCost)) {
        let a = u32::from(book.name(totals.n.get(cell.a as usize).map_or("", String::as_str)));
        book.totals.add_money(Cell { step: 0, a, ..cell }, nanos);
    }
    book
}

/// A message in a combination of states is one in each.
fn states(cell: Cell, mut add: impl FnMut(Cell)) {
    for bit in (0..).take(state::COUNT).filter(|bit| cell.a >> bit & 1 == 1) {
        add(Cell { kind: Kind::States, a: bit, b: 0, ..cell });
    }
}

/// The kind whose cells by sent time an event-time kind mirrors.
fn as_if_sent(kind: Kind) -> Option<Kind> {
    Some(match kind {
        Kind::ClicksAt => Kind::Clicks,
        Kind::UniqueClicksAt => Kind::UniqueClicks,
        Kind::RepliesAt => Kind::Replies,
        Kind::ReactionsAt => Kind::Reactions,
        Kind::ConversionsAt => Kind::Conversions,
        Kind::RevenueAt => Kind::Revenue,
        Kind::OwnCostAt => Kind::OwnCost,
        Kind::DeliveryErrorsAt => Kind::DeliveryErrors,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_of_spans_are_named_once() {
        let days = |spans: &[(Quarter, u32)]| Cut { spans: spans.to_vec(), ..Cut::default() }.days();
        assert_eq!(days(&[(96, 1)]), [(1, 2)]);
        assert_eq!(days(&[(95, 2), (97, 3), (480, 96)]), [(0, 2), (5, 6)]);
        assert_eq!(days(&[(0, 96), (96, 96)]), [(0, 2)]);
        assert_eq!(days(&[(10, 0)]), [(0, 1)]);
        assert_eq!(days(&[]), []);
    }

    #[test]
    fn a_cell_goes_to_its_span_or_nowhere() {
        let cut = Cut { spans: vec![(10, 2), (20, 80)], ..Cut::default() };
        let of = |day: i32, quarter: u8| {
            let cell = Cell { kind: Kind::Replies, step: 0, quarter: Some(quarter), a: 0, b: 0 };
            cut.span_of(day, cell).map(|(span, _)| span)
        };
        assert_eq!(
            [of(0, 9), of(0, 10), of(0, 11), of(0, 12), of(0, 19), of(0, 20)],
            [None, Some(0), Some(0), None, None, Some(1)]
        );
        assert_eq!([of(1, 3), of(1, 4), of(-1, 95)], [Some(1), None, None]);
    }
}
