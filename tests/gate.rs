//! The gate over SQLite: whatever senders do at the same time, in whatever order, the limit is never passed, and nothing that was
//! reserved in vain is lost for longer than its lease.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/rusqlite_sql.rs"]
mod rusqlite_sql;

use std::collections::BTreeSet;

use bluetick::gate::{Command, Gate, Granted, Mark};
use proptest::prelude::*;
use rusqlite_sql::RusqliteSql;

const LEASE_MS: i64 = 600_000;
/// How long dispatches may be under way.
const LATE_MS: i64 = 10_000;

fn mark(gate: &Gate<RusqliteSql>, now_ms: i64) -> Mark {
    serde_json::from_str(&gate.apply(&Command::Mark, now_ms).unwrap()).unwrap()
}

fn grant(gate: &Gate<RusqliteSql>, mark: Mark, lease: &str, n: u64, limit: Option<u64>, attempted: u64, now_ms: i64) -> Granted {
    let command = Command::Grant { mark, lease: lease.to_owned(), n, limit, attempted };
    serde_json::from_str(&gate.apply(&command, now_ms).unwrap()).unwrap()
}

fn used(gate: &Gate<RusqliteSql>, lease: &str, handles: &[&str], now_ms: i64) {
    let handles = handles.iter().map(|handle| (*handle).to_owned()).collect();
    gate.apply(&Command::Use { lease: lease.to_owned(), handles }, now_ms).unwrap();
}

#[test]
fn a_reservation_counts_until_it_is_used_or_lapses() {
    let gate = Gate::open(RusqliteSql::default()).unwrap();
    assert_eq!(grant(&gate, mark(&gate, 0), "a", 7, Some(10), 0, 0), Granted { granted: 7, until_ms: LEASE_MS });
    assert_eq!(grant(&gate, mark(&gate, 1), "b", 7, Some(10), 0, 1).granted, 3);
    assert_eq!(grant(&gate, mark(&gate, 1), "c", 1, Some(10), 0, 1).granted, 0);
    assert_eq!(grant(&gate, mark(&gate, 1), "d", 5, None, 0, 1).granted, 5, "no limit, all of it");
    assert_eq!(mark(&gate, 1).reserved, 15);
    used(&gate, "a", &["x", "y", "x"], 2);
    used(&gate, "a", &["x"], 2);
    used(&gate, "unknown", &["x"], 2);
    assert_eq!(mark(&gate, 2).reserved, 13, "a repeat uses nothing");
    // More than was granted uses nobody else's.
    used(&gate, "b", &["1", "2", "3", "4", "5"], 3);
    assert_eq!(mark(&gate, 3).reserved, 10);
    let end = LEASE_MS + LATE_MS;
    assert_eq!(mark(&gate, end - 1).reserved, 10, "its last dispatches may still be under way");
    assert_eq!(mark(&gate, end).reserved, 5, "the first has lapsed");
    assert_eq!(mark(&gate, end + 1).reserved, 0);
    assert_eq!(grant(&gate, mark(&gate, end + 1), "e", 9, Some(10), 4, end + 1).granted, 6);
}

/// What is used while the Ledgers are asked is not in their answer, maybe: it stays reserved for this grant.
#[test]
fn a_use_after_the_mark_does_not_count() {
    let gate = Gate::open(RusqliteSql::default()).unwrap();
    grant(&gate, mark(&gate, 0), "a", 6, Some(10), 0, 0);
    let early = mark(&gate, 1);
    used(&gate, "a", &["x", "y"], 2);
    assert_eq!(grant(&gate, early, "b", 10, Some(10), 0, 3).granted, 4);
    let end = LEASE_MS + LATE_MS;
    let late = mark(&gate, end - 1);
    // Lapsed since the mark: it counts, for its last dispatches may have come after the Ledgers were asked.
    assert_eq!(grant(&gate, late, "c", 10, Some(12), 2, end).granted, 2);
    let refused =
        gate.apply(&Command::Grant { mark: late, lease: "d".to_owned(), n: 1, limit: None, attempted: 0 }, end - 1 + 60_000);
    assert_eq!(refused.unwrap_err().status, 503);
}

#[test]
fn open_leases_are_bounded() {
    let gate = Gate::open(RusqliteSql::default()).unwrap();
    for no in 0..1_000 {
        grant(&gate, mark(&gate, 0), &no.to_string(), 1, None, 0, 0);
    }
    let command = |now_ms| Command::Grant { mark: mark(&gate, now_ms), lease: "x".to_owned(), n: 1, limit: None, attempted: 0 };
    let refused = gate.apply(&command(1), 1).unwrap_err();
    assert_eq!((refused.status, refused.retry_after_s.is_some()), (429, true));
    let later = LEASE_MS + LATE_MS + 60_000;
    gate.apply(&command(later), later).unwrap();
}

/// A sender's next step.
#[derive(Clone, Debug)]
enum Step {
    /// Begins to reserve: the mark, and a little later the Ledgers' answer.
    Mark,
    Count,
    /// Ends reserving.
    Grant(u64),
    /// Dispatches to the next contact of its oldest lease.
    Dispatch,
    /// The Ledgers have what it dispatched; at the latest [`LATE_MS`] after.
    Arrive,
    /// Notes its dispatches as used; or the note is lost.
    Note(bool),
    /// The object dies and wakes.
    Wake,
    /// Time goes by, in seconds.
    Wait(i64),
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let step = prop_oneof![
        3 => Just(Step::Mark),
        3 => Just(Step::Count),
        3 => (1u64..12).prop_map(Step::Grant),
        12 => Just(Step::Dispatch),
        6 => Just(Step::Arrive),
        4 => any::<bool>().prop_map(Step::Note),
        1 => Just(Step::Wake),
        2 => (1i64..300).prop_map(Step::Wait),
        2 => (1i64..10).prop_map(Step::Wait),
    ];
    (0usize..3, step)
}

#[derive(Default)]
struct Sender {
    mark: Option<Mark>,
    counted: Option<u64>,
    /// Lease, contacts that it may still dispatch, until when; those that were dispatched, and when; those that arrived and are not noted.
    leases: Vec<(String, u64, i64)>,
    under_way: Vec<(String, String, i64)>,
    unnoted: Vec<(String, String)>,
}

impl Sender {
    /// What it dispatched before a moment arrives.
    fn arrive(&mut self, before_ms: i64, attempted: &mut BTreeSet<String>) {
        for (lease, contact, _) in self.under_way.extract_if(.., |(_, _, at_ms)| *at_ms < before_ms) {
            attempted.insert(contact.clone());
            self.unnoted.push((lease, contact));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_limit_is_never_passed(limit in 1u64..40, steps in prop::collection::vec(step(), 1..250)) {
        let sql = RusqliteSql::default();
        let mut gate = Gate::open(sql.clone()).unwrap();
        let mut senders: [Sender; 3] = Default::default();
        let mut attempted = BTreeSet::new();
        let (mut now_ms, mut no) = (0, 0);
        for (who, step) in steps {
            let sender = &mut senders[who];
            no += 1;
            match step {
                Step::Mark => (sender.mark, sender.counted) = (Some(mark(&gate, now_ms)), None),
                Step::Count => sender.counted = sender.mark.and(Some(attempted.len() as u64)),
                Step::Grant(n) => if let (Some(mark), Some(counted)) = (sender.mark.take(), sender.counted.take()) {
                    let lease = no.to_string();
                    let command = Command::Grant { mark, lease: lease.clone(), n, limit: Some(limit), attempted: counted };
                    // A mark that is too old is refused.
                    if let Ok(answer) = gate.apply(&command, now_ms) {
                        let granted: Granted = serde_json::from_str(&answer).unwrap();
                        prop_assert!(granted.granted <= n);
                        sender.leases.push((lease, granted.granted, granted.until_ms));
                    }
                },
                Step::Dispatch => {
                    sender.leases.retain(|(_, left, until_ms)| *left > 0 && now_ms < *until_ms);
                    if let Some((lease, left, _)) = sender.leases.first_mut() {
                        *left -= 1;
                        let contact = format!("contact {no}");
                        sender.under_way.push((lease.clone(), contact, now_ms));
                    }
                }
                Step::Arrive => sender.arrive(i64::MAX, &mut attempted),
                Step::Note(lost) => for (lease, contact) in sender.unnoted.drain(..) {
                    if !lost {
                        used(&gate, &lease, &[&contact], now_ms);
                    }
                },
                Step::Wake => gate = Gate::open(sql.clone()).unwrap(),
                Step::Wait(s) => {
                    now_ms += s * 1_000;
                    senders.iter_mut().for_each(|sender| sender.arrive(now_ms - LATE_MS + 1, &mut attempted));
                }
            }
            prop_assert!(attempted.len() as u64 <= limit, "{} attempted of {limit}", attempted.len());
        }
        // When every lease has lapsed, all that is left can be had.
        now_ms += LEASE_MS + LATE_MS;
        senders.iter_mut().for_each(|sender| sender.arrive(i64::MAX, &mut attempted));
        let counted = attempted.len() as u64;
        prop_assert_eq!(grant(&gate, mark(&gate, now_ms), "last", 1_000, Some(limit), counted, now_ms).granted, limit - counted);
    }
}
