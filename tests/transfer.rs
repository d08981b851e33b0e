//! Export and import: a workspace taken from some Ledgers into twice as many answers the same, however the lines are cut, shuffled and
//! repeated; what was forgotten stays so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod model;
mod support;

use bluetick::bounds::SWEEP_PAUSE_MS;
use bluetick::event::Event;
use bluetick::ledger::{Read, Write};
use bluetick::shares::Shares;
use bluetick::transfer::{FIRST, Page, fingerprint, sort};
use model::generate::{Random, START_MS, Shape, generate_with, repeat, shuffle, split, written};
use model::{DAY_MS, Definitions, recount};
use serde_json::{Value, json};
use support::workspace::Workspace;
use support::{compare, invariants, seeds};

/// Everything that a workspace's Ledgers and Identities tell.
fn export(workspace: &mut Workspace) -> Vec<String> {
    let mut text = format!("{}\n", json!({"workspace": {"version": 1, "keys": fingerprint(&workspace.partition)}}));
    for (no, ledger) in workspace.ledgers.iter_mut().enumerate() {
        let mut place = Some((0, FIRST.to_owned()));
        while let Some(from) = place {
            let page = ledger.read(&Read::Export { ledger: no as u32, place: from }).unwrap();
            let page: Page = serde_json::from_str(&page).unwrap();
            text += &page.lines;
            place = page.next;
        }
    }
    for identity in &workspace.identities {
        let mut place = Some((0, FIRST.to_owned()));
        while let Some(from) = place {
            let page = identity.export(&from).unwrap();
            text += &page.lines;
            place = page.next;
        }
    }
    text.lines().map(str::to_owned).collect()
}

fn import(workspace: &mut Workspace, lines: &[String]) {
    let sorted = sort(&workspace.partition, lines.iter().map(|line| serde_json::from_str(line).ok()).collect()).unwrap();
    assert!(sorted.rejected.is_empty() && sorted.registry.is_empty(), "{:?}", sorted.rejected);
    for (ledger, rows) in sorted.ledgers {
        // Over the wire and back.
        let write = serde_json::to_string(&Write::Restore { ledger, rows }).unwrap();
        let write: Write = serde_json::from_str(&write).unwrap();
        let now_ms = workspace.now_ms;
        workspace.ledgers[ledger as usize].commit(&[write], now_ms).remove(0).unwrap();
    }
    for (object, rows) in sorted.identities {
        workspace.identities[object as usize].import(&rows).unwrap();
    }
}

fn shuffled<T: Clone>(random: &mut Random, list: &[T]) -> Vec<T> {
    let mut list = list.to_vec();
    for end in (1..list.len()).rev() {
        list.swap(end, random.below(end + 1));
    }
    list
}

type Cells = Vec<std::collections::BTreeMap<invariants::Named, i128>>;

fn all_cells(workspace: &mut Workspace, of: impl Fn(Shares) -> bluetick::counters::Book) -> Cells {
    (0..5).map(|no| invariants::named_cells(&of(workspace.shares(no))).into_iter().filter(|(_, n)| *n != 0).collect()).collect()
}

#[test]
fn a_workspace_moves_to_twice_as_many_ledgers() {
    for seed in seeds(40) {
        let context = format!("seed {seed}");
        let mut random = Random(seed ^ 0x2b);
        let scenario = generate_with(seed, &Shape::within_contacts());
        let ledgers = 1 + random.below(3);
        let mut old = Workspace::new(ledgers, &scenario.definitions);
        old.ledgers.iter_mut().for_each(|ledger| drop(ledger.commit(&[Write::Retain { days: 90 }], 0).remove(0).unwrap()));
        let batches = split(seed, &repeat(seed, &shuffle(seed, &scenario.received)));
        batches.iter().for_each(|batch| old.record(batch));
        let expected = recount(&scenario.received, &scenario.definitions);
        // One is erased; in some workspaces others expire too, or some of what they did.
        let (ledger, handle) = old.whereabouts(&written(random.below(10))[0]);
        let erase = Write::Erase { handle: handle.clone(), at_ms: START_MS + 50 * DAY_MS, of: None };
        old.ledgers[ledger].commit(&[erase], 0).remove(0).unwrap();
        if random.one_in(3) {
            old.now_ms = START_MS + (88 + *random.pick(&[0, 1, 2, 3, 4, 6, 8, 12, 112])) * DAY_MS;
            let now_ms = old.now_ms;
            old.ledgers.iter_mut().for_each(|ledger| while ledger.tend(now_ms).unwrap() == SWEEP_PAUSE_MS {});
        }
        let lines = export(&mut old);
        let things =
            old.identity_storage.iter().map(|sql| invariants::query::<u8>(sql, "SELECT json_group_array(1) FROM thing").len());
        assert_eq!(lines.iter().filter(|line| line.starts_with("{\"thing\"")).count(), things.sum::<usize>(), "{context}");

        let mut new = Workspace::new(2 * ledgers, &scenario.definitions);
        new.now_ms = old.now_ms;
        new.ledgers.iter_mut().for_each(|ledger| drop(ledger.commit(&[Write::Retain { days: 90 }], 0).remove(0).unwrap()));
        let mut sent = shuffled(&mut random, &lines);
        for _ in 0..lines.len() / 4 {
            sent.push(random.pick(&lines).clone());
        }
        for chunk in sent.chunks(1 + random.below(60)) {
            import(&mut new, chunk);
            if random.one_in(8) {
                new.restart();
            }
            if random.one_in(4) {
                let now_ms = new.now_ms;
                for ledger in &mut new.ledgers {
                    ledger.tend(now_ms).unwrap();
                }
            }
        }
        for of in
            [Shares::into_sum, |shares: Shares| shares.live, |shares: Shares| shares.erased, |shares: Shares| shares.expired]
        {
            for (no, (new, old)) in all_cells(&mut new, of).into_iter().zip(all_cells(&mut old, of)).enumerate() {
                let more: Vec<_> = new.iter().filter(|(cell, n)| old.get(*cell) != Some(*n)).collect();
                let less: Vec<_> = old.iter().filter(|(cell, n)| new.get(*cell) != Some(*n)).collect();
                assert!(more.is_empty() && less.is_empty(), "{context}, campaign {no}: {more:?} instead of {less:?}");
            }
        }
        compare::check(&context, &mut new, &scenario.definitions, &expected);
        for storage in &new.storage {
            invariants::check_lists(&context, storage);
            invariants::check_reload(&context, storage);
        }
        // Whoever was erased stays so, and an export of the import is the export.
        let mut again = export(&mut new);
        let mut lines = lines;
        for list in [&mut again, &mut lines] {
            list.retain(|line| !line.starts_with("{\"contact\""));
            list.sort();
        }
        assert_eq!(again, lines, "{context}");
        // Into itself it changes nothing.
        let before = all_cells(&mut old, Shares::into_sum);
        import(&mut old, &lines);
        assert_eq!(all_cells(&mut old, Shares::into_sum), before, "{context}");
    }
}

/// Five messages of each contact, each with its dispatch and what became of it.
fn fill(workspace: &mut Workspace, definitions: &Definitions, messages: u64) {
    let campaigns: Vec<&str> = definitions.campaigns.iter().map(|campaign| campaign["id"].as_str().unwrap()).collect();
    let events = (0..messages).flat_map(|no| {
        let (id, phone) = (format!("wamid.{no}"), format!("1202{:07}", no / 5));
        let campaign = campaigns[no as usize % campaigns.len()];
        let at_ms = START_MS + (no * 7919 % 864_000_000) as i64;
        let dispatch = json!({"dispatch": {"campaign": campaign, "outcome": "accepted", "person": {"phone": phone}, "channel": "main",
            "message_id": id, "at_ms": at_ms, "category": "marketing"}});
        let told: &[&str] = match no % 10 {
            0 => &["failed"],
            1..=3 => &["sent", "delivered"],
            _ => &["sent", "delivered", "read"],
        };
        let statuses = told.iter().zip(1..).map(|(status, later)| {
            json!({"status": {"channel": "main", "message_id": id, "status": status, "at_ms": at_ms + 900_000 * later,
                "person": {"phone": phone}, "category": "marketing", "billable": true}})
        });
        let all = core::iter::once(dispatch).chain(statuses);
        all.map(|json| (phone.clone(), serde_json::from_value::<Event>(json).unwrap())).collect::<Vec<_>>()
    });
    let mut events = events.peekable();
    while events.peek().is_some() {
        let mut routed = Vec::new();
        for (key, event) in events.by_ref().take(8_000) {
            routed.push(workspace.partition.route_to(key, event, 'a', START_MS));
        }
        for claim in routed.iter().filter(|routed| matches!(routed.event, Event::Dispatch(_))) {
            let claim = workspace.partition.claim(claim).unwrap();
            let identity = workspace.identity_of(&claim.thing);
            workspace.identities[identity].claim(&[claim], START_MS).unwrap();
        }
        for (ledger, events) in workspace.partition.by_ledger(routed) {
            workspace.ledgers[ledger as usize].commit(&[Write::Record { events }], 0).remove(0).unwrap();
        }
    }
}

/// A million, too: `MESSAGES=1000000 cargo test --test transfer a_large_workspace`.
#[test]
fn a_large_workspace_answers_the_same_in_twice_as_many_ledgers() {
    let messages = std::env::var("MESSAGES").map_or(30_000, |messages| messages.parse().unwrap());
    let definitions = generate_with(0, &Shape::within_contacts()).definitions;
    let mut old = Workspace::new(4, &definitions);
    fill(&mut old, &definitions, messages);
    let lines = export(&mut old);
    assert!(lines.len() as u64 > messages);
    let mut new = Workspace::new(8, &definitions);
    lines.chunks(10_000).for_each(|lines| import(&mut new, lines));
    let cells = all_cells(&mut old, Shares::into_sum);
    assert!(cells.iter().any(|cells| !cells.is_empty()));
    assert_eq!(all_cells(&mut new, Shares::into_sum), cells);
    let mut told = export(&mut new);
    assert_eq!(told.len(), lines.len());
    let mut lines = lines;
    lines.sort();
    told.sort();
    assert!(told == lines, "the export of the import is the export");
}

#[test]
fn lines_of_something_else_are_rejected_where_they_stand() {
    let workspace = Workspace::new(2, &generate_with(0, &Shape::within_contacts()).definitions);
    let lines: Vec<Option<Value>> = vec![
        Some(json!({"workspace": {"version": 1, "keys": fingerprint(&workspace.partition)}})),
        None,
        Some(json!([])),
        Some(json!({"entry": ["no handle", "mxa", {}]})),
        Some(json!({"entry": ["AAAAAAAAAAAAAAAA", "mxa", {"t": 1}], "more": 1})),
        Some(json!({"share": [1, 1, "", 1, {}]})),
        Some(json!({"what": 1})),
    ];
    let sorted = sort(&workspace.partition, lines.clone()).unwrap();
    assert_eq!(sorted.heads, 1);
    assert_eq!(sorted.rejected.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    // Under another master key nothing of it means anything here.
    let foreign = lines.into_iter().chain([Some(json!({"workspace": {"version": 1, "keys": "of another"}}))]);
    assert_eq!(sort(&workspace.partition, foreign.collect()).unwrap_err().status, 409);
}
