//! The worker: what speaks to the platform. It reads requests, asks the objects and writes answers; what any of it means is the
//! core's affair.

mod config;
mod definitions;
mod http;
mod ledger_object;
mod objects;
mod random;
mod registry_object;
mod sql;

use subtle::ConstantTimeEq as _;
use worker::{Context, Date, Env, event};

use crate::event::Ms;
use crate::problem::Problem;
use crate::route::{Query, Route, origin, split};
use config::Config;
use http::{Failure, Request, Response};

/// What an answer is made of.
type Answer = Result<Response, Refusal>;

/// No success: for the caller, or for the log.
enum Refusal {
    Problem(Problem),
    Failure(Failure),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// The platform's clock. In production it stands still between I/O.
fn now_ms() -> Ms {
    Date::now().as_millis() as Ms
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    let started_ms = now_ms();
    let (method, url) = (request.method(), request.url());
    let (path, query) = split(&url);
    let route = Route::of(path);
    let name = route.as_ref().map_or("none", Route::name);
    let answer = match Config::of(&env) {
        Ok(config) => answer(&config, &request, &method, route, query, origin(&url).0).await,
        Err(problem) => Err(problem.into()),
    };
    let answer = match answer {
        Ok(answer) => Ok(answer),
        Err(Refusal::Problem(problem)) => http::problem(&problem),
        Err(Refusal::Failure(_)) => http::problem(&Problem::new(500, "Something broke inside.")),
    };
    let status = answer.as_ref().map_or(500, Response::status);
    worker::console_log!(r#"{{"route":"{name}","status":{status},"ms":{}}}"#, now_ms() - started_ms);
    answer
}

async fn answer(config: &Config, request: &Request, method: &str, route: Option<Route<'_>>, query: &str, origin: &str) -> Answer {
    let route = route.ok_or_else(|| Problem::not_found("No such route."))?;
    if !route.has(method) {
        return Err(Problem::method(route.methods()).into());
    }
    if let Route::Health = route {
        return Ok(http::json(200, r#"{"status":"ok"}"#)?);
    }
    authorize(config, request)?;
    let query = Query::strict(query, if method == "GET" { route.parameters() } else { &[] })?;
    match route {
        Route::Channels | Route::Channel { .. } | Route::Rotate { .. } | Route::Campaigns | Route::Campaign { .. } => {
            definitions::answer(config, request, method, &route, &query, origin).await
        }
        _ => Err(Problem::not_found("No such route.").into()),
    }
}

/// Lets the admin key pass. The time that it takes does not tell how much of a key is right.
fn authorize(config: &Config, request: &Request) -> Result<(), Problem> {
    let header = http::header(request, "authorization").unwrap_or_default();
    let key =
        header.split_at_checked(7).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer ")).map_or("", |(_, key)| key.trim());
    if bool::from(key.as_bytes().ct_eq(config.admin_key.as_bytes())) { Ok(()) } else { Err(Problem::unauthorized()) }
}
