//! The answers across campaigns, put beside what the model says of the same.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use bluetick::campaign::Campaign;
use bluetick::campaign_list::{self, numbers_row};
use bluetick::cost::Prices;
use bluetick::counters::Book;
use bluetick::month::Month;
use bluetick::performance::{GroupBy, Performance};
use bluetick::period::{Basis, Period};
use bluetick::rate_card::RateCard;
use bluetick::settings::{Quota, Unit};
use chrono::TimeZone as _;
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::compare::Place;
use super::workspace::{Workspace, campaigns};
use crate::model::generate::START_MS;
use crate::model::{Answers, DAY_MS, Definitions, HOUR_MS, answers, cost};

pub fn check(context: &str, workspace: &mut Workspace, definitions: &Definitions, expected: &Answers) {
    for zone in [Tz::Asia__Kathmandu, Tz::America__New_York] {
        for month in ["2026-03", "2026-04"] {
            check_month(&format!("{context}, {month} in {zone}"), workspace, expected, zone, month);
        }
    }
    check_headlines(context, workspace, definitions, expected);
    for (group_by, basis) in [
        (GroupBy::Campaign, Basis::Sent),
        (GroupBy::Step, Basis::Event),
        (GroupBy::Day, Basis::Event),
        (GroupBy::Tag, Basis::Sent),
    ] {
        check_performance(context, workspace, definitions, expected, group_by, basis);
    }
}

fn local(zone: Tz, at_ms: i64, format: &str) -> String {
    zone.timestamp_millis_opt(at_ms).unwrap().format(format).to_string()
}

/// Section 7: usage and overall, and that what sets them apart is explained to the last message.
fn check_month(context: &str, workspace: &mut Workspace, expected: &Answers, zone: Tz, name: &str) {
    let month = Month::read(Some(name), &Place(zone), START_MS + 3 * DAY_MS).unwrap();
    let sum = workspace.sums(&month.sums()).remove(&0).unwrap_or_default();
    let inside = |at_ms: i64| local(zone, at_ms, "%Y-%m") == name;

    let mut parts: BTreeMap<(&str, String), BTreeMap<&str, u64>> = BTreeMap::new();
    for (_, numbers) in expected.usage.iter().filter(|(quarter, _)| inside(**quarter)) {
        for (metric, n) in numbers {
            let [what, category, country] = metric.split('.').collect::<Vec<_>>()[..] else { panic!("{metric}") };
            let country = if country.is_empty() { "unknown" } else { country };
            for part in [("by_category", category), ("by_country", country), ("", "")] {
                *parts.entry((part.0, part.1.to_owned())).or_default().entry(what).or_default() += n;
            }
        }
    }
    let quota = Quota { amount: 20, unit: Unit::Conversations };
    let usage = month.usage(&sum, Some(&quota));
    let number = |part: &(&str, String), what: &str| parts.get(part).and_then(|part| part.get(what)).copied().unwrap_or(0);
    let all = ("", String::new());
    for what in ["conversations", "messages_delivered", "billable"] {
        assert_eq!(usage[what], json!(number(&all, what)), "{context}: {what}");
        for (kind, name) in parts.keys().filter(|(kind, _)| !kind.is_empty()) {
            assert_eq!(usage[kind][name][what], json!(number(&(*kind, name.clone()), what)), "{context}: {kind} {name} {what}");
        }
    }
    let named = |kind: &str| usage[kind].as_object().unwrap().len();
    assert_eq!(
        named("by_category") + named("by_country"),
        parts.keys().filter(|(kind, _)| !kind.is_empty()).count(),
        "{context}"
    );
    assert_eq!(usage["used"], usage["conversations"], "{context}");
    assert_eq!(usage["remaining"], json!(20_u64.saturating_sub(number(&all, "conversations"))), "{context}");
    let unseen = expected.conversations.iter().filter(|c| c.window_unseen && inside(c.opened_ms)).count();
    assert_eq!(usage["window_unseen"], json!(unseen), "{context}");

    let overall = month.overall(&sum);
    let sent = |metric: &str| -> u64 {
        let quarters = expected.campaigns.values().flat_map(|c| &c.all.by_sent).filter(|(quarter, _)| inside(**quarter));
        quarters.filter_map(|(_, numbers)| numbers.get(&format!("messages.{metric}"))).sum()
    };
    for (name, metric) in [("messages", "sent"), ("delivered", "delivered"), ("failed", "failed"), ("in_flight", "in_flight")] {
        assert_eq!(overall[name], json!(sent(metric)), "{context}: {name}");
    }
    assert_eq!(overall["conversations"], usage["conversations"], "{context}");
    let why: i64 = overall["why"].as_array().unwrap().iter().map(|reason| reason["count"].as_i64().unwrap()).sum();
    assert_eq!(overall["messages"].as_i64().unwrap() - why, overall["conversations"].as_i64().unwrap(), "{context}: {overall}");
}

/// The rows of the list of campaigns.
fn check_headlines(context: &str, workspace: &mut Workspace, definitions: &Definitions, expected: &Answers) {
    let zone = Tz::Asia__Kathmandu;
    let prices = Prices::new(RateCard::read(&cost::card(), "").unwrap(), &Place(zone));
    let books = workspace.sums(&campaign_list::sums(None, &prices));
    for (id, no) in campaigns(definitions) {
        let scope = &expected.campaigns[&id].all;
        let book = books.get(&no).cloned().unwrap_or_default();
        let row = Value::Object(numbers_row(&book, &prices));
        check_row(&format!("{context}, campaign {id}"), &row, &scope.numbers);
        check_cost(&format!("{context}, campaign {id}"), &row, cost::cost(scope.bills.iter(), zone));
        assert_eq!(row["rates"]["read"].is_null(), scope.number("messages.delivered") == 0, "{context}, campaign {id}");
    }
}

/// The numbers of a row that are not of messages.
const BESIDE_MESSAGES: [&str; 2] = ["reactions", "conversions"];

fn check_row(context: &str, row: &Value, numbers: &answers::Numbers) {
    let number = |name: &str| json!(numbers.get(name).copied().unwrap_or(0));
    let messages =
        row.as_object().unwrap().iter().filter(|(name, value)| value.is_u64() && !BESIDE_MESSAGES.contains(&name.as_str()));
    for (name, value) in messages {
        assert_eq!(*value, number(&format!("messages.{name}")), "{context}: {name} of {row}");
    }
    for (value, name) in [
        (&row["clicks"]["human"], "clicks.human"),
        (&row["clicks"]["machine"], "clicks.machine"),
        (&row["clicks"]["unique"], "clicks.unique"),
        (&row["replies"]["total"], "replies.total"),
        (&row["reactions"], "reactions"),
        (&row["conversions"], "conversions.total"),
    ] {
        assert_eq!(*value, number(name), "{context}: {name} of {row}");
    }
}

fn check_cost(context: &str, row: &Value, (mut money, unpriced): (BTreeMap<String, String>, u64)) {
    money.retain(|_, amount| *amount != "0");
    // An answer has two decimals at least, the model as few as it can.
    let short = |amount: &Value| amount.as_str().unwrap().trim_end_matches('0').trim_end_matches('.').to_owned();
    let total = row["cost"]["total"].as_object().unwrap();
    let total: BTreeMap<String, String> = total.iter().map(|(currency, amount)| (currency.clone(), short(amount))).collect();
    assert_eq!((total, &row["cost"]["unpriced"]), (money, &json!(unpriced)), "{context}: {row}");
}

/// Every campaign has a tag or two, or none.
fn tags(no: u32) -> &'static [&'static str] {
    const TAGS: [&[&str]; 5] = [&["even"], &["odd"], &["even", "two"], &[], &["two"]];
    TAGS[no as usize % 5]
}

/// In this zone, from the middle of an hour of the first day on.
const PERFORMANCE_IN: Tz = Tz::Asia__Kathmandu;
const PERFORMANCE_MS: (i64, i64) = (START_MS + HOUR_MS + HOUR_MS / 4, START_MS + 4 * DAY_MS + HOUR_MS / 2);

/// The question how all campaigns did.
pub fn performance(definitions: &Definitions, group_by: GroupBy, basis: Basis) -> Performance<'static> {
    let zone = PERFORMANCE_IN;
    let period = Period { from_ms: PERFORMANCE_MS.0, to_ms: PERFORMANCE_MS.1, basis };
    let prices = Prices::new(RateCard::read(&cost::card(), "").unwrap(), &Place(zone));
    let known = campaigns(definitions).into_iter().map(|(id, no)| {
        let campaign = json!({"no": no, "id": id, "name": id, "type": "broadcast", "message_type": "template", "tags": tags(no),
            "reply_window_hours": 72, "attribution_window_hours": 24, "touch": "delivered"});
        (no, (no != 0).then(|| serde_json::from_value::<Campaign>(campaign).unwrap()))
    });
    Performance::new(group_by, period, prices, known.collect(), zone.name(), &Place(zone)).unwrap()
}

/// A group of the model: the numbers and bills of its scopes that stand in the period.
#[derive(Default)]
struct Group<'a>(Vec<&'a answers::Scope>);

fn check_performance(
    context: &str,
    workspace: &mut Workspace,
    definitions: &Definitions,
    expected: &Answers,
    group_by: GroupBy,
    basis: Basis,
) {
    let zone = PERFORMANCE_IN;
    let context = format!("{context}, performance by {group_by:?}, {basis:?}");
    let performance = performance(definitions, group_by, basis);
    let answer = performance.answer(&workspace.sums(&performance.sums()));

    let (from_ms, to_ms) = PERFORMANCE_MS;
    let inside = |at_ms: i64| (from_ms..to_ms).contains(&at_ms);
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let mut everything = Group::default();
    let days: BTreeSet<String> = (from_ms..to_ms).step_by(900_000).map(|ms| local(zone, ms, "%Y-%m-%d")).collect();
    for (id, no) in campaigns(definitions) {
        let campaign = &expected.campaigns[&id];
        everything.0.push(&campaign.all);
        let mut put = |group: String, scope| groups.entry(group).or_default().0.push(scope);
        match group_by {
            GroupBy::Campaign => put(id.clone(), &campaign.all),
            GroupBy::Step => campaign.steps.iter().for_each(|(step, scope)| put(format!("{id}:{step}"), scope)),
            // What is under no campaign has no tag.
            GroupBy::Tag if no == 0 || tags(no).is_empty() => put("-".to_owned(), &campaign.all),
            GroupBy::Tag => tags(no).iter().for_each(|tag| put((*tag).to_owned(), &campaign.all)),
            GroupBy::Day => days.iter().for_each(|day| put(day.clone(), &campaign.all)),
        }
    }
    let check = |row: &Value, group: &Group<'_>, inside: &dyn Fn(i64) -> bool| {
        let mut numbers = answers::Numbers::new();
        for scope in &group.0 {
            let quarters = if basis == Basis::Sent { &scope.by_sent } else { &scope.by_event };
            for (_, more) in quarters.iter().filter(|(quarter, _)| inside(**quarter)) {
                more.iter().for_each(|(name, n)| *numbers.entry(name.clone()).or_default() += n);
            }
        }
        check_row(&context, row, &numbers);
        let bills = group.0.iter().flat_map(|scope| &scope.bills);
        let bills = bills.filter(|bill| inside(if basis == Basis::Sent { bill.sent_ms } else { bill.billed_ms }));
        check_cost(&context, row, cost::cost(bills, zone));
        assert_eq!(row["rates"].is_null(), basis == Basis::Event, "{context}: {row}");
    };
    for row in answer["data"].as_array().unwrap() {
        let text = |name: &str| row[name].as_str().unwrap_or("-").to_owned();
        let name = match group_by {
            GroupBy::Campaign => text("campaign"),
            GroupBy::Step => format!("{}:{}", text("campaign"), text("step")),
            GroupBy::Tag => text("tag"),
            GroupBy::Day => text("day"),
        };
        let group = groups.remove(&name).unwrap_or_else(|| panic!("{context}: {row} is in no group"));
        check(row, &group, &|at_ms| inside(at_ms) && (group_by != GroupBy::Day || local(zone, at_ms, "%Y-%m-%d") == name));
    }
    // What is left has nothing in the period.
    let mut empty = json!(numbers_row(&Book::default(), &Prices::default()));
    empty["cost"] = json!({"unpriced": 0, "total": {}});
    if basis == Basis::Event {
        empty["rates"] = Value::Null;
    }
    for (name, group) in &groups {
        assert_ne!(group_by, GroupBy::Day, "{context}: {name} has no row");
        check(&empty, group, &inside);
    }
    check(&answer["total"], &everything, &inside);
}
