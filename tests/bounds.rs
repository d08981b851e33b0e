//! What a list costs is bounded: by its page and by what one read may look at, never by how long the list, the campaign or the others
//! are. Counted in steps of SQLite's machine, which every row costs some of, over a Ledger with 100,000 messages in one campaign. And
//! what a status costs where not all contacts fit in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/invariants.rs"]
mod invariants;
#[path = "support/rusqlite_sql.rs"]
mod rusqlite_sql;

use bluetick::contact::Handle;
use bluetick::ledger::{Ledger, List, Listed, Of, Read, Routed, Write};
use bluetick::segment::Segment;
use rusqlite_sql::RusqliteSql;
use serde_json::{Value, json};

const START_MS: i64 = 1_774_656_000_000;
/// The rows that one read looks through, at the most.
const ROWS_PER_READ: u64 = 65_536;
/// Steps per row that is looked through, at the most.
const STEPS_PER_ROW: u64 = 100;

/// A Ledger of so many contacts who each have a message of the campaign and one of another; of the first, five have failed.
struct Filled {
    ledger: Ledger<RusqliteSql>,
    sql: RusqliteSql,
}

impl Filled {
    fn new(contacts: u64, others: u64) -> Self {
        let sql = RusqliteSql::default();
        let mut ledger = Ledger::open(sql.clone()).unwrap();
        let policy = |no: u32| {
            json!({"no": no, "id": format!("c{no}"), "message_type": "template", "reply_window_ms": 3_600_000,
                "attribution_window_ms": 3_600_000, "touch": "delivered"})
        };
        let campaigns = serde_json::from_value(json!([policy(1), policy(2)])).unwrap();
        ledger.commit(&[Write::Declare { campaigns }], START_MS).remove(0).unwrap();
        let failed = |no: u64| no % (contacts / 5) == 3;
        let first = (0..contacts).map(|no| event(no, "c1", if failed(no) { "failed" } else { "delivered" }));
        let second = (contacts..contacts + others).map(|no| event(no, "c2", "failed"));
        let events: Vec<Routed> = first.chain(second).collect();
        for events in events.chunks(2_000) {
            ledger.commit(&[Write::Record { events: events.to_vec() }], START_MS).remove(0).unwrap();
        }
        // Nothing is in memory.
        Self { ledger: Ledger::open(sql.clone()).unwrap(), sql }
    }

    fn read(&mut self, read: &Read) -> (Listed, u64) {
        let before = self.sql.steps();
        let listed = serde_json::from_str(&self.ledger.read(read).unwrap()).unwrap();
        (listed, self.sql.steps() - before)
    }

    fn list(&mut self, list: &List, after: Option<(String, String)>, most: u32) -> (Listed, u64) {
        self.read(&Read::List { list: list.clone(), after, most, in_clear: true })
    }
}

fn event(no: u64, campaign: &str, status: &str) -> Routed {
    let phone = format!("1202{no:07}");
    let handle = Handle::of(&[7; 32], &phone).to_text();
    let error = (status == "failed").then(|| json!({"code": "131026", "title": "undeliverable"}));
    let mut status = json!({"channel": "main", "message_id": format!("wamid.{no}"), "status": status, "at_ms": START_MS + no as i64,
        "person": {"phone": phone}, "reference": campaign});
    if let (Some(error), Some(status)) = (error, status.as_object_mut()) {
        status.insert("error".to_owned(), error);
    }
    let routed = json!({"handle": handle, "key": phone, "provider": "M", "received_ms": START_MS, "event": {"status": status}});
    serde_json::from_value(routed).unwrap()
}

fn list(of: Of, has: Option<&str>) -> List {
    List { of, campaign: Some(1), step: None, segment: Segment::read(has, None).unwrap(), link: None, error: None, span: None }
}

#[test]
fn a_page_costs_the_same_in_a_campaign_of_any_size() {
    let (mut small, mut large) = (Filled::new(5_000, 0), Filled::new(100_000, 0));
    for of in [Of::Contacts, Of::Messages] {
        let list = list(of, None);
        let (page, few) = small.list(&list, None, 50);
        assert_eq!(page.rows.len(), 50);
        // The first, and one from the middle.
        for after in [None, Some(("V".to_owned(), String::new()))] {
            let (page, many) = large.list(&list, after, 50);
            assert_eq!(page.rows.len(), 50);
            assert!(many < few + few / 2, "{of:?}: {many} steps instead of {few}");
        }
        let (tally, steps) = large.read(&Read::Tally { list, after: None });
        assert_eq!(tally.counts, Some([100_000, 0, 0]));
        assert!(steps < 1_000, "{steps} steps to count what the counters tell");
    }
}

#[test]
fn a_sparse_list_is_found_in_bounded_reads() {
    let mut filled = Filled::new(100_000, 0);
    let bounded = ROWS_PER_READ * STEPS_PER_ROW;
    for (list, found) in [
        (list(Of::Messages, Some("failed")), 5),
        (list(Of::Contacts, Some("failed")), 5),
        (List { error: Some("131026".to_owned()), ..list(Of::Messages, None) }, 5),
        (list(Of::Contacts, Some("clicked")), 0),
    ] {
        let (mut after, mut rows, mut reads) = (None, 0, 0);
        loop {
            let (listed, steps) = filled.list(&list, after, 50);
            assert!(steps < bounded, "{list:?}: {steps} steps in one read");
            rows += listed.rows.len();
            reads += 1;
            after = listed.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(rows, found, "{list:?}");
        assert!(reads <= 100_000 / ROWS_PER_READ + 2, "{list:?}: {reads} reads");
    }
}

#[test]
fn a_list_costs_the_same_beside_any_other_campaign() {
    let (mut alone, mut beside) = (Filled::new(5_000, 0), Filled::new(5_000, 95_000));
    for (of, has) in [(Of::Contacts, None), (Of::Messages, Some("failed")), (Of::Contacts, Some("failed"))] {
        let list = list(of, has);
        let ((one, steps), (other, steps_beside)) = (alone.list(&list, None, 50), beside.list(&list, None, 50));
        let rows = |listed: &Listed| listed.rows.iter().map(|(.., row)| serde_json::from_str(row.get()).unwrap()).collect();
        let (one, other): (Vec<Value>, Vec<Value>) = (rows(&one), rows(&other));
        assert_eq!(one, other);
        assert!(steps_beside <= steps + steps / 100, "{list:?}: {steps_beside} steps instead of {steps}");
    }
}

/// Of each of so many contacts 1,000 messages are told of, one contact after the other and again from the first, as campaigns reach
/// the same people in the same order. Gives the steps per status of the last round, in which all are read.
fn steps_per_status(contacts: u64) -> u64 {
    let Filled { mut ledger, sql } = Filled::new(5, 0);
    let messages: Vec<u64> = (5..5 + contacts * 1_000).collect();
    let mut before = 0;
    for kind in ["delivered", "read"] {
        before = sql.steps();
        for part in messages.chunks(10) {
            let told = |no: &u64| Routed { event: event(*no, "c1", kind).event, ..event(no % contacts, "c1", kind) };
            ledger.commit(&[Write::Record { events: part.iter().map(told).collect() }], START_MS).remove(0).unwrap();
        }
        invariants::check_lists(kind, &sql);
    }
    (sql.steps() - before) / messages.len() as u64
}

#[test]
fn who_had_to_leave_memory_comes_back_as_they_were_and_few_have_to() {
    // 20,000 entries are kept in memory, and 24,000 are not.
    let (all, most) = (steps_per_status(20), steps_per_status(24));
    assert!(all < most && most <= 10 * all, "{all} steps where all fit, {most} where a sixth does not");
}

#[test]
fn all_come_back_at_once_as_they_were_few_messages_or_many() {
    let Filled { mut ledger, sql } = Filled::new(5, 0);
    // Of five contacts there is more than one page, between others of whom there is one message each.
    let messages = (1_000..1_800).map(|no| (no, no)).chain((0..5 * 700).map(|no| (5 + no % 5, 9_000 + no)));
    let told = |kind: &str| {
        let of = |(contact, no)| Routed { event: event(no, "c1", kind).event, ..event(contact, "c1", kind) };
        Write::Record { events: messages.clone().map(of).collect() }
    };
    ledger.commit(&[told("delivered")], START_MS).remove(0).unwrap();
    let mut ledger = Ledger::open(sql.clone()).unwrap();
    let written = ledger.commit(&[told("read")], START_MS).remove(0).unwrap();
    assert_eq!((written.new, written.duplicate), (800 + 5 * 700, 0));
    invariants::check_lists("read", &sql);
}

/// What needs no new page is still taken: that must not make what does look as if it could never be.
#[test]
fn a_full_storage_refuses_nothing_for_good() {
    let mut filled = Filled::new(200, 0);
    filled.sql.fill_up_after(2);
    let (mut taken, mut failed) = (0, 0);
    for first in (1_000..3_000).step_by(10) {
        let events = (first..first + 10).map(|no| event(no, "c1", "delivered")).collect();
        match filled.ledger.commit(&[Write::Record { events }], START_MS).remove(0) {
            Ok(written) => {
                assert_eq!(written.refused, Vec::<u32>::new());
                taken += 1;
            }
            Err(_) => failed += 1,
        }
    }
    assert!(taken > 0 && failed > 100, "{taken} {failed}");
}

/// A definition that concerns more people than are looked at together, and than one text or memory holds, concerns them all.
#[test]
fn a_definition_reaches_everybody_in_a_large_campaign() {
    let mut filled = Filled::new(2_100, 0);
    let declared = |no: u32, id: &str, stopped: bool| {
        let mut policy = json!({"no": no, "id": id, "message_type": "template", "reply_window_ms": 3_600_000,
            "attribution_window_ms": 3_600_000, "touch": "delivered"});
        if stopped {
            policy["stopped_at_ms"] = json!(START_MS - 1_000);
        }
        Write::Declare { campaigns: serde_json::from_value(json!([policy])).unwrap() }
    };
    // One that is known, and one that was waited for.
    let late: Vec<Routed> = (5_000..7_100).map(|no| event(no, "late", "delivered")).collect();
    filled.ledger.commit(&[Write::Record { events: late }], START_MS).remove(0).unwrap();
    for (write, campaign) in [(declared(1, "c1", true), 1), (declared(3, "late", true), 3)] {
        filled.ledger.commit(&[write], START_MS).remove(0).unwrap();
        let stopped = List { campaign: Some(campaign), ..list(Of::Messages, Some("after_stop")) };
        let (listed, _) = filled.list(&stopped, None, 10);
        assert_eq!(listed.counts.unwrap()[0], 2_100, "{campaign}");
    }
}
