//! The Registry's Durable Object: does what it is asked, then tells the Ledgers and the read copies.
//!
//! `apply` takes a `Command`. The alarm is armed before anything changes, and stays armed until all have been told; telling is
//! idempotent, so a crash anywhere costs a repetition at most.

use std::cell::{Cell, RefCell};

use futures_util::future::join_all;
use wasm_bindgen::prelude::*;
use worker::worker_sys::DurableObjectState;
use worker::{Env, State};

use super::alarm::Alarm;
use super::config::Config;
use super::now_ms;
use super::objects::{call, say, within};
use super::random;
use super::sql::ObjectSql;
use crate::bounds::{DELIVERY_MS, REDELIVERY_MS};
use crate::event::Ms;
use crate::json;
use crate::ledger::Write;
use crate::problem::Problem;
use crate::registry::{Command, Delivery, Registry as Core, Target};
use crate::sql::SqlError;

/// Copies that are put at once: the platform opens no more connections for one request.
const COPIES_AT_ONCE: usize = 6;

#[wasm_bindgen]
pub struct Registry {
    alarm: Alarm,
    env: Env,
    core: RefCell<Result<Core<ObjectSql>, SqlError>>,
    /// Whether deliveries are under way: one round at a time, so that an older copy never overwrites a newer.
    delivering: Cell<bool>,
}

#[wasm_bindgen]
impl Registry {
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState, env: Env) -> Self {
        let state = State::from(state);
        let core = match Config::of(&env) {
            Ok(config) => Core::open(ObjectSql::of(&state), config.channel_secret_key, config.partition.ledgers),
            Err(problem) => Err(SqlError(problem.detail)),
        };
        Self { alarm: Alarm::of(state.storage()), env, core: RefCell::new(core), delivering: Cell::new(false) }
    }

    pub async fn apply(&self, text: String) -> String {
        say(self.answer(&text).await.map(|(created, json)| (if created { 201 } else { 200 }, json)))
    }

    pub async fn alarm(&self) {
        self.alarm.rung();
        self.tell().await;
    }
}

impl Registry {
    async fn answer(&self, text: &str) -> Result<(bool, String), Problem> {
        let command: Command = json::read(text).map_err(|_| Problem::unavailable("Not a command."))?;
        let changes = command.changes();
        if changes {
            self.alarm.ring_within(REDELIVERY_MS as Ms).await;
        }
        let entropy = random::bytes()?;
        let answer = match &mut *self.core.borrow_mut() {
            Ok(core) => core.apply(&command, entropy, now_ms())?,
            Err(error) => return Err(refused(error)),
        };
        if changes {
            self.tell().await;
        }
        Ok((answer.created, answer.json))
    }

    /// Tells every target what it does not know yet; what could not be told is left to the alarm.
    async fn tell(&self) {
        if self.delivering.replace(true) {
            // Whoever is at it looks again when done; the alarm that rang is gone.
            self.alarm.ring_within(REDELIVERY_MS as Ms).await;
            return;
        }
        loop {
            let deliveries = match &*self.core.borrow() {
                Ok(core) => core.deliveries(),
                Err(error) => Err(error.clone()),
            };
            let Ok(deliveries) = deliveries else {
                self.alarm.ring_within(REDELIVERY_MS as Ms).await;
                break;
            };
            if deliveries.is_empty() {
                break;
            }
            // First the alarm, then the work.
            self.alarm.ring_within(REDELIVERY_MS as Ms).await;
            let told = join_all(deliveries.iter().map(|delivery| self.deliver(delivery))).await;
            if let Ok(core) = &*self.core.borrow() {
                for (delivery, told) in deliveries.iter().zip(&told) {
                    // Not acknowledged is told again.
                    let _ = told.map(|revision| core.acknowledge(delivery.target, revision));
                }
            }
            if deliveries.iter().zip(&told).any(|(delivery, told)| *told != Some(delivery.revision)) {
                // It may have rung meanwhile.
                self.alarm.ring_within(REDELIVERY_MS as Ms).await;
                break;
            }
        }
        self.delivering.set(false);
    }

    /// Tells a target; gives the revision up to which it knows everything then.
    async fn deliver(&self, delivery: &Delivery) -> Option<i64> {
        let config = Config::of(&self.env).ok()?;
        match delivery.target {
            Target::Ledger(no) => {
                let declare = (!delivery.campaigns.is_empty()).then(|| Write::Declare { campaigns: delivery.campaigns.clone() });
                let retain = delivery.retention_days.map(|days| Write::Retain { days });
                for write in declare.into_iter().chain(retain) {
                    let body = serde_json::to_string(&write).ok()?;
                    let answer = call(&config.ledger, &no.to_string(), "write", &body, DELIVERY_MS).await;
                    matches!(answer, Ok((200, _))).then_some(())?;
                }
                Some(delivery.revision)
            }
            Target::Copies => {
                let told = Cell::new(None);
                let put = async {
                    let mut rest = delivery.copies.chunks(COPIES_AT_ONCE).peekable();
                    while let Some(copies) = rest.next() {
                        let put = copies.iter().map(async |(_, key, value)| match value {
                            Some(value) => config.kv.put_bytes(key, value.as_bytes())?.execute().await,
                            None => config.kv.delete(key).await,
                        });
                        join_all(put).await.into_iter().collect::<Result<(), _>>()?;
                        // What lies before the next one's revision is all there: a slow store gets on, however much there is to tell.
                        let next = rest.peek().and_then(|copies| copies.first());
                        told.set(Some(next.map_or(delivery.revision, |(next, ..)| next - 1)));
                    }
                    told.set(Some(delivery.revision));
                    Ok::<_, worker::kv::KvError>(())
                };
                let _ = within(put, DELIVERY_MS).await;
                told.get()
            }
        }
    }
}

fn refused(error: &SqlError) -> Problem {
    worker::console_error!("registry: {error}");
    Problem::unavailable("The registry's storage refused.")
}
