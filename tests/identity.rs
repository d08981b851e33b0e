//! Identity over SQLite: nothing that waits is lost, nothing moves to the wrong person, whatever breaks off.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/rusqlite_sql.rs"]
mod rusqlite_sql;

use std::collections::{BTreeMap, BTreeSet};

use bluetick::event::{Event, Person, Status, StatusKind};
use bluetick::identity::{Identity, Known, Nameless};
use bluetick::ledger::Routed;
use proptest::prelude::*;
use rusqlite_sql::{Fault, RusqliteSql};

const KINDS: [StatusKind; 3] = [StatusKind::Sent, StatusKind::Delivered, StatusKind::Read];

fn open(sql: &RusqliteSql) -> Identity<RusqliteSql> {
    sql.wake();
    Identity::open(sql.clone()).unwrap()
}

fn status(message: u8, kind: usize, received_ms: i64) -> Nameless {
    let event = Event::Status(Status {
        channel: format!("ch{}", message % 2),
        message_id: format!("m{message}"),
        participant: String::new(),
        status: KINDS[kind],
        at_ms: None,
        person: Person::default(),
        sender: None,
        reference: None,
        category: None,
        billable: None,
        error: None,
    });
    Nameless { message: format!("cm{message}"), received_ms, event }
}

fn known(message: u8) -> Known {
    Known { message: format!("cm{message}"), handle: format!("handle-of-{message}") }
}

/// The Ledgers, as far as it matters here: a set of what was written, by handle. Of a repeat the earlier receipt counts.
#[derive(Default)]
struct Ledgers(BTreeMap<(String, String), i64>);

impl Ledgers {
    fn write(&mut self, routed: &Routed) {
        assert_eq!((routed.provider, &routed.key), ('c', &None));
        let event = serde_json::to_string(&routed.event).unwrap();
        let at = self.0.entry((routed.handle.clone(), event)).or_insert(routed.received_ms);
        *at = (*at).min(routed.received_ms);
    }
}

#[test]
fn a_repeat_is_one_row_with_its_earliest_receipt() {
    let sql = RusqliteSql::default();
    let identity = open(&sql);
    for received_ms in [20, 10, 30] {
        assert_eq!(identity.resolve(&[status(1, 0, received_ms), status(1, 0, received_ms)]).unwrap(), [None, None]);
    }
    assert_eq!(identity.waiting().unwrap(), BTreeMap::from([("ch1".to_owned(), 1)]));
    assert!(identity.due(0).unwrap().is_empty());
    assert!(identity.learn(&[known(1)]).unwrap() && !identity.learn(&[known(2)]).unwrap());
    let due = identity.due(0).unwrap();
    assert_eq!((due.len(), due[0].routed.received_ms, due[0].routed.handle.as_str()), (1, 10, "handle-of-1"));
    identity.moved(&[due[0].no]).unwrap();
    assert!(!identity.any_waits().unwrap() && identity.due(0).unwrap().is_empty());
    assert_eq!(identity.resolve(&[status(1, 1, 40), status(3, 0, 40)]).unwrap(), [Some("handle-of-1".to_owned()), None]);
    // The first word on a message stays.
    identity.learn(&[Known { handle: "another".to_owned(), ..known(1) }]).unwrap();
    assert_eq!(identity.resolve(&[status(1, 2, 50)]).unwrap(), [Some("handle-of-1".to_owned())]);
}

#[derive(Clone, Debug)]
enum Step {
    /// A callback; its sender comes again until it is answered.
    Statuses(Vec<(u8, usize)>),
    /// A dispatch tells; likewise.
    Learn(u8),
    /// A dispatch tells, and its sender never comes again whatever the answer: the alarm has to do.
    LearnOnce(u8),
    /// The alarm rings.
    Alarm,
    /// The next transaction goes wrong.
    Fault(Fault),
    /// The next move writes to the Ledgers and then dies.
    DieBeforeDelete,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec((0..5u8, 0..3usize), 1..5).prop_map(Step::Statuses),
        2 => (0..5u8).prop_map(Step::Learn),
        1 => (0..5u8).prop_map(Step::LearnOnce),
        1 => Just(Step::Alarm),
        2 => prop::sample::select(vec![Fault::Before, Fault::After]).prop_map(Step::Fault),
        1 => Just(Step::DieBeforeDelete),
    ]
}

/// As the object does it: write first, then delete.
fn move_on(identity: &Identity<RusqliteSql>, ledgers: &mut Ledgers, dies: &mut bool) -> bool {
    let mut after = 0;
    loop {
        let Ok(due) = identity.due(after) else { return false };
        let Some(last) = due.last() else { return true };
        after = last.no;
        due.iter().for_each(|due| ledgers.write(&due.routed));
        if std::mem::take(dies) || identity.moved(&due.iter().map(|due| due.no).collect::<Vec<_>>()).is_err() {
            return false;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Once everything was told and the alarm has rung, each person's Ledger holds exactly what was acknowledged of their
    /// messages, with the earliest acknowledged receipt or an earlier one, and what waits is exactly the rest.
    #[test]
    fn nothing_is_lost_and_nothing_goes_astray(steps in prop::collection::vec(step(), 1..40)) {
        let sql = RusqliteSql::default();
        let (mut identity, mut ledgers, mut dies) = (open(&sql), Ledgers::default(), false);
        let mut sent: BTreeMap<(u8, usize), i64> = BTreeMap::new();
        let mut told: BTreeSet<u8> = BTreeSet::new();
        for (step, now_ms) in steps.into_iter().zip(1i64..) {
            match step {
                Step::Statuses(statuses) => {
                    let events: Vec<Nameless> = statuses.iter().map(|(message, kind)| status(*message, *kind, now_ms)).collect();
                    let handles = loop {
                        match identity.resolve(&events) {
                            Ok(handles) => break handles,
                            Err(_) => identity = open(&sql),
                        }
                    };
                    for (event, handle) in events.into_iter().zip(handles) {
                        if let Some(handle) = handle {
                            ledgers.write(&event.of_person(handle));
                        }
                    }
                    for what in statuses {
                        sent.entry(what).or_insert(now_ms);
                    }
                }
                Step::Learn(message) => {
                    loop {
                        match identity.learn(&[known(message)]) {
                            Ok(frees) if !frees || move_on(&identity, &mut ledgers, &mut dies) => break,
                            _ => identity = open(&sql),
                        }
                    }
                    told.insert(message);
                }
                Step::LearnOnce(message) => {
                    if identity.learn(&[known(message)]).is_ok_and(|frees| frees) {
                        move_on(&identity, &mut ledgers, &mut dies);
                    }
                    identity = open(&sql);
                    // Whether it learned shows in what it answers.
                    if identity.resolve(&[]).is_ok() && told_of(&sql, message) {
                        told.insert(message);
                    }
                }
                Step::Alarm => {
                    move_on(&identity, &mut ledgers, &mut dies);
                }
                Step::Fault(fault) => sql.fail_next(fault),
                Step::DieBeforeDelete => dies = true,
            }
        }
        identity = open(&sql);
        for message in 0..5 {
            if told_of(&sql, message) {
                told.insert(message);
            }
        }
        while !move_on(&identity, &mut ledgers, &mut dies) {}

        let (mine, others): (BTreeMap<_, _>, BTreeMap<_, _>) = sent.into_iter().partition(|((message, _), _)| told.contains(message));
        let expected: BTreeMap<(String, String), i64> = mine
            .into_iter()
            .map(|((message, kind), at)| {
                ((known(message).handle, serde_json::to_string(&status(message, kind, 0).event).unwrap()), at)
            })
            .collect();
        prop_assert_eq!(&ledgers.0, &expected);
        let mut waiting: BTreeMap<String, u64> = BTreeMap::new();
        for (message, _) in others.keys() {
            *waiting.entry(format!("ch{}", message % 2)).or_default() += 1;
        }
        prop_assert_eq!(identity.waiting().unwrap(), waiting);
    }
}

fn told_of(sql: &RusqliteSql, message: u8) -> bool {
    let found = format!("SELECT handle FROM known WHERE message = 'cm{message}'");
    bluetick::sql::Sql::text(sql, &found, &[]).unwrap().is_some()
}
