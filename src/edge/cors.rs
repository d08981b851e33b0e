//! CORS: lets the pages of the origins that the settings name read what is under `/v1/`.

use super::cache;
use super::config::Config;
use super::http::{self, Failure, Request, Response};
use crate::registry::SETTINGS;
use crate::route::Route;
use crate::settings::Settings;

/// What a page may send and read beside what any page may.
const REQUEST_HEADERS: &str = "authorization, content-type, if-none-match, last-event-id";
const ANSWER_HEADERS: &str = "etag, retry-after";
/// How long a browser need not ask again, in seconds.
const MAX_AGE_S: &str = "600";

/// The answer to a browser that asks whether it may ask; `None` if that is not what it asks.
pub fn preflight(request: &Request, method: &str, route: &Route<'_>) -> Option<Result<Response, Failure>> {
    let asks = method == "OPTIONS" && http::header(request, "access-control-request-method").is_some();
    let headers = [
        ("access-control-allow-methods", route.methods()),
        ("access-control-allow-headers", REQUEST_HEADERS),
        ("access-control-max-age", MAX_AGE_S),
    ];
    asks.then(|| http::answer(204, &headers, None))
}

/// Marks an answer as readable for the page that asks, if its origin is one that the settings name.
pub async fn allow(config: &Config, request: &Request, answer: &Response) {
    let Some(origin) = http::header(request, "origin") else { return };
    let headers = answer.headers();
    let settings = cache::get::<Settings>(config, SETTINGS).await.ok().flatten();
    let mut marks = vec![("vary", "Origin")];
    if settings.is_some_and(|settings| settings.lets_read(&origin)) {
        marks.extend([("access-control-allow-origin", origin.as_str()), ("access-control-expose-headers", ANSWER_HEADERS)]);
    }
    for (name, value) in marks {
        // An answer that is not marked is not shown to the page: nothing is lost but its convenience.
        let _ = if name == "vary" { headers.append(name, value) } else { headers.set(name, value) };
    }
}
