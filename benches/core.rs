//! How fast the counting core is, natively on one core: `cargo bench --bench core`.
//!
//! The core alone (events into timelines, what these count for, its differences into counters; then the same with the stored form
//! of every entry that changed), the whole Ledger over SQLite in memory in commits of 100 events, all in events per second, made
//! and dropped timelines included; what an event costs beside 10,000 messages of one week over one beside 10; and rows
//! written per status of a known message at some rates, with one and with 20 live campaigns. Each line is a name and a figure.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../tests/support/rusqlite_sql.rs"]
mod rusqlite_sql;

use std::collections::BTreeMap;
use std::time::Instant;

use bluetick::commit_window::CommitWindow;
use bluetick::contributions::Delta;
use bluetick::counters::{Book, DAY_MS};
use bluetick::event::{Event, Ms};
use bluetick::ledger::{Ledger, Routed, Write};
use bluetick::policy::{Policies, Policy};
use bluetick::timeline::Timeline;
use rusqlite_sql::RusqliteSql;
use serde_json::json;

const START_MS: Ms = 1_774_656_000_000;
const WEEK_MS: Ms = 7 * DAY_MS;
const BATCH: usize = 100;
const ROUNDS: usize = 32;

fn main() {
    let contacts = 1_000;
    let events = broadcast(contacts, 10);
    let [alone, with_entries, with_sqlite] =
        best([(&events, &|events| core(events, false)), (&events, &|events| core(events, true)), (&events, &ledger)]);
    print("core_alone", alone);
    print("core_with_entries", with_entries);
    print("with_sqlite", with_sqlite);
    let (few, many) = (broadcast(2_000, 10), broadcast(2, 10_000));
    let [few, many] =
        best([(&few, &|events| core(events, true)), (&many, &|events| core(events, true))]).map(|per_s| 1e9 / per_s);
    print("beside_10_ns", few);
    print("beside_10000_ns", many);
    print("beside_10000_over_10", many / few);
    for live in [1, 20] {
        for per_s in [1, 20, 200] {
            print(&format!("rows_at_{per_s}_per_s_{live}_live"), rows_at(per_s, live));
        }
        print(&format!("rows_in_{BATCH}s_{live}_live"), rows_written(live, 1_000, || BATCH));
    }
}

fn print(name: &str, figure: f64) {
    println!("{name:<28} {figure:>10.2}");
}

/// Events, and what is done with all of them.
type Work<'a> = (&'a [Routed], &'a dyn Fn(&[Routed]));

/// The best of some rounds, in events per second. The works take turns: a machine that others use has slow seconds.
fn best<const N: usize>(works: [Work<'_>; N]) -> [f64; N] {
    let mut best = [0.0; N];
    for _ in 0..ROUNDS {
        for (best, (events, work)) in best.iter_mut().zip(works) {
            let start = Instant::now();
            work(events);
            *best = (events.len() as f64 / start.elapsed().as_secs_f64()).max(*best);
        }
    }
    best
}

/// Everything but storage: the timeline, what it counts for, the counters of the campaign; and, if wanted, what storage would be
/// handed: the stored form of the entries that changed.
fn core(events: &[Routed], with_entries: bool) {
    let mut policies = Policies::default();
    policies.learn(policy());
    let mut timelines: BTreeMap<&str, Timeline> = BTreeMap::new();
    let mut books: BTreeMap<u32, Book> = BTreeMap::new();
    for batch in events.chunks(BATCH) {
        let mut delta = Delta::new();
        for routed in batch {
            let timeline = timelines.entry(&routed.handle).or_insert_with(|| Timeline::new(&routed.handle, routed.key.clone()));
            timeline.put(&routed.event, routed.provider, routed.received_ms);
            timeline.settle(&policies, &mut delta);
            assert!(!with_entries || !timeline.unsaved().is_empty());
        }
        for (campaign, change) in &delta {
            books.entry(*campaign).or_default().merge(change);
        }
    }
    assert!(!books[&1].totals.is_empty());
}

fn ledger(events: &[Routed]) {
    let mut ledger = Ledger::open(RusqliteSql::default()).unwrap();
    let commit = |ledger: &mut Ledger<RusqliteSql>, write| {
        assert!(ledger.commit(&[write], 0).iter().all(Result::is_ok));
    };
    commit(&mut ledger, Write::Declare { campaigns: vec![policy()] });
    for batch in events.chunks(BATCH) {
        commit(&mut ledger, Write::Record { events: batch.to_vec() });
    }
}

/// Rows written per status where they come evenly at a rate, and a Ledger waits for more as it does on the platform.
fn rows_at(per_s: usize, live: usize) -> f64 {
    let (mut window, mut next_ms) = (CommitWindow::default(), START_MS as f64);
    rows_written(live, 50 + 20 * per_s, || {
        let commit_ms = next_ms + f64::from(window.wait_ms());
        let mut shared = 0;
        while next_ms <= commit_ms {
            shared += 1;
            next_ms += 1_000.0 / per_s as f64;
        }
        window.committed(shared, commit_ms as Ms);
        shared
    })
}

/// Rows written per status of known messages, which take turns over the campaigns; `shared` says how many come together next.
fn rows_written(live: usize, statuses: usize, mut shared: impl FnMut() -> usize) -> f64 {
    let mut ledger = Ledger::open(RusqliteSql::default()).unwrap();
    let mut commit = |write| ledger.commit(&[write], 0).remove(0).unwrap().rows_written;
    let campaigns = (0..live).map(|no| Policy { no: no as u32 + 1, id: format!("live-{no}"), ..policy() }).collect();
    commit(Write::Declare { campaigns });
    let said = |message: usize, at: Ms, kind: &str, more: serde_json::Value| {
        let mut said = more;
        said["at_ms"] = json!(at);
        said["channel"] = json!("meta-1");
        said["message_id"] = json!(format!("wamid.{message}"));
        said["person"] = json!({ "phone": format!("1202555{message:04}") });
        let event: Event = serde_json::from_value(json!({ kind: said })).unwrap();
        let (handle, key) = (format!("handle-{message:09}"), Some(format!("1202555{message:04}")));
        Routed { handle, key, provider: 'm', received_ms: at, nameless: false, event }
    };
    let known = |message: usize| {
        let more = json!({"campaign": format!("live-{}", message % live), "outcome": "accepted"});
        said(message, START_MS, "dispatch", more)
    };
    let delivered = |message: usize| said(message, START_MS + 60_000, "status", json!({"status": "delivered"}));
    commit(Write::Record { events: (0..statuses).map(known).collect() });
    let (mut told, mut rows) = (0, 0);
    while told < statuses {
        let together = shared().min(statuses - told);
        rows += commit(Write::Record { events: (told..told + together).map(delivered).collect() });
        told += together;
    }
    rows as f64 / statuses as f64
}

fn policy() -> Policy {
    serde_json::from_value(json!({
        "no": 1, "id": "spring", "message_type": "template", "reply_window_ms": 3 * DAY_MS,
        "attribution_window_ms": DAY_MS, "touch": "delivered",
    }))
    .unwrap()
}

/// Every contact gets so many messages within one week, and does with them what people do; first all contacts' first events
/// come, then all second ones. They lie in memory as they come: a Ledger has just read them.
fn broadcast(contacts: usize, messages: usize) -> Vec<Routed> {
    let mut lives: Vec<std::vec::IntoIter<Routed>> = (0..contacts).map(|contact| life(contact, messages).into_iter()).collect();
    let mut events = Vec::new();
    loop {
        let before = events.len();
        events.extend(lives.iter_mut().filter_map(Iterator::next));
        if events.len() == before {
            return events.clone();
        }
    }
}

fn life(contact: usize, messages: usize) -> Vec<Routed> {
    let phone = format!("1202555{contact:04}");
    let person = json!({ "phone": phone });
    let mut events = Vec::new();
    let mut tell = |at: Ms, kind: &str, mut said: serde_json::Value| {
        said["at_ms"] = json!(at);
        said["person"] = person.clone();
        let event: Event = serde_json::from_value(json!({ kind: said })).unwrap();
        let handle = format!("handle-{contact:09}");
        events.push(Routed { handle, key: Some(phone.clone()), provider: 'm', received_ms: at, nameless: false, event });
    };
    for message in 0..messages {
        let at = START_MS + WEEK_MS * message as Ms / messages as Ms;
        let id = format!("wamid.{contact}-{message}");
        tell(
            at,
            "dispatch",
            json!({"campaign": "spring", "step": "first", "outcome": "accepted", "channel": "meta-1",
                "message_id": id, "attempt": format!("try-{message}"), "category": "marketing"}),
        );
        for (later, status) in [(1, "sent"), (2_000, "delivered"), (30_000, "read")].into_iter().take(2 + message % 2) {
            tell(
                at + later,
                "status",
                json!({"channel": "meta-1", "message_id": id, "status": status, "sender": "10001",
                    "reference": "spring:first", "category": "marketing", "billable": true}),
            );
        }
        match message % 10 {
            3 => tell(
                at + 40_000,
                "click",
                json!({"click_id": format!("c{contact}-{message}"), "link": "shop", "campaign": "spring",
                    "step": "first"}),
            ),
            7 => tell(
                at + 50_000,
                "inbound",
                json!({"channel": "meta-1", "message_id": format!("in{contact}-{message}"),
                    "inbound": "message", "sender": "10001"}),
            ),
            9 => tell(
                at + 60_000,
                "conversion",
                json!({"id": format!("o{contact}-{message}"), "value": {"amount": "9.90", "currency": "EUR"}}),
            ),
            _ => {}
        }
    }
    events
}
