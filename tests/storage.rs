//! What a message takes: the bytes of the tables of a Ledger and an Identity, over SQLite with the platform's pages. A message is one as
//! most are: of Meta, dispatched by a campaign, with mostly three statuses, one of five of its contact. What a workspace takes beside its
//! messages is left out: counted is by how much it grows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/rusqlite_sql.rs"]
mod rusqlite_sql;

use std::collections::BTreeMap;

use bluetick::identity::Identity;
use bluetick::ledger::{Ledger, Routed, Write};
use bluetick::partition::Partition;
use bluetick::sql::Sql as _;
use rusqlite_sql::RusqliteSql;
use serde_json::{Value, json};

const PARTITION: Partition = Partition { handle_key: [7; 32], ledgers: 1 };
const START_MS: i64 = 1_774_656_000_000;
const CAMPAIGNS: u64 = 100;
const PER_CONTACT: u64 = 5;

struct Filled {
    ledger: Ledger<RusqliteSql>,
    identity: Identity<RusqliteSql>,
    storage: [RusqliteSql; 2],
}

impl Filled {
    fn new() -> Self {
        let storage = [RusqliteSql::default(), RusqliteSql::default()];
        let mut ledger = Ledger::open(storage[0].clone()).unwrap();
        let policy = |no: u64| {
            json!({"no": no, "id": name(no), "message_type": "template", "reply_window_ms": 3_600_000,
                "attribution_window_ms": 3_600_000, "touch": "delivered"})
        };
        let campaigns = serde_json::from_value((1..=CAMPAIGNS).map(policy).collect()).unwrap();
        ledger.commit(&[Write::Declare { campaigns }], START_MS).remove(0).unwrap();
        Self { ledger, identity: Identity::open(storage[1].clone(), PARTITION.handle_key).unwrap(), storage }
    }

    /// The dispatches first, then what became of the messages, as a broadcast goes.
    fn fill(&mut self, contacts: std::ops::Range<u64>) {
        let (mut dispatches, mut statuses) = (Vec::new(), Vec::new());
        for (contact, no) in contacts.flat_map(|contact| (0..PER_CONTACT).map(move |no| (contact, no))) {
            let drawn = ((contact * 0x9e37_79b1) ^ ((no + 1) * 0x85eb_ca77)) & 0xffff_ffff;
            let campaign = if no == 0 && contact % 2 == 0 { 1 } else { 2 + (contact * PER_CONTACT + no) % (CAMPAIGNS - 1) };
            let at_ms = START_MS + (campaign % 30) as i64 * 86_400_000 + (drawn % 14_400) as i64 * 1_000;
            let id = format!("wamid.HBgL{contact:0>16}VAgARGBI{:0>24X}", (drawn << 8) | no);
            assert_eq!(id.len(), 58);
            let key = format!("1202{contact:07}");
            let person = json!({"phone": key});
            let route = |event: Value| PARTITION.route_to(key.clone(), serde_json::from_value(event).unwrap(), 'm', at_ms);
            dispatches.push(route(json!({"dispatch": {"campaign": name(campaign), "person": person, "outcome": "accepted",
                "message_id": id, "category": "marketing", "at_ms": at_ms}})));
            let told = match drawn % 100 {
                0..2 => 1,
                2..37 => 2,
                _ => 3,
            };
            let times = [("sent", 2_000), ("delivered", 4_000), ("read", 60_000 * (1 + (contact % 240) as i64))];
            statuses.extend(times.iter().take(told).map(|(status, after_ms)| {
                route(json!({"status": {"channel": "bench", "message_id": id, "status": status, "at_ms": at_ms + after_ms,
                    "person": person, "sender": "100000000000010", "category": "marketing", "billable": true}}))
            }));
        }
        for events in dispatches.chunks(500).chain(statuses.chunks(500)) {
            let dispatched = |routed: &&Routed| matches!(routed.event, bluetick::event::Event::Dispatch(_));
            let claims: Vec<_> = events.iter().filter(dispatched).filter_map(|routed| PARTITION.claim(routed)).collect();
            self.identity.claim(&claims, START_MS).unwrap();
            self.ledger.commit(&[Write::Record { events: events.to_vec() }], START_MS).remove(0).unwrap();
        }
    }

    fn bytes(&self) -> BTreeMap<String, f64> {
        let text = "SELECT json_group_object(name, bytes) FROM (SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name)";
        let tables = self.storage.iter().map(|sql| sql.text(text, &[]).unwrap().unwrap());
        tables.flat_map(|tables| serde_json::from_str::<BTreeMap<String, f64>>(&tables).unwrap()).collect()
    }
}

fn name(campaign: u64) -> String {
    format!("c{campaign}")
}

#[test]
fn a_message_takes_few_bytes() {
    let (few, many) = (2_500, 7_500);
    let mut filled = Filled::new();
    filled.fill(0..few);
    let before = filled.bytes();
    filled.fill(few..many);
    let messages = ((many - few) * PER_CONTACT) as f64;
    let grown = |table: &str, bytes: f64| (bytes - before.get(table).copied().unwrap_or_default()) / messages;
    let grown: BTreeMap<String, f64> =
        filled.bytes().into_iter().map(|(table, bytes)| (table.clone(), grown(&table, bytes))).collect();
    let sum: f64 = grown.values().sum();
    // Which pages are how full changes by some percent with the number of rows.
    assert!(sum < 385.0, "{sum:.0} bytes: {grown:.1?}");
    println!("{sum:.0} bytes: {grown:.1?}");
}
