//! What must hold at every moment, whatever has or has not arrived: the states contain each other, the sums are exact, and the
//! counters are what the stored entries add up to.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use bluetick::contributions::{Delta, person, state};
use bluetick::counters::{Book, Cell, Kind, RULES_VERSION, StoredRow, TOTALS};
use bluetick::ledger::load_entry;
use bluetick::numbers::Numbers;
use bluetick::policy::{Policies, Policy};
use bluetick::sorted::SortedMap;
use bluetick::sql::Sql;
use bluetick::timeline::Timeline;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::rusqlite_sql::RusqliteSql;

/// A counter under the names that its indices stand for: day, kind, step, quarter hour, `a`, `b`.
pub type Named = (i32, Kind, String, Option<u8>, String, u16);

/// All counters of a book, whatever order its names came in.
pub fn named_cells(book: &Book) -> BTreeMap<Named, i128> {
    let name = |day: i32, cell: Cell| {
        let a = if cell.kind.names_a() { book.name_of(cell.a).to_owned() } else { cell.a.to_string() };
        (day, cell.kind, book.name_of(u32::from(cell.step)).to_owned(), cell.quarter, a, cell.b)
    };
    let rows = book.days.iter().map(|(day, row)| (*day, row)).chain([(TOTALS, &book.totals)]);
    let mut cells = BTreeMap::new();
    for (day, row) in rows {
        cells.extend(row.cells().map(|(cell, n)| (name(day, cell), i128::from(n))));
        cells.extend(row.money_cells().map(|(cell, nanos)| (name(day, cell), nanos)));
    }
    cells
}

/// The sums of section 5, and that no state stands without those that it implies.
pub fn check_sums(context: &str, book: &Book) {
    let implied = |mask: u32, bit: u32, others: u32| mask & bit == 0 || mask & others == others;
    for (cell, n) in book.totals.cells().chain(book.days.values().flat_map(|row| row.cells())) {
        assert!(n > 0, "{context}: {cell:?} is {n}");
        let mask = cell.a;
        match cell.kind {
            Kind::Messages if mask & state::SENT == 0 => {
                assert!([state::DISPATCH_ERROR, state::ERROR_THEN_SENT].contains(&mask), "{context}: {mask:#b} is no attempt");
            }
            Kind::Messages => {
                let ends = [state::DELIVERED, state::FAILED, state::IN_FLIGHT].into_iter().filter(|bit| mask & bit != 0).count();
                assert_eq!(ends, 1, "{context}: a message is delivered, failed or in flight, {mask:#b}");
                for (bit, others) in [
                    (state::OPENED, state::DELIVERED),
                    (state::READ, state::OPENED),
                    (state::DELIVERED_INFERRED, state::DELIVERED),
                    (state::QUICK_REPLIED, state::REPLIED | state::INTERACTED),
                    (state::CLICKED, state::INTERACTED),
                ] {
                    assert!(implied(mask, bit, others), "{context}: {mask:#b} has {bit:#b} without {others:#b}");
                }
                assert!(mask & (state::FAILED | state::BILLABLE) != state::FAILED | state::BILLABLE, "{context}: {mask:#b}");
            }
            Kind::Contacts | Kind::StepContacts => {
                for (bit, others) in [
                    (person::SENT, person::ATTEMPTED),
                    (person::DISPATCH_ERROR, person::ATTEMPTED),
                    (person::DELIVERED, person::SENT),
                    (person::OPENED, person::DELIVERED),
                    (person::READ, person::OPENED),
                    (person::FAILED, person::FAILED_TOTAL | person::SENT),
                    (person::QUICK_REPLIED, person::REPLIED),
                    (person::ATTEMPTED, person::TARGET),
                ] {
                    assert!(implied(mask, bit, others), "{context}: contact {mask:#b} has {bit:#b} without {others:#b}");
                }
                assert!(mask & person::DELIVERED == 0 || mask & person::FAILED_TOTAL == 0, "{context}: contact {mask:#b}");
            }
            _ => {}
        }
    }
    let m = Numbers::ever(book, None).messages;
    assert_eq!(m.attempted, m.sent + m.dispatch_errors, "{context}");
    assert_eq!(m.sent, m.delivered + m.failed + m.in_flight, "{context}");
}

/// The counters of one Ledger as they are stored.
pub fn stored_books(sql: &RusqliteSql) -> SortedMap<u32, Book> {
    books(sql, "")
}

fn books(sql: &RusqliteSql, condition: &str) -> SortedMap<u32, Book> {
    let mut books: SortedMap<u32, Book> = SortedMap::new();
    let rows: Vec<(u32, u32, i32, StoredRow)> =
        query(sql, &format!("SELECT json_group_array(json_array(campaign, rules, day, json(body))) FROM counter {condition}"));
    for (campaign, rules, day, row) in rows {
        assert_eq!(rules, RULES_VERSION);
        books.entry(campaign).or_default().load(day, &row);
    }
    books
}

/// The states stored beside the messages, which every list is made of, are those that the totals count, and add up.
pub fn check_lists(context: &str, sql: &RusqliteSql) {
    let listed: Vec<(u32, u32, i64)> = query(
        sql,
        "SELECT json_group_array(json_array(campaign, states, n)) FROM \
         (SELECT campaign, states, count(*) AS n FROM entry WHERE states <> 0 GROUP BY campaign, states)",
    );
    let listed: BTreeMap<(u32, u32), i64> = listed.into_iter().map(|(campaign, mask, n)| ((campaign, mask), n)).collect();
    let mut counted = BTreeMap::new();
    for (campaign, book) in books(sql, "WHERE day = -1") {
        check_sums(context, &book);
        for (cell, n) in book.totals.cells().filter(|(cell, _)| cell.kind == Kind::Messages) {
            *counted.entry((campaign, cell.a)).or_insert(0) += n;
        }
    }
    assert_eq!(listed, counted, "{context}: the list and the number");
}

/// Timelines made anew of nothing but the stored entries add up to the stored counters.
pub fn check_reload(context: &str, sql: &RusqliteSql) {
    let mut policies = Policies::default();
    for policy in query::<Policy>(sql, "SELECT json_group_array(json(body)) FROM policy") {
        policies.learn(policy);
    }
    let contacts: Vec<(String, Option<String>)> =
        query(sql, "SELECT json_group_array(json_array(handle, body ->> 'k')) FROM contact");
    let mut timelines: BTreeMap<String, Timeline> =
        contacts.into_iter().map(|(handle, key)| (handle.clone(), Timeline::new(&handle, key))).collect();
    let entries: Vec<(u32, String, String, Box<RawValue>)> =
        query(
        sql,
        "SELECT coalesce('[' || group_concat('[' || campaign || ',\"' || handle || '\",' || json_quote(id) || ',' || body || ']') || ']', '[]')
         FROM entry",
    );
    for (campaign, handle, id, facts) in entries {
        let timeline = timelines.get_mut(&handle).expect("an entry has its contact");
        load_entry(timeline, &id, facts.get(), campaign).unwrap();
    }
    let mut again = Delta::new();
    for timeline in timelines.values_mut() {
        timeline.settle(&policies, &mut again);
    }
    let cells = |books: &SortedMap<u32, Book>| -> BTreeMap<u32, BTreeMap<Named, i128>> {
        books.iter().map(|(no, book)| (*no, named_cells(book))).filter(|(_, cells)| !cells.is_empty()).collect()
    };
    assert_eq!(cells(&again), cells(&stored_books(sql)), "{context}: entries loaded anew, and the stored counters");
}

/// The rows of a query that makes one JSON array of them.
pub fn query<T: DeserializeOwned>(sql: &RusqliteSql, text: &str) -> Vec<T> {
    serde_json::from_str(&sql.text(text, &[]).unwrap().unwrap()).unwrap()
}
