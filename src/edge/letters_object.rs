//! The Durable Object of one channel's letters and operational counts; `apply` takes a `Command`.
//!
//! Apart from the Registry and the Ledgers, so that megabytes of what nobody understood weigh on nothing that is in use.

use wasm_bindgen::prelude::*;
use worker::State;
use worker::worker_sys::DurableObjectState;

use super::alarm::Alarm;
use super::now_ms;
use super::objects::say;
use super::sql::ObjectSql;
use crate::bounds::LETTERS_TIDY_MS;
use crate::event::Ms;
use crate::json;
use crate::letters::{Command, Letters as Core};
use crate::problem::Problem;
use crate::sql::SqlError;

#[wasm_bindgen]
pub struct Letters {
    alarm: Alarm,
    core: Result<Core<ObjectSql>, SqlError>,
}

#[wasm_bindgen]
impl Letters {
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState) -> Self {
        let state = State::from(state);
        let core = Core::open(ObjectSql::of(&state));
        Self { alarm: Alarm::of(state.storage()), core }
    }

    pub async fn apply(&self, text: String) -> String {
        let Ok(command) = json::read::<Command>(&text) else {
            return say(Err(Problem::bad("Not a command.")));
        };
        drop(text);
        // What is too old goes, also if nobody looks.
        if matches!(command, Command::Keep { .. }) {
            self.alarm.keep(LETTERS_TIDY_MS as Ms).await;
        }
        let core = self.core.as_ref().map_err(Clone::clone);
        let said = core.and_then(|core| core.apply(&command, now_ms())).map(|json| (200, json));
        say(said.map_err(|error| {
            worker::console_error!("letters: {error}");
            Problem::unavailable("The letters' storage refused.")
        }))
    }

    pub async fn alarm(&self) {
        self.alarm.rung();
        let left = self.core.as_ref().map_err(Clone::clone).and_then(|core| core.tidy(now_ms()));
        if left.unwrap_or(true) {
            self.alarm.ring_within(LETTERS_TIDY_MS as Ms).await;
        }
    }
}
