//! The one law: every statistic is a pure function of the set of events. The counting core, over real SQLite, against the
//! reference model, for any order, repetition, split and interleaving with reads and restarts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod model;
mod support;

use model::generate::{Scenario, Shape, generate_with, minimise, repeat, shuffle, split};
use model::recount;
use support::compare::check;
use support::seeds;
use support::workspace::Workspace;

/// Runs a scenario; if it fails, the fewest of its events that still fail stand at the end of the message.
fn run(seed: u64) {
    let scenario = generate_with(seed, &Shape::within_contacts());
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
    plain.record(&scenario.received);
    check(&format!("seed {seed}, in one batch"), &mut plain, &scenario.definitions, &expected);

    let mut late = Workspace::new(2, &scenario.definitions_before());
    let batches = split(seed, &repeat(seed, &shuffle(seed, &scenario.received)));
    for (no, batch) in batches.iter().enumerate() {
        late.record(batch);
        if no % 7 == 3 {
            late.restart();
        }
        if no == batches.len() / 2 {
            late.declare(&scenario.definitions);
        }
        late.book(1);
    }
    check(&format!("seed {seed}, shuffled, repeated, split"), &mut late, &scenario.definitions, &expected);
}

#[test]
fn any_order_any_repetition_any_split_gives_the_numbers_of_the_model() {
    seeds(300).for_each(run);
}
