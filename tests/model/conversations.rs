//! §7 Conversations: "24-hour threads per sender and contact, opened when a business message is delivered."

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::DAY_MS;
use super::engagement::Engagement;
use super::facts::{Facts, Message};

/// One thread. Its message is the one that opened it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Conversation {
    pub opened_ms: i64,
    pub provider: String,
    /// The business's number; `@` and the channel where its messages name none [9].
    pub sender: String,
    pub contact: String,
    pub category: String,
    pub country: String,
    /// "It needs an inbound in the 24 h before; where none was seen, it opens all the same and is reported".
    pub window_unseen: bool,
    pub message: String,
}

/// All threads, in order of opening.
pub fn threads(facts: &Facts, engagement: &Engagement) -> Vec<Conversation> {
    // "Messages are taken by (delivered time, templates before service, message id)", whichever campaign they are of, or none.
    let mut delivered: Vec<(i64, &Message)> =
        facts.messages.iter().zip(&engagement.states).filter_map(|(m, states)| Some((states.delivered?, m))).collect();
    delivered.sort_by_key(|(at, message)| (*at, message.category == "service", message.tie()));

    let mut threads: Vec<Conversation> = Vec::new();
    for (at, message) in delivered {
        let sender = message.sender.clone().unwrap_or_else(|| format!("@{}", message.channel));
        let service = message.category == "service";
        // "marketing, utility, authentication and `other` open one of their category unless one of that category is open; other
        // categories do not matter. service (free-form) opens one only if none of any category is open."
        let open = threads.iter().any(|thread| {
            thread.contact == message.contact
                && thread.provider == message.provider
                && thread.sender == sender
                && (service || thread.category == message.category)
                && at < thread.opened_ms + DAY_MS
        });
        if open {
            continue;
        }
        // The window of an inbound is its 24 hours, measured at the opening [24].
        let seen = facts.inbound.iter().any(|inbound| {
            inbound.contact == message.contact
                && message.fits(&inbound.provider, &inbound.channel, inbound.sender.as_deref())
                && inbound.at <= at
                && at < inbound.at + DAY_MS
        });
        threads.push(Conversation {
            opened_ms: at,
            provider: message.provider.clone(),
            sender,
            contact: message.contact.clone(),
            category: message.category.clone(),
            country: message.country.clone(),
            window_unseen: service && !seen,
            message: message.item(),
        });
    }
    threads.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}
