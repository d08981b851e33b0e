//! Everything that the core counts, put beside everything that the model recounts.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use bluetick::calendar::Zone;
use bluetick::contributions::{person, usage_parts};
use bluetick::cost::{Cost, Prices};
use bluetick::counters::{Book, Kind};
use bluetick::ledger::Totals;
use bluetick::money::Amount;
use bluetick::numbers::Numbers;
use bluetick::period::{Basis, Period};
use bluetick::rate_card::RateCard;
use bluetick::shares::Shares;
use bluetick::sums::{By, Cut, span};
use chrono::{DateTime, Offset as _, TimeZone as _};
use chrono_tz::Tz;

use super::workspace::{Workspace, campaigns};
use super::{overviews, reports};
use crate::model::{self, Answers, Definitions, QUARTER_MS, answers};

/// The numbers of the core under the model's names.
fn named(n: &Numbers) -> answers::Numbers {
    let mut named: Vec<(String, u64)> = Vec::new();
    let m = &n.messages;
    for (name, value) in [
        ("attempted", m.attempted),
        ("dispatch_errors", m.dispatch_errors),
        ("error_then_sent", m.error_then_sent),
        ("sent", m.sent),
        ("delivered", m.delivered),
        ("delivered_inferred", m.delivered_inferred),
        ("opened", m.opened),
        ("read", m.read),
        ("failed", m.failed),
        ("in_flight", m.in_flight),
        ("clicked", m.clicked),
        ("replied", m.replied),
        ("quick_replied", m.quick_replied),
        ("interacted", m.interacted),
        ("converted", m.converted),
        ("billable", m.billable),
        ("after_stop", m.after_stop),
    ] {
        named.push((format!("messages.{name}"), value));
    }
    if let Some(c) = &n.contacts {
        for (name, value) in [
            ("submitted", c.submitted),
            ("attempted", c.submitted),
            ("sent", c.sent),
            ("delivered", c.delivered),
            ("opened", c.opened),
            ("read", c.read),
            ("failed", c.failed),
            ("failed_total", c.failed_total),
            ("clicked", c.clicked),
            ("replied", c.replied),
            ("quick_replied", c.quick_replied),
            ("interacted", c.interacted),
            ("converted", c.converted),
            ("skipped", c.skipped),
            ("control", c.control),
            ("contaminated", c.contaminated),
        ] {
            named.push((format!("contacts.{name}"), value));
        }
        named.push(("conversions.contacts".into(), c.converted));
        let with = |bit: u32| n.contact_masks.iter().filter(|(mask, _)| **mask & bit != 0).map(|(_, n)| *n as u64).sum();
        named.push(("contacts.dispatch_error".into(), with(person::DISPATCH_ERROR)));
        named.push(("contacts.in_flight".into(), with(person::IN_FLIGHT)));
        named.extend(n.skipped.iter().map(|(reason, value)| (format!("skipped.{reason}"), *value)));
    }
    named.extend([
        ("clicks.total".to_owned(), n.clicks.total),
        ("clicks.human".to_owned(), n.clicks.human),
        ("clicks.machine".to_owned(), n.clicks.machine),
        ("clicks.unique".to_owned(), n.clicks.unique),
        ("replies.total".to_owned(), n.replies.total),
        ("replies.quick".to_owned(), n.replies.quick),
        ("reactions".to_owned(), n.reactions),
        ("conversions.total".to_owned(), n.conversions),
    ]);
    let mut sums = answers::Numbers::new();
    for (name, value) in named {
        *sums.entry(name).or_default() += value;
    }
    for (kind, errors) in [("dispatch", &n.dispatch_errors), ("delivery", &n.delivery_errors)] {
        for (code, value) in errors {
            // The provider's character stands before the code.
            let code: String = code.chars().skip(1).collect();
            *sums.entry(format!("errors.{kind}.{code}")).or_default() += value;
        }
    }
    sums.retain(|_, value| *value != 0);
    sums
}

fn links(n: &Numbers) -> BTreeMap<String, answers::Numbers> {
    let of = |link: &bluetick::numbers::LinkClicks| {
        let c = &link.clicks;
        let all = [("total", c.total), ("human", c.human), ("machine", c.machine), ("unique", c.unique)];
        let all = all.into_iter().map(|(name, value)| (name.to_owned(), value));
        let machines = link.machines.iter().map(|(reason, n)| (format!("machine.{reason}"), *n));
        all.chain(machines).filter(|(_, value)| *value != 0).collect()
    };
    n.links.iter().map(|(link, clicks)| (link.clone(), of(clicks))).collect()
}

fn revenue(n: &Numbers) -> BTreeMap<String, String> {
    n.revenue.iter().map(|(currency, amount)| (currency.to_string(), amount.to_string())).collect()
}

/// A sum of nothing is no sum.
fn present(money: Option<&BTreeMap<String, String>>) -> BTreeMap<String, String> {
    money.into_iter().flatten().filter(|(_, amount)| *amount != "0").map(|(c, a)| (c.clone(), a.clone())).collect()
}

fn normal(numbers: &answers::Numbers) -> answers::Numbers {
    numbers.iter().filter(|(_, n)| **n != 0).map(|(name, n)| (name.clone(), *n)).collect()
}

/// What messages cost by the model's rate card, and how many have no price.
fn named_cost(cost: &Cost) -> (BTreeMap<String, String>, u64) {
    let total = cost.total.iter().map(|(currency, amount)| (currency.to_string(), amount.to_string())).collect();
    (present(Some(&total)), cost.unpriced)
}

/// The model's bills, of all time or of those that stand in a period by the given time.
fn model_cost(scope: &answers::Scope, zone: Tz, inside: impl Fn(&answers::Bill) -> bool) -> (BTreeMap<String, String>, u64) {
    let (money, unpriced) = model::cost::cost(scope.bills.iter().filter(|bill| inside(bill)), zone);
    (present(Some(&money)), unpriced)
}

/// A zone of the zone database, as the core asks for it.
pub struct Place(pub Tz);

impl Zone for Place {
    fn offset_s(&self, at_ms: i64) -> i32 {
        self.0.offset_from_utc_datetime(&DateTime::from_timestamp_millis(at_ms).unwrap().naive_utc()).fix().local_minus_utc()
    }
}

/// The sums of money in one kind of cell of a campaign's totals, with the given detail `b`.
fn totals_of(book: &Book, kind: Kind, b: u16) -> BTreeMap<String, String> {
    let cells = book.totals.money_cells().filter(|(cell, _)| cell.kind == kind && cell.b == b);
    cells.map(|(cell, nanos)| (book.name_of(cell.a).to_owned(), Amount::from_nanos(nanos).to_string())).collect()
}

/// Everything that the core counts equals what the model recounts, and so does everything that is answered from it.
pub fn check(context: &str, workspace: &mut Workspace, definitions: &Definitions, expected: &Answers) {
    check_counted(context, workspace, definitions, expected);
    reports::check(context, workspace, definitions, expected);
    overviews::check(context, workspace, definitions, expected);
}

/// Everything that the core counts equals what the model recounts.
pub fn check_counted(context: &str, workspace: &mut Workspace, definitions: &Definitions, expected: &Answers) {
    // Its days begin at 18:15 UTC, so that no price changes at a day's or month's border of UTC.
    let zone = Tz::Asia__Kathmandu;
    let prices = Prices::new(RateCard::read(&model::cost::card(), "").unwrap(), &Place(zone));
    let mut forgotten = workspace.shares(0);
    forgotten.live = Shares::default().live;
    // What was forgotten counts, and stands nowhere any more.
    if forgotten == Shares::default() {
        assert_eq!(
            workspace.unattributed(),
            expected.unattributed.values().sum::<u64>(),
            "{context}: messages under no campaign"
        );
    }
    for (id, no) in campaigns(definitions) {
        let campaign = &expected.campaigns[&id];
        let scopes =
            [(None, &campaign.all)].into_iter().chain(campaign.steps.iter().map(|(step, scope)| (Some(step.as_str()), scope)));
        let scopes: Vec<(Option<&str>, &answers::Scope)> = scopes.collect();
        let ever = workspace.sum(no, Totals::Whole, prices.cut(By::Event));
        assert_eq!(ever.totals, workspace.sum(no, Totals::Whole, None).totals, "{context}");
        for (step, scope) in &scopes {
            let context = format!("{context}, campaign {id}, step {step:?}");
            let got = Numbers::ever(&ever, *step);
            assert_eq!(named(&got), normal(&scope.numbers), "{context}");
            assert_eq!(links(&got), scope.links, "{context}");
            assert_eq!(revenue(&got), present(Some(&scope.revenue)), "{context}");
            assert_eq!(named_cost(&prices.cost_ever(&got, &ever, *step)), model_cost(scope, zone, |_| true), "{context}: cost");
        }
        for basis in [Basis::Sent, Basis::Event] {
            let by_quarter = |scope: &answers::Scope| match basis {
                Basis::Sent => (scope.by_sent.clone(), scope.revenue_by_sent.clone()),
                Basis::Event => (scope.by_event.clone(), scope.revenue_by_event.clone()),
            };
            let quarters: BTreeSet<i64> = scopes.iter().flat_map(|(_, scope)| by_quarter(scope).0.into_keys()).collect();
            let spans = quarters.iter().map(|quarter| span(*quarter, quarter + QUARTER_MS)).collect();
            let sum = workspace.sum(no, Totals::None, Some(Cut { spans, by: basis.by(), prices: prices.quarters() }));
            assert!(sum.totals.is_empty(), "{context}: what nobody asked for does not travel");
            let always = Period { from_ms: 0, to_ms: 4_102_444_800_000, basis };
            for (step, scope) in &scopes {
                let (numbers, money) = by_quarter(scope);
                for (no, quarter) in (0..).zip(&quarters) {
                    let context = format!("{context}, campaign {id}, step {step:?}, {basis:?} {quarter}");
                    let got = Numbers::in_span(&sum, no, *step);
                    assert_eq!(named(&got), numbers.get(quarter).map(normal).unwrap_or_default(), "{context}");
                    assert_eq!(revenue(&got), present(money.get(quarter)), "{context}");
                    let time = |bill: &answers::Bill| if basis == Basis::Sent { bill.sent_ms } else { bill.billed_ms };
                    let paid = model_cost(scope, zone, |bill| (*quarter..quarter + QUARTER_MS).contains(&time(bill)));
                    assert_eq!(named_cost(&prices.cost(&got.own_cost, &got.billed)), paid, "{context}: cost");
                }
                let all = workspace.numbers(no, *step, Some(always)).messages;
                assert_eq!(all, Numbers::ever(&ever, *step).messages, "{context}: the sum over time is the total");
            }
        }
        let ((target, target_converted), (control, control_converted), contaminated) = Numbers::ever(&ever, None).arms();
        if no != 0 {
            let model = &campaign.experiment;
            assert_eq!(
                (target, target_converted, control, control_converted, contaminated),
                (
                    model.target.contacts.len() as u64,
                    model.target.converted.len() as u64,
                    model.control.contacts.len() as u64,
                    model.control.converted.len() as u64,
                    model.contaminated.len() as u64
                ),
                "{context}, experiment of {id}"
            );
            for (arm, b) in [(&model.target, 0), (&model.control, 1)] {
                let worth = totals_of(&ever, Kind::ExperimentRevenue, b);
                assert_eq!(worth, present(Some(&arm.revenue)), "{context}, revenue of the arm {b} of {id}");
            }
        } else {
            let lost = expected.conflicts.iter().filter(|c| matches!(c, answers::Conflict::Dispatch { .. })).count();
            let counted = |b: u16| -> i64 {
                ever.totals.cells().filter(|(cell, _)| cell.kind == Kind::Conflicts && cell.b == b).map(|(_, n)| n).sum()
            };
            assert_eq!(counted(0), lost as i64, "{context}: claims that lost");
            assert_eq!(counted(1), (expected.conflicts.len() - lost) as i64, "{context}: conversions that lost");
        }
    }
    check_usage(context, workspace, definitions, expected);
    assert_eq!(workspace.unmatched(), expected.unmatched.values().sum::<u64>(), "{context}: statuses that wait for a name");
}

/// Section 7, of all campaigns together: conversations, delivered and billable messages by category, country and quarter hour.
fn check_usage(context: &str, workspace: &mut Workspace, definitions: &Definitions, expected: &Answers) {
    let mut usage: BTreeMap<i64, answers::Numbers> = BTreeMap::new();
    let mut unseen = 0;
    for (_, no) in campaigns(definitions) {
        for (day, row) in &workspace.book(no).days {
            for (cell, n) in row.cells() {
                let what = match (cell.kind, cell.b) {
                    (Kind::Usage, 0) => "messages_delivered",
                    (Kind::Usage, _) => "billable",
                    (Kind::Conversations, _) => "conversations",
                    _ => continue,
                };
                unseen += if cell.kind == Kind::Conversations && cell.b == 1 { n } else { 0 };
                let (category, country) = usage_parts(cell.a);
                let start_ms = i64::from(*day) * crate::model::DAY_MS + i64::from(cell.quarter.unwrap()) * QUARTER_MS;
                let name = format!("{what}.{}.{}", category.name(), country.unwrap_or_default());
                *usage.entry(start_ms).or_default().entry(name).or_default() += n as u64;
            }
        }
    }
    assert_eq!(usage, expected.usage, "{context}, usage");
    assert_eq!(unseen as usize, expected.conversations.iter().filter(|c| c.window_unseen).count(), "{context}, windows unseen");
}
