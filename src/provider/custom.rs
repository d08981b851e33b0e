//! Any other provider: a mapping, given with the channel, says where its callbacks keep what counts.
//!
//! It knows no provider. What the callbacks of some look like stands in `examples/mappings`, each with how sure that is.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::json::{self, Pointers};
use super::signature::{self, HmacSha1, HmacSha256};
use super::{Out, Request, Sample, Signing, Verdict, form, time};
use crate::event::{Event, InboundKind, Ms, StatusKind};
use crate::json::{Unreadable, of};
use crate::sorted::SortedMap;

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
        #[serde(deserialize_with = "lower_case")]
        header: String,
        encoding: Encoding,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
    },
    HmacSha1 {
        #[serde(deserialize_with = "lower_case")]
        header: String,
        encoding: Encoding,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
    },
    /// A header that holds the secret itself.
    Header {
        #[serde(deserialize_with = "lower_case")]
        header: String,
    },
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
    pub statuses: SortedMap<String, StatusWord>,
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
    /// The provider's types (in any case) that do not go by the common names (`text`, `image`, `button` …).
    #[serde(default, skip_serializing_if = "SortedMap::is_empty")]
    pub types: SortedMap<String, InboundWord>,
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

/// The most of anything in a mapping: alternatives of a field, words of a table.
const MAX_ENTRIES: usize = 64;
/// The longest text in a mapping.
const MAX_TEXT_BYTES: usize = 256;
/// The most tokens of a pointer.
const MAX_DEPTH: usize = 16;

fn lower_case<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|text| text.to_ascii_lowercase())
}

impl Mapping {
    /// Whether a callback may be a `GET` with everything in the query: a hash over the body would prove nothing of it.
    #[must_use]
    pub fn takes_get(&self) -> bool {
        self.body == Body::Form && !matches!(self.signature, Protection::HmacSha256 { .. } | Protection::HmacSha1 { .. })
    }

    /// Whether its callbacks prove who calls.
    #[must_use]
    pub fn signing(&self) -> Signing {
        if self.signature == Protection::PathToken { Signing::Never } else { Signing::Always }
    }

    /// Whether its statuses name no contact.
    pub(super) fn may_name_nobody(&self) -> bool {
        self.status.as_ref().is_some_and(|rule| rule.contact.is_none() && rule.user_id.is_none())
    }

    /// The header that the proof stands in.
    pub(super) fn header(&self) -> Option<&str> {
        match &self.signature {
            Protection::HmacSha256 { header, .. } | Protection::HmacSha1 { header, .. } | Protection::Header { header } => {
                Some(header)
            }
            Protection::Basic => Some("authorization"),
            Protection::PathToken => None,
        }
    }

    pub(super) fn verify(&self, request: &Request, secrets: &[String]) -> Verdict {
        let Some(value) = self.header().and_then(|name| request.header(name)) else {
            return Verdict::Bad("the header that the mapping names is missing");
        };
        let good = match &self.signature {
            Protection::HmacSha256 { encoding, prefix, .. } => {
                encoding.read(value, prefix).is_some_and(|hash| signature::signed::<HmacSha256>(secrets, &[request.body], &hash))
            }
            Protection::HmacSha1 { encoding, prefix, .. } => {
                encoding.read(value, prefix).is_some_and(|hash| signature::signed::<HmacSha1>(secrets, &[request.body], &hash))
            }
            Protection::Header { .. } => signature::is_secret(secrets, value),
            Protection::Basic => signature::is_basic(secrets, value),
            Protection::PathToken => return Verdict::Unsigned,
        };
        if good { Verdict::Verified } else { Verdict::Bad("the header that the mapping names does not match") }
    }

    pub(super) fn parse(&self, request: &Request, body: &str, out: &mut Out) {
        let (mut of_item, mut of_body) = (Pointers::default(), Pointers::default());
        for field in self.fields() {
            match field.strip_prefix('#') {
                Some(pointer) => of_body.insert(pointer),
                None => of_item.insert(field),
            }
        }
        match self.body {
            Body::Form => {
                let text = if request.method == "GET" { request.query } else { body };
                if text.len() > form::MAX_BYTES {
                    return out.odd(String::new(), "longer than any form", text);
                }
                let found = self.form(text);
                let raw = Raw { text, found: &found, whole: &SortedMap::new() };
                if let Err(reason) = self.read(&raw, out) {
                    out.odd(String::new(), reason, text);
                }
            }
            Body::Json => self.parse_json(body, &of_item, of_body, out),
        }
    }

    fn parse_json<'m>(&'m self, body: &str, of_item: &Pointers<'m>, mut of_body: Pointers<'m>, out: &mut Out) {
        let at = self.items.as_deref().unwrap_or_default();
        of_body.insert(at);
        let mut found = SortedMap::new();
        if of_body.find_in(body, &mut found).is_err() {
            return out.odd(String::new(), "not JSON", body);
        }
        let Some(items) = found.remove(at) else {
            return out.odd(String::new(), "no list where the mapping's items point", body);
        };
        let whole = texts(found);
        let read = |raw: &RawValue, pointer: String, out: &mut Out| {
            let mut found = SortedMap::new();
            of_item.find(raw, &mut found);
            let raw = Raw { text: raw.get(), found: &texts(found), whole: &whole };
            if let Err(reason) = self.read(&raw, out) {
                out.odd(pointer, reason, raw.text);
            }
        };
        if !items.get().starts_with('[') {
            return read(items, at.to_owned(), out);
        }
        let list = json::items(items.get()).unwrap_or_default();
        for (i, raw) in list.items.into_iter().enumerate() {
            if out.full {
                break;
            }
            read(raw, format!("{at}/{i}"), out);
        }
        if list.wrong {
            out.odd(at.to_owned(), "too long a list", body);
        }
    }

    fn form<'a>(&self, text: &'a str) -> SortedMap<&str, Cow<'a, str>> {
        let mut found = SortedMap::new();
        let wanted: Vec<&str> = self.fields().collect();
        for (name, value) in form_urlencoded::parse(text.as_bytes()).filter(|(_, value)| !value.is_empty()) {
            if let Some(field) = wanted.iter().find(|field| **field == name) {
                found.insert(*field, value);
            }
        }
        found
    }

    /// Every field of the rules, as it is written.
    fn fields(&self) -> impl Iterator<Item = &str> {
        let status = self.status.iter().flat_map(|rule| rule.fields());
        let inbound = self.inbound.iter().flat_map(|rule| rule.fields());
        status.chain(inbound).flat_map(|(_, field)| field.alternatives()).map(String::as_str)
    }

    fn read(&self, raw: &Raw, out: &mut Out) -> Result<(), &'static str> {
        if let Some(rule) = &self.status
            && rule.when.as_ref().map_or(raw.get(&rule.status).is_some(), |when| when.holds(raw))
        {
            return self.read_status(rule, raw, out);
        }
        if let Some(rule) = &self.inbound
            && rule.when.as_ref().map_or(raw.any(&rule.contact) || raw.any(&rule.user_id), |when| when.holds(raw))
        {
            return self.read_inbound(rule, raw, out);
        }
        let whens = [self.status.as_ref().and_then(|r| r.when.as_ref()), self.inbound.as_ref().and_then(|r| r.when.as_ref())];
        let name = whens.into_iter().flatten().find_map(|when| raw.get(&when.field));
        out.other(name.ok_or("none of the mapping's rules is for it")?, None, Default::default(), None);
        Ok(())
    }

    fn read_status(&self, rule: &StatusRule, raw: &Raw, out: &mut Out) -> Result<(), &'static str> {
        let message_id = super::id(raw.get(&rule.message_id)).ok_or("no usable message id where the mapping points")?;
        let word = raw.get(&rule.status).ok_or("no status where the mapping points")?;
        let person = super::person(raw.opt(&rule.contact), raw.opt(&rule.user_id));
        let at_ms = out.at(raw.opt(&rule.time).and_then(|text| self.time_unit.read(text)));
        let kind = match lookup(&rule.statuses, word) {
            Some(StatusWord::Sent) => StatusKind::Sent,
            Some(StatusWord::Delivered) => StatusKind::Delivered,
            Some(StatusWord::Read) => StatusKind::Read,
            Some(StatusWord::Played) => StatusKind::Played,
            Some(StatusWord::Failed) => StatusKind::Failed,
            Some(StatusWord::Other) | None => {
                out.other(word, Some(message_id), person, at_ms);
                return Ok(());
            }
        };
        let mut event = out.status(message_id, kind, at_ms, person);
        event.sender = super::business(raw.opt(&rule.sender));
        event.reference = raw.opt(&rule.reference).map(ToOwned::to_owned);
        event.category = super::id(raw.opt(&rule.category));
        event.billable = match raw.opt(&rule.billable) {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        if kind == StatusKind::Failed {
            let title = raw.opt(&rule.error_title);
            event.error = super::error(raw.opt(&rule.error_code).or(title), title);
        }
        out.event(Event::Status(event));
        Ok(())
    }

    fn read_inbound(&self, rule: &InboundRule, raw: &Raw, out: &mut Out) -> Result<(), &'static str> {
        let person = super::person(raw.opt(&rule.contact), raw.opt(&rule.user_id));
        let time = raw.opt(&rule.time);
        let message_id = match raw.opt(&rule.message_id) {
            Some(id) => super::id(Some(id)).ok_or("no usable message id where the mapping points")?,
            None => out.made_id(&person, time, raw.text),
        };
        let inbound = match raw.opt(&rule.kind) {
            None => InboundKind::Message,
            Some(word) => match lookup(&rule.types, word) {
                Some(InboundWord::Message) => InboundKind::Message,
                Some(InboundWord::QuickReply) => InboundKind::QuickReply,
                Some(InboundWord::Reaction) => InboundKind::Reaction { removed: false },
                Some(InboundWord::ReactionRemoved) => InboundKind::Reaction { removed: true },
                Some(InboundWord::Other) => InboundKind::Other,
                None => super::inbound_word(word),
            },
        };
        let at_ms = out.at(time.and_then(|text| self.time_unit.read(text)));
        let mut event = out.inbound(message_id, inbound, at_ms, person);
        event.sender = super::business(raw.opt(&rule.sender));
        event.quoted = super::id(raw.opt(&rule.quoted));
        out.event(Event::Inbound(event));
        Ok(())
    }

    /// A delivered status (or, of a mapping without statuses, a message) as the mapping reads it, signed if there is a secret.
    pub(super) fn sample(&self, secret: Option<&str>, now_ms: Ms) -> Option<Sample> {
        let time = match self.time_unit {
            TimeUnit::S | TimeUnit::Any => (now_ms / 1000).to_string(),
            TimeUnit::Ms => now_ms.to_string(),
            TimeUnit::Us => (now_ms * 1000).to_string(),
            TimeUnit::Rfc3339 => time::to_iso(now_ms),
        };
        let mut fields: Vec<(&Field, &str)> = Vec::new();
        let (when, contact, user_id, at) = match (&self.status, &self.inbound) {
            (Some(rule), _) => {
                let word = rule.statuses.iter().find(|(_, word)| **word == StatusWord::Delivered).or(rule.statuses.iter().next());
                fields.extend([(&rule.message_id, super::SAMPLE_ID), (&rule.status, word?.0.as_str())]);
                (&rule.when, &rule.contact, &rule.user_id, &rule.time)
            }
            (None, Some(rule)) => {
                fields.extend(rule.message_id.as_ref().map(|field| (field, super::SAMPLE_ID)));
                (&rule.when, &rule.contact, &rule.user_id, &rule.time)
            }
            (None, None) => return None,
        };
        fields.extend(contact.as_ref().or(user_id.as_ref()).map(|field| (field, super::SAMPLE_PHONE)));
        fields.extend(at.as_ref().map(|field| (field, time.as_str())));
        // Last: where it shares a field with the status, its own value may be the narrower.
        if let Some(when) = when
            && !fields.iter().any(|(field, value)| *field == &when.field && when.is.iter().any(|is| is == value))
        {
            fields.push((&when.field, when.is.first()?));
        }
        let mut headers = Vec::new();
        let body = match self.body {
            Body::Form => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (field, value) in fields {
                    form.append_pair(field.alternatives().first()?, value);
                }
                form.finish()
            }
            Body::Json => {
                let (mut item, mut whole) = (Value::Null, Value::Null);
                for (field, value) in fields {
                    let field = field.alternatives().first()?;
                    match field.strip_prefix('#') {
                        Some(pointer) => put_at(&mut whole, pointer, json!(value)),
                        None => put_at(&mut item, field, json!(value)),
                    }
                }
                match self.items.as_deref() {
                    Some(items) => put_at(&mut whole, items, json!([item])),
                    None if whole.is_null() => whole = item,
                    // What stands in the body beside its items: the body is the one item.
                    None => put_at(&mut whole, "", item),
                }
                whole.to_string()
            }
        };
        if let (Some(secret), Some(name)) = (secret, self.header()) {
            let value = match &self.signature {
                Protection::HmacSha256 { encoding, prefix, .. } => {
                    prefix.clone() + &encoding.write(&signature::sign::<HmacSha256>(secret, &[body.as_bytes()]))
                }
                Protection::HmacSha1 { encoding, prefix, .. } => {
                    prefix.clone() + &encoding.write(&signature::sign::<HmacSha1>(secret, &[body.as_bytes()]))
                }
                Protection::Header { .. } => secret.to_owned(),
                Protection::Basic => format!("Basic {}", signature::to_base64(secret.as_bytes())),
                Protection::PathToken => String::new(),
            };
            headers.push((name.to_owned(), value));
        }
        Some(Sample { headers, body })
    }

    /// A mapping as an operator writes it.
    ///
    /// # Errors
    /// Every flaw of its shape, or else of its sense: pairs of a pointer into the mapping and a sentence.
    pub fn from_json(mapping: &Value) -> Result<Self, Vec<(String, String)>> {
        match of::<Self>(mapping) {
            Ok(read) => read.validate().map(|()| read),
            Err(_) => {
                let mut flaws = Flaws(Vec::new());
                flaws.shape("", mapping, &json!({}), reads::<Self>);
                Err(flaws.0)
            }
        }
    }

    /// Whether it can work, or what is wrong with it: pairs of a pointer into the mapping and a sentence.
    ///
    /// # Errors
    /// Every flaw, not only the first.
    pub fn validate(&self) -> Result<(), Vec<(String, String)>> {
        let mut flaws = Flaws(Vec::new());
        if self.status.is_none() && self.inbound.is_none() {
            flaws.add("", "needs `status`, `inbound` or both: as it is, nothing would count");
        }
        match (&self.items, self.body) {
            (Some(_), Body::Form) => flaws.add("/items", "a form has no list of items"),
            (Some(items), Body::Json) => flaws.pointer("/items", items),
            (None, _) => {}
        }
        match &self.signature {
            Protection::HmacSha256 { header, prefix, .. } | Protection::HmacSha1 { header, prefix, .. } => {
                flaws.header("/signature/header", header);
                if prefix.len() > MAX_TEXT_BYTES || !prefix.bytes().all(|b| b.is_ascii_graphic()) {
                    flaws.add("/signature/prefix", "must be printable ASCII without spaces");
                }
            }
            Protection::Header { header } => flaws.header("/signature/header", header),
            Protection::Basic | Protection::PathToken => {}
        }
        if let Some(rule) = &self.status {
            rule.fields().for_each(|(name, field)| flaws.field(&format!("/status/{name}"), field, self.body));
            flaws.when("/status/when/is", rule.when.as_ref());
            flaws.table("/status/statuses", rule.statuses.keys());
            if rule.statuses.is_empty() {
                flaws.add("/status/statuses", "needs at least one word: as it is, every status would be `other`");
            }
        }
        if let Some(rule) = &self.inbound {
            rule.fields().for_each(|(name, field)| flaws.field(&format!("/inbound/{name}"), field, self.body));
            flaws.when("/inbound/when/is", rule.when.as_ref());
            flaws.table("/inbound/types", rule.types.keys());
            if rule.contact.is_none() && rule.user_id.is_none() {
                flaws.add("/inbound", "needs `contact` or `user_id`: nobody else could have sent it");
            }
        }
        if flaws.0.is_empty() { Ok(()) } else { Err(flaws.0) }
    }
}

struct Flaws(Vec<(String, String)>);

/// Whether a value can be read as something.
type Reads = fn(&Value) -> Result<(), Unreadable>;

fn reads<T: DeserializeOwned>(value: &Value) -> Result<(), Unreadable> {
    of::<T>(value).map(drop)
}

impl Flaws {
    /// Finds what keeps an object from being read: each member is tried alone beside what the object cannot do without.
    fn shape(&mut self, at: &str, object: &Value, least: &Value, read: Reads) {
        let Some(members) = object.as_object() else {
            return self.add(at, "must be an object");
        };
        for name in least.as_object().into_iter().flat_map(Map::keys).filter(|name| !members.contains_key(*name)) {
            self.add(&format!("{at}/{name}"), "is missing");
        }
        for (name, value) in members {
            let mut alone = least.clone();
            put_member(&mut alone, name, value.clone());
            let Err(error) = read(&alone) else { continue };
            let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            match name.as_str() {
                _ if error == Unreadable::UnknownField => self.add(&at, "is not known"),
                "status" => {
                    let least = json!({"message_id": "", "status": "", "statuses": {}});
                    self.shape(&at, value, &least, reads::<StatusRule>);
                }
                "inbound" => self.shape(&at, value, &json!({}), reads::<InboundRule>),
                "statuses" => self.shape(&at, value, &json!({}), reads::<SortedMap<String, StatusWord>>),
                "types" => self.shape(&at, value, &json!({}), reads::<SortedMap<String, InboundWord>>),
                name => self.add(&at, expected(name, &at)),
            }
        }
    }

    fn add(&mut self, at: &str, detail: &str) {
        self.0.push((at.to_owned(), detail.to_owned()));
    }

    fn pointer(&mut self, at: &str, pointer: &str) {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            self.add(at, "must be a JSON pointer: empty, or beginning with `/`");
        } else if pointer.split('/').count() > MAX_DEPTH + 1 || pointer.len() > MAX_TEXT_BYTES {
            self.add(at, "is longer than 16 steps or 256 bytes");
        } else if pointer.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1'])) {
            self.add(at, "holds a `~` that is neither `~0` nor `~1`");
        }
    }

    fn field(&mut self, at: &str, field: &Field, body: Body) {
        if field.alternatives().is_empty() || field.alternatives().len() > MAX_ENTRIES {
            self.add(at, "needs 1 to 64 alternatives");
        }
        for text in field.alternatives() {
            match body {
                Body::Json => self.pointer(at, text.strip_prefix('#').unwrap_or(text)),
                Body::Form if text.is_empty() || text.len() > MAX_TEXT_BYTES => {
                    self.add(at, "must be the name of a parameter, of 1 to 256 bytes")
                }
                Body::Form => {}
            }
        }
    }

    fn header(&mut self, at: &str, name: &str) {
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if name.is_empty() || name.len() > MAX_TEXT_BYTES || !name.bytes().all(good) {
            self.add(at, "must be the name of a header: letters, digits, `-` and `_`");
        }
    }

    fn when(&mut self, at: &str, when: Option<&When>) {
        if let Some(when) = when {
            self.table(at, when.is.iter());
            if when.is.is_empty() {
                self.add(at, "needs at least one value: as it is, the rule is for nothing");
            }
        }
    }

    fn table<'a>(&mut self, at: &str, words: impl ExactSizeIterator<Item = &'a String>) {
        if words.len() > MAX_ENTRIES {
            self.add(at, "holds more than 64 words");
        }
        for word in words.filter(|w| w.is_empty() || w.len() > MAX_TEXT_BYTES) {
            self.add(at, if word.is_empty() { "holds an empty word" } else { "holds a word of more than 256 bytes" });
        }
    }
}

fn put_member(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

/// What a member must be, in words that quote nothing.
fn expected(name: &str, at: &str) -> &'static str {
    if at.starts_with("/status/statuses/") {
        return "must be one of sent, delivered, read, played, failed, other";
    }
    if at.starts_with("/inbound/types/") {
        return "must be one of message, quick_reply, reaction, reaction_removed, other";
    }
    match name {
        "body" => "must be one of json, form",
        "items" => "must be a JSON pointer",
        "time_unit" => "must be one of s, ms, us, rfc3339, any",
        "signature" => {
            "must have a kind: hmac-sha256 or hmac-sha1 (with header, and encoding hex or base64), header (with header), basic or path-token"
        }
        "when" => "must have a field, and a list of texts, is",
        _ => "must be a field, or a list of fields",
    }
}

impl Field {
    fn alternatives(&self) -> &[String] {
        match self {
            Self::One(one) => core::slice::from_ref(one),
            Self::First(all) => all,
        }
    }
}

impl StatusRule {
    fn fields(&self) -> impl Iterator<Item = (&'static str, &Field)> {
        let optional = [
            ("when/field", self.when.as_ref().map(|when| &when.field)),
            ("contact", self.contact.as_ref()),
            ("user_id", self.user_id.as_ref()),
            ("time", self.time.as_ref()),
            ("error_code", self.error_code.as_ref()),
            ("error_title", self.error_title.as_ref()),
            ("reference", self.reference.as_ref()),
            ("sender", self.sender.as_ref()),
            ("category", self.category.as_ref()),
            ("billable", self.billable.as_ref()),
        ];
        let given = optional.into_iter().filter_map(|(name, field)| Some((name, field?)));
        [("message_id", &self.message_id), ("status", &self.status)].into_iter().chain(given)
    }
}

impl InboundRule {
    fn fields(&self) -> impl Iterator<Item = (&'static str, &Field)> {
        let optional = [
            ("when/field", self.when.as_ref().map(|when| &when.field)),
            ("message_id", self.message_id.as_ref()),
            ("contact", self.contact.as_ref()),
            ("user_id", self.user_id.as_ref()),
            ("time", self.time.as_ref()),
            ("sender", self.sender.as_ref()),
            ("quoted", self.quoted.as_ref()),
            ("type", self.kind.as_ref()),
        ];
        optional.into_iter().filter_map(|(name, field)| Some((name, field?)))
    }
}

impl When {
    fn holds(&self, raw: &Raw) -> bool {
        raw.get(&self.field).is_some_and(|value| self.is.iter().any(|is| is == value))
    }
}

impl Encoding {
    fn read(self, text: &str, prefix: &str) -> Option<Vec<u8>> {
        let text = text.strip_prefix(prefix).unwrap_or(text);
        match self {
            Self::Hex => signature::from_hex(text),
            Self::Base64 => signature::from_base64(text),
        }
    }

    fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => signature::to_hex(bytes),
            Self::Base64 => signature::to_base64(bytes),
        }
    }
}

/// Puts a value where a pointer points, making the objects on the way. What a text stands in the way of is not put.
fn put_at(into: &mut Value, pointer: &str, value: Value) {
    let mut at = into;
    for token in pointer.split('/').skip(1) {
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(object) = at else { return };
        at = object.entry(token.replace("~1", "/").replace("~0", "~")).or_insert(Value::Null);
    }
    match (at, value) {
        (Value::Object(object), Value::Object(more)) => object.extend(more),
        (at, value) => *at = value,
    }
}

impl TimeUnit {
    fn read(self, text: &str) -> Option<Ms> {
        let number = || text.trim().parse::<i64>().ok();
        match self {
            Self::S => number().and_then(|s| s.checked_mul(1000)),
            Self::Ms => number(),
            Self::Us => number().map(|us| us / 1000),
            Self::Rfc3339 => time::iso(text),
            Self::Any => time::any(text),
        }
    }
}

/// What was found, as texts; what is neither text, number nor boolean is absent.
fn texts<'m, 'a>(found: SortedMap<&'m str, &'a RawValue>) -> SortedMap<&'m str, Cow<'a, str>> {
    found.into_iter().filter_map(|(pointer, raw)| Some((pointer, json::text(raw)?))).collect()
}

fn lookup<T: Copy>(table: &SortedMap<String, T>, word: &str) -> Option<T> {
    table.iter().find(|(w, _)| w.eq_ignore_ascii_case(word)).map(|(_, meaning)| *meaning)
}

/// One item, and what the mapping's fields hold.
struct Raw<'a> {
    text: &'a str,
    found: &'a SortedMap<&'a str, Cow<'a, str>>,
    whole: &'a SortedMap<&'a str, Cow<'a, str>>,
}

impl Raw<'_> {
    fn get(&self, field: &Field) -> Option<&str> {
        let one = |text: &String| match text.strip_prefix('#') {
            Some(pointer) => self.whole.get(pointer),
            None => self.found.get(text.as_str()),
        };
        field.alternatives().iter().find_map(one).map(AsRef::as_ref)
    }

    fn opt(&self, field: &Option<Field>) -> Option<&str> {
        field.as_ref().and_then(|field| self.get(field))
    }

    fn any(&self, field: &Option<Field>) -> bool {
        self.opt(field).is_some()
    }
}
