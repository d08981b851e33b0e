//! The numbers of a campaign or a step, read off its counters: `metrics.md` section 5.
//!
//! It sums cells; what a cell means is said by [`crate::counters::Kind`], what a bit means by [`crate::contributions`]. It does not
//! know how an answer is written, nor rates, costs or gaps.

use serde::Serialize;

use crate::click::MACHINES;
use crate::contributions::{person, state};
use crate::cost::Billed;
use crate::counters::{Book, Cell, Kind, Row};
use crate::money::{Amount, Currency, Money};
use crate::sorted::{SortedMap, SortedSet};

/// Messages (and tries) by state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Messages {
    pub attempted: u64,
    pub dispatch_errors: u64,
    pub error_then_sent: u64,
    pub sent: u64,
    pub delivered: u64,
    pub delivered_inferred: u64,
    pub opened: u64,
    pub read: u64,
    pub failed: u64,
    pub in_flight: u64,
    pub clicked: u64,
    pub replied: u64,
    pub quick_replied: u64,
    pub interacted: u64,
    pub converted: u64,
    pub billable: u64,
    pub after_stop: u64,
}

/// Distinct people, all time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Contacts {
    pub submitted: u64,
    pub sent: u64,
    pub delivered: u64,
    pub opened: u64,
    pub read: u64,
    pub failed: u64,
    pub failed_total: u64,
    pub clicked: u64,
    pub replied: u64,
    pub quick_replied: u64,
    pub interacted: u64,
    pub converted: u64,
    pub skipped: u64,
    pub control: u64,
    pub contaminated: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Clicks {
    pub total: u64,
    pub human: u64,
    pub machine: u64,
    pub unique: u64,
}

/// The clicks on one link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkClicks {
    pub clicks: Clicks,
    /// Those of machines by reason.
    pub machines: SortedMap<&'static str, u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Replies {
    pub total: u64,
    pub quick: u64,
}

/// Everything that is counted of a campaign or a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    pub messages: Messages,
    /// `None` for a period: distinct people are counted for all time.
    pub contacts: Option<Contacts>,
    pub clicks: Clicks,
    /// By link; boxed, since thousands of them may be put in out of order.
    pub links: SortedMap<String, Box<LinkClicks>>,
    pub replies: Replies,
    pub reactions: u64,
    pub conversions: u64,
    pub revenue: Money,
    /// By provider and code.
    pub dispatch_errors: SortedMap<String, u64>,
    pub delivery_errors: SortedMap<String, u64>,
    /// By reason, all time.
    pub skipped: SortedMap<String, u64>,
    /// Prices that dispatches named.
    pub own_cost: Money,
    /// Messages for the rate card.
    pub billed: Billed,
    /// The same of all time: (UTC month billed, category and country) → how many.
    pub billed_in: Billed,
    /// Value of the conversions in the experiment's window, of target and control; all time.
    pub arm_revenue: [Money; 2],
    /// All states of contacts in their combinations: mask → how many; all time.
    /// One of them may be below zero where something expired ([`crate::shares`]); what is asked of them is a sum.
    pub contact_masks: SortedMap<u32, i64>,
}

impl Numbers {
    /// The numbers of a whole campaign (`step` none) or one step, for all time.
    #[must_use]
    pub fn ever(book: &Book, step: Option<&str>) -> Self {
        Self { contacts: Some(Contacts::default()), ..Self::default() }.with(book, &book.totals, step)
    }

    /// The same of one span of a sum ([`crate::sums`]).
    #[must_use]
    pub fn in_span(sum: &Book, span: i32, step: Option<&str>) -> Self {
        sum.days.get(&span).map_or_else(Self::default, |row| Self::default().with(sum, row, step))
    }

    /// With what a row counts besides.
    #[must_use]
    pub fn with(mut self, book: &Book, row: &Row, step: Option<&str>) -> Self {
        let inside = |cell: &Cell| step.is_none_or(|step| book.name_of(u32::from(cell.step)) == step);
        for (cell, n) in row.cells().filter(|(cell, _)| inside(cell)) {
            self.add(book, cell, n, step.is_some());
        }
        for (cell, nanos) in row.money_cells().filter(|(cell, _)| inside(cell)) {
            self.add_money(book, cell, nanos);
        }
        self
    }

    fn add(&mut self, book: &Book, cell: Cell, n: i64, of_step: bool) {
        let name = || book.name_of(cell.a).to_owned();
        match cell.kind {
            Kind::Messages => self.add_mask(cell.a, n),
            Kind::States => self.add_mask(1 << cell.a, n),
            Kind::Contacts | Kind::StepContacts if of_step == (cell.kind == Kind::StepContacts) => {
                *self.contact_masks.entry(cell.a).or_default() += n;
                if let Some(contacts) = &mut self.contacts {
                    contacts.add(cell.a, n);
                }
            }
            Kind::DispatchErrors => add(self.dispatch_errors.entry(name()).or_default(), n),
            Kind::DeliveryErrors => add(self.delivery_errors.entry(name()).or_default(), n),
            // `b` says whether the reason is the contact's in its step, or in the whole campaign.
            Kind::Skipped if of_step == (cell.b == 1) => add(self.skipped.entry(name()).or_default(), n),
            Kind::Clicks => {
                let link = self.links.entry(name()).or_default();
                for clicks in [&mut self.clicks, &mut link.clicks] {
                    add(&mut clicks.total, n);
                    add(if cell.b == 0 { &mut clicks.human } else { &mut clicks.machine }, n);
                }
                if let Some(word) = usize::from(cell.b).checked_sub(1).map(|no| MACHINES.get(no).unwrap_or(&"other")) {
                    add(link.machines.entry(word).or_default(), n);
                }
            }
            Kind::UniqueClicks => {
                add(&mut self.clicks.unique, n);
                add(&mut self.links.entry(name()).or_default().clicks.unique, n);
            }
            Kind::Replies => {
                add(&mut self.replies.total, n);
                add(&mut self.replies.quick, if cell.a == 1 { n } else { 0 });
            }
            Kind::Reactions => add(&mut self.reactions, n),
            Kind::Conversions => add(&mut self.conversions, n),
            Kind::Billed => add(self.billed.entry((cell.b, cell.a)).or_default(), n),
            Kind::BilledIn => add(self.billed_in.entry((cell.b, cell.a)).or_default(), n),
            _ => {}
        }
    }

    fn add_money(&mut self, book: &Book, cell: Cell, nanos: i128) {
        let Ok(currency) = book.name_of(cell.a).parse::<Currency>() else { return };
        match cell.kind {
            Kind::Revenue => self.revenue.add(currency, Amount::from_nanos(nanos)),
            Kind::OwnCost => self.own_cost.add(currency, Amount::from_nanos(nanos)),
            Kind::ExperimentRevenue => {
                if let Some(arm) = self.arm_revenue.get_mut(usize::from(cell.b)) {
                    arm.add(currency, Amount::from_nanos(nanos));
                }
            }
            _ => {}
        }
    }

    fn add_mask(&mut self, mask: u32, n: i64) {
        let messages = &mut self.messages;
        for (slot, bit) in [
            (&mut messages.sent, state::SENT),
            (&mut messages.delivered, state::DELIVERED),
            (&mut messages.delivered_inferred, state::DELIVERED_INFERRED),
            (&mut messages.opened, state::OPENED),
            (&mut messages.read, state::READ),
            (&mut messages.failed, state::FAILED),
            (&mut messages.in_flight, state::IN_FLIGHT),
            (&mut messages.clicked, state::CLICKED),
            (&mut messages.replied, state::REPLIED),
            (&mut messages.quick_replied, state::QUICK_REPLIED),
            (&mut messages.interacted, state::INTERACTED),
            (&mut messages.converted, state::CONVERTED),
            (&mut messages.billable, state::BILLABLE),
            (&mut messages.after_stop, state::AFTER_STOP),
            (&mut messages.dispatch_errors, state::DISPATCH_ERROR),
            (&mut messages.error_then_sent, state::ERROR_THEN_SENT),
            (&mut messages.attempted, state::SENT | state::DISPATCH_ERROR),
        ] {
            if mask & bit != 0 {
                add(slot, n);
            }
        }
    }

    /// How many contacts are in a combination of states that `holds`.
    #[must_use]
    pub fn people(&self, holds: &dyn Fn(u32) -> bool) -> u64 {
        let n: i64 = self.contact_masks.iter().filter(|(mask, _)| holds(**mask)).map(|(_, n)| n).sum();
        n.unsigned_abs()
    }

    /// Contacts of an experiment: (target, converted in the window), (control, converted in the window), contaminated.
    #[must_use]
    pub fn arms(&self) -> ((u64, u64), (u64, u64), u64) {
        let sum = |holds: &dyn Fn(u32) -> bool| self.people(holds);
        let (t, c, w) = (person::TARGET, person::CONTROL, person::CONVERTED_IN_WINDOW);
        (
            (sum(&|m| m & (t | c) == t), sum(&|m| m & (t | c | w) == t | w)),
            (sum(&|m| m & (t | c) == c), sum(&|m| m & (t | c | w) == c | w)),
            sum(&|m| m & (t | c) == t | c),
        )
    }
}

/// The steps that a row counts something of.
#[must_use]
pub fn steps<'a>(book: &'a Book, row: &Row) -> SortedSet<&'a str> {
    use Kind::*;
    let of_step = |cell: &Cell| match cell.kind {
        Contacts | Conflicts | Inbound | ExperimentRevenue => false,
        Skipped => cell.b == 1,
        _ => true,
    };
    row.cells().filter(|(cell, _)| of_step(cell)).map(|(cell, _)| book.name_of(u32::from(cell.step))).collect()
}

/// Adds to a sum that may pass below zero on its way, and ends at zero or above.
fn add(sum: &mut u64, n: i64) {
    *sum = sum.wrapping_add_signed(n);
}

impl Contacts {
    fn add(&mut self, mask: u32, n: i64) {
        let attempted = mask & person::ATTEMPTED != 0;
        let control = !attempted && mask & person::CONTROL != 0;
        let skipped = !attempted && !control && mask & person::SKIPPED != 0;
        let both = person::TARGET | person::CONTROL;
        for (slot, holds) in [
            (&mut self.submitted, attempted),
            (&mut self.sent, mask & person::SENT != 0),
            (&mut self.delivered, mask & person::DELIVERED != 0),
            (&mut self.opened, mask & person::OPENED != 0),
            (&mut self.read, mask & person::READ != 0),
            (&mut self.failed, mask & person::FAILED != 0),
            (&mut self.failed_total, mask & person::FAILED_TOTAL != 0),
            (&mut self.clicked, mask & person::CLICKED != 0),
            (&mut self.replied, mask & person::REPLIED != 0),
            (&mut self.quick_replied, mask & person::QUICK_REPLIED != 0),
            (&mut self.interacted, mask & (person::CLICKED | person::QUICK_REPLIED) != 0),
            (&mut self.converted, mask & person::CONVERTED != 0),
            (&mut self.skipped, skipped),
            (&mut self.control, control),
            (&mut self.contaminated, mask & both == both),
        ] {
            if holds {
                add(slot, n);
            }
        }
    }
}
