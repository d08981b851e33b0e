//! The answers that are made of a campaign's numbers, put beside what the model says of the same.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use bluetick::cost::Prices;
use bluetick::ledger::Totals;
use bluetick::reports::Subject;
use bluetick::route::Query;
use bluetick::trend::Trend;
use chrono::TimeZone as _;
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::compare::Place;
use super::workspace::{Workspace, campaigns};
use crate::model::{Answers, DAY_MS, Definitions, answers};

const STAGES: [&str; 7] = ["sent", "delivered", "opened", "read", "clicked", "replied", "converted"];

/// The reports of every campaign.
pub fn check(context: &str, workspace: &mut Workspace, definitions: &Definitions, expected: &Answers) {
    for (id, no) in campaigns(definitions) {
        let (context, campaign) = (format!("{context}, campaign {id}"), &expected.campaigns[&id]);
        let subject = Subject {
            campaign: &id,
            no,
            step: None,
            period: None,
            audience_size: None,
            send_limit: None,
            prices: Prices::default(),
        };
        let shares = workspace.sums_by_share(&subject.sums()).remove(&no).unwrap_or_default();
        let book = shares.sum();

        let steps = subject.steps(&shares);
        let steps = steps["data"].as_array().unwrap();
        let names: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
        assert_eq!(names, campaign.steps.keys().collect::<Vec<_>>(), "{context}: steps");
        for step in steps {
            check_stats(&context, step, &campaign.steps[step["step"].as_str().unwrap()]);
        }
        check_stats(&context, &subject.stats(&shares), &campaign.all);
        check_links(&context, &subject.links(&book, &[]), &campaign.all);
        check_errors(&context, &subject.errors(&book), &campaign.all);
        if no != 0 {
            check_experiment(&context, &subject.experiment(&book), &campaign.experiment);
        }
        let scopes = campaign.steps.iter().map(|(step, scope)| (Some(step.as_str()), scope)).chain([(None, &campaign.all)]);
        for (step, scope) in scopes {
            let subject = Subject {
                campaign: &id,
                no,
                step,
                period: None,
                audience_size: None,
                send_limit: None,
                prices: Prices::default(),
            };
            for stages in ["sent,delivered,opened,read,clicked,replied,converted", "converted,clicked", "read"] {
                check_funnel(&context, &subject.funnel(&book, Some(stages)).unwrap(), scope);
            }
            check_trend(&context, workspace, no, step, scope);
        }
    }
}

fn number(scope: &answers::Scope, metric: &str) -> Value {
    json!(scope.number(metric))
}

/// The numbers themselves are compared elsewhere: here, that each stands in its place, and the sums of section 5.
fn check_stats(context: &str, stats: &Value, scope: &answers::Scope) {
    for (group, names) in [
        ("messages", ["attempted", "sent", "delivered", "failed", "in_flight", "after_stop"].as_slice()),
        ("contacts", ["submitted", "sent", "failed_total", "skipped", "control", "contaminated"].as_slice()),
        ("clicks", ["total", "human", "machine", "unique"].as_slice()),
        ("replies", ["total", "quick"].as_slice()),
        ("conversions", ["total", "contacts"].as_slice()),
    ] {
        for name in names {
            assert_eq!(stats[group][name], number(scope, &format!("{group}.{name}")), "{context}: {group}.{name}");
        }
    }
    for gap in stats["gaps"].as_array().unwrap() {
        let sum: i64 = gap["reasons"].as_array().unwrap().iter().map(|reason| reason["count"].as_i64().unwrap()).sum();
        assert_eq!(json!(sum), gap["count"], "{context}: {gap}");
    }
}

fn check_links(context: &str, links: &Value, scope: &answers::Scope) {
    let mut expected = scope.links.clone();
    let human: u64 = expected.values().filter_map(|link| link.get("human")).sum();
    for row in links["data"].as_array().unwrap() {
        let mut link = expected.remove(row["link"].as_str().unwrap()).unwrap_or_else(|| panic!("{context}: {row}"));
        for name in ["total", "human", "machine", "unique"] {
            assert_eq!(row[name], json!(link.remove(name).unwrap_or(0)), "{context}: {row}");
        }
        let reasons: BTreeMap<&str, u64> =
            link.iter().map(|(name, n)| (name.strip_prefix("machine.").unwrap_or(name), *n)).collect();
        assert_eq!(row["machine_reasons"], json!(reasons), "{context}: {row}");
        let share = (human > 0).then(|| row["human"].as_f64().unwrap() / human as f64);
        assert_eq!(row["share"], json!(share), "{context}: {row}");
    }
    assert!(expected.is_empty(), "{context}: {expected:?}");
}

fn check_errors(context: &str, errors: &Value, scope: &answers::Scope) {
    let mut sums = answers::Numbers::new();
    for row in errors["data"].as_array().unwrap() {
        let name = format!("errors.{}.{}", row["kind"].as_str().unwrap(), row["code"].as_str().unwrap());
        *sums.entry(name).or_default() += row["count"].as_u64().unwrap();
    }
    let expected: answers::Numbers =
        scope.numbers.iter().filter(|(name, _)| name.starts_with("errors.")).map(|(name, n)| (name.clone(), *n)).collect();
    assert_eq!(sums, expected, "{context}: errors");
}

fn check_experiment(context: &str, got: &Value, expected: &answers::Experiment) {
    for (arm, name) in [(&expected.target, "target"), (&expected.control, "control")] {
        assert_eq!(got[name]["contacts"], json!(arm.contacts.len()), "{context}: {name}");
        assert_eq!(got[name]["converted"], json!(arm.converted.len()), "{context}: {name}");
    }
    assert_eq!(got["contaminated"], json!(expected.contaminated.len()), "{context}");
}

/// "A stage counts contacts in it and in every stage before it."
fn check_funnel(context: &str, funnel: &Value, scope: &answers::Scope) {
    let mut reached: Option<BTreeSet<String>> = None;
    for row in funnel["data"].as_array().unwrap() {
        let stage = scope.list(&format!("contacts.{}", row["stage"].as_str().unwrap()));
        let now = reached.map_or(stage.clone(), |before| before.intersection(&stage).cloned().collect());
        assert_eq!(row["contacts"], json!(now.len()), "{context}: {row}");
        reached = Some(now);
    }
}

/// Zones whose days and hours lie crooked to UTC, at the time of the generated events (Europe's clocks change on 29 March 2026).
const ZONES: [Tz; 4] = [Tz::Asia__Kathmandu, Tz::Europe__Berlin, Tz::Pacific__Chatham, Tz::America__New_York];

/// The model's quarter hours are put into the buckets by what a local calendar calls them.
fn check_trend(context: &str, workspace: &mut Workspace, no: u32, step: Option<&str>, scope: &answers::Scope) {
    let (Some(first), Some(last)) = (scope.by_event.keys().next(), scope.by_event.keys().next_back()) else { return };
    let extent = Some((first.div_euclid(DAY_MS) as i32, last.div_euclid(DAY_MS) as i32));
    // One of each for every number of events, so that the seeds share them.
    let turn = scope.by_event.len() + no as usize;
    // Where clocks jumped by years, hours are more than an answer holds.
    let turn = if turn.is_multiple_of(4) && last - first > 400 * DAY_MS { turn + 1 } else { turn };
    let (granularity, format) =
        [("hour", "%Y-%m-%dT%H:00%:z"), ("day", "%Y-%m-%d"), ("week", "%G-W%V"), ("month", "%Y-%m")][turn % 4];
    let zone = ZONES[turn / 4 % 4];
    let query = Query::lenient(&format!("granularity={granularity}"));
    let trend = Trend::read(&query, &Place(zone), extent, *last).unwrap();
    let sum = workspace.sum(no, Totals::None, Some(trend.cut()));
    let answer = trend.answer("c", step, zone.name(), &sum);

    let mut expected: BTreeMap<String, answers::Numbers> = BTreeMap::new();
    for (quarter, numbers) in &scope.by_event {
        let bucket = expected.entry(zone.timestamp_millis_opt(*quarter).unwrap().format(format).to_string()).or_default();
        for (name, n) in numbers {
            *bucket.entry(name.clone()).or_default() += n;
        }
    }
    let context = format!("{context}, step {step:?}, {granularity} in {zone}");
    let mut end: Option<Value> = None;
    for row in answer["data"].as_array().unwrap() {
        let (context, period) = (format!("{context}: {row}"), row["period"].as_str().unwrap());
        let numbers = expected.remove(period).unwrap_or_default();
        let number = |name: &str| json!(numbers.get(name).copied().unwrap_or(0));
        for name in STAGES.iter().chain(&["attempted", "failed", "in_flight", "billable", "interacted"]) {
            assert_eq!(row[name], number(&format!("messages.{name}")), "{context}: {name}");
        }
        for (value, name) in [
            (&row["clicks"]["total"], "clicks.total"),
            (&row["clicks"]["unique"], "clicks.unique"),
            (&row["replies"]["quick"], "replies.quick"),
            (&row["reactions"], "reactions"),
            (&row["conversions"], "conversions.total"),
        ] {
            assert_eq!(*value, number(name), "{context}: {name}");
        }
        assert!(end.is_none_or(|end| end == row["start"]), "{context}: a bucket begins where the one before ends");
        end = Some(row["end"].clone());
    }
    assert!(expected.is_empty(), "{context}: {expected:?} in no bucket");
}
