//! `POST /v1/contacts/erase`: one person goes, out of every object.
//!
//! The Ledger's part comes last: until then it can still say which traces there are, so whoever was told that something did not
//! answer asks again, and nothing is left.

use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};

use super::config::Config;
use super::definitions::ask;
use super::http;
use super::{Answer, Asked, identity, ledgers, letters, now_ms, people};
use crate::body;
use crate::bounds::PAGE_MOST;
use crate::channel::Channel;
use crate::contact::{canonical_key, spellings};
use crate::json;
use crate::ledger::{Read, Write};
use crate::problem::Problem;
use crate::registry::{Command, Kind, Page};
use crate::time::to_rfc3339;

/// What a Ledger knows of a person that other objects may know too.
#[derive(Deserialize)]
struct Traces {
    key: Option<String>,
}

/// `POST /v1/contacts/erase`
pub async fn erase(config: &Config, asked: &Asked<'_>) -> Answer {
    let body: Value = body::json(&http::body(asked.request).await?)?;
    let handle = people::named(config, &body)?;
    let ledger = handle.ledger(config.partition.ledgers);
    let handle = handle.to_text();
    let broken = || Problem::unavailable("A ledger does not answer.");
    let read = serde_json::to_string(&Read::Traces { handle: handle.clone() }).map_err(|_| broken())?;
    let traces: Traces = json::read(&ledgers::read(config, ledger, &read).await?).map_err(|_| broken())?;
    identity::forget(config, &handle).await?;
    let written = body.get("contact").and_then(Value::as_str).and_then(canonical_key);
    let mut letters = 0;
    if let Some(key) = written.or(traces.key) {
        letters = forget_letters(config, &spellings(&key)).await?;
    }
    let at_ms = now_ms();
    let write = serde_json::to_string(&Write::Erase { handle: handle.clone(), at_ms }).map_err(|_| broken())?;
    ledgers::write_text(config, ledger, &write).await.map_err(|_| broken())?;
    let shown = json!({ "handle": handle, "erased_at": to_rfc3339(at_ms), "letters": letters });
    Ok(http::json(200, &shown.to_string())?)
}

/// Takes the letters of all channels away that hold one of the keys; gives how many there were.
async fn forget_letters(config: &Config, keys: &[String]) -> Result<u64, Problem> {
    let mut forgotten = 0;
    let mut after = String::new();
    loop {
        let command = Command::List { kind: Kind::Channel, filters: Vec::new(), after, limit: PAGE_MOST };
        let (_, page) = ask::<Page<Channel>>(config, &command).await?;
        let channels = page.data.iter().map(async |channel| forget_letters_of(config, &channel.id, keys).await);
        for more in join_all(channels).await {
            forgotten += more?;
        }
        match page.next {
            Some(next) => after = next,
            None => return Ok(forgotten),
        }
    }
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
