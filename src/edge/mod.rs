//! The worker: what speaks to the platform. It reads requests, asks the objects and writes answers; what any of it means is the
//! core's affair.

mod alarm;
mod cache;
mod callback;
mod clicks;
mod config;
mod cors;
mod definitions;
mod forget;
mod gate;
mod gate_object;
mod health;
mod http;
mod identity;
mod identity_object;
mod intake;
mod keys;
mod ledger_object;
mod ledgers;
mod letters;
mod letters_object;
mod live;
mod metrics;
mod objects;
mod overviews;
mod pages;
mod people;
mod random;
mod reads;
mod registry_object;
mod reports;
mod sql;
mod tap;
mod transfer;
mod zone;

use std::cell::Cell;
use std::rc::Rc;

use worker::{Context, Env, event};

use crate::access::Principal;
use crate::event::Ms;
use crate::ledger::Of;
use crate::problem::Problem;
use crate::route::{Query, Route, origin, split};
use config::Config;
use http::{Failure, Request, Response};

/// What an answer is made of.
type Answer = Result<Response, Refusal>;

/// No success.
enum Refusal {
    Problem(Problem),
    /// The platform refused; its words may quote what was sent, so they go nowhere.
    Failure,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Failure> for Refusal {
    fn from(_: Failure) -> Self {
        Self::Failure
    }
}

/// The platform's clock. In production it stands still between I/O.
fn now_ms() -> Ms {
    js_sys::Date::now() as Ms
}

/// Lets wakers go through a resolved promise, which is the engine's own and cheap: the platform's `queueMicrotask` wraps each call
/// in objects of its own, a twentieth of a callback's cost. The executor looks for it when the first task wakes.
#[event(start)]
fn start() {
    let _ = js_sys::Reflect::set(&js_sys::global(), &"queueMicrotask".into(), &wasm_bindgen::JsValue::UNDEFINED);
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let started_ms = now_ms();
    let (method, url) = (request.method(), request.url());
    let (path, query) = split(&url);
    let route = Route::of(path);
    let name = route.as_ref().map_or("none", Route::name);
    let route_is_hot = matches!(route, Some(Route::Tap { .. } | Route::Callback { .. }));
    let is_of_pages = path.starts_with("/v1/");
    let config = Config::of(&env);
    let answer = match &config {
        Ok(config) => {
            let principal = &Principal::default();
            let asked = Asked { request: &request, context: &context, method: &method, url: &url, query, principal };
            answer(config, &asked, route).await
        }
        Err(problem) => Err(problem.clone().into()),
    };
    let answer = match answer {
        Ok(answer) => Ok(answer),
        Err(Refusal::Problem(problem)) => http::problem(&problem),
        Err(Refusal::Failure) => http::problem(&Problem::new(500, "Something broke inside.")),
    };
    if let (true, Ok(config), Ok(answer)) = (is_of_pages, &config, &answer) {
        cors::allow(config, &request, answer).await;
    }
    let status = answer.as_ref().map_or(500, Response::status);
    log(name, status, started_ms, route_is_hot && status < 400);
    answer
}

/// One JSON line per request: the route's name, never a path, a query, a token, a body or a number. A line costs more than a tap
/// does, so of the taps and callbacks that went well one in [`SAMPLED`] is logged, and says so.
fn log(route: &str, status: u16, started_ms: Ms, sampled: bool) {
    if sampled && UNLOGGED.replace((UNLOGGED.get() + 1) % SAMPLED) != 0 {
        return;
    }
    let ms = now_ms() - started_ms;
    if sampled {
        worker::console_log!(r#"{{"route":"{route}","status":{status},"ms":{ms},"one_in":{SAMPLED}}}"#);
    } else {
        worker::console_log!(r#"{{"route":"{route}","status":{status},"ms":{ms}}}"#);
    }
}

const SAMPLED: u32 = 100;

thread_local! {
    static UNLOGGED: Cell<u32> = const { Cell::new(0) };
}

/// A request, read as far as every route needs it.
struct Asked<'a> {
    request: &'a Request,
    context: &'a Context,
    method: &'a str,
    url: &'a str,
    query: &'a str,
    /// Who asks, once it is known.
    principal: &'a Principal,
}

async fn answer(config: &Rc<Config>, asked: &Asked<'_>, route: Option<Route<'_>>) -> Answer {
    let Asked { request, method, url, query, .. } = *asked;
    let route = route.ok_or_else(|| Problem::not_found("No such route."))?;
    if let Some(preflight) = cors::preflight(request, method, &route) {
        return Ok(preflight?);
    }
    if !route.has(method) {
        return Err(Problem::method(route.methods()).into());
    }
    match &route {
        Route::Tap { token } => return tap::answer(config, request, asked.context, method == "HEAD", token, query).await,
        Route::Callback { channel, token } => return callback::answer(config, asked, channel, token).await,
        Route::Health => return Ok(http::json(200, r#"{"status":"ok"}"#)?),
        _ => {}
    }
    let takes = if method == "GET" || matches!(route, Route::WrapLink { .. } | Route::Dispatches { .. }) {
        route.parameters()
    } else {
        &[]
    };
    let principal = match (&route, Query::lenient(query).get("ticket")) {
        (Route::Live { campaign }, Some(ticket)) => live::holder(config, campaign, ticket).await?,
        _ => keys::principal(config, asked.context, request).await?,
    };
    principal.may(&route, method)?;
    let asked = &Asked { principal: &principal, ..*asked };
    let query = Query::strict(query, takes)?;
    match &route {
        Route::Metrics => {
            let text = metrics::METRICS.with(metrics::Metrics::to_text);
            Ok(http::answer(200, &[("content-type", "text/plain; version=0.0.4; charset=utf-8")], Some(&text))?)
        }
        Route::Export => transfer::export(config, asked),
        Route::Import => transfer::import(config, asked).await,
        Route::Erase => forget::erase(config, asked).await,
        Route::Dispatches { campaign } => intake::dispatches(config, request, asked.context, campaign, query.get("lease")).await,
        Route::Conversions if method == "POST" => intake::conversions(config, request).await,
        Route::Conversions => people::list(config, asked, Of::Conversions, None, &query).await,
        Route::People { campaign, of } => people::list(config, asked, *of, Some(campaign), &query).await,
        Route::Lookup => people::lookup(config, asked).await,
        Route::ChannelHealth { channel } => health::answer(config, channel).await,
        Route::ChannelTest { channel } => callback::test(config, channel, origin(url).0).await,
        Route::Letters { shelf } => letters::list(config, request, *shelf, &query).await,
        Route::Letter { shelf, id } => letters::show(config, *shelf, id).await,
        Route::ReplayLetter { shelf, id } => callback::replay(config, *shelf, id).await,
        Route::Gate { campaign } if method == "GET" => gate::may(config, asked, campaign, &query).await,
        Route::Gate { campaign } => gate::reserve(config, asked, campaign).await,
        Route::Live { campaign } => live::answer(config, asked, campaign, &query).await,
        Route::LiveTicket { campaign } => live::give_ticket(config, asked, campaign),
        Route::Overview(overview) => overviews::answer(config, asked, *overview, &query).await,
        Route::Report { campaign, report } => reports::answer(config, asked, campaign, *report, &query).await,
        _ => definitions::answer(config, request, method, &route, &query, origin(url).0).await,
    }
}
