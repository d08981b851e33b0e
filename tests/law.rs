//! The one law: every statistic is a pure function of the set of events. The counting core, over real SQLite, against the
//! reference model, for any order, repetition, split and interleaving with reads, broken ones among them, and restarts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod model;
mod support;

use std::collections::BTreeMap;

use bluetick::facts::{Facts, entry_id, time_of};
use bluetick::ledger::{Read, Routed, Write};
use model::generate::{Random, START_MS, Scenario, Shape, generate_with, minimise, repeat, shuffle, split};
use model::{DAY_MS, Received, recount};
use serde_json::{Value, json};
use support::compare::check;
use support::lists::check_lists;
use support::seeds;
use support::texts::texts;
use support::workspace::Workspace;

/// Runs a scenario; if it fails, the fewest of its events that still fail stand at the end of the message.
fn run(seed: u64, shape: &Shape) {
    let scenario = generate_with(seed, shape);
    let with = |received: &[model::Received]| Scenario { received: received.to_vec(), ..scenario.clone() };
    let judge = |received: &[model::Received]| std::panic::catch_unwind(|| judge(&with(received)));
    if let Err(panic) = judge(&scenario.received) {
        std::panic::set_hook(Box::new(|_| {}));
        let fewest = minimise(&scenario.received, |received| judge(received).is_err());
        for received in &fewest {
            eprintln!("{} {}", received.received_ms, received.event);
        }
        eprintln!("seed {seed}: these {} events of {} suffice", fewest.len(), scenario.received.len());
        std::panic::resume_unwind(panic);
    }
}

fn judge(scenario: &Scenario) {
    let seed = scenario.seed;
    let expected = recount(&scenario.received, &scenario.definitions);
    let mut plain = Workspace::new(3, &scenario.definitions);
    plain.know_clicks(&scenario.received);
    plain.record(&scenario.received);
    check(&format!("seed {seed}, in one batch"), &mut plain, &scenario.definitions, &expected);
    check_lists(&format!("seed {seed}"), seed, &mut plain, &scenario.definitions, &expected);

    let mut late = Workspace::new(2, &scenario.definitions_before());
    late.know_clicks(&scenario.received);
    let batches = split(seed, &repeat(seed, &shuffle(seed, &scenario.received)));
    for (no, batch) in batches.iter().enumerate() {
        late.record(batch);
        if no % 7 == 3 {
            late.restart();
            late.look_in_vain();
        }
        if no == batches.len() / 2 {
            late.declare(&scenario.definitions);
        }
        late.numbers(1, None, None);
    }
    check(&format!("seed {seed}, shuffled, repeated, split"), &mut late, &scenario.definitions, &expected);
    let (one, other) = (texts(&mut plain, &scenario.definitions), texts(&mut late, &scenario.definitions));
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one, other, "seed {seed}: the same events, the same bytes");
    }
    assert_eq!(one.len(), other.len());
}

#[test]
fn any_order_any_repetition_any_split_gives_the_numbers_of_the_model() {
    seeds(200).for_each(|seed| run(seed, &Shape::within_contacts()));
}

/// With messages, conversions and claims in the hands of several contacts, and statuses that name nobody.
#[test]
fn what_spans_contacts_does_not_depend_on_order_either() {
    seeds(200).for_each(|seed| run(seed, &Shape::across_contacts()));
}

/// What two sources know of one thing, put together, is what all their events would have made in one place.
#[test]
fn facts_put_together_are_the_facts_of_all_events() {
    for seed in seeds(60) {
        let scenario = generate_with(seed, &Shape::across_contacts());
        let workspace = Workspace::new(1, &scenario.definitions);
        let mut things: BTreeMap<(String, String), Vec<Routed>> = BTreeMap::new();
        for routed in workspace.parts(&repeat(seed, &scenario.received)).events {
            let id = entry_id(&routed.event, routed.provider).unwrap();
            things.entry((routed.handle.clone(), id)).or_default().push(routed);
        }
        let mut random = Random(seed);
        for (place, events) in things {
            let of = |events: &[&Routed]| {
                events.iter().fold(None, |facts: Option<Facts>, Routed { event, provider, received_ms, .. }| {
                    let at_ms = time_of(event, *received_ms);
                    let mut facts = facts.or_else(|| Facts::new(event, *provider, at_ms))?;
                    facts.put(event, *provider, at_ms);
                    Some(facts)
                })
            };
            let all: Vec<&Routed> = events.iter().collect();
            let (one, other): (Vec<&Routed>, Vec<&Routed>) = all.iter().partition(|_| random.one_in(2));
            let (Some(mut facts), Some(more)) = (of(&one), of(&other)) else { continue };
            facts.merge(&more);
            assert_eq!(Some(facts), of(&all), "seed {seed}, {place:?}");
        }
    }
}

/// What the generator does not come by: told by hand, event by event, and judged by the model.
#[test]
fn rare_stories_are_counted_as_the_model_counts_them() {
    let definitions = generate_with(0, &Shape::within_contacts()).definitions;
    let dispatch = |campaign: &str, rest: Value| {
        let mut event = json!({"kind": "dispatch", "campaign": campaign, "person": {"phone": "12025550100"}});
        event.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        event
    };
    let accepted = json!({"outcome": "accepted", "channel": "meta-1", "message_id": "w1"});
    let skipped = |reason: &str| json!({"outcome": "skipped", "reason": reason});
    let three_claims = ["spring", "flow", "chat", "never"].map(|campaign| dispatch(campaign, accepted.clone()));
    let skipped_twice = [dispatch("never", skipped("later")), dispatch("nowhere", skipped("sooner"))];
    for (times, story) in [([4, 3, 2, 1], three_claims.to_vec()), ([2, 1, 0, 0], skipped_twice.to_vec())] {
        let received: Vec<Received> =
            times.into_iter().zip(story).map(|(at, event)| Received { received_ms: START_MS + at, event }).collect();
        let mut workspace = Workspace::new(1, &definitions);
        received.iter().for_each(|one| workspace.record(std::slice::from_ref(one)));
        check("a rare story", &mut workspace, &definitions, &recount(&received, &definitions));
    }
}

/// A click of the flood is no human one: the next in its step, on another day, is the first there. In whatever order they come.
#[test]
fn a_flood_takes_no_unique_click_away() {
    let definitions = generate_with(0, &Shape::within_contacts()).definitions;
    let click = |no: i64, step: &str, at: i64| Received {
        received_ms: START_MS + 3 * DAY_MS,
        event: json!({"kind": "click", "click_id": format!("ck-{no:02}"), "person": {"phone": "12025550100"}, "link": "spring--a",
            "campaign": "spring", "step": step, "device": "phone", "at_ms": START_MS + at}),
    };
    let mut told: Vec<Received> = (0..20).map(|no| click(no, "", no)).collect();
    told.extend([click(20, "b", 20), click(21, "b", 21), click(22, "b", DAY_MS), click(23, "b", DAY_MS + 1)]);
    let expected = recount(&told, &definitions);
    let (mut backwards, mut from_the_middle) = (told.clone(), told.clone());
    backwards.reverse();
    from_the_middle.rotate_left(10);
    for received in [told, backwards, from_the_middle] {
        let mut workspace = Workspace::new(1, &definitions);
        received.iter().for_each(|one| workspace.record(std::slice::from_ref(one)));
        check("a flood", &mut workspace, &definitions, &expected);
    }
}

/// Told without a time, it is as old as its first receipt, whichever receipt comes first.
#[test]
fn an_opt_out_without_a_time_is_as_old_as_its_first_receipt() {
    let definitions = generate_with(0, &Shape::within_contacts()).definitions;
    let told = |at: i64, stopped: bool| Received {
        received_ms: START_MS + at,
        event: json!({"kind": "opt_out", "channel": "meta-1", "person": {"phone": "12025550100"}, "stopped": stopped}),
    };
    let (first, resumed, again) = (told(100, true), told(150, false), told(200, true));
    for order in [[&first, &resumed, &again], [&again, &resumed, &first], [&resumed, &again, &first]] {
        let mut workspace = Workspace::new(1, &definitions);
        order.into_iter().for_each(|one| workspace.record(std::slice::from_ref(one)));
        let (ledger, handle) = workspace.whereabouts("12025550100");
        let person = workspace.ledgers[ledger].read(&Read::Person { handle }).unwrap();
        let person: Value = serde_json::from_str(&person).unwrap();
        assert_eq!(person["opted_out"], json!(false), "{person}");
    }
}

/// A token and the index of messages know the person's handle alone; what the key decides is decided anew when it comes.
#[test]
fn a_key_that_comes_late_decides_the_country() {
    let definitions = generate_with(0, &Shape::within_contacts()).definitions;
    let status = |message: &str, at: i64| Received {
        received_ms: START_MS + at,
        event: json!({"kind": "status", "channel": "meta-1", "message_id": message, "status": "delivered", "category": "marketing",
            "person": {"phone": "447700900100"}, "reference": "spring"}),
    };
    let received = [status("w1", 1), status("w2", 0)];
    let mut workspace = Workspace::new(1, &definitions);
    for (one, known) in received.iter().zip([false, true]) {
        let (ledger, mut routed) = workspace.route(one).unwrap();
        routed.key = routed.key.filter(|_| known);
        workspace.ledgers[ledger].commit(&[Write::Record { events: vec![routed] }], 0).remove(0).unwrap();
    }
    check("a late key", &mut workspace, &definitions, &recount(&received, &definitions));
}
