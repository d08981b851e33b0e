//! The reference model: the plainest possible recount of every number from the list of acknowledged events.
//!
//! It is the judge of the counting core, so it shares no code with it and imports nothing of it: events and definitions come
//! in as JSON. Sets, sorts and loops over everything, no increments, no storage, no partitions; a rule cites the section of the metric
//! contract that it follows (`§4 Reply`), and a number in brackets (`[7]`) is the entry of `CHOICES.md` that says how an unclear
//! sentence was read.
//!
//! Not in it: erasure, expiry, send limits. A person is the text of the canonical key; all of it comes from `people::person`, and
//! every thing is gathered under it in `facts`.

// Every test binary that includes the model uses its own part of it; and a test that fails should say where.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

pub mod answers;
mod conversations;
pub mod cost;
mod decimal;
mod engagement;
mod facts;
pub mod generate;
pub mod people;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use answers::Answers;

pub const QUARTER_MS: i64 = 15 * 60 * 1000;
pub const HOUR_MS: i64 = 3_600_000;
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// The campaign of what nobody claims.
pub const UNATTRIBUTED: &str = "_unattributed";

/// One acknowledged event, and when it was received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Received {
    pub received_ms: i64,
    pub event: Value,
}

/// What the events are read with: the declared campaigns (each the JSON of a policy), and the provider of every channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Definitions {
    pub campaigns: Vec<Value>,
    /// Channel id → provider. A channel that is not here is a provider of its own.
    pub channels: BTreeMap<String, String>,
}

/// The part of a campaign's definition that counting needs.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Policy {
    pub id: String,
    pub message_type: String,
    pub reply_window_ms: i64,
    pub attribution_window_ms: i64,
    pub touch: String,
    #[serde(default)]
    pub goals: Vec<String>,
    #[serde(default)]
    pub stopped_at_ms: Option<i64>,
}

impl Policy {
    /// §4 Conversion: "a declared campaign whose goals include it (no goals = all)".
    pub fn takes(&self, goal: &str) -> bool {
        self.goals.is_empty() || self.goals.iter().any(|g| g == goal)
    }
}

/// The declared campaigns by id.
pub(crate) type Policies = BTreeMap<String, Policy>;

/// Every number and every list, from nothing but the events and the definitions. §0: "a pure function of the set of events".
pub fn recount(received: &[Received], definitions: &Definitions) -> Answers {
    let policies: Policies = definitions
        .campaigns
        .iter()
        .map(|json| serde_json::from_value::<Policy>(json.clone()).expect("a definition has the fields of a policy"))
        .map(|policy| (policy.id.clone(), policy))
        .collect();
    let facts = facts::gather(received, definitions, &policies);
    let engagement = engagement::attribute(&facts, &policies);
    answers::count(&facts, &engagement, &policies)
}
