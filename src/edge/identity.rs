//! Asking and telling the Identity objects whose messages and conversions are.

use futures_util::future::join_all;
use serde::de::DeserializeOwned;

use super::config::Config;
use super::now_ms;
use super::objects::call;
use crate::bounds::{EVENTS_PER_CALL, IDENTITY_CALL_MS};
use crate::event::Ms;
use crate::identity::{Claim, Command, Moved, Nameless};
use crate::json;
use crate::ledger::Routed;
use crate::problem::Problem;
use crate::sorted::SortedMap;

/// The events whose message is known, on their way to its person; the others wait, durably, until somebody tells. A click counts
/// as nobody's meanwhile.
///
/// # Errors
/// 503, if an object does not answer.
pub async fn resolve(config: &Config, events: Vec<Nameless>) -> Result<Vec<Routed>, Problem> {
    let calls = shards(config, events, |event| &event.message).into_iter().map(async |(object, events)| {
        let command = Command::Resolve { events };
        let handles: Vec<Option<String>> = ask(config, object, &command).await?;
        let Command::Resolve { events } = command else { return Ok(Vec::new()) };
        let known = events.into_iter().zip(handles).filter_map(|(event, handle)| {
            let handle = handle.or_else(|| event.nobody.clone())?;
            Some(event.of_person(handle))
        });
        Ok::<_, Problem>(known.collect())
    });
    let known = join_all(calls).await.into_iter().collect::<Result<Vec<Vec<Routed>>, Problem>>()?;
    Ok(known.into_iter().flatten().collect())
}

/// Tells who claims what. Every Ledger concerned knows when the answer comes, and what waited for a name is with its Ledger: the
/// places of the claims that are the second on their thing.
///
/// # Errors
/// 503, if an object does not answer, or a Ledger could not be told.
pub async fn claim(config: &Config, claims: Vec<Claim>, received_ms: Ms) -> Result<Vec<usize>, Problem> {
    let calls = shards(config, claims.into_iter().enumerate().collect(), |(_, claim)| &claim.thing).into_iter();
    let calls = calls.map(async |(object, claims)| {
        let (places, claims): (Vec<usize>, Vec<Claim>) = claims.into_iter().unzip();
        let second: Vec<usize> = ask(config, object, &Command::Claim { claims, received_ms }).await?;
        Ok::<_, Problem>(second.into_iter().filter_map(|place| places.get(place).copied()).collect::<Vec<_>>())
    });
    let second = join_all(calls).await.into_iter().collect::<Result<Vec<_>, Problem>>()?;
    Ok(second.into_iter().flatten().collect())
}

/// Forgets a person's keys, by their handles, in all of them.
///
/// # Errors
/// 503, if an object does not answer.
pub async fn forget(config: &Config, handles: Vec<String>) -> Result<(), Problem> {
    let command = &Command::Forget { handles };
    let calls = (0..config.partition.ledgers).map(async |object| ask::<()>(config, object, command).await);
    join_all(calls).await.into_iter().collect()
}

/// Tells each object whose claims are held by another person.
///
/// # Errors
/// 503, if an object does not answer, or a Ledger could not be told.
pub async fn moved(config: &Config, moved: Vec<(u32, Vec<Moved>)>) -> Result<(), Problem> {
    let received_ms = now_ms();
    let calls =
        moved.into_iter().map(async |(object, moved)| ask::<()>(config, object, &Command::Moved { moved, received_ms }).await);
    join_all(calls).await.into_iter().collect()
}

/// How many events of the channel wait for a name.
///
/// # Errors
/// 503, if an object does not answer.
pub async fn waiting(config: &Config, channel: &str) -> Result<u64, Problem> {
    let calls =
        (0..config.partition.ledgers).map(async |object| ask::<SortedMap<String, u64>>(config, object, &Command::Waiting).await);
    let counts = join_all(calls).await.into_iter().collect::<Result<Vec<_>, Problem>>()?;
    Ok(counts.iter().filter_map(|counts| counts.get(channel)).sum())
}

/// The items of each object, at most [`EVENTS_PER_CALL`] together.
fn shards<T>(config: &Config, items: Vec<T>, thing: impl Fn(&T) -> &String) -> Vec<(u32, Vec<T>)> {
    let mut shards: SortedMap<u32, Vec<T>> = SortedMap::new();
    for item in items {
        shards.entry(config.partition.identity(thing(&item))).or_default().push(item);
    }
    let mut calls = Vec::new();
    for (object, mut items) in shards {
        while items.len() > EVENTS_PER_CALL {
            let rest = items.split_off(EVENTS_PER_CALL);
            calls.push((object, items));
            items = rest;
        }
        calls.push((object, items));
    }
    calls
}

/// Asks one object.
///
/// # Errors
/// 503, if it does not answer.
pub async fn ask<T: DeserializeOwned>(config: &Config, object: u32, command: &Command) -> Result<T, Problem> {
    let broken = || Problem::unavailable("Storage trouble.");
    let body = serde_json::to_string(command).map_err(|_| broken())?;
    let answer = call(&config.identity, &object.to_string(), "apply", &body, IDENTITY_CALL_MS).await;
    let (_, text) = answer.ok().filter(|(status, _)| *status == 200).ok_or_else(broken)?;
    json::read(&text).map_err(|_| broken())
}
