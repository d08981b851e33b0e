//! The Identity's Durable Object: `POST /` with a `Command`.
//!
//! What it has learned frees what waited for it; that is with the Ledgers before the answer, or else the alarm sees to it.

use std::time::Duration;

use serde_json::json;
use wasm_bindgen_futures::JsFuture;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::config::Config;
use super::sql::ObjectSql;
use super::{http, ledgers};
use crate::bounds::MOVE_AGAIN_MS;
use crate::identity::{Command, Identity as Core};
use crate::problem::Problem;
use crate::sql::SqlError;

#[durable_object(alarm)]
pub struct Identity {
    state: State,
    env: Env,
    core: std::result::Result<Core<ObjectSql>, SqlError>,
}

impl DurableObject for Identity {
    fn new(state: State, env: Env) -> Self {
        let core = Core::open(ObjectSql::of(&state));
        Self { state, env, core }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let text = JsFuture::from(request.inner().text()?).await?.as_string().unwrap_or_default();
        Ok(match self.apply(&text).await {
            Ok(json) => http::json(200, &json)?.into(),
            Err(problem) => http::problem(&problem)?.into(),
        })
    }

    async fn alarm(&self) -> Result<Response> {
        if self.move_on().await.is_err() {
            self.arm().await;
        }
        Response::empty()
    }
}

impl Identity {
    async fn apply(&self, text: &str) -> std::result::Result<String, Problem> {
        let command: Command = serde_json::from_str(text).map_err(|_| Problem::bad("Not a command."))?;
        let core = self.core()?;
        Ok(match command {
            Command::Resolve { events } => json!(core.resolve(&events).map_err(refused)?).to_string(),
            Command::Learn { known } => {
                // First the alarm, then the work: a crash after it leaves nothing behind that nobody moves.
                if core.any_waits().map_err(refused)? {
                    self.arm().await;
                }
                if core.learn(&known).map_err(refused)? {
                    self.move_on().await?;
                }
                "null".to_owned()
            }
            Command::Waiting => json!(core.waiting().map_err(refused)?).to_string(),
        })
    }

    /// Moves everything that can go. An event that no Ledger takes stays, and goes on being counted as unmatched.
    async fn move_on(&self) -> std::result::Result<(), Problem> {
        let (core, config) = (self.core()?, Config::of(&self.env)?);
        let mut after = 0;
        loop {
            let due = core.due(after).map_err(refused)?;
            let Some(last) = due.last() else { return Ok(()) };
            after = last.no;
            let rows: Vec<i64> = due.iter().map(|due| due.no).collect();
            let recorded = ledgers::record(&config, due.into_iter().map(|due| due.routed)).await?;
            let taken = rows.iter().enumerate().filter(|(place, _)| !recorded.refused.contains(place));
            let taken: Vec<i64> = taken.map(|(_, row)| *row).collect();
            core.moved(&taken).map_err(refused)?;
        }
    }

    fn core(&self) -> std::result::Result<&Core<ObjectSql>, Problem> {
        self.core.as_ref().map_err(|error| refused(error.clone()))
    }

    async fn arm(&self) {
        if let Err(error) = self.state.storage().set_alarm(Duration::from_millis(MOVE_AGAIN_MS)).await {
            worker::console_error!("identity: alarm: {error}");
        }
    }
}

fn refused(error: SqlError) -> Problem {
    worker::console_error!("identity: {error}");
    Problem::unavailable("The identity's storage refused.")
}
