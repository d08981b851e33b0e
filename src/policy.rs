//! What a campaign's definition means for counting: the windows, touch and goals that were fixed when it was declared.
//!
//! The Registry owns the definitions and hands this part of them to every Ledger; see `metrics.md` sections 4 and 6.

use serde::{Deserialize, Serialize};

use crate::event::Ms;
use crate::sorted::SortedMap;

pub const HOUR_MS: Ms = 3_600_000;

/// Which state of a message opens its window for conversions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Touch {
    #[default]
    Delivered,
    Read,
    Opened,
    Clicked,
}

/// Whether a campaign's messages are templates, or free-form inside the open service window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageType {
    #[default]
    Template,
    Regular,
}

/// One declared campaign, as a Ledger needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The campaign's number: given once by the Registry, from 1, and what the Ledgers store. 0 is `_unattributed`.
    pub no: u32,
    /// The operator's id.
    pub id: String,
    pub message_type: MessageType,
    pub reply_window_ms: Ms,
    pub attribution_window_ms: Ms,
    pub touch: Touch,
    /// The goals that this campaign takes conversions of; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goals: Vec<String>,
    /// When it was stopped for good, if it was: messages accepted from then on are `after_stop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at_ms: Option<Ms>,
}

impl Policy {
    /// Whether conversions of this goal count for the campaign.
    #[must_use]
    pub fn takes_goal(&self, goal: &str) -> bool {
        self.goals.is_empty() || self.goals.iter().any(|g| g == goal)
    }
}

/// All declared campaigns.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    by_no: SortedMap<u32, Policy>,
    numbers: SortedMap<String, u32>,
}

impl Policies {
    /// Learns or renews one; says whether it is new or changed.
    pub fn learn(&mut self, policy: Policy) -> bool {
        if self.by_no.get(&policy.no) == Some(&policy) {
            return false;
        }
        self.numbers.insert(policy.id.clone(), policy.no);
        self.by_no.insert(policy.no, policy);
        true
    }

    /// The numbers of all campaigns.
    pub fn all(&self) -> impl Iterator<Item = u32> + '_ {
        self.by_no.keys().copied()
    }

    #[must_use]
    pub fn by_no(&self, no: u32) -> Option<&Policy> {
        self.by_no.get(&no)
    }

    /// The window of replies to messages of no declared campaign.
    #[must_use]
    pub fn default_reply_window_ms(&self) -> Ms {
        72 * HOUR_MS
    }

    /// The number of a campaign, if it is declared.
    #[must_use]
    pub fn number(&self, campaign: &str) -> Option<u32> {
        self.numbers.get(campaign).copied()
    }
}
