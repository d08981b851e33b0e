//! The Ledger's Durable Object: writes that come close together share one commit.
//!
//! `write` takes a `Write`, `read` a `Read`. One commit at a time is on its way to the disk; what comes
//! meanwhile shares the next, and when many come each commit waits a little for more. The platform holds every answer back until
//! its commit is on disk.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use wasm_bindgen::prelude::*;
use worker::worker_sys::DurableObjectState;
use worker::{Delay, Env, State, Storage};

use super::alarm::Alarm;
use super::config::Config;
use super::objects::{say, within};
use super::sql::ObjectSql;
use super::{ledgers, now_ms};
use crate::bounds::{EVENTS_PER_COMMIT, MOVE_AGAIN_MS, SWEEP_MS, SWEEP_PAUSE_MS, TEND_AGAIN_MS, WAITING_EVENTS, WAITING_WRITES};
use crate::commit_window::{CommitWindow, rest_after_ms};
use crate::event::Ms;
use crate::json;
use crate::ledger::{Errand, Ledger as Core, Read, Write, Written};
use crate::problem::Problem;
use crate::sql::SqlError;

#[wasm_bindgen]
pub struct Ledger {
    state: State,
    inside: Rc<Inside>,
}

/// What outlives a request: the one who commits works on after its answer.
struct Inside {
    core: RefCell<Result<Core<ObjectSql>, SqlError>>,
    queue: RefCell<Queue>,
    storage: Storage,
    env: Env,
    alarm: Alarm,
    /// Until when somebody tells other objects what they have to hear: they may have died with their request.
    telling_until_ms: Cell<Ms>,
    /// Until when it is left to the alarm: they were not told in time.
    resting_until_ms: Cell<Ms>,
}

/// How long a commit with its disk sync may take before another request takes over.
const LEAD_MS: Ms = 2_000;
/// How long an answer waits for other objects to hear what they have to: far less than its caller waits for it, so that an object
/// that does not answer takes nobody else along.
const TELL_MS: u64 = 1_000;
/// How often somebody looks who waits for another's errands.
const TELL_LOOK_MS: u64 = 5;

type Waiter = oneshot::Sender<Result<Written, SqlError>>;

/// Writes that wait for the next commit.
#[derive(Default)]
struct Queue {
    writes: Vec<Write>,
    waiters: Vec<Waiter>,
    events: usize,
    /// When the first of them came.
    since_ms: Ms,
    /// Until when somebody is relied on to commit: they may have died with their request.
    led_until_ms: Ms,
    window: CommitWindow,
}

#[wasm_bindgen]
impl Ledger {
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState, env: Env) -> Self {
        let state = State::from(state);
        let (core, storage) = (RefCell::new(Core::open(ObjectSql::of(&state))), state.storage());
        let (alarm, queue) = (Alarm::of(state.storage()), RefCell::default());
        let inside =
            Inside { core, queue, storage, env, alarm, telling_until_ms: Cell::default(), resting_until_ms: Cell::default() };
        Self { state, inside: Rc::new(inside) }
    }

    pub async fn read(&self, text: String) -> String {
        self.inside.keep_armed().await;
        say(self.answer(&text).map(|json| (200, json)))
    }

    pub async fn write(&self, text: String) -> String {
        self.inside.keep_armed().await;
        say(self.share_commit(text).await.map(|json| (200, json)))
    }

    /// What other objects have not heard yet, and the next part of the work that nobody waits for.
    pub async fn alarm(&self) {
        self.inside.alarm.rung();
        let next_ms = match &mut *self.inside.core.borrow_mut() {
            Ok(core) => core.tend(now_ms()),
            Err(error) => Err(error.clone()),
        };
        let next_ms = next_ms.unwrap_or_else(|error| {
            worker::console_error!("ledger: {error}");
            TEND_AGAIN_MS
        });
        let told = self.inside.run_errands().await;
        self.inside.alarm.ring_within(if told.is_ok() { next_ms } else { next_ms.min(MOVE_AGAIN_MS as Ms) }).await;
    }
}

impl Ledger {
    fn answer(&self, text: &str) -> Result<String, Problem> {
        let read: Read = json::read(text).map_err(|_| Problem::bad("Not a read."))?;
        match &mut *self.inside.core.borrow_mut() {
            Ok(core) => core.read(&read).map_err(refused),
            Err(error) => Err(refused(error.clone())),
        }
    }

    async fn share_commit(&self, text: String) -> Result<String, Problem> {
        let write: Write = json::read(&text).map_err(|_| Problem::bad("Not a write."))?;
        // Freed before the wait.
        drop(text);
        // Who tells what others had to hear does not wait for their errands: so nobody waits in a circle.
        let (tells, waits) = match &write {
            Write::Record { .. } | Write::Erase { .. } => (true, true),
            Write::Belong { .. } => (true, false),
            _ => (false, false),
        };
        let (waiter, answer) = oneshot::channel();
        if self.inside.queue.borrow_mut().join(write, waiter, now_ms())? {
            self.state.wait_until(Rc::clone(&self.inside).lead());
        }
        let written = answer.await.map_err(|_| Problem::unavailable("The commit broke off."))?;
        let written = written.map_err(refused)?;
        if tells {
            self.inside.tell(waits).await;
        }
        serde_json::to_string(&written).map_err(|_| Problem::new(500, "The answer could not be written."))
    }
}

impl Inside {
    /// Sees to it that the alarm rings: once a day, or at once if everything has to be recounted.
    async fn keep_armed(&self) {
        if self.alarm.is_known() {
            return;
        }
        if self.core.borrow().as_ref().is_ok_and(Core::recounts) {
            self.alarm.ring_within(SWEEP_PAUSE_MS).await;
        } else {
            self.alarm.keep(SWEEP_MS).await;
        }
    }

    /// Tells other objects what they have to hear, before the answer if they can be reached; else the alarm sees to it.
    async fn tell(&self, waits: bool) {
        if self.errands().is_ok_and(|errands| errands.is_empty()) {
            return;
        }
        self.alarm.ring_within(MOVE_AGAIN_MS as Ms).await;
        let until_ms = now_ms() + TELL_MS as Ms;
        while self.telling_until_ms.get() > now_ms() {
            if !waits || now_ms() >= until_ms {
                return;
            }
            Delay::from(Duration::from_millis(TELL_LOOK_MS)).await;
        }
        if self.resting_until_ms.get() > now_ms() {
            return;
        }
        self.telling_until_ms.set(now_ms() + TELL_MS as Ms);
        let told = within(self.run_errands(), TELL_MS).await;
        self.telling_until_ms.set(0);
        if !matches!(told, Ok(Ok(()))) {
            let why = told.ok().and_then(Result::err).map_or_else(|| "they take longer".to_owned(), |problem| problem.detail);
            worker::console_error!("ledger: errands are left to the alarm: {why}");
            self.resting_until_ms.set(now_ms() + MOVE_AGAIN_MS as Ms);
            // It may have rung meanwhile.
            self.alarm.ring_within(MOVE_AGAIN_MS as Ms).await;
        }
    }

    fn errands(&self) -> Result<Vec<(i64, Errand)>, Problem> {
        match &mut *self.core.borrow_mut() {
            Ok(core) => core.errands().map_err(refused),
            Err(error) => Err(refused(error.clone())),
        }
    }

    async fn run_errands(&self) -> Result<(), Problem> {
        loop {
            let errands = self.errands()?;
            if errands.is_empty() {
                return Ok(());
            }
            let (nos, errands): (Vec<i64>, Vec<Errand>) = errands.into_iter().unzip();
            ledgers::run_errands(&*Config::of(&self.env)?, &errands).await?;
            if let Ok(core) = &*self.core.borrow() {
                core.told(&nos).map_err(refused)?;
            }
        }
    }

    /// Commits until nothing waits: one commit at a time, so that what comes while the disk is busy shares the next.
    async fn lead(self: Rc<Self>) {
        let mut rest_ms = 0;
        loop {
            let wait_ms = self.queue.borrow().wait_ms(now_ms()).max(rest_ms);
            if wait_ms > 0 {
                Delay::from(Duration::from_millis(wait_ms)).await;
            }
            self.commit(now_ms());
            let begun_ms = now_ms();
            if self.storage.sync().await.is_err() {
                worker::console_error!("ledger: sync");
            }
            let now_ms = now_ms();
            rest_ms = rest_after_ms(now_ms - begun_ms);
            let mut queue = self.queue.borrow_mut();
            queue.led_until_ms = if queue.writes.is_empty() { 0 } else { now_ms + LEAD_MS };
            if queue.writes.is_empty() {
                return;
            }
        }
    }

    /// Commits all that waits. Nothing else runs between its beginning and its end.
    fn commit(&self, now_ms: Ms) {
        let (writes, waiters) = self.queue.borrow_mut().take(now_ms);
        let mut waiters = waiters.into_iter();
        for group in groups(&writes) {
            let results = match &mut *self.core.borrow_mut() {
                Ok(core) => core.commit(group, now_ms),
                Err(error) => group.iter().map(|_| Err(error.clone())).collect(),
            };
            for (result, waiter) in results.into_iter().zip(&mut waiters) {
                // A waiter who has gone needs no answer.
                let _ = waiter.send(result);
            }
        }
    }
}

impl Queue {
    /// Lets a write wait for the next commit. Says whether its caller must see to that: nobody else does.
    fn join(&mut self, write: Write, waiter: Waiter, now_ms: Ms) -> Result<bool, Problem> {
        let events = weight(&write);
        if self.writes.len() >= WAITING_WRITES || self.events + events > WAITING_EVENTS {
            return Err(Problem::unavailable("Too many writes are waiting."));
        }
        if self.writes.is_empty() {
            self.since_ms = now_ms;
        }
        self.events += events;
        self.writes.push(write);
        self.waiters.push(waiter);
        let nobody = self.led_until_ms <= now_ms;
        if nobody {
            self.led_until_ms = now_ms + LEAD_MS;
        }
        Ok(nobody)
    }

    /// How long the next commit waits yet.
    fn wait_ms(&self, now_ms: Ms) -> u64 {
        let due_ms = self.since_ms + Ms::from(self.window.wait_ms());
        u64::try_from(due_ms - now_ms).unwrap_or_default()
    }

    fn take(&mut self, now_ms: Ms) -> (Vec<Write>, Vec<Waiter>) {
        self.window.committed(self.writes.len(), now_ms);
        self.events = 0;
        (std::mem::take(&mut self.writes), std::mem::take(&mut self.waiters))
    }
}

/// How much of a commit a write is.
fn weight(write: &Write) -> usize {
    match write {
        Write::Record { events } => events.len(),
        Write::Declare { campaigns } => campaigns.len(),
        Write::Erase { .. } | Write::Retain { .. } => 1,
        Write::Restore { rows, .. } => rows.values().map(Vec::len).sum(),
        Write::Judge { verdicts } => verdicts.len(),
        Write::Belong { belongings } => belongings.len(),
        Write::Host { moves } => moves.iter().map(|one| one.things.len()).sum(),
    }
}

/// The writes in order, cut into commits of at most [`EVENTS_PER_COMMIT`] (or one write that is larger).
fn groups(writes: &[Write]) -> impl Iterator<Item = &[Write]> {
    let mut rest = writes;
    std::iter::from_fn(move || {
        let mut events = 0;
        let fitting = rest.iter().take_while(|write| {
            events += weight(write);
            events <= EVENTS_PER_COMMIT
        });
        let (group, later) = rest.split_at_checked(fitting.count().max(1))?;
        rest = later;
        Some(group)
    })
}

fn refused(error: SqlError) -> Problem {
    worker::console_error!("ledger: {error}");
    Problem::unavailable("The ledger's storage refused.")
}
