//! The Ledger's Durable Object: writes that come close together share one commit.
//!
//! `POST /write` with a `Write`, `POST /read` with a `Read`. The first write of a group waits a little and commits for all; the
//! platform holds every answer back until the commit is on disk.

use std::cell::RefCell;
use std::time::Duration;

use futures_channel::oneshot;
use wasm_bindgen::prelude::*;
use worker::{Date, Delay, DurableObject, Env, Request, Response, Result, State, durable_object};

use super::http;
use super::sql::ObjectSql;
use crate::bounds::{EVENTS_PER_COMMIT, WAITING_EVENTS, WAITING_WRITES};
use crate::commit_window::CommitWindow;
use crate::event::Ms;
use crate::ledger::{Ledger as Core, Read, Write, Written};
use crate::problem::Problem;
use crate::sql::SqlError;

#[durable_object(fetch)]
pub struct Ledger {
    core: RefCell<std::result::Result<Core<ObjectSql>, SqlError>>,
    queue: RefCell<Queue>,
}

/// Writes that wait for the next commit.
#[derive(Default)]
struct Queue {
    writes: Vec<Write>,
    waiters: Vec<oneshot::Sender<std::result::Result<Written, SqlError>>>,
    events: usize,
    window: CommitWindow,
}

impl DurableObject for Ledger {
    fn new(state: State, _env: Env) -> Self {
        Self { core: RefCell::new(Core::open(ObjectSql::of(&state))), queue: RefCell::default() }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let reads = request.path() == "/read";
        let text = wasm_bindgen_futures::JsFuture::from(request.inner().text()?).await?;
        let text = text.as_string().unwrap_or_default();
        let answer = if reads { self.read(&text) } else { self.write(&text).await };
        Ok(match answer {
            Ok(json) => http::json(200, &json)?.into(),
            Err(problem) => http::problem(&problem)?.into(),
        })
    }
}

impl Ledger {
    fn read(&self, text: &str) -> std::result::Result<String, Problem> {
        let read: Read = serde_json::from_str(text).map_err(|_| Problem::bad("Not a read."))?;
        match &mut *self.core.borrow_mut() {
            Ok(core) => core.read(&read).map_err(refused),
            Err(error) => Err(refused(error.clone())),
        }
    }

    async fn write(&self, text: &str) -> std::result::Result<String, Problem> {
        let write: Write = serde_json::from_str(text).map_err(|_| Problem::bad("Not a write."))?;
        let (waiter, answer) = oneshot::channel();
        let leads_after_ms = self.queue.borrow_mut().join(write, waiter)?;
        if let Some(wait_ms) = leads_after_ms {
            Delay::from(Duration::from_millis(u64::from(wait_ms))).await;
            self.commit();
        }
        let written = answer.await.map_err(|_| Problem::unavailable("The commit broke off."))?;
        let written = written.map_err(refused)?;
        serde_json::to_string(&written).map_err(|_| Problem::new(500, "The answer could not be written."))
    }

    /// Commits all that waits. Nothing else runs between its beginning and its end.
    fn commit(&self) {
        let mut queue = self.queue.borrow_mut();
        let now_ms = Date::now().as_millis() as Ms;
        let writes = queue.writes.len();
        queue.window.committed(writes, now_ms);
        queue.events = 0;
        let (writes, waiters) = (std::mem::take(&mut queue.writes), std::mem::take(&mut queue.waiters));
        drop(queue);
        let mut waiters = waiters.into_iter();
        for group in groups(&writes) {
            let results = match &mut *self.core.borrow_mut() {
                Ok(core) => core.commit(group),
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
    /// Lets a write wait for the next commit. Gives how long its caller must wait and then commit, if it is the first.
    fn join(
        &mut self,
        write: Write,
        waiter: oneshot::Sender<std::result::Result<Written, SqlError>>,
    ) -> std::result::Result<Option<u32>, Problem> {
        let events = weight(&write);
        if self.writes.len() >= WAITING_WRITES || self.events + events > WAITING_EVENTS {
            return Err(Problem::unavailable("Too many writes are waiting."));
        }
        let first = self.writes.is_empty();
        self.events += events;
        self.writes.push(write);
        self.waiters.push(waiter);
        Ok(first.then(|| self.window.wait_ms()))
    }
}

/// How much of a commit a write is.
fn weight(write: &Write) -> usize {
    match write {
        Write::Record { events } => events.len(),
        Write::Declare { campaigns } => campaigns.len(),
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
