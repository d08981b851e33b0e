//! Writing to the Ledgers: one call per Ledger, all at once, each with its deadline.

use futures_util::future::join_all;

use super::config::Config;
use super::metrics::METRICS;
use super::objects::{NoAnswer, call};
use crate::bounds::{EVENTS_PER_CALL, LEDGER_CALL_MS};
use crate::ledger::{Routed, Write, Written};
use crate::problem::Problem;

/// Records events, durably and once.
///
/// # Errors
/// 503 if a Ledger did not say that it has them. The caller comes again with all of them: repeats are harmless.
pub async fn record(config: &Config, events: impl IntoIterator<Item = Routed>) -> Result<(), Problem> {
    let mut calls = Vec::new();
    for (ledger, mut events) in config.partition.by_ledger(events) {
        while events.len() > EVENTS_PER_CALL {
            let rest = events.split_off(EVENTS_PER_CALL);
            calls.push(write(config, ledger, Write::Record { events }));
            events = rest;
        }
        calls.push(write(config, ledger, Write::Record { events }));
    }
    match join_all(calls).await.into_iter().find_map(Result::err) {
        None => Ok(()),
        Some(_) => Err(Problem::unavailable("Storage trouble.")),
    }
}

async fn write(config: &Config, ledger: u32, write: Write) -> Result<(), NoAnswer> {
    let body = serde_json::to_string(&write).map_err(|_| NoAnswer::Failed)?;
    // Freed before the wait.
    drop(write);
    write_text(config, ledger, &body).await
}

/// Writes what is written out already.
pub async fn write_text(config: &Config, ledger: u32, body: &str) -> Result<(), NoAnswer> {
    METRICS.with(|metrics| metrics.ledger_calls.add(1));
    let (status, text) = call(&config.ledger, &ledger.to_string(), "https://ledger/write", body, LEDGER_CALL_MS).await?;
    if status != 200 {
        return Err(NoAnswer::Failed);
    }
    let written: Written = serde_json::from_str(&text).map_err(|_| NoAnswer::Failed)?;
    METRICS.with(|metrics| {
        metrics.events_new.add(written.new);
        metrics.events_duplicate.add(written.duplicate);
        metrics.shared(&written);
    });
    Ok(())
}
