//! `POST /v1/contacts/erase`: one person goes, out of every object.
//!
//! The Ledger's part comes last: until then it can still say which traces there are, so whoever was told that something did not
//! answer asks again, and nothing is left.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::config::Config;
use super::definitions::ask;
use super::http;
use super::ledgers::{self, unanswered};
use super::{Answer, Asked, identity, letters, now_ms, people};
use crate::body;
use crate::contact::{Handle, canonical_key, spellings};
use crate::event::Ms;
use crate::json;
use crate::ledger::{Read, Traces, Write};
use crate::problem::Problem;
use crate::registry::Command;
use crate::sorted::SortedSet;
use crate::time::to_rfc3339;

/// `POST /v1/contacts/erase`
pub async fn erase(config: &Config, asked: &Asked<'_>) -> Answer {
    let body: Value = body::json(&http::body(asked.request).await?)?;
    let named = people::named(config, &body)?;
    let mut person = named;
    let known = traces(config, person).await?;
    let mut keys: SortedSet<String> = SortedSet::new();
    keys.extend(known.keys);
    // A key that belongs to another person leads to them, in one step.
    if let Some(to) = &known.moved_to {
        person = Handle::of(&config.partition.handle_key, to);
        keys.extend(traces(config, person).await?.keys);
    }
    keys.extend(body.get("contact").and_then(Value::as_str).and_then(canonical_key));
    let handle_of = |key: &str| Handle::of(&config.partition.handle_key, key);
    let mut handles: SortedSet<String> = SortedSet::new();
    handles.extend([named, person].map(Handle::to_text));
    let mut spelled = Vec::new();
    for key in keys.iter() {
        let handle = handle_of(key);
        // A later pair may have named another's key beside theirs.
        if handle == person || traces(config, handle).await?.moved_to.is_none_or(|to| handle_of(&to) == person) {
            handles.extend([handle.to_text()]);
            spelled.extend(spellings(key));
        }
    }
    identity::forget(config, handles.iter().cloned().collect()).await?;
    let letters = if spelled.is_empty() { 0 } else { forget_letters(config, &spelled).await? };
    let at_ms = now_ms();
    erase_from_ledger(config, person, at_ms).await?;
    if named != person {
        erase_from_ledger(config, named, at_ms).await?;
    }
    let shown = json!({ "handle": person.to_text(), "erased_at": to_rfc3339(at_ms), "letters": letters });
    Ok(http::json(200, &shown.to_string())?)
}

async fn traces(config: &Config, person: Handle) -> Result<Traces, Problem> {
    let read = serde_json::to_string(&Read::Traces { handle: person.to_text() }).map_err(|_| unanswered())?;
    json::read(&ledgers::read(config, person.ledger(config.partition.ledgers), &read).await?).map_err(|_| unanswered())
}

async fn erase_from_ledger(config: &Config, person: Handle, at_ms: Ms) -> Result<(), Problem> {
    let write = serde_json::to_string(&Write::Erase { handle: person.to_text(), at_ms, of: None }).map_err(|_| unanswered())?;
    ledgers::write_text(config, person.ledger(config.partition.ledgers), &write).await.map(drop).map_err(|_| unanswered())
}

/// Takes the letters of all channels, deleted ones too, away that hold one of the keys; gives how many there were.
async fn forget_letters(config: &Config, keys: &[String]) -> Result<u64, Problem> {
    let (_, channels) = ask::<Vec<String>>(config, &Command::ChannelIds).await?;
    let calls = channels.iter().map(async |channel| forget_letters_of(config, channel, keys).await);
    join_all(calls).await.into_iter().sum()
}

async fn forget_letters_of(config: &Config, channel: &str, keys: &[String]) -> Result<u64, Problem> {
    let mut forgotten = 0;
    let mut after = Some(0);
    while let Some(from) = after {
        let command = letters::Command::Forget { keys: keys.to_vec(), after: from };
        let (more, next) = letters::ask::<(u64, Option<i64>)>(config, channel, &command).await?;
        forgotten += more;
        after = next;
    }
    Ok(forgotten)
}
