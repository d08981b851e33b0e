//! A channel's health: the operational counts on their way to its object, and the answer to whoever asks.
//!
//! Counts gather in the isolate's memory and are handed on after the answers, some of them together: a callback waits for none.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::json;
use worker::{Context, Delay};

use super::cache::{self, OpenChannel};
use super::config::Config;
use super::ledgers;
use super::{Answer, http, identity, letters, now_ms};
use crate::bounds::{COUNTS_WAIT_MS, LETTERS_CALL_MS};
use crate::event::Ms;
use crate::health::{Counts, protection, verdict};
use crate::json;
use crate::ledger::Read;
use crate::letters::{Command, State};
use crate::problem::Problem;
use crate::sorted::SortedMap;
use crate::time::to_rfc3339;

#[derive(Default)]
struct Gathered {
    channels: SortedMap<String, Counts>,
    /// Until when somebody is about to hand them on.
    sender_until_ms: Ms,
}

thread_local! {
    static GATHERED: RefCell<Gathered> = RefCell::default();
}

/// Counts for a channel, after the answer.
pub fn count_later(config: &Rc<Config>, context: &Context, channel: &str, counts: &Counts) {
    let send = GATHERED.with_borrow_mut(|gathered| {
        gather(gathered, channel, counts);
        let now_ms = now_ms();
        let nobody = gathered.sender_until_ms <= now_ms;
        if nobody {
            gathered.sender_until_ms = now_ms + (COUNTS_WAIT_MS + LETTERS_CALL_MS) as Ms;
        }
        nobody
    });
    if send {
        let config = Rc::clone(config);
        context.wait_until(async move {
            Delay::from(Duration::from_millis(COUNTS_WAIT_MS)).await;
            GATHERED.with_borrow_mut(|gathered| gathered.sender_until_ms = 0);
            hand_on(&config).await;
        });
    }
}

fn gather(gathered: &mut Gathered, channel: &str, counts: &Counts) {
    gathered.channels.entry(channel.to_owned()).or_default().add(counts);
}

/// Hands everything on; what does not arrive is gathered again.
async fn hand_on(config: &Config) {
    let channels = GATHERED.with_borrow_mut(|gathered| std::mem::take(&mut gathered.channels));
    let handed = channels.into_iter().map(async |(channel, counts)| {
        let command = Command::Count { counts };
        if letters::ask::<()>(config, &channel, &command).await.is_err()
            && let Command::Count { counts } = command
        {
            GATHERED.with_borrow_mut(|gathered| gather(gathered, &channel, &counts));
        }
    });
    join_all(handed).await;
}

/// `GET /v1/channels/{channel}/health`
pub async fn answer(config: &Config, id: &str) -> Answer {
    let channel = cache::renew::<OpenChannel>(config, id).await?.ok_or_else(|| Problem::not_found("No such channel."))?;
    // This isolate's counts are seen at once.
    hand_on(config).await;
    let state = letters::ask::<State>(config, id, &Command::State).await?;
    let (unattributed, unmatched) = join(unattributed(config, id), identity::waiting(config, id)).await;
    let State { counts, dead, quarantine } = state;
    let (provider, mapping) = (channel.provider, channel.mapping.as_ref());
    let protection = protection(provider, mapping, !channel.secrets.is_empty());
    let (verdict, reason) = verdict(provider.signing(mapping), protection, &counts, now_ms());
    let shown = json!({
        "channel": id,
        "provider": provider.id(),
        "verdict": verdict,
        "reason": reason,
        "protection": protection,
        "timeless": provider.timeless(),
        "require_dispatch": channel.channel.require_dispatch,
        "received": counts.received,
        "bad_signature": counts.bad_signature,
        "malformed": counts.malformed,
        "other": counts.other,
        "duplicate": counts.duplicate,
        "out_of_order": counts.out_of_order,
        "unattributed": unattributed?,
        "unmatched": unmatched?,
        "expired": counts.expired,
        "after_erasure": counts.after_erasure,
        "conflict": counts.conflict,
        "last_received_at": counts.last_received_ms.map(to_rfc3339),
        "dead_letters": { "kept": dead.kept, "dropped": dead.dropped },
        "quarantine": { "kept": quarantine.kept, "dropped": quarantine.dropped },
    });
    Ok(http::json(200, &shown.to_string())?)
}

/// How many of the channel's messages stand under no campaign now, in all Ledgers.
async fn unattributed(config: &Config, channel: &str) -> Result<u64, Problem> {
    let mut sum = 0;
    for text in ledgers::read_all(config, &Read::Unattributed).await? {
        let counts = json::read::<SortedMap<String, u64>>(&text);
        let counts = counts.map_err(|_| ledgers::unanswered())?;
        sum += counts.get(channel).copied().unwrap_or_default();
    }
    Ok(sum)
}
