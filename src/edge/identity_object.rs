//! The Identity's Durable Object; `apply` takes a `Command`.
//!
//! What Ledgers have to be told is with them before the answer, or else the alarm sees to it. Once a day the alarm drops what is
//! older than the retention.

use serde_json::json;
use wasm_bindgen::prelude::*;
use worker::worker_sys::DurableObjectState;
use worker::{Env, State};

use super::alarm::Alarm;
use super::config::Config;
use super::objects::say;
use super::sql::ObjectSql;
use super::{cache, ledgers, now_ms};
use crate::bounds::{IDENTITY_TIDY_MS, MOVE_AGAIN_MS};
use crate::counters::DAY_MS;
use crate::event::Ms;
use crate::identity::{Command, Identity as Core};
use crate::json;
use crate::problem::Problem;
use crate::registry::SETTINGS;
use crate::settings::Settings;
use crate::sql::SqlError;

#[wasm_bindgen]
pub struct Identity {
    alarm: Alarm,
    env: Env,
    core: Result<Core<ObjectSql>, SqlError>,
}

#[wasm_bindgen]
impl Identity {
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState, env: Env) -> Self {
        let state = State::from(state);
        let config = Config::of(&env).map_err(|_| SqlError("not configured".to_owned()));
        let core = config.and_then(|config| Core::open(ObjectSql::of(&state), config.partition.handle_key));
        Self { alarm: Alarm::of(state.storage()), env, core }
    }

    pub async fn apply(&self, text: String) -> String {
        say(self.answer(&text).await.map(|json| (200, json)))
    }

    pub async fn alarm(&self) {
        self.alarm.rung();
        let again_ms = match self.tell().await {
            Ok(()) => self.tidy().await.unwrap_or(MOVE_AGAIN_MS),
            Err(_) => MOVE_AGAIN_MS,
        };
        self.alarm.ring_within(again_ms as Ms).await;
    }
}

impl Identity {
    async fn answer(&self, text: &str) -> Result<String, Problem> {
        let command: Command = json::read(text).map_err(|_| Problem::bad("Not a command."))?;
        let core = self.core()?;
        Ok(match command {
            Command::Resolve { events } => {
                self.alarm.keep(IDENTITY_TIDY_MS as Ms).await;
                json!(core.resolve(&events).map_err(refused)?).to_string()
            }
            Command::Claim { claims, received_ms } => {
                let second = core.claim(&claims, received_ms).map_err(refused)?;
                self.told().await?;
                json!(second).to_string()
            }
            Command::Moved { moved, received_ms } => {
                core.moved(&moved, received_ms).map_err(refused)?;
                self.told().await?;
                "null".to_owned()
            }
            Command::Waiting => json!(core.waiting().map_err(refused)?).to_string(),
            Command::Export { place } => json!(core.export(&place).map_err(refused)?).to_string(),
            Command::Import { rows } => {
                self.alarm.ring_within(MOVE_AGAIN_MS as Ms).await;
                json!(core.import(&rows).map_err(refused)?).to_string()
            }
            Command::Forget { handles } => {
                core.forget(&handles).map_err(refused)?;
                // Before their Ledger forgets them: what another wins by it must not count twice.
                self.told().await?;
                "null".to_owned()
            }
        })
    }

    /// Tells what is due, now. The alarm is set in the same turn as what made it due is written, so that a crash after it leaves
    /// nothing behind that nobody tells.
    async fn told(&self) -> Result<(), Problem> {
        let due = self.core()?.any_due().map_err(refused)?;
        if due {
            self.alarm.ring_within(MOVE_AGAIN_MS as Ms).await;
            self.tell().await?;
        } else {
            self.alarm.keep(IDENTITY_TIDY_MS as Ms).await;
        }
        Ok(())
    }

    /// Tells everything that is due. An event that no Ledger takes stays, and goes on being counted as unmatched.
    async fn tell(&self) -> Result<(), Problem> {
        let (core, config) = (self.core()?, Config::of(&self.env)?);
        let mut after = 0;
        loop {
            let mut due = core.due(after).map_err(refused)?;
            if due.is_empty() {
                return Ok(());
            }
            ledgers::judge(&config, &due.verdicts).await?;
            let recorded = ledgers::record(&config, due.events.iter().map(|(_, routed)| routed.clone())).await?;
            after = due.events.last().map_or(after, |(no, _)| *no);
            let taken = due.events.into_iter().enumerate().filter(|(place, _)| !recorded.refused.contains(place));
            due.events = taken.map(|(_, event)| event).collect();
            core.done(&due).map_err(refused)?;
        }
    }

    /// Drops what is older than the retention, when it is time. Gives how long to wait before the next look.
    async fn tidy(&self) -> Result<u64, Problem> {
        let config = Config::of(&self.env)?;
        let settings = cache::get::<Settings>(&config, SETTINGS).await?.unwrap_or_default();
        let now_ms = now_ms();
        self.core()?.tidy(now_ms - Ms::from(settings.retention_days) * DAY_MS, now_ms).map_err(refused)
    }

    fn core(&self) -> Result<&Core<ObjectSql>, Problem> {
        self.core.as_ref().map_err(|error| refused(error.clone()))
    }
}

fn refused(error: SqlError) -> Problem {
    worker::console_error!("identity: {error}");
    Problem::unavailable("The identity's storage refused.")
}
