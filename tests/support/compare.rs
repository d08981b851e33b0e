//! Everything that the core counts, put beside everything that the model recounts.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use bluetick::contributions::{Category, person, usage_code, usage_parts};
use bluetick::counters::{Book, Kind};
use bluetick::money::Amount;
use bluetick::numbers::{Basis, Numbers, Period};

use super::workspace::{Workspace, campaigns};
use crate::model::{Answers, Definitions, QUARTER_MS, answers};

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
    let of = |clicks: &bluetick::numbers::Clicks| {
        let all = [("total", clicks.total), ("human", clicks.human), ("machine", clicks.machine), ("unique", clicks.unique)];
        all.into_iter().filter(|(_, value)| *value != 0).map(|(name, value)| (name.to_owned(), value)).collect()
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

/// What is paid for: sums of the dispatches' own prices, and messages for the rate card by (quarter hour billed, category and country).
type Bills = (BTreeMap<String, String>, BTreeMap<(i64, u32), u64>);

fn bills(n: &Numbers) -> Bills {
    let own = n.own_cost.iter().map(|(currency, amount)| (currency.to_string(), amount.to_string())).collect();
    (present(Some(&own)), n.billed.clone())
}

/// The model's bills, of all time or of those that stand in a period by the given time.
fn model_bills(scope: &answers::Scope, inside: impl Fn(&answers::Bill) -> bool) -> Bills {
    let mut own: BTreeMap<String, Amount> = BTreeMap::new();
    let mut billed = BTreeMap::new();
    for bill in scope.bills.iter().filter(|bill| inside(bill)) {
        match &bill.cost {
            Some((amount, currency)) => {
                let nanos = own.get(currency).map_or(0, |sum| sum.nanos()) + Amount::parse(amount).unwrap().nanos();
                own.insert(currency.clone(), Amount::from_nanos(nanos));
            }
            None => {
                let quarter = bill.billed_ms.div_euclid(QUARTER_MS) * QUARTER_MS;
                let usage = usage_code(Category::from_word(&bill.category), Some(&bill.country));
                *billed.entry((quarter, usage)).or_insert(0) += 1;
            }
        }
    }
    let own = own.into_iter().map(|(currency, amount)| (currency, amount.to_string())).collect();
    (present(Some(&own)), billed)
}

/// The sums of money in one kind of cell of a campaign's totals, with the given detail `b`.
fn totals_of(book: &Book, kind: Kind, b: u16) -> BTreeMap<String, String> {
    let cells = book.totals.money_cells().filter(|(cell, _)| cell.kind == kind && cell.b == b);
    cells.map(|(cell, nanos)| (book.name_of(cell.a).to_owned(), Amount::from_nanos(nanos).to_string())).collect()
}

/// Everything that the core counts equals what the model recounts.
pub fn check(context: &str, workspace: &mut Workspace, definitions: &Definitions, expected: &Answers) {
    for (id, no) in campaigns(definitions) {
        let campaign = &expected.campaigns[&id];
        let book = workspace.book(no);
        let scopes =
            [(None, &campaign.all)].into_iter().chain(campaign.steps.iter().map(|(step, scope)| (Some(step.as_str()), scope)));
        for (step, scope) in scopes {
            let context = format!("{context}, campaign {id}, step {step:?}");
            let got = Numbers::of(&book, step, None);
            assert_eq!(named(&got), normal(&scope.numbers), "{context}");
            assert_eq!(links(&got), scope.links, "{context}");
            assert_eq!(revenue(&got), present(Some(&scope.revenue)), "{context}");
            assert_eq!(bills(&got), model_bills(scope, |_| true), "{context}: bills");
            for (basis, quarters, money) in
                [(Basis::Sent, &scope.by_sent, &scope.revenue_by_sent), (Basis::Event, &scope.by_event, &scope.revenue_by_event)]
            {
                for quarter in quarters.keys() {
                    let period = Period { from_ms: *quarter, to_ms: quarter + QUARTER_MS, basis };
                    let got = Numbers::of(&book, step, Some(period));
                    assert_eq!(named(&got), normal(&quarters[quarter]), "{context}, {basis:?} {quarter}");
                    assert_eq!(revenue(&got), present(money.get(quarter)), "{context}, {basis:?} {quarter}");
                    let time = |bill: &answers::Bill| if basis == Basis::Sent { bill.sent_ms } else { bill.billed_ms };
                    let paid = model_bills(scope, |bill| (*quarter..quarter + QUARTER_MS).contains(&time(bill)));
                    assert_eq!(bills(&got), paid, "{context}, {basis:?} {quarter}: bills");
                }
                let all = Numbers::of(&book, step, Some(Period { from_ms: 0, to_ms: i64::MAX / 2, basis }));
                assert_eq!(all.messages, got.messages, "{context}: the sum over time is the total");
            }
        }
        let ((target, target_converted), (control, control_converted), contaminated) = Numbers::of(&book, None, None).arms();
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
                let worth = totals_of(&book, Kind::ExperimentRevenue, b);
                assert_eq!(worth, present(Some(&arm.revenue)), "{context}, revenue of the arm {b} of {id}");
            }
        } else {
            let lost = expected.conflicts.iter().filter(|c| matches!(c, answers::Conflict::Dispatch { .. })).count();
            let counted: i64 = book.totals.cells().filter(|(cell, _)| cell.kind == Kind::Conflicts).map(|(_, n)| n).sum();
            assert_eq!(counted, lost as i64, "{context}: claims that lost");
        }
    }
    check_usage(context, workspace, definitions, expected);
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
