//! Writing to the Ledgers and reading from them: one call per Ledger, all at once, with one deadline.

use futures_util::future::join_all;

use super::config::Config;
use super::identity;
use super::metrics::METRICS;
use super::objects::{NoAnswer, call_unbounded, within};
use crate::bounds::{EVENTS_PER_CALL, LEDGER_CALL_MS};
use crate::json;
use crate::ledger::{Errand, Read, Remarks, Routed, Verdict, Write, Written};
use crate::problem::Problem;
use crate::sorted::SortedMap;

/// What the Ledgers said of events that they have.
#[derive(Default)]
pub struct Recorded {
    /// The places of those that no Ledger will ever take.
    pub refused: Vec<usize>,
    /// The places of those that are older than anything is kept.
    pub expired: Vec<usize>,
    /// The places of those from before their contact's erasure.
    pub erased: Vec<usize>,
    /// What was remarkable, by channel.
    pub remarks: SortedMap<String, Remarks>,
}

impl Recorded {
    /// Of each of so many events, whether a Ledger has it. What none has claims nothing.
    #[must_use]
    pub fn taken(&self, events: usize) -> Vec<bool> {
        let mut taken = vec![true; events];
        for place in self.refused.iter().chain(&self.expired).chain(&self.erased) {
            if let Some(taken) = taken.get_mut(*place) {
                *taken = false;
            }
        }
        taken
    }
}

/// Records events, durably and once.
///
/// # Errors
/// 503 if a Ledger did not say that it has them. The caller comes again with all of them: repeats are harmless.
pub async fn record(config: &Config, events: impl IntoIterator<Item = Routed>) -> Result<Recorded, Problem> {
    let mut groups: SortedMap<u32, Vec<(usize, Routed)>> = SortedMap::new();
    for (place, event) in events.into_iter().enumerate() {
        groups.entry(config.partition.ledger(&event)).or_default().push((place, event));
    }
    let mut calls = Vec::new();
    for (ledger, mut events) in groups {
        while events.len() > EVENTS_PER_CALL {
            let rest = events.split_off(EVENTS_PER_CALL);
            calls.push(write(config, ledger, events));
            events = rest;
        }
        calls.push(write(config, ledger, events));
    }
    let mut recorded = Recorded::default();
    let trouble = |_| Problem::unavailable("Storage trouble.");
    for answer in within(join_all(calls), LEDGER_CALL_MS).await.map_err(trouble)? {
        let (places, written) = answer.map_err(trouble)?;
        recorded.refused.extend(written.refused.iter().filter_map(|no| places.get(*no as usize)));
        recorded.expired.extend(written.expired.iter().filter_map(|no| places.get(*no as usize)));
        recorded.erased.extend(written.erased.iter().filter_map(|no| places.get(*no as usize)));
        for (channel, more) in written.remarks {
            recorded.remarks.entry(channel).or_default().add(&more);
        }
    }
    Ok(recorded)
}

/// Tells the Ledgers what was decided about claims.
///
/// # Errors
/// 503, if one did not say that it knows.
pub async fn judge(config: &Config, verdicts: &[Verdict]) -> Result<(), Problem> {
    let mut groups: SortedMap<u32, Vec<Verdict>> = SortedMap::new();
    for verdict in verdicts {
        groups.entry(config.partition.ledger_of(&verdict.handle)).or_default().push(verdict.clone());
    }
    let calls = groups.into_iter().map(async |(ledger, verdicts)| {
        let body = serde_json::to_string(&Write::Judge { verdicts }).map_err(|_| NoAnswer::Failed)?;
        write_text(config, ledger, &body).await.map(drop)
    });
    let answers: Result<Vec<()>, NoAnswer> = join_all(calls).await.into_iter().collect();
    answers.map(drop).map_err(|_| Problem::unavailable("Storage trouble."))
}

/// Tells other objects what a Ledger has to tell them: some at once, and what gives back before what takes in.
///
/// # Errors
/// 503, if one did not say that it knows.
pub async fn run_errands(config: &Config, errands: &[Errand]) -> Result<(), Problem> {
    let (writes, moved) = config.partition.errands(errands);
    let (mut first, mut then) = (Vec::new(), Vec::new());
    for (ledger, write) in writes {
        let takes_in = matches!(&write, Write::Host { moves } if moves.iter().any(|one| !one.things.is_empty()));
        if takes_in { &mut then } else { &mut first }.push((ledger, write));
    }
    for writes in [first, then] {
        let calls = writes.into_iter().map(async |(ledger, write)| {
            let body = serde_json::to_string(&write).map_err(|_| NoAnswer::Failed)?;
            write_text(config, ledger, &body).await.map(drop)
        });
        let answers: Result<Vec<()>, NoAnswer> = join_all(calls).await.into_iter().collect();
        answers.map_err(|_| Problem::unavailable("Storage trouble."))?;
    }
    identity::moved(config, moved).await
}

async fn write(config: &Config, ledger: u32, events: Vec<(usize, Routed)>) -> Result<(Vec<usize>, Written), NoAnswer> {
    let (places, events) = events.into_iter().unzip();
    let write = Write::Record { events };
    let body = serde_json::to_string(&write).map_err(|_| NoAnswer::Failed)?;
    // Freed before the wait.
    drop(write);
    Ok((places, post(config, ledger, &body).await?))
}

/// Writes what is written out already.
pub async fn write_text(config: &Config, ledger: u32, body: &str) -> Result<Written, NoAnswer> {
    within(post(config, ledger, body), LEDGER_CALL_MS).await?
}

async fn post(config: &Config, ledger: u32, body: &str) -> Result<Written, NoAnswer> {
    METRICS.with(|metrics| metrics.ledger_calls.add(1));
    let (status, text) = call_unbounded(&config.ledger, &ledger.to_string(), "write", body).await?;
    if status != 200 {
        return Err(NoAnswer::Failed);
    }
    let written: Written = json::read(&text).map_err(|_| NoAnswer::Failed)?;
    METRICS.with(|metrics| {
        metrics.events_new.add(written.new);
        metrics.events_duplicate.add(written.duplicate);
        metrics.shared(&written);
    });
    Ok(written)
}

/// Asks one Ledger.
///
/// # Errors
/// 503, if it does not answer.
pub async fn read(config: &Config, ledger: u32, read: &str) -> Result<String, Problem> {
    within(get(config, ledger, read), LEDGER_CALL_MS).await.unwrap_or_else(|_| Err(unanswered()))
}

async fn get(config: &Config, ledger: u32, read: &str) -> Result<String, Problem> {
    METRICS.with(|metrics| metrics.ledger_calls.add(1));
    match call_unbounded(&config.ledger, &ledger.to_string(), "read", read).await {
        Ok((200, text)) => Ok(text),
        _ => Err(unanswered()),
    }
}

/// What is told where a Ledger said nothing, or nothing that can be read.
pub fn unanswered() -> Problem {
    Problem::unavailable("A ledger does not answer.")
}

/// Asks every Ledger the same; the answers in the order of the Ledgers.
///
/// # Errors
/// 503, if one does not answer: a sum without it would be wrong.
pub async fn read_all(config: &Config, read: &Read) -> Result<Vec<String>, Problem> {
    let text = serde_json::to_string(read).unwrap_or_default();
    let asked = (0..config.partition.ledgers).map(|ledger| get(config, ledger, &text));
    within(join_all(asked), LEDGER_CALL_MS).await.map_err(|_| unanswered())?.into_iter().collect()
}
