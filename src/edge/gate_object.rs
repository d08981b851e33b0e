//! The Durable Object of one campaign's gate: `POST /` with a `Command`.

use wasm_bindgen_futures::JsFuture;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::now_ms;
use super::objects::say;
use super::sql::ObjectSql;
use crate::gate::{Command, Gate as Core};
use crate::json;
use crate::problem::Problem;
use crate::sql::SqlError;

#[durable_object(fetch)]
pub struct Gate {
    core: std::result::Result<Core<ObjectSql>, SqlError>,
}

impl DurableObject for Gate {
    fn new(state: State, _env: Env) -> Self {
        Self { core: Core::open(ObjectSql::of(&state)) }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let text = JsFuture::from(request.inner().text()?).await?.as_string().unwrap_or_default();
        let answer = match (json::read::<Command>(&text), &self.core) {
            (Ok(command), Ok(core)) => core.apply(&command, now_ms()),
            (Err(_), _) => Err(Problem::bad("Not a command.")),
            (_, Err(error)) => {
                worker::console_error!("gate: {error}");
                Err(Problem::unavailable("The gate's storage refused."))
            }
        };
        say(answer.map(|json| (200, json)))
    }
}
