//! The Durable Object of one campaign's gate: `apply` takes a `Command`.

use wasm_bindgen::prelude::*;
use worker::State;
use worker::worker_sys::DurableObjectState;

use super::now_ms;
use super::objects::say;
use super::sql::ObjectSql;
use crate::gate::{Command, Gate as Core};
use crate::json;
use crate::problem::Problem;
use crate::sql::SqlError;

#[wasm_bindgen]
pub struct Gate {
    core: Result<Core<ObjectSql>, SqlError>,
}

#[wasm_bindgen]
impl Gate {
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState) -> Self {
        Self { core: Core::open(ObjectSql::of(&State::from(state))) }
    }

    pub async fn apply(&self, text: String) -> String {
        let answer = match (json::read::<Command>(&text), &self.core) {
            (Ok(command), Ok(core)) => core.apply(&command, now_ms()),
            (Err(_), _) => Err(Problem::unavailable("Not a command.")),
            (_, Err(error)) => {
                worker::console_error!("gate: {error}");
                Err(Problem::unavailable("The gate's storage refused."))
            }
        };
        say(answer.map(|json| (200, json)))
    }
}
