//! Erasure, expiry and recounting: what is forgotten leaves its share of the numbers and nothing else, whenever it happens, and
//! however often the object dies over it. Judged by the reference model, which forgets nobody: an erased person's later life is
//! another person's to it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod model;
mod support;

use std::collections::{BTreeMap, BTreeSet};

use bluetick::bounds::{SWEEP_MS, SWEEP_PAUSE_MS};
use bluetick::counters::{Book, RULES_VERSION};
use bluetick::ledger::{BookRows, Ledger, Read, Sums, Totals, Write};
use bluetick::numbers::Numbers;
use bluetick::shares::Shares;
use bluetick::sql::{Arg, Sql};
use model::generate::{Random, START_MS, Scenario, Shape, generate_with, repeat, shuffle, split, written};
use model::{DAY_MS, Received, people, recount};
use serde_json::json;
use support::lives::{days_later, of_others};
use support::rusqlite_sql::{Fault, RusqliteSql};
use support::workspace::Workspace;
use support::{compare, invariants, seeds};

const CONTACTS: usize = 10;
const CAMPAIGNS: u32 = 5;
/// After everything that a scenario tells.
const LATER_MS: i64 = START_MS + 40 * DAY_MS;

/// The same event of somebody who is in no scenario.
fn as_another(received: &Received) -> Received {
    of_others(received, 0..CONTACTS, 2 * CONTACTS)
}

fn scenario(seed: u64) -> Scenario {
    generate_with(seed, &Shape { contacts: CONTACTS, ..Shape::within_contacts() })
}

fn batches(seed: u64, list: &[Received]) -> Vec<Vec<Received>> {
    split(seed, &repeat(seed, &shuffle(seed, list)))
}

/// Some work of one Ledger, which dies over it now and then and then does it again.
fn stubbornly<T>(
    random: &mut Random,
    workspace: &mut Workspace,
    ledger: usize,
    mut work: impl FnMut(&mut Ledger<RusqliteSql>) -> Option<T>,
) -> T {
    loop {
        let fault = *random.pick(&[Fault::None, Fault::None, Fault::Before, Fault::After, Fault::Refused]);
        workspace.storage[ledger].fail_next(fault);
        let done = work(&mut workspace.ledgers[ledger]);
        workspace.storage[ledger].wake();
        if matches!(fault, Fault::Before | Fault::After) {
            workspace.ledgers[ledger] = Ledger::open(workspace.storage[ledger].clone()).unwrap();
        }
        if let Some(done) = done {
            return done;
        }
    }
}

fn erase(random: &mut Random, workspace: &mut Workspace, contact: usize, at_ms: i64) {
    let (ledger, handle) = workspace.whereabouts(random.pick(&written(contact)[..]).as_str());
    for _ in 0..=random.below(2) {
        let now_ms = workspace.now_ms;
        let write = Write::Erase { handle: handle.clone(), at_ms, of: None };
        stubbornly(random, workspace, ledger, |ledger| ledger.commit(std::slice::from_ref(&write), now_ms).remove(0).ok());
    }
}

/// All the work that a Ledger has for now.
fn tend(random: &mut Random, workspace: &mut Workspace, ledger: usize) {
    let now_ms = workspace.now_ms;
    while stubbornly(random, workspace, ledger, |ledger| ledger.tend(now_ms).ok()) == SWEEP_PAUSE_MS {}
}

fn all_shares(workspace: &mut Workspace) -> Vec<Shares> {
    (0..CAMPAIGNS).map(|no| workspace.shares(no)).collect()
}

type Cells = BTreeMap<invariants::Named, i128>;

fn cells(books: impl Iterator<Item = Book>) -> Vec<Cells> {
    books.map(|book| invariants::named_cells(&book).into_iter().filter(|(_, n)| *n != 0).collect()).collect()
}

fn sums(workspace: &mut Workspace) -> Vec<Cells> {
    cells(all_shares(workspace).into_iter().map(Shares::into_sum))
}

fn lives(workspace: &mut Workspace) -> Vec<Cells> {
    cells(all_shares(workspace).into_iter().map(|shares| shares.live))
}

fn check_storage(context: &str, workspace: &Workspace) {
    for storage in &workspace.storage {
        invariants::check_lists(context, storage);
        invariants::check_reload(context, storage);
    }
}

/// Every table's every value, but the tombstones.
fn dump(sql: &RusqliteSql) -> String {
    let columns = [
        ("contact", "handle || body"),
        ("entry", "handle || id || body"),
        ("counter", "body"),
        ("waiting", "campaign || handle"),
        ("sealed", "body || origin"),
        ("progress", "work || mark"),
    ];
    let rows = |(table, columns): &(&str, &str)| {
        sql.text(&format!("SELECT coalesce(group_concat({columns}), '') FROM {table}"), &[]).unwrap().unwrap()
    };
    columns.iter().map(rows).collect()
}

#[test]
fn the_erased_leave_their_share_and_come_again_as_others() {
    let mut forgotten = 0;
    for seed in seeds(60) {
        let context = format!("seed {seed}");
        let mut random = Random(seed ^ 0xe7);
        let scenario = scenario(seed);
        let mut workspace = Workspace::new(1 + random.below(3), &scenario.definitions);
        let mut erased: BTreeSet<usize> = BTreeSet::new();
        let key = |contact: usize| people::key(&written(contact)[0]).unwrap();
        let is_erased = |erased: &BTreeSet<usize>, received: &Received| {
            people::person(&received.event).is_some_and(|person| erased.iter().any(|contact| key(*contact) == person))
        };
        let mut acknowledged: Vec<Received> = Vec::new();
        for batch in batches(seed, &scenario.received) {
            if random.one_in(10) {
                let contact = random.below(CONTACTS);
                let before = sums(&mut workspace);
                erase(&mut random, &mut workspace, contact, LATER_MS);
                erased.insert(contact);
                assert_eq!(sums(&mut workspace), before, "{context}: the totals keep their numbers");
                let (ledger, handle) = workspace.whereabouts(&key(contact));
                let dump = dump(&workspace.storage[ledger]);
                assert!(!dump.contains(&handle) && !dump.contains(&format!("\"{}\"", key(contact))), "{context}");
            }
            let (late, fresh): (Vec<Received>, Vec<Received>) =
                batch.into_iter().partition(|received| is_erased(&erased, received));
            let refused = workspace.record_all(&late);
            let of_channels = late.iter().filter(|received| !received.event["channel"].is_null()).count() as u64;
            assert_eq!((refused.after_erasure, refused.expired), (of_channels, 0), "{context}");
            forgotten += of_channels;
            workspace.record(&fresh);
            acknowledged.extend(fresh);
            if random.one_in(20) {
                workspace.restart();
            }
        }
        let told = |acknowledged: &[Received]| recount(acknowledged, &scenario.definitions);
        compare::check(&context, &mut workspace, &scenario.definitions, &told(&acknowledged));
        check_storage(&context, &workspace);

        // The same people go on living.
        let later = days_later(&scenario.received, 50);
        for batch in batches(seed, &later) {
            workspace.record(&batch);
            let new_life =
                |received: &Received| if is_erased(&erased, received) { as_another(received) } else { received.clone() };
            acknowledged.extend(batch.iter().map(new_life));
        }
        compare::check(&format!("{context}, afterwards"), &mut workspace, &scenario.definitions, &told(&acknowledged));
        check_storage(&context, &workspace);
        // A list's total and the share make the number.
        for shares in all_shares(&mut workspace) {
            let live = Numbers::ever(&shares.live, None).messages.sent;
            let gone = Numbers::ever(&shares.erased, None).messages.sent;
            assert_eq!(Numbers::ever(&shares.into_sum(), None).messages.sent, live + gone);
        }
    }
    assert!(forgotten > 0);
}

/// What is older than the retention goes; and nobody can tell by the numbers whether the alarm came.
#[test]
fn the_expired_leave_their_share_whether_the_alarm_came_or_not() {
    let (mut refused, mut went) = (0, 0);
    for seed in seeds(60) {
        let context = format!("seed {seed}");
        let mut random = Random(seed ^ 0xa1);
        let scenario = scenario(seed);
        let ledgers = 1 + random.below(3);
        let retain = |workspace: &mut Workspace| {
            workspace
                .ledgers
                .iter_mut()
                .for_each(|ledger| drop(ledger.commit(&[Write::Retain { days: 90 }], 0).remove(0).unwrap()));
        };
        // One is tended at all times, the other never.
        let mut tended = Workspace::new(ledgers, &scenario.definitions);
        let mut untended = Workspace::new(ledgers, &scenario.definitions);
        for workspace in [&mut tended, &mut untended] {
            retain(workspace);
            workspace.now_ms = LATER_MS;
        }
        let mut all: Vec<Received> = Vec::new();
        for (days, step) in [(0, 0), (60, 1), (130, 2), (260, 3)] {
            let stories = days_later(&scenario.received, days);
            let now_ms = LATER_MS + days * DAY_MS;
            // From before the retention: it comes again, or for the first time.
            let old: Vec<Received> = all.iter().filter(|_| random.one_in(8)).cloned().collect();
            for batch in batches(seed + step, &stories).into_iter().chain([old]) {
                for workspace in [&mut tended, &mut untended] {
                    workspace.now_ms = now_ms;
                }
                if random.one_in(6) {
                    let ledger = random.below(ledgers);
                    let before = sums(&mut tended);
                    tend(&mut random, &mut tended, ledger);
                    assert_eq!(sums(&mut tended), before, "{context}: the totals keep their numbers");
                }
                let one = tended.record_all(&batch);
                assert_eq!(untended.record_all(&batch), one, "{context}");
                refused += one.expired;
            }
            all.extend(stories);
            assert_eq!(sums(&mut tended), sums(&mut untended), "{context}, day {days}");
            for workspace in [&mut tended, &mut untended] {
                // Everybody is looked at once a day.
                workspace.now_ms += DAY_MS;
                (0..ledgers).filter(|_| days == 260).for_each(|ledger| tend(&mut random, workspace, ledger));
                check_storage(&context, workspace);
            }
        }
        assert_eq!(lives(&mut tended), lives(&mut untended), "{context}");
        let gone = |workspace: &mut Workspace| cells(all_shares(workspace).into_iter().map(|shares| shares.expired));
        assert_eq!(gone(&mut tended), gone(&mut untended), "{context}");
        went += gone(&mut tended).iter().map(BTreeMap::len).sum::<usize>();
        let mut young = Workspace::new(ledgers, &scenario.definitions);
        young.record(&days_later(&scenario.received, 260));
        assert_eq!(lives(&mut young), lives(&mut tended), "{context}: what stays is what is young");
    }
    assert!(refused > 0 && went > 0, "{refused} {went}");
}

/// Counters that another release made are answered from until those of this one are made from the facts.
#[test]
fn other_rules_are_recounted_beside_the_old_ones() {
    for seed in seeds(30) {
        let context = format!("seed {seed}");
        let mut random = Random(seed ^ 0xc0);
        let scenario = scenario(seed);
        let all = batches(seed, &scenario.received);
        let (before, after) = all.split_at(all.len() / 2);
        let mut workspace = Workspace::new(2, &scenario.definitions);
        before.iter().for_each(|batch| workspace.record(batch));
        // As a release with other rules left it, an older or a newer one.
        let rules = *random.pick(&[RULES_VERSION - 1, RULES_VERSION + 1]);
        for storage in &workspace.storage {
            let as_it_was = "UPDATE counter SET rules = CAST(?1 AS INTEGER), body = json_set(body, '$.n[9]', 'other rules')";
            storage.exec(as_it_was, &[Arg::Int(i64::from(rules))]).unwrap();
            storage.exec("UPDATE entry SET states = states + 1048576 WHERE states > 0", &[]).unwrap();
        }
        workspace.restart();
        let served = |workspace: &mut Workspace| {
            let rules = workspace
                .storage
                .iter()
                .map(|sql| invariants::query::<u32>(sql, "SELECT json_group_array(DISTINCT rules) FROM counter"));
            rules.flatten().collect::<BTreeSet<u32>>()
        };
        assert_eq!(served(&mut workspace), [rules].into());
        let says_so = |workspace: &mut Workspace| -> Vec<bool> {
            let whole = Sums { campaigns: Some(vec![1]), totals: Totals::Whole, ..Sums::default() };
            let all = Sums { campaigns: None, ..whole.clone() };
            let reads = [whole, all].map(Read::Sums);
            let mut said = Vec::new();
            for ledger in &mut workspace.ledgers {
                for read in &reads {
                    said.push(serde_json::from_str::<BookRows>(&ledger.read(read).unwrap()).unwrap().recounts());
                }
            }
            said
        };
        assert_eq!(says_so(&mut workspace), [true; 4]);
        for batch in after {
            if random.one_in(3) {
                let (ledger, now_ms) = (random.below(2), workspace.now_ms);
                stubbornly(&mut random, &mut workspace, ledger, |ledger| ledger.tend(now_ms).ok());
            }
            workspace.record(batch);
            if random.one_in(10) {
                workspace.restart();
            }
        }
        (0..2).for_each(|ledger| tend(&mut random, &mut workspace, ledger));
        assert_eq!(served(&mut workspace), [RULES_VERSION].into());
        assert_eq!(says_so(&mut workspace), [false; 4]);
        compare::check(&context, &mut workspace, &scenario.definitions, &recount(&scenario.received, &scenario.definitions));
        check_storage(&context, &workspace);
    }
}

/// What keeps an old message can leave its campaign: then it is too old at once, also in memory.
#[test]
fn what_was_kept_by_another_message_goes_when_that_moves() {
    let definitions = generate_with(0, &Shape::within_contacts()).definitions;
    let person = json!({"phone": "12025550100"});
    let status = |message: &str, status: &str, day: i64| {
        let at_ms = START_MS + day * DAY_MS;
        let event = json!({"kind": "status", "channel": "meta-1", "message_id": message, "status": status, "at_ms": at_ms,
            "person": person});
        Received { received_ms: at_ms, event }
    };
    let claim = Received {
        received_ms: START_MS + 96 * DAY_MS,
        event: json!({"kind": "dispatch", "campaign": "spring", "person": person, "outcome": "accepted", "channel": "meta-1",
            "message_id": "m2", "at_ms": START_MS + 96 * DAY_MS}),
    };
    let story =
        [status("m1", "sent", 0), status("m2", "sent", 80), status("m2", "delivered", 95), claim, status("m1", "read", 97)];
    let told = |restarts: bool| {
        let mut workspace = Workspace::new(1, &definitions);
        workspace.ledgers[0].commit(&[Write::Retain { days: 90 }], 0).remove(0).unwrap();
        for received in &story {
            workspace.now_ms = received.received_ms;
            if restarts {
                workspace.restart();
            }
            workspace.record(std::slice::from_ref(received));
        }
        sums(&mut workspace)
    };
    assert_eq!(told(false), told(true));
}

/// The alarm rings for other work too: only once a day is everybody looked at, also by a Ledger that has just woken.
#[test]
fn everybody_is_looked_at_once_a_day() {
    let definitions = generate_with(0, &Shape::within_contacts()).definitions;
    let mut workspace = Workspace::new(1, &definitions);
    for (now_ms, rest_ms) in [(0, SWEEP_MS), (1, SWEEP_MS - 1), (SWEEP_MS - 7, 7), (SWEEP_MS, SWEEP_MS), (5, SWEEP_MS)] {
        workspace.restart();
        assert_eq!(workspace.ledgers[0].tend(START_MS + now_ms).unwrap(), rest_ms, "{now_ms}");
    }
}
