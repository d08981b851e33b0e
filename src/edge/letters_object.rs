//! The Durable Object of one channel's letters and operational counts; `apply` takes a `Command`.
//!
//! Apart from the Registry and the Ledgers, so that megabytes of what nobody understood weigh on nothing that is in use.

use std::time::Duration;

use wasm_bindgen::prelude::*;
use worker::worker_sys::DurableObjectState;
use worker::{Date, State};

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
    state: State,
    core: Result<Core<ObjectSql>, SqlError>,
}

#[wasm_bindgen]
impl Letters {
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState) -> Self {
        let state = State::from(state);
        let core = Core::open(ObjectSql::of(&state));
        Self { state, core }
    }

    pub async fn apply(&self, text: String) -> String {
        let Ok(command) = json::read::<Command>(&text) else {
            return say(Err(Problem::bad("Not a command.")));
        };
        drop(text);
        if matches!(command, Command::Keep { .. }) && !matches!(self.state.storage().get_alarm().await, Ok(Some(_))) {
            self.arm().await;
        }
        let core = self.core.as_ref().map_err(Clone::clone);
        let said = core.and_then(|core| core.apply(&command, now_ms())).map(|json| (200, json));
        say(said.map_err(|error| {
            worker::console_error!("letters: {error}");
            Problem::unavailable("The letters' storage refused.")
        }))
    }

    pub async fn alarm(&self) {
        let left = self.core.as_ref().map_err(Clone::clone).and_then(|core| core.tidy(now_ms()));
        if left.unwrap_or(true) {
            self.arm().await;
        }
    }
}

impl Letters {
    /// Sees to it that what is too old goes, also if nobody looks.
    async fn arm(&self) {
        if let Err(error) = self.state.storage().set_alarm(Duration::from_millis(LETTERS_TIDY_MS)).await {
            worker::console_error!("letters: alarm: {error}");
        }
    }
}

fn now_ms() -> Ms {
    Date::now().as_millis() as Ms
}
