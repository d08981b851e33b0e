//! What can happen: the events that every statistic is a function of.
//!
//! An event says what somebody told us, with the identity that makes a repeat harmless. It knows nothing of
//! counters, storage or the provider's wire format. Meanings: `metrics.md`, section 2.

mod reading;

use serde::{Deserialize, Serialize};

/// UTC milliseconds since 1970.
pub type Ms = i64;

/// One thing that happened, from whoever reported it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Dispatch(Dispatch),
    Status(Status),
    Inbound(Inbound),
    Click(Click),
    Conversion(Conversion),
    OptOut(OptOut),
}

impl Event {
    /// The channel that it came through, or speaks of.
    #[must_use]
    pub fn channel(&self) -> Option<&str> {
        match self {
            Self::Dispatch(dispatch) => dispatch.channel.as_deref(),
            Self::Status(status) => Some(&status.channel),
            Self::Inbound(inbound) => Some(&inbound.channel),
            Self::Click(click) => click.channel.as_deref(),
            Self::Conversion(_) => None,
            Self::OptOut(opt_out) => Some(&opt_out.channel),
        }
    }
}

/// The person that an item names: a phone number, a business-scoped user id, both, or (a status of some providers) nobody.
/// Both together are the pair that makes one person of two keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Person {
    /// As the provider wrote it, without `whatsapp:`, `+`, spaces; canonical form is made by `contact::canonical_phone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// A business-scoped user id such as `US.13491208655302741918`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// How far a message came, as a provider's status says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusKind {
    Sent,
    Delivered,
    Read,
    Played,
    Failed,
}

impl StatusKind {
    /// The word for a status that most providers share, and that is stored.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "sent" => Self::Sent,
            "delivered" => Self::Delivered,
            "read" => Self::Read,
            "played" => Self::Played,
            "failed" => Self::Failed,
            _ => return None,
        })
    }
}

/// A provider's word on why: the code decides, the title is for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ErrorInfo {
    pub code: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
}

/// A status callback about one message. Identity: (message, status).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    pub channel: String,
    pub message_id: String,
    /// In a group one message has one state per participant: the participant's phone or user id, else empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub participant: String,
    pub status: StatusKind,
    /// The provider's time; absent where it sends none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<Ms>,
    pub person: Person,
    /// The business's number, as the provider names it (Meta: `phone_number_id`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The sender's own opaque reference, raw: `campaign`, `campaign:step` or `campaign:step:attempt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The provider's own word for the category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorInfo>,
}

/// What an inbound message is, as far as counting cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboundKind {
    /// Text, media, location, contacts, order, flow answer …: a reply.
    Message,
    /// A press on a template button, a button reply or a list reply: a quick reply, and a reply too.
    QuickReply,
    /// A reaction put on a message, or (with `removed`) taken back.
    Reaction { removed: bool },
    /// System, edit, revoke, unsupported: opens the service window, replies to nothing.
    Other,
}

/// Something that the person sent. Identity: its message id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inbound {
    pub channel: String,
    /// The provider's id; where it gives none, a hash of channel, contact, the provider's own time text and the item's raw bytes.
    pub message_id: String,
    pub inbound: InboundKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<Ms>,
    pub person: Person,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The message that it quotes, or reacts to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted: Option<String>,
}

/// A tap on a tracking link, or a provider's own click callback. Identity: the click id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Click {
    pub click_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<Ms>,
    pub person: Person,
    /// Ours: the link tapped. A provider's click names a message and a URL instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub step: String,
    /// Why a machine made it (`head`, `prefetch`, `link_preview`, `crawler`, `no_user_agent`, `bot_score`), or `flood` from the
    /// edge; absent for a human.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// A provider's click: its channel, the message clicked in, and the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// How many taps this one event stands for: more than 1 where a hammered link's taps were added up at the edge. Then they are
    /// a machine's, or nobody's.
    #[serde(skip_serializing_if = "is_one")]
    pub count: u32,
}

fn is_one(n: &u32) -> bool {
    *n == 1
}

/// What became of one try to hand a message to the provider, told by the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Accepted,
    Error,
    Skipped,
    Control,
}

/// An exact amount of money: `amount` is a decimal string, `currency` an ISO 4217 code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Price {
    pub amount: String,
    pub currency: String,
}

/// The sender's word on one contact. Identity: (campaign, step, contact, attempt), the attempt being the message id where
/// there is one; for `skipped` and `control` (campaign, contact).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dispatch {
    pub campaign: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub step: String,
    pub outcome: Outcome,
    pub person: Person,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wa_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<Ms>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// Something worth money (or a cancellation of it). Identity: (goal, conversion id) in the whole workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conversion {
    pub id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub goal: String,
    pub person: Person,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub click_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<Ms>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub cancelled: bool,
}

/// The person stopped (or resumed) the business's marketing. Shown on the contact, changes no number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OptOut {
    pub channel: String,
    pub person: Person,
    pub stopped: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<Ms>,
}
