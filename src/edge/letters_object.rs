//! The Durable Object of one channel's letters and operational counts: `POST /` with a `Command`.
//!
//! Apart from the Registry and the Ledgers, so that megabytes of what nobody understood weigh on nothing that is in use.

use std::time::Duration;

use wasm_bindgen_futures::JsFuture;
use worker::{Date, DurableObject, Env, Request, Response, Result, State, durable_object};

use super::objects::say;
use super::sql::ObjectSql;
use crate::bounds::LETTERS_TIDY_MS;
use crate::event::Ms;
use crate::json;
use crate::letters::{Command, Letters as Core};
use crate::problem::Problem;
use crate::sql::SqlError;

#[durable_object(alarm)]
pub struct Letters {
    state: State,
    core: std::result::Result<Core<ObjectSql>, SqlError>,
}

impl DurableObject for Letters {
    fn new(state: State, _env: Env) -> Self {
        let core = Core::open(ObjectSql::of(&state));
        Self { state, core }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let text = JsFuture::from(request.inner().text()?).await?.as_string().unwrap_or_default();
        let Ok(command) = json::read::<Command>(&text) else {
            return say(Err(Problem::bad("Not a command.")));
        };
        drop(text);
        if matches!(command, Command::Keep { .. }) && self.state.storage().get_alarm().await?.is_none() {
            self.arm().await;
        }
        let core = self.core.as_ref().map_err(Clone::clone);
        let said = core.and_then(|core| core.apply(&command, now_ms())).map(|json| (200, json));
        say(said.map_err(|error| {
            worker::console_error!("letters: {error}");
            Problem::unavailable("The letters' storage refused.")
        }))
    }

    async fn alarm(&self) -> Result<Response> {
        let left = self.core.as_ref().map_err(Clone::clone).and_then(|core| core.tidy(now_ms()));
        if left.unwrap_or(true) {
            self.arm().await;
        }
        Response::empty()
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
