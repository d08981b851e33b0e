//! A person turns out to have another key, and whoever takes part dies: before and after every durable write of every object, one
//! after the other. Whatever breaks off is tried again, and in the end every number is the one that the model counts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod model;
mod support;

use std::collections::BTreeMap;

use bluetick::identity::Identity;
use bluetick::ledger::{Belonging, BookRows, Ledger, Read, Routed, Sums, Totals, Write};
use bluetick::numbers::Numbers;
use model::generate::START_MS;
use model::{DAY_MS, Definitions, Received, recount};
use serde_json::{Value, json};
use support::rusqlite_sql::{Fault, RusqliteSql};
use support::workspace::{Parts, Workspace, campaigns};
use support::{compare, invariants};

const LEDGERS: usize = 3;
/// A person's phone, their user id, another phone that had it earlier, and somebody who claims one of their messages.
const PHONE: &str = "12025550111";
const USER: &str = "US.13491111";
const EARLIER: &str = "447700900222";
const RIVAL: &str = "447700900333";
const ERASED_MS: i64 = START_MS + 30 * DAY_MS;

/// What somebody does, who does it again until it is done.
enum Act {
    Tell(Vec<Received>),
    Erase(&'static str),
}

/// An object failed: whoever asked it comes again.
#[derive(Debug)]
struct Failed;

struct World {
    workspace: Workspace,
    /// How many durable writes there were.
    step: usize,
    /// At which of them what goes wrong.
    plan: Option<(usize, Fault)>,
    /// No message is ever counted twice, but for those (the second number) that two claim until they have heard whose they are: so many
    /// there are.
    most_sent: (u64, u64),
    /// So many were counted at once.
    had_sent: u64,
    /// Answers have said that things are moving.
    told_of_moving: bool,
}

impl World {
    fn new(definitions: &Definitions, plan: Option<(usize, Fault)>, most_sent: (u64, u64)) -> Self {
        let workspace = Workspace::new(LEDGERS, definitions);
        Self { workspace, step: 0, plan, most_sent, had_sent: 0, told_of_moving: false }
    }

    fn fault(&mut self) -> Fault {
        let fault = self.plan.filter(|(step, _)| *step == self.step).map_or(Fault::None, |(_, fault)| fault);
        self.step += 1;
        fault
    }

    /// One durable write of a Ledger. `is_whole`: the storage puts the fault into the transaction; else there is but one statement.
    fn ledger<T>(&mut self, ledger: usize, work: impl FnOnce(&mut Ledger<RusqliteSql>) -> Option<T>) -> Result<T, Failed> {
        let fault = self.fault();
        self.workspace.storage[ledger].fail_next(fault);
        let done = work(&mut self.workspace.ledgers[ledger]);
        self.workspace.storage[ledger].wake();
        if fault != Fault::None {
            self.workspace.ledgers[ledger] = Ledger::open(self.workspace.storage[ledger].clone()).unwrap();
        }
        self.nothing_twice_and_nothing_in_silence();
        done.filter(|_| fault == Fault::None).ok_or(Failed)
    }

    fn identity<T>(&mut self, identity: usize, work: impl FnOnce(&Identity<RusqliteSql>) -> Option<T>) -> Result<T, Failed> {
        let fault = self.fault();
        self.workspace.identity_storage[identity].fail_next(fault);
        let done = work(&self.workspace.identities[identity]);
        self.workspace.identity_storage[identity].wake();
        if fault != Fault::None {
            self.workspace.identities[identity] =
                Identity::open(self.workspace.identity_storage[identity].clone(), self.workspace.partition.handle_key).unwrap();
        }
        done.filter(|_| fault == Fault::None).ok_or(Failed)
    }

    /// What counts nowhere while it moves, the answers tell of.
    fn nothing_twice_and_nothing_in_silence(&mut self) {
        let sent: u64 = (0..4).map(|no| Numbers::ever(&self.workspace.book(no), None).messages.sent).sum();
        let sums = Read::Sums(Sums { totals: Totals::Whole, ..Sums::default() });
        let answers = self.workspace.ledgers.iter_mut().map(|ledger| ledger.read(&sums).unwrap());
        let moving: u64 = answers.map(|answer| serde_json::from_str::<BookRows>(&answer).unwrap().moving()).sum();
        let at = format!("{sent} messages, {moving} things moving at step {} of {:?}", self.step, self.plan);
        let (most_sent, claimed_twice) = self.most_sent;
        assert!(sent <= most_sent + claimed_twice, "{at}");
        self.had_sent = self.had_sent.max(sent);
        assert!(sent + moving + claimed_twice >= self.had_sent, "{at}, and there were {}", self.had_sent);
        self.told_of_moving |= moving > 0;
    }

    fn write(&mut self, ledger: usize, write: Write) -> Result<(), Failed> {
        self.ledger(ledger, |ledger| ledger.commit(&[write], 0).remove(0).ok().map(drop))
    }

    fn record(&mut self, events: Vec<Routed>) -> Result<(), Failed> {
        let mut writes: BTreeMap<usize, Vec<Routed>> = BTreeMap::new();
        for routed in events {
            writes.entry(self.workspace.ledger_of(&routed.handle)).or_default().push(routed);
        }
        writes.into_iter().try_for_each(|(ledger, events)| self.write(ledger, Write::Record { events }))
    }

    /// As the edge does it, once.
    fn act(&mut self, act: &Act) -> Result<(), Failed> {
        match act {
            Act::Tell(batch) => {
                let Parts { mut events, nameless, claims } = self.workspace.parts(batch);
                for event in nameless {
                    let identity = self.workspace.identity_of(&event.message);
                    let known = self.identity(identity, |core| core.resolve(std::slice::from_ref(&event)).ok())?.remove(0);
                    events.extend(known.or_else(|| event.nobody.clone()).map(|handle| event.of_person(handle)));
                }
                self.record(events)?;
                claims.into_iter().try_for_each(|claim| {
                    let identity = self.workspace.identity_of(&claim.thing);
                    self.identity(identity, |core| core.claim(&[claim], 0).ok().map(drop))
                })
            }
            Act::Erase(key) => {
                let (ledger, handle) = self.workspace.whereabouts(key);
                for identity in 0..LEDGERS {
                    self.identity(identity, |core| core.forget(std::slice::from_ref(&handle)).ok())?;
                }
                self.write(ledger, Write::Erase { handle, at_ms: ERASED_MS, of: None })
            }
        }
    }

    /// A Ledger's errands, and what an Identity has to tell. Says whether there was anything.
    fn tell(&mut self, object: usize) -> Result<bool, Failed> {
        if let Some(identity) = object.checked_sub(LEDGERS) {
            let due = self.workspace.identities[identity].due(0).unwrap();
            if due.is_empty() {
                return Ok(false);
            }
            for verdict in &due.verdicts {
                let ledger = self.workspace.ledger_of(&verdict.handle);
                self.write(ledger, Write::Judge { verdicts: vec![verdict.clone()] })?;
            }
            self.record(due.events.iter().map(|(_, routed)| routed.clone()).collect())?;
            self.identity(identity, |core| core.done(&due).ok())?;
            return Ok(true);
        }
        let errands = self.workspace.ledgers[object].errands().unwrap();
        if errands.is_empty() {
            return Ok(false);
        }
        let (nos, errands): (Vec<i64>, Vec<_>) = errands.into_iter().unzip();
        let (writes, moved) = self.workspace.partition.errands(&errands);
        writes.into_iter().try_for_each(|(ledger, write)| self.write(ledger as usize, write))?;
        for (identity, moved) in moved {
            self.identity(identity as usize, |core| core.moved(&moved, 0).ok())?;
        }
        // One statement and no transaction: it dies before or after it.
        let before = self.plan == Some((self.step, Fault::Before));
        self.ledger(object, |core| if before { None } else { core.told(&nos).ok() })?;
        Ok(true)
    }

    fn play(&mut self, acts: &[Act]) {
        for act in acts {
            while self.act(act).is_err() {}
            while (0..2 * LEDGERS).any(|object| self.tell(object).unwrap_or(true)) {}
        }
    }
}

fn person(key: &str) -> Value {
    if key == USER { json!({ "user_id": key }) } else { json!({ "phone": key }) }
}

fn event(kind: &str, at_ms: i64, who: Value, more: Value) -> Received {
    let mut event = json!({"kind": kind, "at_ms": at_ms, "person": who});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Received { received_ms: at_ms, event }
}

fn dispatch(key: &str, message: &str, at_ms: i64) -> Received {
    let more = json!({"campaign": "spring", "step": "s1", "outcome": "accepted", "channel": "meta-1", "message_id": message});
    event("dispatch", at_ms, person(key), more)
}

fn status(who: Value, message: &str, status: &str, at_ms: i64) -> Received {
    let more = json!({"channel": "meta-1", "message_id": message, "status": status, "reference": "spring:s1"});
    event("status", at_ms, who, more)
}

fn conversion(key: &str, id: &str, at_ms: i64) -> Received {
    event("conversion", at_ms, person(key), json!({"id": id, "value": {"amount": "9.90", "currency": "EUR"}}))
}

fn definitions() -> Definitions {
    let policy = json!({"no": 1, "id": "spring", "message_type": "template", "reply_window_ms": 3 * DAY_MS,
        "attribution_window_ms": DAY_MS, "touch": "delivered"});
    Definitions { campaigns: vec![policy], channels: [("meta-1".to_owned(), "meta".to_owned())].into() }
}

/// A life under a user id and one under a phone, the word that they are one, then that somebody had the user id earlier; things
/// under each key before, between and after, statuses that name nobody, and a claim of another.
fn story() -> Vec<Act> {
    let at = |minutes: i64| START_MS + minutes * 60_000;
    let pair = |phone: &str| json!({"phone": phone, "user_id": USER});
    let acts = vec![
        vec![dispatch(USER, "u1", at(0)), dispatch(USER, "u2", at(1)), status(person(USER), "u1", "delivered", at(2))],
        vec![status(json!({}), "u2", "delivered", at(3)), conversion(USER, "o1", at(30))],
        vec![event(
            "inbound",
            at(20),
            person(USER),
            json!({"channel": "meta-1", "message_id": "i1", "inbound": "quick_reply", "quoted": "u1"}),
        )],
        vec![event("click", at(21), person(USER), json!({"click_id": "c1", "link": "a", "campaign": "spring", "step": "s1"}))],
        vec![dispatch(PHONE, "p1", at(4)), status(person(PHONE), "p1", "read", at(6)), conversion(PHONE, "o2", at(31))],
        // They are one person.
        vec![status(pair(PHONE), "p1", "delivered", at(600))],
        vec![status(json!({}), "u2", "read", at(601)), dispatch(USER, "u3", at(602)), conversion(USER, "o3", at(640))],
        vec![status(person(USER), "u3", "delivered", at(603)), status(person(USER), "u1", "read", at(604))],
        // Another claims one of their messages, and wins.
        vec![dispatch(RIVAL, "u3", at(601))],
        // No: the user id was somebody else's first.
        vec![status(pair(EARLIER), "e1", "delivered", at(500))],
        vec![status(person(USER), "u2", "failed", at(700)), status(json!({}), "u3", "read", at(701))],
        vec![conversion(USER, "o4", at(800)), status(pair(PHONE), "p1", "read", at(601))],
    ];
    acts.into_iter().map(Act::Tell).collect()
}

fn told(acts: &[Act]) -> Vec<Received> {
    acts.iter().filter_map(|act| if let Act::Tell(batch) = act { Some(batch.clone()) } else { None }).flatten().collect()
}

/// Plays the acts undisturbed, and then once for every durable write and fault.
fn at_every_step(acts: &[Act], claimed_twice: u64, judge: impl Fn(&str, &mut World)) {
    let definitions = definitions();
    let expected = recount(&told(acts), &definitions);
    let most_sent: u64 = expected.campaigns.values().map(|campaign| campaign.all.number("messages.sent")).sum();
    let most_sent = (most_sent, claimed_twice);
    let mut undisturbed = World::new(&definitions, None, most_sent);
    undisturbed.play(acts);
    assert!(undisturbed.told_of_moving);
    let steps = undisturbed.step;
    assert!(steps >= 40, "only {steps} durable writes");
    let mut numbers = None;
    let faults = [Fault::Before, Fault::After, Fault::Refused];
    let plans = (0..steps).flat_map(|step| faults.map(|fault| Some((step, fault))));
    for plan in [None].into_iter().chain(plans) {
        let mut world = World::new(&definitions, plan, most_sent);
        world.play(acts);
        assert!(plan.is_none_or(|(step, _)| step < world.step), "{plan:?} was never reached");
        let context = format!("{plan:?} of {steps} steps");
        compare::check_counted(&context, &mut world.workspace, &definitions, &expected);
        for (storage, ledger) in world.workspace.storage.iter().zip(&world.workspace.ledgers) {
            invariants::check_lists(&context, storage);
            invariants::check_reload(&context, storage);
            assert_eq!(ledger.moving().unwrap(), 0, "{context}: everything has arrived");
        }
        let got: Vec<_> = campaigns(&definitions)
            .into_iter()
            .map(|(_, no)| invariants::named_cells(&world.workspace.shares(no).live))
            .collect();
        assert_eq!(*numbers.get_or_insert(got.clone()), got, "{context}: as undisturbed");
        judge(&context, &mut world);
    }
}

#[test]
fn a_move_survives_a_crash_at_every_step() {
    let whereabouts = |key| Workspace::new(LEDGERS, &definitions()).whereabouts(key).0;
    let ledgers = [USER, PHONE, EARLIER].map(whereabouts);
    assert!(ledgers[0] != ledgers[1] && ledgers[1] != ledgers[2], "it goes from one Ledger to another: {ledgers:?}");
    at_every_step(&story(), 1, |_, _| {});
}

#[test]
fn an_erasure_under_two_keys_survives_a_crash_at_every_step() {
    // Not with a rival: whose claim wins is told by keys that are forgotten.
    let mut acts: Vec<Act> = story().into_iter().take(8).collect();
    acts.push(Act::Erase(PHONE));
    at_every_step(&acts, 0, |context, world| {
        for key in [PHONE, USER] {
            let (ledger, handle) = world.workspace.whereabouts(key);
            for table in ["contact", "entry", "away", "waiting"] {
                let left = format!("SELECT json_group_array(handle) FROM {table} WHERE handle = '{handle}'");
                let left: Vec<String> = invariants::query(&world.workspace.storage[ledger], &left);
                assert!(left.is_empty(), "{context}: {key} is still in {table}");
            }
        }
        let live = (0..2).map(|no| Numbers::ever(&world.workspace.shares(no).live, None).messages.sent).sum::<u64>();
        assert_eq!(live, 0, "{context}: nobody is left");
    });
}

/// A world of the acts, undisturbed, in which nothing that counts is judged.
fn played(acts: &[Act]) -> World {
    let mut world = World::new(&definitions(), None, (u64::MAX / 4, u64::MAX / 4));
    world.play(acts);
    world
}

impl World {
    fn sent(&mut self) -> u64 {
        (0..2).map(|no| Numbers::ever(&self.workspace.book(no), None).messages.sent).sum()
    }

    fn told(&mut self, acts: Vec<Vec<Received>>) {
        self.had_sent = 0;
        self.play(&acts.into_iter().map(Act::Tell).collect::<Vec<_>>());
    }

    fn rows(&self, key: &str, table: &str) -> Vec<String> {
        let (ledger, handle) = self.workspace.whereabouts(key);
        let rows = format!("SELECT json_group_array(handle) FROM {table} WHERE handle = '{handle}'");
        invariants::query(&self.workspace.storage[ledger], &rows)
    }
}

fn pair_of(phone: &str, message: &str, at_ms: i64) -> Received {
    status(json!({"phone": phone, "user_id": USER}), message, "delivered", at_ms)
}

#[test]
fn who_is_erased_takes_nobody_elses_key_along() {
    let mut world = played(&[
        Act::Tell(vec![dispatch(USER, "u1", START_MS)]),
        Act::Tell(vec![pair_of(EARLIER, "e1", START_MS + 10)]),
        // The user id was another's first: this moves nothing.
        Act::Tell(vec![pair_of(PHONE, "p1", START_MS + 20)]),
        Act::Erase(PHONE),
    ]);
    world.told(vec![
        vec![status(person(USER), "u1", "read", ERASED_MS + 1)],
        vec![status(person(USER), "u1", "delivered", START_MS + 5)],
    ]);
    let numbers = Numbers::ever(&world.workspace.book(1), None).messages;
    assert_eq!((numbers.sent, numbers.delivered, numbers.read), (3, 3, 1), "u1 is one message, and its owner's");
    assert_eq!(world.rows(USER, "tombstone"), [] as [String; 0]);
    assert_eq!(world.rows(PHONE, "tombstone").len(), 1);
}

/// What is on its way to somebody who is erased meanwhile brings neither them nor their number back.
#[test]
fn a_move_does_not_bring_the_erased_back() {
    let mut world = played(&[Act::Tell(vec![dispatch(USER, "u1", START_MS)])]);
    let ledger = world.workspace.whereabouts(PHONE).0;
    world.act(&Act::Tell(vec![pair_of(PHONE, "p1", START_MS + 20)])).unwrap();
    assert!(world.tell(ledger).unwrap(), "the user id's Ledger has heard whose it is");
    world.act(&Act::Erase(PHONE)).unwrap();
    while (0..2 * LEDGERS).any(|object| world.tell(object).unwrap()) {}
    assert_eq!([PHONE, USER].map(|key| world.rows(key, "tombstone").len()), [1, 1]);
    assert_eq!(world.rows(PHONE, "contact"), [] as [String; 0]);
}

/// The user id turns out to be one's and then another's before its Ledger told anybody: what takes back is heard before what it takes.
#[test]
fn what_is_taken_back_stays_away_whatever_comes_first() {
    let mut world = played(&[Act::Tell(vec![status(person(USER), "u1", "delivered", START_MS)])]);
    let ledger = world.workspace.whereabouts(USER).0;
    let belongs = |to: &str, at_ms: i64| Belonging {
        handle: world.workspace.whereabouts(USER).1,
        key: USER.to_owned(),
        to: to.to_owned(),
        pair: true,
        at_ms,
    };
    let belongings = vec![belongs(PHONE, START_MS + 20), belongs(EARLIER, START_MS + 10)];
    world.write(ledger, Write::Belong { belongings }).unwrap();
    world.told(vec![vec![pair_of(PHONE, "p1", START_MS + 20), pair_of(EARLIER, "e1", START_MS + 10)]]);
    assert_eq!(world.sent(), 3);
}

/// More under one key than one text of the storage takes.
#[test]
fn a_long_life_moves_whole() {
    const MESSAGES: usize = 6_000;
    let name = |no: usize| format!("{no}-{}", "x".repeat(480));
    let all: Vec<usize> = (0..MESSAGES).collect();
    let lives = all.chunks(500).map(|some| Act::Tell(some.iter().map(|no| dispatch(USER, &name(*no), START_MS)).collect()));
    let mut world = played(&lives.collect::<Vec<_>>());
    assert_eq!(world.sent(), MESSAGES as u64);
    for (phone, at_ms) in [(PHONE, START_MS + 20), (EARLIER, START_MS + 10)] {
        world.told(vec![vec![pair_of(phone, phone, at_ms)]]);
        assert!(world.workspace.ledgers.iter().all(|ledger| ledger.moving().unwrap() == 0));
        assert!(world.sent() > MESSAGES as u64, "{}", world.sent());
    }
    assert_eq!(world.sent(), MESSAGES as u64 + 2);
}
