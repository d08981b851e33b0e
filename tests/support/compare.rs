//! Everything that the core counts, put beside everything that the model recounts.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use bluetick::contributions::{person, usage_parts};
use bluetick::counters::Kind;
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
        let with = |bit: u32| n.contact_masks.iter().filter(|(mask, _)| **mask & bit != 0).map(|(_, n)| n).sum();
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
            for (basis, quarters, money) in
                [(Basis::Sent, &scope.by_sent, &scope.revenue_by_sent), (Basis::Event, &scope.by_event, &scope.revenue_by_event)]
            {
                for quarter in quarters.keys() {
                    let period = Period { from_ms: *quarter, to_ms: quarter + QUARTER_MS, basis };
                    let got = Numbers::of(&book, step, Some(period));
                    assert_eq!(named(&got), normal(&quarters[quarter]), "{context}, {basis:?} {quarter}");
                    assert_eq!(revenue(&got), present(money.get(quarter)), "{context}, {basis:?} {quarter}");
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
