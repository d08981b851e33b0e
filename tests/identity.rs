//! Identity over SQLite: whose a thing is, who has to be told, and what is kept for how long. That nothing is lost whatever breaks
//! off is the simulator's to show.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/rusqlite_sql.rs"]
mod rusqlite_sql;

use std::collections::{BTreeMap, BTreeSet};

use bluetick::counters::DAY_MS;
use bluetick::event::{Event, Person, Status, StatusKind};
use bluetick::facts::Word;
use bluetick::identity::{Claim, Command, Due, Ground, Holder, Identity, Nameless, Thing, thing_handle};
use bluetick::sorted::SortedMap;
use bluetick::sql::{Arg, Sql as _};
use rusqlite_sql::RusqliteSql;

const KEY: [u8; 32] = [42; 32];

fn status(message: &str, status: StatusKind, received_ms: i64) -> Nameless {
    let event = Event::Status(Status {
        channel: "ch".to_owned(),
        message_id: message.to_owned(),
        participant: String::new(),
        status,
        at_ms: None,
        person: Person::default(),
        sender: None,
        reference: None,
        category: None,
        billable: None,
        error: None,
    });
    Nameless { message: format!("c{message}"), received_ms, nobody: None, event }
}

fn claim(thing: &str, who: &str, ground: Ground, at_ms: i64) -> Claim {
    let (campaign, step) = ("spring".to_owned(), String::new());
    Claim { thing: thing.to_owned(), handle: format!("h-{who}"), key: Some(who.to_owned()), ground, at_ms, campaign, step }
}

#[test]
fn a_repeat_is_one_row_with_its_earliest_receipt() {
    let identity = Identity::open(RusqliteSql::default(), KEY).unwrap();
    for received_ms in [20, 10, 30] {
        let twice = [status("m", StatusKind::Sent, received_ms), status("m", StatusKind::Sent, received_ms)];
        assert_eq!(identity.resolve(&twice).unwrap(), [None, None]);
    }
    assert_eq!(identity.waiting().unwrap(), SortedMap::from([("ch".to_owned(), 1)]));
    assert!(!identity.any_due().unwrap());
    assert!(identity.claim(&[claim("cm", "1", Ground::Dispatched, 5)], 0).unwrap().is_empty());
    let due = identity.due(0).unwrap();
    assert_eq!((due.events.len(), due.events[0].1.received_ms, due.events[0].1.handle.as_str()), (1, 10, "h-1"));
    identity.done(&due).unwrap();
    assert!(!identity.any_due().unwrap() && identity.due(0).unwrap().is_empty());
    let more = [status("m", StatusKind::Read, 40), status("other", StatusKind::Sent, 40)];
    assert_eq!(identity.resolve(&more).unwrap(), [Some("h-1".to_owned()), None]);
    // An earlier dispatch takes the message, and all that named nobody; the first is told that it has lost it.
    assert_eq!(identity.claim(&[claim("cm", "2", Ground::Dispatched, 4)], 0).unwrap(), [0]);
    let due = identity.due(0).unwrap();
    let verdicts: Vec<_> = due.verdicts.iter().map(|v| (v.handle.as_str(), v.thing.as_str(), v.word)).collect();
    assert_eq!(verdicts, [("h-1", "mcm", Word::Lost)]);
    assert!(due.events.iter().all(|(_, routed)| routed.handle == "h-2") && due.events.len() == 2);
}

#[test]
fn what_changes_on_the_way_stays_due() {
    let identity = Identity::open(RusqliteSql::default(), KEY).unwrap();
    identity.resolve(&[status("m", StatusKind::Sent, 1)]).unwrap();
    identity.claim(&[claim("cm", "1", Ground::Told, 5)], 0).unwrap();
    let on_its_way = identity.due(0).unwrap();
    identity.claim(&[claim("cm", "2", Ground::Dispatched, 9)], 0).unwrap();
    identity.done(&on_its_way).unwrap();
    let due = identity.due(0).unwrap();
    assert_eq!((due.events[0].1.handle.as_str(), due.verdicts[0].handle.as_str()), ("h-2", "h-1"));
}

/// Whose a thing is, whatever came first.
#[test]
fn the_best_claim_wins() {
    use Ground::{Cancelled, Clicked, Dispatched, Named, Quoted, Told};
    let check = |claims: &[(&str, Ground, i64)], winner: &str| {
        for turned in 0..claims.len() {
            let mut thing = Thing::default();
            for (who, ground, at_ms) in claims.iter().cycle().skip(turned).take(claims.len()) {
                thing.put(&claim("c1", who, *ground, *at_ms));
            }
            assert_eq!(thing.winner(), Some(format!("h-{winner}")), "{claims:?}");
        }
    };
    check(&[("1", Dispatched, 5), ("2", Dispatched, 4)], "2");
    check(&[("1", Dispatched, 5), ("2", Dispatched, 5)], "1");
    check(&[("1", Told, 1), ("2", Dispatched, 5), ("3", Quoted, 0)], "2");
    check(&[("1", Told, 1), ("3", Quoted, 0)], "1");
    check(&[("1", Clicked, 1), ("2", Named, 5)], "2");
    // Of a conversion all copies give the time.
    check(&[("1", Clicked, 1), ("1", Named, 9), ("2", Named, 5)], "1");

    let mut thing = Thing::default();
    for (who, ground) in [("1", Named), ("2", Named), ("3", Cancelled)] {
        thing.put(&claim("c1", who, ground, 0));
    }
    assert!(thing.decide().into_iter().all(|(_, _, word)| word == Word::Withdrawn));
}

#[test]
fn what_a_key_claims_can_become_anothers() {
    let mut thing = Thing::default();
    for (who, at_ms) in [("US.1", 5), ("2", 6), ("3", 7)] {
        thing.put(&claim("c1", who, Ground::Dispatched, at_ms));
    }
    assert_eq!(thing.winner().as_deref(), Some("h-US.1"));
    thing.decide();
    let to = |who: &str, epoch: u64| Holder { handle: format!("h-{who}"), key: who.to_owned(), epoch };
    thing.moved("h-US.1", &to("3", 1));
    assert_eq!(thing.winner().as_deref(), Some("h-3"));
    let told: BTreeMap<String, Word> = thing.decide().into_iter().map(|(handle, _, word)| (handle, word)).collect();
    assert_eq!(told, BTreeMap::from([("h-3".to_owned(), Word::Won), ("h-US.1".to_owned(), Word::Lost)]));
    // It moves on; what came late from before does not move it back.
    thing.moved("h-US.1", &to("4", 2));
    thing.moved("h-US.1", &to("3", 1));
    assert_eq!(thing.winner().as_deref(), Some("h-4"));
    let told: Vec<(String, Word)> = thing.decide().into_iter().map(|(handle, _, word)| (handle, word)).collect();
    assert_eq!(told, [("h-3".to_owned(), Word::Lost)]);
}

#[test]
fn what_is_old_is_dropped() {
    let sql = RusqliteSql::default();
    let identity = Identity::open(sql.clone(), KEY).unwrap();
    identity.resolve(&[status("old", StatusKind::Sent, 10), status("new", StatusKind::Sent, 30)]).unwrap();
    identity.claim(&[claim("c1", "1", Ground::Dispatched, 5)], 10).unwrap();
    identity.claim(&[claim("c2", "1", Ground::Dispatched, 5)], 30).unwrap();
    // Two persons claim the first.
    identity.claim(&[claim("c1", "2", Ground::Dispatched, 6)], 15).unwrap();
    let left = "SELECT json_object('waiting', (SELECT json_group_array(message) FROM waiting), 'thing', \
                (SELECT json_group_array(name) FROM thing), 'claim', (SELECT json_group_array(thing) FROM claim))";
    let left = || sql.text(left, &[]).unwrap().unwrap();
    assert!(!identity.expire(20).unwrap());
    // A claim is, or was once, seen by the day.
    let alone = thing_handle(&KEY, "c2").to_text();
    assert_eq!(left(), format!(r#"{{"waiting":["cnew"],"thing":["c1"],"claim":["{alone}"]}}"#));
    assert!(!identity.expire(DAY_MS - 1).unwrap());
    assert_eq!(left(), format!(r#"{{"waiting":[],"thing":["c1"],"claim":["{alone}"]}}"#));
    assert!(!identity.expire(DAY_MS).unwrap());
    assert_eq!(left(), r#"{"waiting":[],"thing":[],"claim":[]}"#);
}

/// One person's only claim takes a short row; it becomes a long one when there is more to be known, and one of an older release a
/// short one when it is spoken of.
#[test]
fn a_claim_stands_alone_for_as_long_as_it_can() {
    let sql = RusqliteSql::default();
    let identity = Identity::open(sql.clone(), KEY).unwrap();
    let rows = || sql.text("SELECT (SELECT count(*) FROM claim) || (SELECT count(*) FROM thing)", &[]).unwrap().unwrap();
    identity.claim(&[claim("cm", "12025550101", Ground::Dispatched, 5)], 0).unwrap();
    assert_eq!(rows(), "10");
    let stored = sql.text("SELECT typeof(key) || key FROM claim", &[]).unwrap().unwrap();
    assert_eq!(stored, "integer12025550101");
    assert_eq!(identity.resolve(&[status("m", StatusKind::Sent, 1)]).unwrap(), [Some("h-12025550101".to_owned())]);
    assert_eq!(identity.claim(&[claim("cm", "US.1", Ground::Dispatched, 4)], 0).unwrap(), [0]);
    assert_eq!(rows(), "01");
    let due = identity.due(0).unwrap();
    assert_eq!((due.verdicts.len(), due.events[0].1.handle.as_str()), (1, "h-US.1"));
    // Keys that are no numbers, or not written as one, come back as they were.
    for key in ["US.1", "007", "", "9999999999999999999999", "-1", "1e3"] {
        let sole = Claim { handle: "h".to_owned(), ..claim(&format!("c{key}"), key, Ground::Told, 5) };
        identity.claim(&[sole], 0).unwrap();
        let page = identity.export(&(0, "[-1]".to_owned())).unwrap();
        assert!(page.lines.contains(&format!(r#""handle":"h","key":"{key}","ground":"t","at_ms":5"#)), "{}", page.lines);
    }
    identity.forget(&["h".to_owned()]).unwrap();
    let kept = "SELECT count(*) || '' FROM claim WHERE key <> ''";
    assert_eq!(sql.text(kept, &[]).unwrap().unwrap(), "0");
}

/// What waits at a deployment where the claim is imported goes to its person, whichever came first.
#[test]
fn an_imported_claim_is_found_by_what_waits() {
    let old = Identity::open(RusqliteSql::default(), KEY).unwrap();
    old.claim(&[claim("cm", "1", Ground::Dispatched, 5)], 0).unwrap();
    let page = old.export(&(0, "[-1]".to_owned())).unwrap();
    let line: serde_json::Value = serde_json::from_str(page.lines.lines().next().unwrap()).unwrap();
    let rows = SortedMap::from([("claim".to_owned(), vec![(0, line["claim"].clone())])]);
    let new = Identity::open(RusqliteSql::default(), KEY).unwrap();
    new.resolve(&[status("m", StatusKind::Sent, 1), status("other", StatusKind::Sent, 1)]).unwrap();
    for _ in 0..2 {
        new.import(&rows).unwrap();
        let due = new.due(0).unwrap();
        assert_eq!(due.events.iter().map(|(_, routed)| routed.handle.as_str()).collect::<Vec<_>>(), ["h-1"]);
    }
    new.done(&new.due(0).unwrap()).unwrap();
    assert!(!new.any_due().unwrap());
    assert_eq!(new.waiting().unwrap(), SortedMap::from([("ch".to_owned(), 1)]));
}

fn told(mut due: Due) -> String {
    due.verdicts.sort_by(|a, b| (&a.thing, &a.handle).cmp(&(&b.thing, &b.handle)));
    let events: BTreeSet<String> = due.events.iter().map(|(_, routed)| serde_json::to_string(routed).unwrap()).collect();
    format!("{:?} {events:?}", due.verdicts)
}

/// `identity-2.json` is what the release of format 2 stored after the commands of `claims.json`. It answers as what is stored now does,
/// whether it was spoken of before or not.
#[test]
fn what_an_older_release_stored_answers_and_goes_on_alike() {
    let read = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stored").join(name);
        std::fs::read_to_string(path).unwrap()
    };
    let commands: Vec<Command> = serde_json::from_str(&read("claims.json")).unwrap();
    let run = |identity: &Identity<RusqliteSql>| {
        for command in &commands {
            match command {
                Command::Resolve { events } => drop(identity.resolve(events).unwrap()),
                Command::Claim { claims, received_ms } => drop(identity.claim(claims, *received_ms).unwrap()),
                Command::Moved { moved, received_ms } => identity.moved(moved, *received_ms).unwrap(),
                Command::Forget { handles } => identity.forget(handles).unwrap(),
                other => panic!("{other:?}"),
            }
            identity.done(&identity.due(0).unwrap()).unwrap();
        }
    };
    let fresh = || {
        let identity = Identity::open(RusqliteSql::default(), KEY).unwrap();
        run(&identity);
        identity
    };
    let stored: BTreeMap<String, Vec<Vec<serde_json::Value>>> = serde_json::from_str(&read("identity-2.json")).unwrap();
    assert!(stored["thing"].len() > 10 && stored["kept"].len() == 1 && stored["waiting"].len() == 1);
    let old = |spoken: bool| {
        let sql = RusqliteSql::default();
        drop(Identity::open(sql.clone(), KEY).unwrap());
        for (table, rows) in &stored {
            for row in rows {
                let values: Vec<String> = (0..row.len()).map(|no| format!("?1 ->> {no}")).collect();
                let row = serde_json::to_string(row).unwrap();
                sql.exec(&format!("INSERT INTO {table} SELECT {}", values.join(", ")), &[Arg::Text(&row)]).unwrap();
            }
        }
        let identity = Identity::open(sql.clone(), KEY).unwrap();
        if spoken {
            run(&identity);
            let short = sql.text("SELECT count(*) || '' FROM claim", &[]).unwrap().unwrap();
            assert!(short.parse::<u32>().unwrap() >= 6, "{short} have moved");
        }
        identity
    };
    let names: BTreeSet<String> = stored["thing"].iter().map(|row| row[0].as_str().unwrap().to_owned()).collect();
    let asked: Vec<Nameless> =
        names.iter().map(|name| Nameless { message: name.clone(), ..status("x", StatusKind::Read, 99) }).collect();
    for spoken in [false, true] {
        let (fresh, old) = (fresh(), old(spoken));
        assert_eq!(old.waiting().unwrap(), fresh.waiting().unwrap());
        assert_eq!(old.resolve(&asked).unwrap(), fresh.resolve(&asked).unwrap());
        // Somebody else claims each of them, with the best ground and long before; then the first one again, even earlier.
        for (who, at_ms) in [("0", 2), ("12025550101", 1)] {
            let ground = |name: &str| if name.starts_with('#') { Ground::Named } else { Ground::Dispatched };
            let claims: Vec<Claim> = names.iter().map(|name| claim(name, who, ground(name), at_ms)).collect();
            assert_eq!(old.claim(&claims, 100).unwrap(), fresh.claim(&claims, 100).unwrap(), "{who}");
            let (one, other) = (old.due(0).unwrap(), fresh.due(0).unwrap());
            assert!(!one.is_empty());
            assert_eq!(told(one.clone()), told(other.clone()), "{who}");
            old.done(&one).unwrap();
            fresh.done(&other).unwrap();
        }
        assert_eq!(old.resolve(&asked).unwrap(), fresh.resolve(&asked).unwrap());
    }
}

#[test]
fn an_erased_persons_key_is_forgotten_and_the_claim_is_not() {
    let sql = RusqliteSql::default();
    let identity = Identity::open(sql.clone(), KEY).unwrap();
    identity.claim(&[claim("c1", "12025550101", Ground::Dispatched, 5), claim("c1", "2", Ground::Dispatched, 6)], 10).unwrap();
    identity.forget(&["h-12025550101".to_owned()]).unwrap();
    // Nor does a late copy of the claim bring it back.
    for _ in 0..2 {
        let row = sql.text("SELECT holder || body FROM thing", &[]).unwrap().unwrap();
        assert!(row.starts_with("h-12025550101") && !row.contains("\"12025550101\""), "{row}");
        identity.claim(&[claim("c1", "12025550101", Ground::Dispatched, 5)], 10).unwrap();
    }
}

/// What was added up with the erased is not counted a second time, for whom a better claim comes later.
#[test]
fn who_was_erased_while_it_was_theirs_keeps_it() {
    let words = |erase_first: bool| {
        let mut thing = Thing::default();
        thing.put(&claim("#o", "1", Ground::Clicked, 5));
        assert_eq!(thing.decide(), []);
        let better = |thing: &mut Thing| {
            thing.put(&claim("#o", "2", Ground::Named, 6));
            thing.decide()
        };
        let told = if erase_first {
            thing.forget("h-1");
            better(&mut thing)
        } else {
            let told = better(&mut thing);
            thing.forget("h-1");
            assert_eq!(thing.decide(), []);
            told
        };
        told.into_iter().map(|(who, _, word)| (who, word)).collect::<Vec<_>>()
    };
    assert_eq!(words(true), [("h-2".to_owned(), Word::Lost)]);
    assert_eq!(words(false), [("h-1".to_owned(), Word::Lost)]);
}

/// What an earlier release knew is known.
#[test]
fn an_older_database_is_taken_over() {
    let sql = RusqliteSql::default();
    for statement in [
        "CREATE TABLE known (message TEXT PRIMARY KEY, handle TEXT NOT NULL) STRICT, WITHOUT ROWID",
        "INSERT INTO known VALUES ('cm', 'h-1')",
    ] {
        sql.exec(statement, &[]).unwrap();
    }
    let identity = Identity::open(sql, KEY).unwrap();
    assert_eq!(identity.resolve(&[status("m", StatusKind::Sent, 1)]).unwrap(), [Some("h-1".to_owned())]);
    // A better word is taken, too.
    identity.claim(&[claim("cm", "2", Ground::Dispatched, 9)], 0).unwrap();
    assert_eq!(identity.due(0).unwrap().events[0].1.handle, "h-2");
}

/// The alarm rings for other work too: only once a day is everything looked at, also by an Identity that has just woken.
#[test]
fn everything_is_looked_at_once_a_day() {
    let sql = RusqliteSql::default();
    for (now_ms, rest_ms) in [(1, DAY_MS), (2, DAY_MS - 1), (DAY_MS, 1), (DAY_MS + 1, DAY_MS), (5, DAY_MS)] {
        let identity = Identity::open(sql.clone(), KEY).unwrap();
        assert_eq!(identity.tidy(0, now_ms).unwrap() as i64, rest_ms, "{now_ms}");
    }
}
