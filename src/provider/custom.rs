//! Any other provider: a mapping, given with the channel, says where its callbacks keep what counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Signing;

/// Where a provider's callbacks keep what counts.
///
/// A *field* is a JSON pointer (RFC 6901) into the item, `#` and a pointer into the whole body, or, for form bodies, a
/// parameter's name; a list of them means the first that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    #[serde(default)]
    pub body: Body,
    /// Pointer of the list of items in a JSON body; absent: the body is one item, or a list of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    #[serde(default)]
    pub time_unit: TimeUnit,
    #[serde(default)]
    pub signature: Protection,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusRule>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound: Option<InboundRule>,
}

impl Mapping {
    /// Whether its callbacks prove who calls.
    #[must_use]
    pub fn signing(&self) -> Signing {
        if self.signature == Protection::PathToken { Signing::Never } else { Signing::Always }
    }
}

/// How the body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`, or the query of a `GET`.
    Form,
}

/// What a time counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    S,
    Ms,
    Us,
    Rfc3339,
    /// Told by its look.
    #[default]
    Any,
}

/// What proves that a callback is the provider's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Protection {
    /// Keyed hash of the raw body; `prefix` may stand before it.
    HmacSha256 {
        header: String,
        encoding: Encoding,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
    },
    HmacSha1 {
        header: String,
        encoding: Encoding,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
    },
    /// A header that holds the secret itself.
    Header { header: String },
    /// `Authorization: Basic`; the secret is `user:password`.
    Basic,
    /// The unguessable callback URL, nothing else.
    #[default]
    PathToken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    Hex,
    Base64,
}

/// One field, or several of which the first that is there counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Field {
    One(String),
    First(Vec<String>),
}

/// Which items a rule is for: those whose field holds one of the values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    pub field: Field,
    pub is: Vec<String>,
}

/// Items that say how far a message came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusRule {
    /// Absent: every item that has a status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    pub message_id: Field,
    pub status: Field,
    /// The provider's words (in any case) and what they mean; a word that is missing is counted as `other`.
    pub statuses: BTreeMap<String, StatusWord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_title: Option<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billable: Option<Field>,
}

/// What a provider's word for a status means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusWord {
    Sent,
    Delivered,
    Read,
    Played,
    Failed,
    Other,
}

/// Items that a person sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboundRule {
    /// Absent: every item that is no status and names a contact or user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// Absent, or not there: an id is made of the item's bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Field>,
    /// The message that it answers or reacts to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Field>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Field>,
    /// The provider's types (in any case) that are no plain message.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, InboundWord>,
}

/// What a provider's type of an inbound message means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboundWord {
    Message,
    QuickReply,
    Reaction,
    ReactionRemoved,
    Other,
}
