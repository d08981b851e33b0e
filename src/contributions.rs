//! What one thing in a timeline adds to the counters: the pure heart of the counting.
//!
//! Each thing that counts (a message, a click, a reply …) has a *counted* form: where it counts, in which states, at which
//! times. [`count`] says which cells that is; the difference between two counted forms is what a change adds. How the counted
//! form follows from the facts is `timeline`'s business.

use std::rc::Rc;

use crate::counters::{Book, Cell, Kind, QUARTER_MS, TOTALS, day_and_quarter};
use crate::event::Ms;
use crate::sorted::SortedMap;
use crate::time::month_of;

/// The states of a message, as bits of its mask. Stored in cells and in the column `states`: never renumber.
pub mod state {
    pub const SENT: u32 = 1;
    pub const DELIVERED: u32 = 1 << 1;
    pub const OPENED: u32 = 1 << 2;
    pub const READ: u32 = 1 << 3;
    pub const FAILED: u32 = 1 << 4;
    pub const CLICKED: u32 = 1 << 5;
    pub const REPLIED: u32 = 1 << 6;
    pub const QUICK_REPLIED: u32 = 1 << 7;
    pub const CONVERTED: u32 = 1 << 8;
    pub const BILLABLE: u32 = 1 << 9;
    pub const DELIVERED_INFERRED: u32 = 1 << 10;
    pub const AFTER_STOP: u32 = 1 << 11;
    /// Not a message: a try that never reached acceptance.
    pub const DISPATCH_ERROR: u32 = 1 << 12;
    /// Not a message: an error whose attempt was accepted after all.
    pub const ERROR_THEN_SENT: u32 = 1 << 13;
    /// Clicked or quick-replied.
    pub const INTERACTED: u32 = 1 << 14;
    /// Sent, neither delivered nor failed.
    pub const IN_FLIGHT: u32 = 1 << 15;
    /// How many bits there are.
    pub const COUNT: usize = 16;
}

/// The states of a contact in a campaign or a step, as bits of its mask. Stored in cells: never renumber.
pub mod person {
    pub const ATTEMPTED: u32 = 1;
    pub const DISPATCH_ERROR: u32 = 1 << 1;
    pub const SENT: u32 = 1 << 2;
    pub const DELIVERED: u32 = 1 << 3;
    pub const OPENED: u32 = 1 << 4;
    pub const READ: u32 = 1 << 5;
    /// A message failed and none was delivered.
    pub const FAILED: u32 = 1 << 6;
    /// An error or a failed message, and none delivered.
    pub const FAILED_TOTAL: u32 = 1 << 7;
    /// At least one message in flight.
    pub const IN_FLIGHT: u32 = 1 << 8;
    pub const CLICKED: u32 = 1 << 9;
    pub const QUICK_REPLIED: u32 = 1 << 10;
    pub const REPLIED: u32 = 1 << 11;
    pub const CONVERTED: u32 = 1 << 12;
    /// Has a `skipped` dispatch; its *place* is "skipped" if it is neither attempted nor control.
    pub const SKIPPED: u32 = 1 << 13;
    /// Has a `control` dispatch; its *place* is "control" if it is not attempted.
    pub const CONTROL: u32 = 1 << 14;
    /// Of an experiment: attempted, or skipped with `group: "target"`.
    pub const TARGET: u32 = 1 << 15;
    /// Of an experiment: a conversion of an included goal inside the contact's window.
    pub const CONVERTED_IN_WINDOW: u32 = 1 << 16;
}

/// What a commit adds, by campaign number: books whose numbers are differences.
pub type Delta = SortedMap<u32, Book>;

/// Where a thing counts: campaign number (0 is `_unattributed`) and step. Everything that is counted names one, so the step's name
/// is shared.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub campaign: u32,
    pub step: Rc<str>,
}

/// A thing that has a counted form.
pub trait Counts: PartialEq {
    /// Where it counts: campaign and step.
    fn place(&self) -> (u32, &str);

    /// Adds its cells, but those that `other`, which counts in the same place, may have too: they would cancel out.
    fn count(&self, other: Option<&Self>, pen: &mut Pen<'_>);
}

/// Replaces what a thing counted for by what it counts for now.
pub fn recount<C: Counts>(slot: &mut Option<C>, now: Option<C>, delta: &mut Delta) {
    change(slot.as_ref(), now.as_ref(), delta);
    *slot = now;
}

/// Takes away what a thing counted for, and adds what it counts for now.
pub fn change<C: Counts>(before: Option<&C>, now: Option<&C>, delta: &mut Delta) {
    if before == now {
        return;
    }
    match (before, now) {
        (Some(before), Some(now)) if before.place() == now.place() => {
            let mut pen = Pen::new(now.place(), -1, delta);
            before.count(Some(now), &mut pen);
            pen.sign = 1;
            now.count(Some(before), &mut pen);
        }
        _ => {
            for (sign, thing) in [(-1, before), (1, now)] {
                thing.into_iter().for_each(|thing| thing.count(None, &mut Pen::new(thing.place(), sign, delta)));
            }
        }
    }
}

/// Adds to cells of a campaign and step, in the totals (`at_ms` none) or in the quarter hour of an instant, or takes away.
pub struct Pen<'a> {
    book: &'a mut Book,
    step: u16,
    sign: i64,
}

impl<'a> Pen<'a> {
    fn new((campaign, step): (u32, &str), sign: i64, delta: &'a mut Delta) -> Self {
        let book = delta.entry(campaign).or_default();
        let step = book.name(step);
        Self { book, step, sign }
    }

    fn cell(&self, kind: Kind, at_ms: Option<Ms>, a: u32, b: u16) -> (i32, Cell) {
        let (day, quarter) = at_ms.map(day_and_quarter).unzip();
        (day.unwrap_or(TOTALS), Cell { kind, step: self.step, quarter, a, b })
    }

    fn add(&mut self, kind: Kind, at_ms: Option<Ms>, a: u32, b: u16) {
        let (day, cell) = self.cell(kind, at_ms, a, b);
        self.book.row(day).add(cell, self.sign);
    }

    fn money(&mut self, kind: Kind, at_ms: Option<Ms>, currency: &str, b: u16, nanos: i128) {
        let a = u32::from(self.book.name(currency));
        let (day, cell) = self.cell(kind, at_ms, a, b);
        self.book.row(day).add_money(cell, nanos * i128::from(self.sign));
    }

    fn name(&mut self, name: &str) -> u32 {
        u32::from(self.book.name(name))
    }

    /// In the totals, in the day of `sent_ms` (basis=sent) and, as `kind_at`, in the day of `own_ms` (basis=event).
    fn everywhere(&mut self, kind: Kind, kind_at: Kind, sent_ms: Ms, own_ms: Ms, a: u32, b: u16) {
        self.add(kind, None, a, b);
        self.add(kind, Some(sent_ms), a, b);
        self.add(kind_at, Some(own_ms), a, b);
    }
}

/// An amount of money in one currency, in units of 10^-9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nanos {
    pub currency: String,
    pub nanos: i128,
}

/// What a billed message costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bill {
    /// The dispatch's own price.
    Own(Box<Nanos>),
    /// To be priced by the rate card: category and country, as packed by [`usage_code`].
    Card(u32),
}

/// A message, or a dispatch error, as it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedMessage {
    pub place: Place,
    pub mask: u32,
    /// When it was sent (an error: attempted); its quarter hour in basis=sent.
    pub sent_ms: Ms,
    /// When each state of the mask began, in the order of their bits.
    pub times_ms: Box<[Ms]>,
    /// The provider's code of a failed message or a dispatch error.
    pub error: Option<String>,
    /// Category and country, see [`usage_code`].
    pub usage: u32,
    /// What it costs, and when that was billed.
    pub bill: Option<(Ms, Bill)>,
}

impl CountedMessage {
    /// The time of one state.
    #[must_use]
    pub fn time_of(&self, bit: u32) -> Option<Ms> {
        if self.mask & bit == 0 {
            return None;
        }
        self.times_ms.get((self.mask & (bit - 1)).count_ones() as usize).copied()
    }

    /// Its states, and when each began.
    pub fn times(&self) -> impl Iterator<Item = (u32, Ms)> {
        (0..u32::BITS).map(|no| 1 << no).filter(|bit| self.mask & bit != 0).zip(self.times_ms.iter().copied())
    }
}

impl Counts for CountedMessage {
    fn place(&self) -> (u32, &str) {
        (self.place.campaign, &self.place.step)
    }

    fn count(&self, other: Option<&Self>, pen: &mut Pen<'_>) {
        let same_sent = other.filter(|o| o.sent_ms == self.sent_ms);
        if same_sent.is_none_or(|o| o.mask != self.mask) {
            pen.add(Kind::Messages, None, self.mask, 0);
            pen.add(Kind::Messages, Some(self.sent_ms), self.mask, 0);
        }
        for (bit, at_ms) in self.times() {
            if other.is_none_or(|o| o.time_of(bit) != Some(at_ms)) {
                pen.add(Kind::States, Some(at_ms), bit.trailing_zeros(), 0);
            }
        }
        let failed = |m: &Self| (m.mask & state::DISPATCH_ERROR, m.time_of(state::FAILED));
        let same_error = same_sent.is_some_and(|o| o.error == self.error && failed(o) == failed(self));
        if let Some(code) = self.error.as_ref().filter(|_| !same_error) {
            let code = pen.name(code);
            if self.mask & state::DISPATCH_ERROR != 0 {
                pen.add(Kind::DispatchErrors, None, code, 0);
                pen.add(Kind::DispatchErrors, Some(self.sent_ms), code, 0);
            } else if let Some(failed_ms) = self.time_of(state::FAILED) {
                pen.everywhere(Kind::DeliveryErrors, Kind::DeliveryErrorsAt, self.sent_ms, failed_ms, code, 0);
            }
        }
        for (bit, what) in [(state::DELIVERED, 0), (state::BILLABLE, 1)] {
            let at_ms = self.time_of(bit);
            if at_ms.is_some() && other.is_none_or(|o| (o.usage, o.time_of(bit)) != (self.usage, at_ms)) {
                pen.add(Kind::Usage, at_ms, self.usage, what);
            }
        }
        match self.bill.as_ref().filter(|bill| same_sent.is_none_or(|o| o.bill.as_ref() != Some(bill))) {
            None => {}
            Some((at_ms, Bill::Card(usage))) => {
                pen.add(Kind::BilledIn, None, *usage, month_of(*at_ms));
                let (a, b) = billed_code(*usage, at_ms.div_euclid(QUARTER_MS) - self.sent_ms.div_euclid(QUARTER_MS));
                pen.add(Kind::Billed, Some(self.sent_ms), a, b);
                pen.add(Kind::BilledAt, Some(*at_ms), *usage, 0);
            }
            Some((at_ms, Bill::Own(own))) => {
                let Nanos { currency, nanos } = &**own;
                pen.money(Kind::OwnCost, None, currency, 0, *nanos);
                pen.money(Kind::OwnCost, Some(self.sent_ms), currency, 0, *nanos);
                pen.money(Kind::OwnCostAt, Some(*at_ms), currency, 0, *nanos);
            }
        }
    }
}

/// A click as it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedClick {
    pub place: Place,
    pub link: String,
    /// 0 for a person, else the machine's reason by its number, see [`crate::click::MACHINES`].
    pub machine: u16,
    /// The contact's first human click on this link.
    pub unique: bool,
    /// How many taps it stands for.
    pub taps: u32,
    pub at_ms: Ms,
    /// Sent time of the message it belongs to, else its own time.
    pub sent_ms: Ms,
}

impl Counts for CountedClick {
    fn place(&self) -> (u32, &str) {
        (self.place.campaign, &self.place.step)
    }

    fn count(&self, _: Option<&Self>, pen: &mut Pen<'_>) {
        let (link, sign) = (pen.name(&self.link), pen.sign);
        pen.sign = sign * i64::from(self.taps);
        pen.everywhere(Kind::Clicks, Kind::ClicksAt, self.sent_ms, self.at_ms, link, self.machine);
        pen.sign = sign;
        if self.unique {
            pen.everywhere(Kind::UniqueClicks, Kind::UniqueClicksAt, self.sent_ms, self.at_ms, link, 0);
        }
    }
}

/// An inbound message, or the contact's latest word of reaction on a message, as it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedInbound {
    pub place: Place,
    pub what: InboundCount,
    pub at_ms: Ms,
    /// Sent time of the message it belongs to, else its own time.
    pub sent_ms: Ms,
}

/// What an inbound message counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboundCount {
    Reply {
        quick: bool,
    },
    Reaction,
    /// Belongs to nobody.
    Nobody,
}

impl Counts for CountedInbound {
    fn place(&self) -> (u32, &str) {
        (self.place.campaign, &self.place.step)
    }

    fn count(&self, _: Option<&Self>, pen: &mut Pen<'_>) {
        match self.what {
            InboundCount::Reply { quick } => {
                pen.everywhere(Kind::Replies, Kind::RepliesAt, self.sent_ms, self.at_ms, u32::from(quick), 0);
            }
            InboundCount::Reaction => pen.everywhere(Kind::Reactions, Kind::ReactionsAt, self.sent_ms, self.at_ms, 0, 0),
            InboundCount::Nobody => pen.add(Kind::Inbound, None, 0, 0),
        }
    }
}

/// A conversion as it counts for the message that it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedConversion {
    pub place: Place,
    pub value: Option<Nanos>,
    pub at_ms: Ms,
    pub sent_ms: Ms,
}

impl Counts for CountedConversion {
    fn place(&self) -> (u32, &str) {
        (self.place.campaign, &self.place.step)
    }

    fn count(&self, _: Option<&Self>, pen: &mut Pen<'_>) {
        pen.everywhere(Kind::Conversions, Kind::ConversionsAt, self.sent_ms, self.at_ms, 0, 0);
        if let Some(Nanos { currency, nanos }) = &self.value {
            pen.money(Kind::Revenue, None, currency, 0, *nanos);
            pen.money(Kind::Revenue, Some(self.sent_ms), currency, 0, *nanos);
            pen.money(Kind::RevenueAt, Some(self.at_ms), currency, 0, *nanos);
        }
    }
}

/// A contact as it counts in a whole campaign (`step` none) or in one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedContact {
    pub campaign: u32,
    pub step: Option<Rc<str>>,
    pub mask: u32,
    /// The reason, where the contact's place in the audience is "skipped".
    pub skipped: Option<String>,
    /// Value of the conversions in the experiment's window.
    pub in_window: Vec<Nanos>,
}

impl Counts for CountedContact {
    fn place(&self) -> (u32, &str) {
        (self.campaign, self.step.as_deref().unwrap_or_default())
    }

    fn count(&self, _: Option<&Self>, pen: &mut Pen<'_>) {
        let kind = if self.step.is_none() { Kind::Contacts } else { Kind::StepContacts };
        pen.add(kind, None, self.mask, 0);
        if let Some(reason) = &self.skipped {
            let reason = pen.name(reason);
            pen.add(Kind::Skipped, None, reason, u16::from(self.step.is_some()));
        }
        let arm = u16::from(self.mask & person::CONTROL != 0);
        if self.mask & person::CONTROL == 0 || self.mask & person::TARGET == 0 {
            for Nanos { currency, nanos } in &self.in_window {
                pen.money(Kind::ExperimentRevenue, None, currency, arm, *nanos);
            }
        }
    }
}

/// A conversation as it counts: where its opening message does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedConversation {
    pub place: Place,
    pub at_ms: Ms,
    pub usage: u32,
    pub window_unseen: bool,
}

impl Counts for CountedConversation {
    fn place(&self) -> (u32, &str) {
        (self.place.campaign, &self.place.step)
    }

    fn count(&self, _: Option<&Self>, pen: &mut Pen<'_>) {
        pen.add(Kind::Conversations, Some(self.at_ms), self.usage, u16::from(self.window_unseen));
    }
}

/// How many dispatches of one message lost the claim on it, or that a conversion did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedConflicts {
    pub lost: u32,
    pub conversion: bool,
}

impl Counts for CountedConflicts {
    fn place(&self) -> (u32, &str) {
        (0, "")
    }

    fn count(&self, _: Option<&Self>, pen: &mut Pen<'_>) {
        pen.sign *= i64::from(self.lost);
        pen.add(Kind::Conflicts, None, 0, u16::from(self.conversion));
    }
}

/// A billing category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Category {
    Marketing = 0,
    Utility = 1,
    Authentication = 2,
    Service = 3,
    Other = 4,
}

impl Category {
    pub const ALL: [Category; 5] =
        [Category::Marketing, Category::Utility, Category::Authentication, Category::Service, Category::Other];

    /// The category behind a provider's or a sender's word.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        [
            ("marketing", Category::Marketing),
            ("marketing_lite", Category::Marketing),
            ("utility", Category::Utility),
            ("authentication", Category::Authentication),
            ("authentication-international", Category::Authentication),
            ("authentication_international", Category::Authentication),
            ("service", Category::Service),
        ]
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word))
        .map_or(Category::Other, |(_, category)| category)
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Category::Marketing => "marketing",
            Category::Utility => "utility",
            Category::Authentication => "authentication",
            Category::Service => "service",
            Category::Other => "other",
        }
    }
}

/// Category and country (two upper-case letters) in one number below 2^13.
#[must_use]
pub fn usage_code(category: Category, country: Option<&str>) -> u32 {
    let country = match country.map(str::as_bytes) {
        Some([a @ b'A'..=b'Z', b @ b'A'..=b'Z']) => 1 + u32::from(a - b'A') * 26 + u32::from(b - b'A'),
        _ => 0,
    };
    (category as u32) << 10 | country
}

/// Between nothing and this, quarter hours from sent to billed are below zero: an engagement is trusted at any time.
const BILLED_OFFSET: Ms = 1 << 22;

/// The details of a billed message: its usage code, and the quarter hours from sent to billed, 119 years either way.
#[must_use]
pub fn billed_code(usage: u32, quarters_later: Ms) -> (u32, u16) {
    let later = (quarters_later + BILLED_OFFSET).clamp(0, 2 * BILLED_OFFSET - 1) as u32;
    (usage | later >> 16 << 13, (later & 0xffff) as u16)
}

/// The inverse of [`billed_code`].
#[must_use]
pub fn billed_parts(a: u32, b: u16) -> (u32, Ms) {
    (a & 0x1fff, Ms::from(a >> 13 << 16 | u32::from(b)) - BILLED_OFFSET)
}

/// The inverse of [`usage_code`].
#[must_use]
pub fn usage_parts(code: u32) -> (Category, Option<String>) {
    let country = (code & 0x3ff).checked_sub(1).map(|n| {
        let letter = |n: u32| char::from(b'A' + (n % 26) as u8);
        [letter(n / 26), letter(n)].into_iter().collect()
    });
    (category_of(code), country)
}

/// The category of a usage code.
#[must_use]
pub fn category_of(code: u32) -> Category {
    Category::ALL.into_iter().find(|c| *c as u32 == code >> 10).unwrap_or(Category::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn billed_codes_are_reversible_and_fit_their_cell() {
        for later in [0, 1, -1, 96 * 400, -96 * 400, (1 << 22) - 1, -(1 << 22)] {
            let (a, b) = billed_code(0x1fff, later);
            assert!(a < 1 << 20);
            assert_eq!(billed_parts(a, b), (0x1fff, later));
        }
    }

    #[test]
    fn usage_codes_are_reversible_and_small() {
        for category in Category::ALL {
            for country in [None, Some("AA"), Some("IN"), Some("ZZ")] {
                let code = usage_code(category, country);
                assert!(code < 1 << 13);
                assert_eq!(usage_parts(code), (category, country.map(str::to_owned)));
            }
        }
    }

    #[test]
    fn categories_are_the_four_or_other() {
        for (word, name) in [
            ("marketing_lite", "marketing"),
            ("AUTHENTICATION-international", "authentication"),
            ("authentication_international", "authentication"),
            ("UTILITY", "utility"),
            ("service", "service"),
            ("referral_conversion", "other"),
        ] {
            assert_eq!(Category::from_word(word).name(), name);
        }
    }

    #[test]
    fn a_click_that_stands_for_several_is_unique_once() {
        let at_ms = 1_750_000_000_000;
        let (place, link) = (Place { campaign: 3, step: "s".into() }, "l".to_owned());
        let click = CountedClick { place, link, machine: 0, unique: true, taps: 5, at_ms, sent_ms: at_ms };
        let mut delta = Delta::new();
        change(None, Some(&click), &mut delta);
        let counted = |kind: Kind| -> i64 {
            let cells = delta.get(&3).unwrap().totals.cells();
            cells.filter(|(cell, _)| cell.kind == kind).map(|(_, n)| n).sum()
        };
        assert_eq!((counted(Kind::Clicks), counted(Kind::UniqueClicks)), (5, 1));
    }

    #[test]
    fn taking_away_undoes_adding() {
        let counted = CountedMessage {
            place: Place { campaign: 3, step: "s".into() },
            mask: state::SENT | state::FAILED,
            sent_ms: 1_750_000_000_000,
            times_ms: Box::new([1_750_000_000_000; 2]),
            error: Some("131026".into()),
            usage: 0,
            bill: None,
        };
        let mut delta = Delta::new();
        let mut slot = None;
        recount(&mut slot, Some(counted), &mut delta);
        assert!(!delta.get(&3).unwrap().totals.is_empty());
        recount(&mut slot, None, &mut delta);
        assert!(
            delta.get(&3).unwrap().totals.is_empty() && delta.get(&3).unwrap().days.values().all(crate::counters::Row::is_empty)
        );
    }
}
