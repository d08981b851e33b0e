//! Letters over SQLite: whole, bounded, counted, and the same callback is one letter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/rusqlite_sql.rs"]
mod rusqlite_sql;

use bluetick::bounds::{LETTER_BYTES, LETTER_MS, QUARANTINE_BYTES, QUARANTINE_LETTERS};
use bluetick::health::Counts;
use bluetick::letters::{Body, Came, Command, Item, Letter, Letters, Page, Shelf, State, channel_of};
use proptest::prelude::*;
use rusqlite_sql::{Fault, RusqliteSql};
use serde::de::DeserializeOwned;

const NOW_MS: i64 = 1_795_000_000_000;

fn open(sql: &RusqliteSql) -> Letters<RusqliteSql> {
    sql.wake();
    Letters::open(sql.clone()).unwrap()
}

fn ask<T: DeserializeOwned>(letters: &Letters<RusqliteSql>, command: &Command, now_ms: i64) -> T {
    serde_json::from_str(&letters.apply(command, now_ms).unwrap()).unwrap()
}

fn letter(body: &[u8], received_ms: i64) -> Letter {
    let came = Came { channel: "wa", received_ms, method: "POST", url: "https://host/cb/wa/t?ref=a", body };
    Letter::of(&came, Vec::new(), "not JSON", vec![Item { pointer: String::new(), reason: "not JSON".to_owned() }])
}

fn keep(letters: &Letters<RusqliteSql>, shelf: Shelf, body: &[u8], now_ms: i64) -> bool {
    ask(letters, &Command::Keep { shelf, letter: letter(body, now_ms), counts: Counts::default() }, now_ms)
}

fn state(letters: &Letters<RusqliteSql>, now_ms: i64) -> State {
    ask(letters, &Command::State, now_ms)
}

/// Kept, shown and read again, byte for byte.
#[test]
fn a_body_of_5_mb_comes_back_whole() {
    let letters = open(&RusqliteSql::default());
    let multibyte = "é".repeat(2_500_000);
    let bodies: [Vec<u8>; 5] = [Vec::new(), b"{}".to_vec(), multibyte.into_bytes(), vec![0xff; 5_000_000], b"a\0b".to_vec()];
    for body in &bodies {
        assert!(keep(&letters, Shelf::Dead, body, NOW_MS));
        assert!(!keep(&letters, Shelf::Dead, body, NOW_MS + 1), "the same callback is two letters");
        let id = letter(body, NOW_MS).head.id;
        assert_eq!(channel_of(&id), Some("wa"));
        let read: Option<Letter> = ask(&letters, &Command::Get { shelf: Shelf::Dead, id: id.clone() }, NOW_MS);
        let read = read.unwrap();
        assert_eq!((read.head.received_ms, read.head.bytes), (NOW_MS, body.len() as u64));
        assert!(read.content.into_bytes() == *body);
        let elsewhere: Option<Letter> = ask(&letters, &Command::Get { shelf: Shelf::Quarantine, id }, NOW_MS);
        assert_eq!(elsewhere, None);
    }
    assert_eq!(state(&letters, NOW_MS).dead.kept, 5);
}

#[test]
fn the_quarantine_keeps_the_last_1000() {
    let letters = open(&RusqliteSql::default());
    for n in 0..QUARANTINE_LETTERS + 5 {
        keep(&letters, Shelf::Quarantine, n.to_string().as_bytes(), NOW_MS);
    }
    let fill = state(&letters, NOW_MS).quarantine;
    assert_eq!((fill.kept, fill.dropped), (QUARANTINE_LETTERS, 5));
    let page: Page = ask(&letters, &Command::List { shelf: Shelf::Quarantine, before: None, limit: 1 }, NOW_MS);
    assert_eq!((page.total, &page.data[0].id), (QUARANTINE_LETTERS, &letter(b"1004", NOW_MS).head.id));
}

#[test]
fn the_quarantine_keeps_the_last_50_mb() {
    let letters = open(&RusqliteSql::default());
    for n in 0..12u8 {
        keep(&letters, Shelf::Quarantine, &vec![b'0' + n; 5_000_000], NOW_MS);
    }
    let fill = state(&letters, NOW_MS).quarantine;
    assert_eq!((fill.kept, fill.dropped), (9, 3));
    assert!(fill.bytes <= QUARANTINE_BYTES && fill.bytes > QUARANTINE_BYTES - 5_001_000);
}

/// A gigabyte of dead letters: ten bodies that are said to take 100 MB each stand for it.
#[test]
fn dead_letters_keep_the_last_gigabyte() {
    let sql = RusqliteSql::default();
    let letters = open(&sql);
    let heavy = |n: u64| {
        assert!(keep(&letters, Shelf::Dead, n.to_string().as_bytes(), NOW_MS));
        let light = state(&letters, NOW_MS).dead.bytes - n * (LETTER_BYTES / 10);
        for (table, condition) in [("letter", "no = (SELECT max(no) FROM letter)"), ("shelf", "no = 0")] {
            let more = LETTER_BYTES / 10 - light;
            let heavier = format!("UPDATE {table} SET bytes = bytes + {more} WHERE {condition}");
            bluetick::sql::Sql::exec(&sql, &heavier, &[]).unwrap();
        }
    };
    (0..10).for_each(heavy);
    let fill = state(&letters, NOW_MS).dead;
    assert_eq!((fill.kept, fill.bytes, fill.dropped), (10, LETTER_BYTES, 0), "a full shelf keeps what it has");
    // One more byte is too many, and costs the oldest alone.
    keep(&letters, Shelf::Dead, b"one more", NOW_MS);
    let fill = state(&letters, NOW_MS).dead;
    assert_eq!((fill.kept, fill.dropped), (10, 1));
    let read = |body: &[u8]| -> Option<Letter> {
        ask(&letters, &Command::Get { shelf: Shelf::Dead, id: letter(body, NOW_MS).head.id }, NOW_MS)
    };
    assert_eq!((read(b"0"), read(b"1").is_some(), read(b"one more").is_some()), (None, true, true));
    // The other shelf has a bound of its own.
    keep(&letters, Shelf::Quarantine, b"0", NOW_MS);
    assert_eq!(state(&letters, NOW_MS).quarantine.dropped, 0);
}

#[test]
fn thirty_days_are_the_end() {
    let letters = open(&RusqliteSql::default());
    for day in 0..3 {
        keep(&letters, Shelf::Dead, day.to_string().as_bytes(), NOW_MS + day);
    }
    for (later_ms, kept, dropped) in [(0, 3, 0), (LETTER_MS - 1, 3, 0), (LETTER_MS, 2, 1), (LETTER_MS + 2, 0, 3)] {
        let fill = state(&letters, NOW_MS + later_ms).dead;
        assert_eq!((fill.kept, fill.dropped), (kept, dropped), "after {later_ms} ms");
        assert_eq!(letters.tidy(NOW_MS + later_ms).unwrap(), kept > 0);
    }
    let fill = state(&letters, NOW_MS + LETTER_MS + 2).dead;
    assert_eq!(fill.bytes, 0);
}

#[test]
fn pages_show_every_letter_once_newest_first() {
    let letters = open(&RusqliteSql::default());
    let bodies = ["0", "1", "2", "3", "4", "5", "6"];
    for body in bodies {
        keep(&letters, Shelf::Dead, body.as_bytes(), NOW_MS);
    }
    let all: Vec<String> = bodies.iter().rev().map(|body| letter(body.as_bytes(), NOW_MS).head.id).collect();
    for limit in 1..=8 {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page: Page = ask(&letters, &Command::List { shelf: Shelf::Dead, before, limit }, NOW_MS);
            assert!(page.total == 7 && page.data.len() <= limit as usize && !page.data.is_empty());
            seen.extend(page.data.into_iter().map(|head| head.id));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, all, "{limit} at a time");
    }
}

#[test]
fn what_makes_a_callback_another_makes_another_letter() {
    let came = |channel, url, body| Came { channel, received_ms: 1, method: "POST", url, body };
    let id = |came: Came<'_>| Letter::of(&came, Vec::new(), "", Vec::new()).head.id;
    let first = id(came("wa", "https://host/cb/wa/old?ref=a", b"x"));
    assert_eq!(first, id(Came { received_ms: 2, ..came("wa", "https://host/cb/wa/new?ref=a", b"x") }));
    for other in [
        came("wb", "https://host/cb/wa/old?ref=a", b"x"),
        came("wa", "https://host/cb/wa/old?ref=b", b"x"),
        came("wa", "https://host/cb/wa/old?ref=a", b"y"),
        Came { method: "GET", ..came("wa", "https://host/cb/wa/old?ref=a", b"x") },
    ] {
        assert_ne!(first, id(other), "{other:?}");
    }
    assert_eq!(Body::of(b"\xff").into_bytes(), b"\xff");
}

#[derive(Clone, Debug)]
enum Step {
    Keep(Shelf, u8, usize),
    Settle(Shelf, u8, usize),
    Count(u8),
    Crash(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let shelf = || prop::sample::select(vec![Shelf::Dead, Shelf::Quarantine]);
    prop_oneof![
        4 => (shelf(), 0..4u8, 0..3usize).prop_map(|(shelf, what, size)| Step::Keep(shelf, what, size)),
        2 => (shelf(), 0..4u8, 0..3usize).prop_map(|(shelf, what, size)| Step::Settle(shelf, what, size)),
        1 => (1..9u8).prop_map(Step::Count),
        2 => any::<bool>().prop_map(Step::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is kept, settled, or broken off before or after its write: what a shelf says of itself is what lies on it, nothing
    /// acknowledged is lost, and nothing is left of what is gone.
    #[test]
    fn a_shelf_is_what_lies_on_it(steps in prop::collection::vec(step(), 1..30)) {
        let sql = RusqliteSql::default();
        let mut letters = open(&sql);
        let mut lie: std::collections::BTreeSet<(u8, u8, usize)> = Default::default();
        let mut received = 0;
        let body = |what: u8, size: usize| vec![b'a' + what; [1, 100, 1_500_000][size]];
        for step in steps {
            match step {
                Step::Keep(shelf, what, size) => {
                    // A caller without an answer comes again.
                    let command = Command::Keep { shelf, letter: letter(&body(what, size), NOW_MS), counts: Counts::default() };
                    while letters.apply(&command, NOW_MS).is_err() {
                        letters = open(&sql);
                    }
                    lie.insert((shelf as u8, what, size));
                }
                Step::Settle(shelf, what, size) => {
                    let command = Command::Settle { shelf, id: letter(&body(what, size), NOW_MS).head.id };
                    while letters.apply(&command, NOW_MS).is_err() {
                        letters = open(&sql);
                    }
                    lie.remove(&(shelf as u8, what, size));
                }
                Step::Count(n) => {
                    let counts = Counts { received: u64::from(n), ..Counts::default() };
                    if letters.apply(&Command::Count { counts }, NOW_MS).is_ok() {
                        received += u64::from(n);
                    } else {
                        // Whether it counted is not known: here, ask.
                        letters = open(&sql);
                        received = state(&letters, NOW_MS).counts.received;
                    }
                }
                Step::Crash(after) => sql.fail_next(if after { Fault::After } else { Fault::Before }),
            }
        }
        letters = open(&sql);
        let state = state(&letters, NOW_MS);
        prop_assert_eq!(state.counts.received, received);
        for (shelf, fill) in [(Shelf::Dead, state.dead), (Shelf::Quarantine, state.quarantine)] {
            let expected: Vec<_> = lie.iter().filter(|(on, ..)| *on == shelf as u8).collect();
            prop_assert_eq!((fill.kept, fill.dropped), (expected.len() as u64, 0));
            for (_, what, size) in expected {
                let id = letter(&body(*what, *size), NOW_MS).head.id;
                let read: Option<Letter> = ask(&letters, &Command::Get { shelf, id }, NOW_MS);
                prop_assert!(read.unwrap().content.into_bytes() == body(*what, *size));
            }
        }
        // Everything goes after thirty days, and leaves nothing.
        let empty: State = ask(&letters, &Command::State, NOW_MS + LETTER_MS);
        prop_assert_eq!((empty.dead.bytes, empty.quarantine.bytes), (0, 0));
        let rows = bluetick::sql::Sql::text(&sql, "SELECT CAST((SELECT count(*) FROM letter) + (SELECT count(*) FROM piece) AS TEXT)", &[]);
        prop_assert_eq!(rows.unwrap(), Some("0".to_owned()));
    }
}

/// A callback that came by `GET` has no body: the number stands in its URL.
#[test]
fn a_person_is_forgotten_in_the_url_and_behind_any_number_of_letters() {
    let letters = open(&RusqliteSql::default());
    let by_get =
        Came { channel: "wa", received_ms: NOW_MS, method: "GET", url: "https://host/cb/wa/t?To=12025550142", body: b"" };
    // 24 MB are more than one look takes.
    for no in 0..12 {
        keep(&letters, Shelf::Dead, format!("{no}{}", "x".repeat(2_000_000)).as_bytes(), NOW_MS);
    }
    let letter = Letter::of(&by_get, Vec::new(), "odd", Vec::new());
    let _: bool = ask(&letters, &Command::Keep { shelf: Shelf::Dead, letter, counts: Counts::default() }, NOW_MS);
    let (mut forgotten, mut looks, mut after) = (0, 0, Some(0));
    while let Some(from) = after {
        let command = Command::Forget { keys: vec!["12025550142".to_owned()], after: from };
        let (more, next): (u64, Option<i64>) = ask(&letters, &command, NOW_MS);
        (forgotten, looks, after) = (forgotten + more, looks + 1, next);
    }
    assert_eq!((forgotten, looks), (1, 2));
}
