//! Dead letters and the quarantine: kept, listed and shown. Replaying them is the callbacks' affair.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Answer;
use super::config::Config;
use super::http::{self, Request};
use super::objects::call;
use crate::bounds::{LETTERS_CALL_MS, PAGE, PAGE_MOST};
use crate::cursor;
use crate::ids::operator_id;
use crate::json;
pub use crate::letters::Command;
use crate::letters::{Head, Letter, Page, Shelf, channel_of};
use crate::problem::Problem;
use crate::registry::page_json;
use crate::route::Query;
use crate::table::Format;

/// Asks the object of a channel.
///
/// # Errors
/// 503, if it does not answer.
pub async fn ask<T: DeserializeOwned>(config: &Config, channel: &str, command: &Command) -> Result<T, Problem> {
    let broken = || Problem::unavailable("The channel's letters do not answer.");
    let body = serde_json::to_string(command).map_err(|_| broken())?;
    let answer = call(&config.letters, channel, "apply", &body, LETTERS_CALL_MS).await;
    let (_, text) = answer.ok().filter(|(status, _)| *status == 200).ok_or_else(broken)?;
    json::read(&text).map_err(|_| broken())
}

/// The letter with this id, and its channel.
///
/// # Errors
/// 404, if there is none.
pub async fn get(config: &Config, shelf: Shelf, id: &str) -> Result<(String, Letter), Problem> {
    let nothing = || Problem::not_found("No such letter.");
    // An object is woken for ids of channels alone.
    let channel = channel_of(id).filter(|channel| operator_id(channel).is_ok()).ok_or_else(nothing)?;
    let letter: Option<Letter> = ask(config, channel, &Command::Get { shelf, id: id.to_owned() }).await?;
    letter.map(|letter| (channel.to_owned(), letter)).ok_or_else(nothing)
}

/// `GET /v1/dead_letters?channel=`, `GET /v1/quarantine?channel=`
pub async fn list(config: &Config, request: &Request, shelf: Shelf, query: &Query) -> Answer {
    let channel = query.get("channel").filter(|channel| operator_id(channel).is_ok());
    let channel = channel.ok_or_else(|| Problem::bad("The query parameter channel is needed: a channel's id."))?;
    let format = http::format(request, query)?;
    // Of a table all, if nobody says how many.
    let whole = format != Format::Json && query.get("limit").is_none();
    let limit = query.whole("limit", 1..=PAGE_MOST, if whole { PAGE_MOST } else { PAGE })?;
    let bound_to = format!("letters {shelf:?} {channel}");
    let mut before = match query.get("cursor") {
        Some(cursor) => cursor::open(&config.cursor_key, &bound_to, cursor)?.parse().ok(),
        None => None,
    };
    let mut data: Vec<Value> = Vec::new();
    let (total, next) = loop {
        let page: Page = ask(config, channel, &Command::List { shelf, before, limit }).await?;
        data.extend(page.data.iter().map(Head::to_json));
        before = page.next;
        if before.is_none() || !whole {
            break (page.total, page.next);
        }
    };
    let next = next.and_then(|no| cursor::seal(&config.cursor_key, &bound_to, &no.to_string()));
    Ok(http::listed(format, &page_json(data, total, next))?)
}

/// `GET /v1/dead_letters/{id}`, `GET /v1/quarantine/{id}`
pub async fn show(config: &Config, shelf: Shelf, id: &str) -> Answer {
    let (_, letter) = get(config, shelf, id).await?;
    Ok(http::json(200, &letter.to_json().to_string())?)
}
