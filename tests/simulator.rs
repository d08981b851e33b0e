//! The seeded simulator: senders that try until they are answered, Ledgers that die at the worst moment, people who are erased
//! meanwhile, and in the end every acknowledged event counted once, as the reference model recounts them. Then time passes: what is
//! too old goes, when the alarm comes or something new does, and every number stays. `SEED=` plays one seed again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod model;
mod support;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use bluetick::identity::{Claim, Due, Identity, Moved, Nameless};
use bluetick::ledger::{Errand, Ledger, Routed, Write};
use bluetick::policy::Policy;
use model::generate::{Random, START_MS, Shape, generate_with, repeat, shuffle, split, written};
use model::{Answers, DAY_MS, Definitions, HOUR_MS, Received, people, recount};
use serde_json::{Value, json};
use support::lives::{days_later, of_others};
use support::rusqlite_sql::Fault;
use support::workspace::{Parts, Workspace};
use support::{compare, invariants, seeds};

/// How often each fault happened.
type Fired = BTreeMap<&'static str, u64>;

/// What must happen at least [`FIRED_AT_LEAST`] times over the whole run.
const FAULTS: [&str; 22] = [
    "identity died before the write",
    "identity died after the write",
    "identity evicted",
    "verdict told",
    "things moved",
    "acknowledgement lost",
    "died before the write",
    "died after the write",
    "refused",
    "evicted",
    "answer lost",
    "duplicate",
    "clock jumped back",
    "clock jumped forth",
    "late dispatch",
    "late declaration",
    "poisoned in company",
    "erased",
    "came after the erasure",
    "died over an alarm",
    "alarm lost",
    "came when it was too old",
];
const FIRED_AT_LEAST: u64 = 1000;
const SEEDS: u64 = 1000;

/// Two people beside the scenario's, who touch nothing of others. One is erased, when all of their life is counted; both come again
/// when whatever was before is too old to be kept.
const MORTALS: Range<usize> = 20..22;
const ERASED_MS: i64 = START_MS + 60 * DAY_MS;
const SECOND_LIFE_DAYS: i64 = 150;
const RETENTION_DAYS: u32 = 90;
/// One seed of so many lives to see that.
const AGES_ONE_IN: usize = 6;

/// In what the storage refuses for ever.
const POISON: &str = "poisoned-";
/// How often a sender tries what never succeeds.
const POISON_TRIES: u32 = 2;

/// What a sender has to say. It says it again, all of it, until every object concerned has answered.
struct Batch {
    what: What,
    tries: u32,
    /// The storage refuses it for ever.
    poisoned: bool,
    /// An erasure waits until it is acknowledged.
    owed: bool,
}

#[derive(Clone)]
enum What {
    Events(Rc<Vec<Received>>),
    /// To one Ledger.
    Tell(usize, Write),
}

impl Batch {
    fn of(what: What) -> Self {
        Self { what, tries: 0, poisoned: false, owed: false }
    }

    fn events(events: Vec<Received>) -> Self {
        Self::of(What::Events(Rc::new(events)))
    }
}

/// Something on its way: how many objects have yet to answer, and whether one answered with an error.
struct Flight {
    whose: Whose,
    open: usize,
    failed: bool,
    /// What is asked after that, one by one.
    next: VecDeque<(usize, Ask)>,
}

enum Whose {
    Sender(Batch),
    /// What an Identity has to tell.
    Identity(usize, Due),
    /// The errands of a Ledger, by their numbers.
    Ledger(usize, Vec<i64>),
}

/// What waits before an object.
#[derive(Clone)]
enum Ask {
    Write(Write),
    Resolve(Vec<Nameless>),
    Claim(Vec<Claim>),
    Moved(Vec<Moved>),
    Forget(String),
}

fn weight(write: &Write) -> usize {
    match write {
        Write::Record { events } => events.len(),
        _ => 0,
    }
}

struct Simulation {
    context: String,
    random: Random,
    workspace: Workspace,
    outbox: Vec<Batch>,
    /// How many batches an erasure waits for.
    owed: usize,
    flights: BTreeMap<u64, Flight>,
    next_flight: u64,
    /// What waits before each Ledger and then each Identity, with its flight.
    inboxes: Vec<VecDeque<(u64, Ask)>>,
    /// The objects that are telling others what these have to hear.
    telling: BTreeSet<usize>,
    acknowledged: Vec<Received>,
    /// Messages with an acknowledged status.
    known_by_status: BTreeSet<String>,
    fired: Fired,
}

#[test]
fn every_acknowledged_event_counts_once() {
    let range = seeds(SEEDS);
    let whole = range.end - range.start >= SEEDS;
    let next = AtomicU64::new(range.start);
    let fired = Mutex::new(Fired::new());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= range.end || !failed.lock().unwrap().is_empty() {
                        return;
                    }
                    match catch_unwind(AssertUnwindSafe(|| simulate(seed))) {
                        Ok(more) => more.into_iter().for_each(|(fault, n)| *fired.lock().unwrap().entry(fault).or_default() += n),
                        Err(_) => failed.lock().unwrap().push(seed),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "play it again with SEED={}", failed[0]);
    let fired = fired.into_inner().unwrap();
    println!("{fired:#?}");
    for fault in FAULTS {
        let n = fired.get(fault).copied().unwrap_or(0);
        assert!(!whole || n >= FIRED_AT_LEAST, "{fault}: only {n} times");
    }
}

fn simulate(seed: u64) -> Fired {
    let mut random = Random(seed ^ 0x51);
    let shape = Shape { contacts: 9, messages_of_first: 112, ..Shape::across_contacts() };
    let scenario = generate_with(seed, &shape);
    let (at_start, later) = definitions_by_time(&mut random, &scenario.definitions);
    let ledgers = 1 + random.below(4);
    let mut simulation = Simulation {
        context: format!("seed {seed}"),
        workspace: Workspace::new(ledgers, &at_start),
        outbox: Vec::new(),
        owed: 0,
        flights: BTreeMap::new(),
        next_flight: 0,
        inboxes: (0..2 * ledgers).map(|_| VecDeque::new()).collect(),
        telling: BTreeSet::new(),
        acknowledged: Vec::new(),
        known_by_status: BTreeSet::new(),
        fired: Fired::new(),
        random,
    };
    let lives = Shape { contacts: MORTALS.len(), messages_of_first: 5, events: 30, ..Shape::within_contacts() };
    let lives = days_later(&generate_with(seed ^ 0x11fe, &lives).received, 0);
    let lives: Vec<Received> = lives.iter().map(|received| of_others(received, 0..MORTALS.len(), MORTALS.start)).collect();
    simulation.workspace.know_clicks(&[scenario.received.as_slice(), &lives].concat());
    simulation.fill_outbox(&scenario.received, &later);
    simulation.live_and_be_erased(&lives);
    simulation.run();
    let expected = simulation.judge(&scenario.definitions);
    // So large was the seed.
    let people: Vec<String> = scenario.received.iter().filter_map(|r| people::person(&r.event)).collect();
    let of_first = people.iter().filter(|key| *key == "12025550100").count();
    assert!(people.iter().collect::<BTreeSet<_>>().len() >= 8 && of_first >= 500, "seed {seed}: {of_first} events");
    assert!(expected.campaigns.len() > 3);
    if simulation.random.one_in(AGES_ONE_IN) {
        simulation.age(&days_later(&lives, SECOND_LIFE_DAYS));
        simulation.judge(&scenario.definitions);
    }
    simulation.fired
}

/// What is declared at the start; and what is declared or changed some time later.
fn definitions_by_time(random: &mut Random, all: &Definitions) -> (Definitions, Vec<Policy>) {
    let mut at_start = Definitions { campaigns: Vec::new(), channels: all.channels.clone() };
    let mut later = Vec::new();
    for campaign in &all.campaigns {
        if random.one_in(2) {
            later.push(serde_json::from_value(campaign.clone()).unwrap());
            if random.one_in(2) {
                // It is known already, but not yet that it will be stopped.
                let mut before = campaign.clone();
                before.as_object_mut().unwrap().remove("stopped_at_ms");
                at_start.campaigns.push(before);
            }
        } else {
            at_start.campaigns.push(campaign.clone());
        }
    }
    (at_start, later)
}

impl Simulation {
    fn fire(&mut self, fault: &'static str) {
        *self.fired.entry(fault).or_default() += 1;
    }

    fn fill_outbox(&mut self, received: &[Received], later: &[Policy]) {
        // Half of the dispatches come after everything else.
        let (late, soon): (Vec<Received>, Vec<Received>) =
            received.iter().cloned().partition(|r| r.event["kind"] == "dispatch" && self.random.one_in(2));
        let mut all = shuffle(self.random.next(), &soon);
        all.extend(shuffle(self.random.next(), &late));
        let mut batches = split(self.random.next(), &all);
        for events in &mut batches {
            if self.random.one_in(8) {
                let jump = *self.random.pick(&[-400 * DAY_MS, -2 * DAY_MS, -HOUR_MS, HOUR_MS, 2 * DAY_MS, 400 * DAY_MS]);
                events.iter_mut().for_each(|event| event.received_ms += jump);
                self.fire(if jump < 0 { "clock jumped back" } else { "clock jumped forth" });
            }
        }
        let mut batches: Vec<Batch> = batches.into_iter().map(Batch::events).collect();
        for number in 0..2 {
            let mut events: Vec<Received> = Vec::new();
            for status in ["delivered", "read"] {
                let mut event =
                    soon.iter().find(|r| r.event["kind"] == "status" && people::person(&r.event).is_some()).unwrap().clone();
                event.event["message_id"] = json!(format!("{POISON}{number}"));
                event.event["status"] = json!(status);
                events.push(event);
            }
            let place = self.random.below(batches.len());
            batches.insert(place, Batch { poisoned: true, ..Batch::events(events) });
        }
        for policy in later {
            for ledger in 0..self.workspace.ledgers.len() {
                let place = self.random.below(batches.len());
                let declare = What::Tell(ledger, Write::Declare { campaigns: vec![policy.clone()] });
                // What is erased before its campaign is declared stays without one.
                batches.insert(place, Batch { owed: true, ..Batch::of(declare) });
                self.owed += 1;
            }
        }
        for storage in &self.workspace.storage {
            storage.poison(Some(POISON));
        }
        // The next to be sent stands last.
        self.outbox = batches.into_iter().rev().collect();
    }

    /// The mortals' lives come soon, and the erasure of the first as soon as all of that is counted under what is declared.
    fn live_and_be_erased(&mut self, lives: &[Received]) {
        for events in split(self.random.next(), &shuffle(self.random.next(), lives)) {
            let place = self.random.below(self.outbox.len() / 2);
            let place = self.outbox.len() - place;
            self.outbox.insert(place, Batch { owed: true, ..Batch::events(events) });
            self.owed += 1;
        }
        let (ledger, handle) = self.workspace.whereabouts(&written(MORTALS.start)[0]);
        self.outbox.push(Batch::of(What::Tell(ledger, Write::Erase { handle, at_ms: ERASED_MS, of: None })));
    }

    /// So much time passes that everything is too old to be kept. Some alarms come, some never do; what is new comes, and what is old
    /// comes again. In the end the mortals have lived twice, and as far as anybody counts they were others.
    fn age(&mut self, second_life: &[Received]) {
        self.workspace.know_clicks(second_life);
        self.workspace.now_ms = START_MS + (SECOND_LIFE_DAYS + 20) * DAY_MS;
        let retain = Write::Retain { days: RETENTION_DAYS };
        self.outbox = (0..self.workspace.ledgers.len()).map(|ledger| Batch::of(What::Tell(ledger, retain.clone()))).collect();
        self.run();
        // Not what a clock that was ahead has dated: that is too young to go.
        let is_old = |received: &&Received| received.received_ms < START_MS + 50 * DAY_MS;
        let old: Vec<Received> = self.acknowledged.iter().filter(is_old).filter(|_| self.random.one_in(16)).cloned().collect();
        let before = self.acknowledged.len();
        for events in [old.as_slice(), &repeat(self.random.next(), second_life)] {
            for events in split(self.random.next(), &shuffle(self.random.next(), events)) {
                self.again(Batch::events(events));
            }
        }
        self.run();
        self.acknowledged.truncate(before);
        self.acknowledged.extend(second_life.iter().map(|received| of_others(received, MORTALS, MORTALS.start)));
    }

    /// A Ledger's alarm: it looks whether anything is too old. Or the alarm is lost, and comes another time or never.
    fn alarm(&mut self) {
        if self.random.one_in(3) {
            return self.fire("alarm lost");
        }
        let ledger = self.random.below(self.workspace.ledgers.len());
        let fault = *self.random.pick(&[Fault::None, Fault::None, Fault::Before, Fault::After, Fault::Refused]);
        self.workspace.storage[ledger].fail_next(fault);
        let done = self.workspace.ledgers[ledger].tend(self.workspace.now_ms);
        assert_eq!(done.is_ok(), fault == Fault::None, "{}: {done:?}", self.context);
        if matches!(fault, Fault::Before | Fault::After) {
            self.fire("died over an alarm");
            self.reopen(ledger);
        }
        self.workspace.storage[ledger].wake();
    }

    fn run(&mut self) {
        loop {
            let waiting: Vec<usize> = (0..self.inboxes.len()).filter(|object| !self.inboxes[*object].is_empty()).collect();
            if waiting.is_empty() && self.outbox.is_empty() && !self.ring() {
                return;
            }
            match self.random.below(10) {
                0 => self.read(),
                1..=4 if !self.outbox.is_empty() => self.send(),
                5 => drop(self.ring()),
                6 | 7 if self.workspace.now_ms > 0 => self.alarm(),
                _ if !waiting.is_empty() => {
                    let object = *self.random.pick(&waiting);
                    if object < self.workspace.ledgers.len() {
                        self.turn(object);
                    } else {
                        self.identity_turn(object - self.workspace.ledgers.len());
                    }
                }
                _ => {}
            }
        }
    }

    /// Somebody's alarm rings, or their answer waits for it: one of the objects that have something to tell begins to. Says
    /// whether any has.
    fn ring(&mut self) -> bool {
        let ledgers = self.workspace.ledgers.len();
        let due: Vec<usize> = (0..2 * ledgers)
            .filter(|object| !self.telling.contains(object))
            .filter(|object| match object.checked_sub(ledgers) {
                Some(identity) => self.workspace.identities[identity].any_due().unwrap(),
                None => !self.workspace.ledgers[*object].errands().unwrap().is_empty(),
            })
            .collect();
        if due.is_empty() {
            return false;
        }
        let object = *self.random.pick(&due);
        self.telling.insert(object);
        let mut next = VecDeque::new();
        let whose = match object.checked_sub(ledgers) {
            Some(identity) => {
                let due = self.workspace.identities[identity].due(0).unwrap();
                for ledger in 0..ledgers {
                    let mine = |handle: &str| self.workspace.ledger_of(handle) == ledger;
                    let verdicts: Vec<_> = due.verdicts.iter().filter(|verdict| mine(&verdict.handle)).cloned().collect();
                    let events = due.events.iter().map(|(_, routed)| routed).filter(|routed| mine(&routed.handle));
                    let events: Vec<_> = events.cloned().collect();
                    next.extend((!verdicts.is_empty()).then_some((ledger, Ask::Write(Write::Judge { verdicts }))));
                    next.extend((!events.is_empty()).then_some((ledger, Ask::Write(Write::Record { events }))));
                }
                if !due.verdicts.is_empty() {
                    self.fire("verdict told");
                }
                Whose::Identity(identity, due)
            }
            None => {
                let (nos, errands): (Vec<i64>, Vec<Errand>) =
                    self.workspace.ledgers[object].errands().unwrap().into_iter().unzip();
                let (writes, moved) = self.workspace.partition.errands(&errands);
                if writes.iter().any(|(_, write)| matches!(write, Write::Host { .. })) {
                    self.fire("things moved");
                }
                next.extend(writes.into_iter().map(|(ledger, write)| (ledger as usize, Ask::Write(write))));
                next.extend(moved.into_iter().map(|(identity, moved)| (ledgers + identity as usize, Ask::Moved(moved))));
                Whose::Ledger(object, nos)
            }
        };
        self.depart(Flight { whose, open: 0, failed: false, next });
        true
    }

    /// Begins a flight, or goes on with the next thing that it asks.
    fn depart(&mut self, mut flight: Flight) {
        let no = self.next_flight;
        self.next_flight += 1;
        match flight.next.pop_front() {
            Some((object, ask)) => {
                flight.open = 1;
                self.inboxes[object].push_back((no, ask));
                self.flights.insert(no, flight);
            }
            None => {
                self.flights.insert(no, flight);
                self.answered(no);
            }
        }
    }

    fn identity_turn(&mut self, identity: usize) {
        let (flight, ask) = self.inboxes[self.workspace.ledgers.len() + identity].pop_front().unwrap();
        let fault = match self.random.below(60) {
            0 => Fault::Before,
            1 => Fault::After,
            2 => Fault::Refused,
            _ => Fault::None,
        };
        self.workspace.identity_storage[identity].fail_next(fault);
        let core = &self.workspace.identities[identity];
        let answer = match &ask {
            Ask::Resolve(events) => core.resolve(events),
            Ask::Claim(claims) => core.claim(claims, 0).map(|_| Vec::new()),
            Ask::Moved(moved) => core.moved(moved, 0).map(|()| Vec::new()),
            Ask::Forget(handle) => core.forget(std::slice::from_ref(handle)).map(|()| Vec::new()),
            Ask::Write(_) => unreachable!(),
        };
        assert_eq!(answer.is_ok(), fault == Fault::None, "{}: {answer:?}", self.context);
        match fault {
            Fault::Before => self.fire("identity died before the write"),
            Fault::After => self.fire("identity died after the write"),
            _ => {}
        }
        self.workspace.identity_storage[identity].wake();
        let evicted = fault == Fault::None && self.random.one_in(64);
        if evicted {
            self.fire("identity evicted");
        }
        if evicted || matches!(fault, Fault::Before | Fault::After) {
            self.workspace.identities[identity] =
                Identity::open(self.workspace.identity_storage[identity].clone(), self.workspace.partition.handle_key).unwrap();
        }
        if let (Ask::Resolve(events), Ok(handles)) = (ask, &answer) {
            for (event, handle) in events.into_iter().zip(handles) {
                let Some(handle) = handle.clone().or_else(|| event.nobody.clone()) else { continue };
                let ledger = self.workspace.ledger_of(&handle);
                let write = Write::Record { events: vec![event.of_person(handle)] };
                self.inboxes[ledger].push_back((flight, Ask::Write(write)));
                self.flights.get_mut(&flight).unwrap().open += 1;
            }
        }
        self.landed(flight, answer.is_ok());
    }

    /// One object has answered.
    fn landed(&mut self, flight: u64, ok: bool) {
        let state = self.flights.get_mut(&flight).unwrap();
        state.failed |= !ok;
        state.open -= 1;
        if state.open == 0 {
            self.answered(flight);
        }
    }

    fn read(&mut self) {
        if self.random.one_in(4) {
            let campaign = self.random.below(5) as u32;
            invariants::check_sums(&self.context, &self.workspace.book(campaign));
        }
        if self.random.one_in(24) {
            let ledger = self.random.below(self.workspace.ledgers.len());
            self.reopen(ledger);
            self.fire("evicted");
        }
        if self.random.one_in(32) {
            self.workspace.storage.iter().for_each(|sql| invariants::check_reload(&self.context, sql));
        }
    }

    fn send(&mut self) {
        let Some(mut batch) = self.outbox.pop() else { return };
        batch.tries += 1;
        let ledgers = self.workspace.ledgers.len();
        let mut asks: Vec<(usize, Ask)> = Vec::new();
        match &batch.what {
            What::Events(events) => {
                let Parts { events, nameless, claims } = self.workspace.parts(events);
                let mut parts: BTreeMap<usize, Vec<Routed>> = BTreeMap::new();
                for routed in events {
                    parts.entry(self.workspace.ledger_of(&routed.handle)).or_default().push(routed);
                }
                asks.extend(parts.into_iter().map(|(ledger, events)| (ledger, Ask::Write(Write::Record { events }))));
                let mut parts: BTreeMap<usize, (Vec<Nameless>, Vec<Claim>)> = BTreeMap::new();
                for event in nameless {
                    parts.entry(ledgers + self.workspace.identity_of(&event.message)).or_default().0.push(event);
                }
                for claim in claims {
                    parts.entry(ledgers + self.workspace.identity_of(&claim.thing)).or_default().1.push(claim);
                }
                for (object, (nameless, claims)) in parts {
                    asks.extend((!nameless.is_empty()).then_some((object, Ask::Resolve(nameless))));
                    asks.extend((!claims.is_empty()).then_some((object, Ask::Claim(claims))));
                }
            }
            What::Tell(_, Write::Erase { .. }) if self.owed > 0 => return self.again(batch),
            What::Tell(ledger, write) => {
                if let Write::Erase { handle, .. } = write {
                    asks.extend((ledgers..2 * ledgers).map(|identity| (identity, Ask::Forget(handle.clone()))));
                }
                asks.push((*ledger, Ask::Write(write.clone())));
            }
        }
        let flight = self.next_flight;
        self.next_flight += 1;
        let open = asks.len();
        for (object, ask) in asks {
            self.inboxes[object].push_back((flight, ask));
        }
        self.flights.insert(flight, Flight { whose: Whose::Sender(batch), open, failed: false, next: VecDeque::new() });
        if open == 0 {
            self.answered(flight);
        }
    }

    /// One turn of a Ledger: some of what waits is committed together, and something may go wrong.
    fn turn(&mut self, ledger: usize) {
        let most = 1 + self.random.below(4);
        let take = most.min(self.inboxes[ledger].len());
        let asks = self.inboxes[ledger].drain(..take);
        let write = |(flight, ask)| match ask {
            Ask::Write(write) => (flight, write),
            _ => unreachable!(),
        };
        let (flights, writes): (Vec<u64>, Vec<Write>) = asks.map(write).unzip();
        let fault = match self.random.below(120) {
            0 | 1 => Fault::Before,
            2 | 3 => Fault::After,
            4 | 5 => Fault::Refused,
            _ => Fault::None,
        };
        self.workspace.storage[ledger].fail_next(fault);
        let answers = self.workspace.ledgers[ledger].commit(&writes, self.workspace.now_ms);
        assert_eq!(answers.len(), writes.len());
        let died = matches!(fault, Fault::Before | Fault::After) && answers.iter().any(Result::is_err);
        if died && answers.iter().all(Result::is_err) {
            self.fire(if fault == Fault::Before { "died before the write" } else { "died after the write" });
        }
        if fault == Fault::Refused {
            self.fire("refused");
        }
        for ((flight, write), answer) in flights.iter().zip(&writes).zip(&answers) {
            let poisoned = matches!(&self.flights[flight].whose, Whose::Sender(batch) if batch.poisoned);
            if let Ok(written) = answer {
                let guilty = if poisoned { weight(write) } else { 0 };
                assert_eq!(written.refused.len(), guilty, "{}: only the guilty are refused, {answer:?}", self.context);
            }
            if fault == Fault::None {
                assert!(answer.is_ok(), "{}: a storage that is well gave {answer:?}", self.context);
                if poisoned && flights.len() > 1 {
                    self.fire("poisoned in company");
                }
            }
            if let Ok(written) = answer {
                assert!(written.shared_by as usize <= writes.len());
                let late: u64 = written.remarks.values().map(|remarks| remarks.after_erasure).sum();
                (0..late).for_each(|_| self.fire("came after the erasure"));
                written.expired.iter().for_each(|_| self.fire("came when it was too old"));
            }
        }
        if died {
            self.reopen(ledger);
        }
        self.workspace.storage[ledger].wake();
        for (flight, answer) in flights.into_iter().zip(answers) {
            self.landed(flight, answer.is_ok());
        }
        if self.random.one_in(8) {
            invariants::check_lists(&self.context, &self.workspace.storage[ledger]);
        }
    }

    /// Every object has answered: who asked hears of it, or of nothing.
    fn answered(&mut self, flight: u64) {
        let Flight { whose, failed, next, .. } = self.flights.remove(&flight).unwrap();
        match &whose {
            Whose::Identity(identity, _) if failed || next.is_empty() => {
                self.telling.remove(&(self.workspace.ledgers.len() + identity));
            }
            Whose::Ledger(ledger, _) if failed || next.is_empty() => drop(self.telling.remove(ledger)),
            _ => {}
        }
        let mut batch = match whose {
            Whose::Sender(batch) => batch,
            whose if !failed && !next.is_empty() => return self.depart(Flight { whose, open: 0, failed, next }),
            _ if failed => return,
            _ if self.random.one_in(8) => return self.fire("acknowledgement lost"),
            Whose::Identity(identity, due) => return self.workspace.identities[identity].done(&due).unwrap(),
            Whose::Ledger(ledger, nos) => return self.workspace.ledgers[ledger].told(&nos).unwrap(),
        };
        let lost = !failed && self.random.one_in(8);
        if lost {
            self.fire("answer lost");
        }
        if failed || lost {
            if !batch.poisoned || batch.tries < POISON_TRIES {
                self.again(batch);
            }
            return;
        }
        if batch.poisoned {
            // Refused for good: its sender keeps it elsewhere and does not come again.
            return;
        }
        self.owed -= usize::from(core::mem::take(&mut batch.owed));
        match &batch.what {
            What::Tell(_, Write::Declare { .. }) => self.fire("late declaration"),
            What::Tell(_, Write::Erase { .. }) => self.fire("erased"),
            What::Tell(..) => {}
            What::Events(events) => {
                let events = Rc::clone(events);
                self.acknowledge(&events);
                if self.random.one_in(6) {
                    self.fire("duplicate");
                    // Another receipt of the same, or the same from a sender that does not believe it.
                    if self.random.one_in(2) {
                        let later = *self.random.pick(&[1, 2_000, 7 * DAY_MS]);
                        let events = events.iter().map(|e| Received { received_ms: e.received_ms + later, ..e.clone() });
                        batch = Batch::events(events.collect());
                    }
                    self.again(batch);
                }
            }
        }
    }

    fn acknowledge(&mut self, events: &[Received]) {
        for Received { event, .. } in events {
            let Some(message) = event.get("message_id").and_then(Value::as_str) else { continue };
            match event["kind"].as_str() {
                Some("status") => {
                    self.known_by_status.insert(message.to_owned());
                }
                Some("dispatch") if self.known_by_status.contains(message) => self.fire("late dispatch"),
                _ => {}
            }
        }
        self.acknowledged.extend_from_slice(events);
    }

    /// Some time later, among what is still to be sent.
    fn again(&mut self, batch: Batch) {
        let place = self.random.below(self.outbox.len() + 1);
        self.outbox.insert(place, batch);
    }

    fn reopen(&mut self, ledger: usize) {
        let storage = &self.workspace.storage[ledger];
        storage.wake();
        self.workspace.ledgers[ledger] = Ledger::open(storage.clone()).unwrap();
    }

    fn judge(&mut self, definitions: &Definitions) -> Answers {
        let expected = recount(&self.acknowledged, definitions);
        // What is answered from the counters is the law's to try, and tried here now and then.
        let check = if self.random.one_in(32) { compare::check } else { compare::check_counted };
        check(&self.context, &mut self.workspace, definitions, &expected);
        for storage in &self.workspace.storage {
            invariants::check_lists(&self.context, storage);
            invariants::check_reload(&self.context, storage);
        }
        expected
    }
}
