//! Stored formats are pinned: what an older release wrote is read and counted the same by this one.
//!
//! `tests/fixtures/stored/rows.json` are the rows of every table after the events of `events.json`, in format 2 of a state folder;
//! `rows-3.json` those of format 3, which is written now. A change that no longer writes them so has to read both, and needs a fixture
//! beside these; they stay for ever. `WRITE_FIXTURES=1 cargo test --test formats` writes the newest anew (and fails beside it), for a
//! format that nobody has stored yet.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod model;
mod support;

use std::path::PathBuf;

use bluetick::counters::RULES_VERSION;
use bluetick::facts::{Facts, Shared};
use bluetick::ledger::{Ledger, Routed, Write};
use bluetick::sql::{Arg, Sql};
use serde_json::{Value, json};
use support::invariants;
use support::rusqlite_sql::RusqliteSql;

/// The tables with their columns, in the order in which a row's values stand in the fixture.
const TABLES: [(&str, &str); 5] = [
    ("policy", "no, body"),
    ("contact", "handle, body"),
    ("entry", "campaign, handle, id, states, body"),
    ("counter", "campaign, rules, day, body"),
    ("waiting", "campaign, handle"),
];

/// Rows as they are written now, and as they ever were.
const NEWEST: &str = "rows-3.json";
const ALL: [&str; 2] = ["rows.json", NEWEST];

/// The SQL text of the schema as SQLite keeps it. Additive for ever: a line may be added, none may change.
const SCHEMA: &str = "\
CREATE TABLE away (handle TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (handle, id)) \
STRICT, WITHOUT ROWID
CREATE TABLE contact (handle TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID
CREATE TABLE counter (campaign INTEGER NOT NULL, rules INTEGER NOT NULL, day INTEGER NOT NULL, body TEXT NOT NULL, \
PRIMARY KEY (campaign, rules, day)) STRICT, WITHOUT ROWID
CREATE TABLE entry (campaign INTEGER NOT NULL, handle TEXT NOT NULL, id TEXT NOT NULL, states INTEGER NOT NULL, \
body TEXT NOT NULL, PRIMARY KEY (campaign, handle, id)) STRICT, WITHOUT ROWID
CREATE TABLE errand (no INTEGER PRIMARY KEY AUTOINCREMENT, things INTEGER NOT NULL, body TEXT NOT NULL) STRICT
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID
CREATE TABLE policy (no INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT
CREATE TABLE progress (work TEXT PRIMARY KEY, mark TEXT NOT NULL) STRICT, WITHOUT ROWID
CREATE TABLE sealed (campaign INTEGER NOT NULL, share INTEGER NOT NULL, origin TEXT NOT NULL, day INTEGER NOT NULL, \
body TEXT NOT NULL, PRIMARY KEY (campaign, share, origin, day)) STRICT, WITHOUT ROWID
CREATE TABLE sqlite_sequence(name,seq)
CREATE TABLE tombstone (handle TEXT PRIMARY KEY, erased_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID
CREATE TABLE waiting (campaign TEXT NOT NULL, handle TEXT NOT NULL, PRIMARY KEY (campaign, handle)) STRICT, WITHOUT ROWID";

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stored").join(name)
}

fn read(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixture(name)).unwrap()).unwrap()
}

/// A fixture of rows, which were written under rules 1. What has changed with the rules since counts its events alike.
fn read_rows(name: &str) -> Value {
    let mut rows = read(name);
    for counter in rows["counter"].as_array_mut().unwrap() {
        assert_eq!(counter[1], json!(1));
        counter[1] = json!(RULES_VERSION);
    }
    rows
}

fn record(sql: &RusqliteSql, events: &Value) -> (u64, u64) {
    let mut ledger = Ledger::open(sql.clone()).unwrap();
    let campaigns = serde_json::from_value(events["campaigns"].clone()).unwrap();
    let events: Vec<Routed> = serde_json::from_value(events["events"].clone()).unwrap();
    let answers = ledger.commit(&[Write::Declare { campaigns }, Write::Record { events }], 0);
    answers.into_iter().map(Result::unwrap).fold((0, 0), |sum, w| (sum.0 + w.new, sum.1 + w.duplicate))
}

/// Every row of every table, as text and numbers.
fn rows(sql: &RusqliteSql) -> Value {
    let tables = TABLES.map(|(table, columns)| {
        let text = format!("SELECT json_group_array(json_array({columns})) FROM (SELECT * FROM {table} ORDER BY {columns})");
        (table.to_owned(), Value::Array(invariants::query(sql, &text)))
    });
    Value::Object(tables.into_iter().collect())
}

fn load(rows: &Value) -> RusqliteSql {
    let sql = RusqliteSql::default();
    drop(Ledger::open(sql.clone()).unwrap());
    for (table, columns) in TABLES {
        let values: Vec<String> = (0..columns.split(',').count()).map(|n| format!("value ->> {n}")).collect();
        let statement = format!("INSERT INTO {table} ({columns}) SELECT {} FROM json_each(?1)", values.join(", "));
        sql.exec(&statement, &[Arg::Text(&rows[table].to_string())]).unwrap();
    }
    sql
}

#[test]
fn rows_are_written_as_they_always_were() {
    let sql = RusqliteSql::default();
    record(&sql, &read("events.json"));
    let now = rows(&sql);
    if std::env::var("WRITE_FIXTURES").is_ok() {
        std::fs::write(fixture(NEWEST), pretty(&now)).unwrap();
    }
    assert_eq!(now, read_rows(NEWEST));
}

#[test]
fn rows_are_read_as_they_always_were() {
    for name in ALL {
        let sql = load(&read_rows(name));
        invariants::check_lists(name, &sql);
        invariants::check_reload(name, &sql);
        let stored = rows(&sql);
        let (new, duplicate) = record(&sql, &read("events.json"));
        assert_eq!((new, duplicate), (0, read("events.json")["events"].as_array().unwrap().len() as u64));
        assert_eq!(rows(&sql), stored, "what is known changes nothing");
    }
}

/// What another release counted is counted anew under the rules of this one, and lists and counters agree.
#[test]
fn rows_of_older_rules_are_recounted() {
    for name in ALL {
        let sql = load(&read(name));
        let mut ledger = Ledger::open(sql.clone()).unwrap();
        assert!(ledger.recounts(), "{name}");
        while ledger.recounts() {
            ledger.tend(0).unwrap();
        }
        invariants::check_lists(name, &sql);
        invariants::check_reload(name, &sql);
        assert_eq!(answers(&sql), answers(&load(&read_rows(name))), "{name}");
    }
}

/// Whatever wrote the rows: they answer as those do that were just written, now and after more has come.
#[test]
fn rows_of_every_format_answer_and_go_on_alike() {
    let events = read("events.json");
    // Every message is read, and told to be of another category and free.
    let later: Vec<Value> = events["events"].as_array().unwrap().iter().filter_map(|routed| {
        let event = &routed["event"];
        let message = event["dispatch"]["message_id"].as_str().or(event["status"]["message_id"].as_str())?;
        let mut routed = routed.clone();
        routed["event"] = json!({"status": {"channel": "meta-1", "message_id": message, "status": "read", "category": "utility",
            "billable": false, "at_ms": routed["received_ms"].as_i64().unwrap() + 5_000, "person": {"phone": routed["key"]}}});
        Some(routed)
    }).collect();
    assert!(later.len() > 3);
    let later = json!({"campaigns": events["campaigns"], "events": later});
    let fresh = RusqliteSql::default();
    record(&fresh, &events);
    for name in ALL {
        let (old, fresh) = (load(&read_rows(name)), fresh.clone());
        assert_eq!(answers(&old), answers(&fresh), "{name}");
    }
    record(&fresh, &later);
    for name in ALL {
        let old = load(&read_rows(name));
        assert!(record(&old, &later).0 > 0);
        assert_eq!(answers(&old), answers(&fresh), "{name}");
        invariants::check_lists(name, &old);
        invariants::check_reload(name, &old);
    }
}

/// Everything stored, whatever the form of the entries' facts.
fn answers(sql: &RusqliteSql) -> Value {
    let mut rows = rows(sql);
    for entry in rows["entry"].as_array_mut().unwrap() {
        let (id, body) = (entry[2].as_str().unwrap().to_owned(), entry[4].as_str().unwrap().to_owned());
        entry[4] = match Shared::is_in(&body) {
            true => json!(Shared::decode(&id, &body).unwrap()),
            false => json!(Facts::decode(&id, &body).unwrap()),
        };
    }
    rows
}

#[test]
fn the_fixture_has_one_of_everything() {
    let rows = read_rows("rows.json");
    for (table, _) in TABLES {
        assert!(!rows[table].as_array().unwrap().is_empty(), "{table}");
    }
    let tags: std::collections::BTreeSet<char> =
        rows["entry"].as_array().unwrap().iter().map(|row| row[2].as_str().unwrap().chars().next().unwrap()).collect();
    assert_eq!(tags.into_iter().collect::<String>(), "ceikmosv");
    let books = invariants::stored_books(&load(&rows));
    let kinds: std::collections::BTreeSet<u8> =
        books.values().flat_map(invariants::named_cells).map(|((_, kind, ..), _)| kind as u8).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), (1..=31).filter(|kind| *kind != 17).collect::<Vec<u8>>());
}

#[test]
fn the_schema_is_pinned_and_opening_again_changes_nothing() {
    let sql = RusqliteSql::default();
    for _ in 0..3 {
        drop(Ledger::open(sql.clone()).unwrap());
        let schema: Vec<String> = invariants::query(
            &sql,
            "SELECT json_group_array(sql) FROM (SELECT sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY name)",
        );
        assert_eq!(schema.join("\n"), SCHEMA);
        let version: Vec<i64> = invariants::query(&sql, "SELECT json_group_array(value) FROM meta");
        assert_eq!(version, [3]);
    }
}

/// A database that died between two steps of its migration goes on where it stopped; one of a newer release is left alone.
#[test]
fn an_old_database_is_migrated_and_a_newer_one_is_left_alone() {
    let old = RusqliteSql::default();
    old.exec("CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID", &[]).unwrap();
    old.fail_next(support::rusqlite_sql::Fault::Before);
    assert!(Ledger::open(old.clone()).is_err());
    old.wake();
    assert!(record(&old, &read("events.json")).0 > 0);
    assert_eq!(rows(&old), read_rows(NEWEST));

    let newer = load(&read_rows("rows.json"));
    newer.exec("UPDATE meta SET value = 1000 WHERE key = 'schema'", &[]).unwrap();
    newer.exec("CREATE TABLE of_a_later_release (id TEXT) STRICT", &[]).unwrap();
    assert_eq!(record(&newer, &read("events.json")).0, 0);
}

/// A commit adds the difference and nothing else: what it says of itself is what storage says.
#[test]
fn an_empty_commit_writes_nothing() {
    let sql = load(&read_rows("rows.json"));
    let mut ledger = Ledger::open(sql).unwrap();
    for answer in ledger.commit(&[Write::Record { events: Vec::new() }, Write::Declare { campaigns: Vec::new() }], 0) {
        assert_eq!(answer.unwrap().rows_written, 0);
    }
}

/// One row to a line.
fn pretty(rows: &Value) -> String {
    let tables: Vec<String> = TABLES
        .iter()
        .map(|(table, _)| {
            let lines: Vec<String> = rows[*table].as_array().unwrap().iter().map(|row| format!("  {row}")).collect();
            format!("{}: [\n{}\n]", json!(table), lines.join(",\n"))
        })
        .collect();
    format!("{{\n{}\n}}\n", tables.join(",\n"))
}
