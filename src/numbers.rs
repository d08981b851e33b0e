//! The numbers of a campaign or a step, read off its counters: `metrics.md` section 5.
//!
//! It sums cells; what a cell means is said by [`crate::counters::Kind`], what a bit means by [`crate::contributions`]. It does not
//! know how an answer is written, nor rates, costs or gaps.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::contributions::{billed_parts, person, state};
use crate::counters::{Book, Cell, DAY_MS, Kind, QUARTER_MS};
use crate::event::Ms;
use crate::money::{Amount, Currency, Money};
use crate::problem::Problem;
use crate::route::Query;
use crate::time::{from_rfc3339, is_quarter};

/// By which time a thing belongs to a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Basis {
    /// The messages sent in the period, with their present states and what belongs to them.
    #[default]
    Sent,
    /// Each state and thing by its own time.
    Event,
}

/// 2100-01-01: no event is believed that far ahead.
const END_MS: Ms = 4_102_444_800_000;

/// A period `from_ms..to_ms` of whole quarter hours, and its basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub from_ms: Ms,
    pub to_ms: Ms,
    pub basis: Basis,
}

impl Period {
    /// The parameters `from`, `to` and `basis`; none of them: all time. A missing `from` is the beginning of time, a missing `to`
    /// its end.
    ///
    /// # Errors
    /// 400, for what is no time or not a whole quarter hour.
    pub fn read(query: &Query) -> Result<Option<Self>, Problem> {
        let time = |name: &str| match query.get(name).map(|text| from_rfc3339(text).filter(|ms| is_quarter(*ms))) {
            None => Ok(None),
            Some(Some(ms)) => Ok(Some(ms)),
            Some(None) => Err(Problem::bad(format!("`{name}` must be an RFC 3339 time on a whole quarter hour of UTC."))),
        };
        let (from_ms, to_ms) = (time("from")?, time("to")?);
        let basis = match query.get("basis") {
            None | Some("sent") => Basis::Sent,
            Some("event") => Basis::Event,
            Some(_) => return Err(Problem::bad("`basis` must be `sent` or `event`.".to_owned())),
        };
        if from_ms.is_none() && to_ms.is_none() && basis == Basis::Sent {
            return Ok(None);
        }
        let period = Self { from_ms: from_ms.unwrap_or(0), to_ms: to_ms.unwrap_or(END_MS), basis };
        if period.from_ms > period.to_ms {
            return Err(Problem::bad("`from` must not be after `to`.".to_owned()));
        }
        Ok(Some(period))
    }

    /// The UTC days (since 1970) that it touches, half-open.
    #[must_use]
    pub fn days(&self) -> (i32, i32) {
        (self.from_ms.div_euclid(DAY_MS) as i32, (self.to_ms + DAY_MS - 1).div_euclid(DAY_MS) as i32)
    }
}

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
    /// By link.
    pub links: BTreeMap<String, Clicks>,
    pub replies: Replies,
    pub reactions: u64,
    pub conversions: u64,
    pub revenue: Money,
    /// By provider and code.
    pub dispatch_errors: BTreeMap<String, u64>,
    pub delivery_errors: BTreeMap<String, u64>,
    /// By reason, all time.
    pub skipped: BTreeMap<String, u64>,
    /// Prices that dispatches named.
    pub own_cost: Money,
    /// Messages for the rate card: (quarter hour billed, ms; category and country) → how many.
    pub billed: BTreeMap<(Ms, u32), u64>,
    /// Value of the conversions in the experiment's window, of target and control; all time.
    pub arm_revenue: [Money; 2],
    /// All states of contacts, and of messages, in their combinations: mask → how many. Empty for a basis of events.
    /// One of them may be below zero where something expired ([`crate::shares`]); what is asked of them is a sum.
    pub contact_masks: BTreeMap<u32, i64>,
    pub message_masks: BTreeMap<u32, i64>,
}

impl Numbers {
    /// The numbers of a whole campaign (`step` none) or one step, for all time or a period. For a period the book must hold the
    /// rows of its days, for all time those of all days if costs are asked for.
    #[must_use]
    pub fn of(book: &Book, step: Option<&str>, period: Option<Period>) -> Self {
        let mut numbers = Self { contacts: period.is_none().then(Contacts::default), ..Self::default() };
        let inside = |cell: &Cell| step.is_none_or(|step| book.name_of(u32::from(cell.step)) == step);
        match period {
            None => {
                for (cell, n) in book.totals.cells().filter(|(cell, _)| inside(cell)) {
                    numbers.add(book, cell, n, step.is_some());
                }
                for (cell, nanos) in book.totals.money_cells().filter(|(cell, _)| inside(cell)) {
                    numbers.add_money(book, cell, nanos);
                }
                for (day, row) in &book.days {
                    for (cell, n) in row.cells().filter(|(cell, _)| cell.kind == Kind::BilledAt && inside(cell)) {
                        add(numbers.billed.entry((start_ms(*day, &cell), cell.a)).or_default(), n);
                    }
                }
            }
            Some(period) => {
                for (day, row) in &book.days {
                    let within = |cell: &Cell| (period.from_ms..period.to_ms).contains(&start_ms(*day, cell));
                    for (cell, n) in row.cells().filter(|(cell, _)| within(cell) && inside(cell)) {
                        match (period.basis, cell.kind) {
                            (Basis::Sent, Kind::Billed) => {
                                let (usage, later) = billed_parts(cell.a, cell.b);
                                let billed_ms = start_ms(*day, &cell) + later * QUARTER_MS;
                                add(numbers.billed.entry((billed_ms, usage)).or_default(), n);
                            }
                            (Basis::Event, Kind::BilledAt) => {
                                add(numbers.billed.entry((start_ms(*day, &cell), cell.a)).or_default(), n);
                            }
                            (Basis::Sent, _) => numbers.add(book, cell, n, false),
                            (Basis::Event, kind) => {
                                if let Some(kind) = as_if_sent(kind) {
                                    numbers.add(book, Cell { kind, ..cell }, n, false);
                                } else if kind == Kind::States {
                                    numbers.add_mask(1 << cell.a, n);
                                } else if kind == Kind::DispatchErrors {
                                    numbers.add(book, cell, n, false);
                                }
                            }
                        }
                    }
                    for (cell, nanos) in row.money_cells().filter(|(cell, _)| within(cell) && inside(cell)) {
                        match (period.basis, as_if_sent(cell.kind)) {
                            (Basis::Sent, None) => numbers.add_money(book, cell, nanos),
                            (Basis::Event, Some(kind)) => numbers.add_money(book, Cell { kind, ..cell }, nanos),
                            _ => {}
                        }
                    }
                }
            }
        }
        numbers
    }

    fn add(&mut self, book: &Book, cell: Cell, n: i64, of_step: bool) {
        let name = || book.name_of(cell.a).to_owned();
        match cell.kind {
            Kind::Messages => {
                self.add_mask(cell.a, n);
                *self.message_masks.entry(cell.a).or_default() += n;
            }
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
                for clicks in [&mut self.clicks, self.links.entry(name()).or_default()] {
                    add(&mut clicks.total, n);
                    add(if cell.b == 0 { &mut clicks.human } else { &mut clicks.machine }, n);
                }
            }
            Kind::UniqueClicks => {
                add(&mut self.clicks.unique, n);
                add(&mut self.links.entry(name()).or_default().unique, n);
            }
            Kind::Replies => {
                add(&mut self.replies.total, n);
                add(&mut self.replies.quick, if cell.a == 1 { n } else { 0 });
            }
            Kind::Reactions => add(&mut self.reactions, n),
            Kind::Conversions => add(&mut self.conversions, n),
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

    /// Contacts of an experiment: (target, converted in the window), (control, converted in the window), contaminated.
    #[must_use]
    pub fn arms(&self) -> ((u64, u64), (u64, u64), u64) {
        let sum = |holds: &dyn Fn(u32) -> bool| {
            let n: i64 = self.contact_masks.iter().filter(|(m, _)| holds(**m)).map(|(_, n)| n).sum();
            n.unsigned_abs()
        };
        let (t, c, w) = (person::TARGET, person::CONTROL, person::CONVERTED_IN_WINDOW);
        (
            (sum(&|m| m & (t | c) == t), sum(&|m| m & (t | c | w) == t | w)),
            (sum(&|m| m & (t | c) == c), sum(&|m| m & (t | c | w) == c | w)),
            sum(&|m| m & (t | c) == t | c),
        )
    }
}

/// Adds to a sum that may pass below zero on its way, and ends at zero or above.
fn add(sum: &mut u64, n: i64) {
    *sum = sum.wrapping_add_signed(n);
}

/// When the quarter hour of a day's cell begins.
fn start_ms(day: i32, cell: &Cell) -> Ms {
    Ms::from(day) * DAY_MS + cell.quarter.map_or(0, Ms::from) * QUARTER_MS
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
