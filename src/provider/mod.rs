//! The providers: who calls us, how each signs, and what its callbacks mean.
//!
//! This file is the list and the types that all of them share. One file per provider holds its `verify` and `parse`; adding one
//! touches that file and the list here. Nothing below knows of channels' settings, storage or counting: bytes go in, events come out.
//!
//! Every provider here is content with `200` and an empty body, so there is no answer to choose per provider; what it does with
//! other answers (retries, deadlines) stands in its file.

mod clevertap;
mod custom;
mod dialog360;
mod form;
mod gupshup;
mod infobip;
mod interakt;
mod json;
mod meta;
mod netcore;
mod plivo;
mod signature;
mod sinch;
mod time;
mod twilio;
mod vonage;
mod wati;

pub use custom::Mapping;

use std::borrow::Cow;

use json::{Flag, Text, lenient};

use crate::bounds::FOREIGN_ID_BYTES;
use crate::contact;
use crate::event::{Click, ErrorInfo, Event, Inbound, InboundKind, Ms, Person, Status, StatusKind};
use crate::ids::foreign_id;

/// A source of callbacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    Meta,
    Dialog360,
    Gupshup,
    Twilio,
    Infobip,
    Vonage,
    Sinch,
    CleverTap,
    Interakt,
    Wati,
    Netcore,
    Plivo,
    Custom,
}

/// The list: the id of the HTTP API and the character that stands for it in the keys of messages. Both are stored: never change one.
const LIST: [(Provider, &str, char); 13] = [
    (Provider::Meta, "meta", 'm'),
    (Provider::Dialog360, "360dialog", 'd'),
    (Provider::Gupshup, "gupshup", 'g'),
    (Provider::Twilio, "twilio", 't'),
    (Provider::Infobip, "infobip", 'i'),
    (Provider::Vonage, "vonage", 'v'),
    (Provider::Sinch, "sinch", 's'),
    (Provider::CleverTap, "clevertap", 'c'),
    (Provider::Interakt, "interakt", 'k'),
    (Provider::Wati, "wati", 'w'),
    (Provider::Netcore, "netcore", 'n'),
    (Provider::Plivo, "plivo", 'p'),
    (Provider::Custom, "custom", 'x'),
];

/// Whether a provider proves that a callback is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// It signs every callback: a channel needs its secret.
    Always,
    /// It signs if set up to; a channel that has a secret insists on it.
    Optional,
    /// It never signs: the unguessable callback URL is all.
    Never,
}

/// One callback, as the provider sent it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Lower-case names and values; only those that [`Provider::wanted_headers`] names are looked at.
    pub headers: &'a [(String, String)],
    /// `GET` or `POST`.
    pub method: &'a str,
    /// The whole URL as the provider called it, query included.
    pub url: &'a str,
    /// What follows the `?` in it, or nothing.
    pub query: &'a str,
    /// The bytes as received.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.trim())
    }
}

/// What a signature check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Signed under one of the channel's secrets.
    Verified,
    /// Nothing to check: the provider does not sign, or the channel has no secret. The URL's token is the only protection.
    Unsigned,
    /// Not signed as it must be; the reason in words, without anything of the request in it.
    Bad(&'static str),
}

/// What one callback says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    pub events: Vec<Event>,
    /// Items that could not be understood; each becomes a dead letter while the rest of the batch counts.
    pub odd: Vec<Odd>,
    /// Items that were understood and change no state.
    pub others: Vec<Other>,
}

impl Parsed {
    /// The same without clicks on links for which `is_ours` holds: we count those taps ourselves, and nothing twice.
    #[must_use]
    pub fn without_our_clicks(mut self, is_ours: impl Fn(&str) -> bool) -> Self {
        let ours =
            self.events.extract_if(.., |event| matches!(event, Event::Click(Click { url: Some(url), .. }) if is_ours(url)));
        self.others.extend(ours.filter_map(|event| match event {
            Event::Click(Click { message_id, person, at_ms, .. }) => {
                Some(Other { name: "click on a tracking link".to_owned(), message_id, person, at_ms })
            }
            _ => None,
        }));
        self
    }
}

/// An item that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Odd {
    /// JSON pointer of the item in the body; empty for the whole body.
    pub pointer: String,
    pub reason: &'static str,
    /// The item as received (invalid UTF-8 replaced).
    pub raw: String,
}

/// An item that was understood and changes no state: counted per channel as `other`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Other {
    /// The provider's own word for it: a status, an event's type, a field's name.
    pub name: String,
    pub message_id: Option<String>,
    pub person: Person,
    pub at_ms: Option<Ms>,
}

/// A callback made here, for the test of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// The message that a [`Sample`] is about, and its recipient, a number set aside for fiction.
pub const SAMPLE_ID: &str = "bluetick-test";
const SAMPLE_PHONE: &str = "12025550100";

impl Provider {
    /// The name in the HTTP API.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.row().map_or("", |(_, id, _)| id)
    }

    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        LIST.iter().find(|(_, i, _)| *i == id).map(|(provider, ..)| *provider)
    }

    /// The character that stands for it in the keys of messages.
    #[must_use]
    pub fn code(self) -> char {
        self.row().map_or('?', |(.., code)| code)
    }

    #[must_use]
    pub fn from_code(code: char) -> Option<Self> {
        LIST.iter().find(|(.., c)| *c == code).map(|(provider, ..)| *provider)
    }

    /// Every provider, in the list's order.
    pub fn all() -> impl Iterator<Item = Self> {
        LIST.iter().map(|(provider, ..)| *provider)
    }

    /// Whether it proves who calls; a custom channel's mapping says it for `custom`.
    #[must_use]
    pub fn signing(self, mapping: Option<&Mapping>) -> Signing {
        match self {
            Self::Meta | Self::Twilio | Self::Vonage | Self::Sinch | Self::Interakt | Self::Plivo => Signing::Always,
            Self::Dialog360 | Self::Infobip => Signing::Optional,
            Self::Gupshup | Self::CleverTap | Self::Wati | Self::Netcore => Signing::Never,
            Self::Custom => mapping.map_or(Signing::Never, Mapping::signing),
        }
    }

    /// Whether a callback without a signature may be its own all the same, and comes again with one if it is answered 5xx: so Vonage says
    /// of troubles of its own.
    #[must_use]
    pub fn may_have_left_unsigned(self, request: &Request) -> bool {
        self == Self::Vonage && request.header("authorization").is_none()
    }

    /// Whether no callback of it carries a time: its events take the time of receipt.
    #[must_use]
    pub fn timeless(self) -> bool {
        self == Self::Twilio
    }

    /// Whether statuses of it may name no contact: whose a message is must be learned elsewhere. CleverTap's never do, Wati's do with
    /// the first alone, Infobip's reports of reading do not, Twilio leaves `To` out of some failures. Of Interakt's those whose number lacks its
    /// country name none; so few are left to their dispatch.
    #[must_use]
    pub fn may_name_nobody(self, mapping: Option<&Mapping>) -> bool {
        match self {
            Self::CleverTap | Self::Twilio | Self::Infobip | Self::Wati => true,
            Self::Custom => mapping.is_some_and(Mapping::may_name_nobody),
            _ => false,
        }
    }

    /// Whether a callback of it may be a `GET` with everything in the query.
    #[must_use]
    pub fn takes_get(self, mapping: Option<&Mapping>) -> bool {
        match self {
            Self::Twilio | Self::Plivo => true,
            Self::Custom => mapping.is_some_and(Mapping::takes_get),
            _ => false,
        }
    }

    /// The headers that the check of its signature needs, in lower case.
    #[must_use]
    pub fn wanted_headers(self, mapping: Option<&Mapping>) -> Vec<&str> {
        match self {
            Self::Meta => meta::HEADERS.to_vec(),
            Self::Dialog360 => dialog360::HEADERS.to_vec(),
            Self::Twilio => twilio::HEADERS.to_vec(),
            Self::Infobip => infobip::HEADERS.to_vec(),
            Self::Vonage => vonage::HEADERS.to_vec(),
            Self::Sinch => sinch::HEADERS.to_vec(),
            Self::Interakt => interakt::HEADERS.to_vec(),
            Self::Plivo => plivo::HEADERS.to_vec(),
            Self::Gupshup | Self::CleverTap | Self::Wati | Self::Netcore => Vec::new(),
            Self::Custom => mapping.and_then(Mapping::header).into_iter().collect(),
        }
    }

    /// Checks the signature over the raw bytes, in constant time, under each of the secrets. Without a secret there is nothing to
    /// check; whether that is allowed is the channel's affair.
    #[must_use]
    pub fn verify(self, request: &Request, secrets: &[String], mapping: Option<&Mapping>, now_ms: Ms) -> Verdict {
        if self.signing(mapping) == Signing::Never || !signature::usable(secrets) {
            return Verdict::Unsigned;
        }
        match self {
            Self::Meta => meta::verify(request, secrets),
            Self::Dialog360 => dialog360::verify(request, secrets),
            Self::Twilio => twilio::verify(request, secrets),
            Self::Infobip => infobip::verify(request, secrets),
            Self::Vonage => vonage::verify(request, secrets, now_ms),
            Self::Sinch => sinch::verify(request, secrets),
            Self::Interakt => interakt::verify(request, secrets),
            Self::Plivo => plivo::verify(request, secrets),
            Self::Gupshup | Self::CleverTap | Self::Wati | Self::Netcore => Verdict::Unsigned,
            Self::Custom => mapping.map_or(Verdict::Unsigned, |mapping| mapping.verify(request, secrets)),
        }
    }

    /// What the callback says. Never fails: what cannot be understood is in [`Parsed::odd`]. A callback in which nothing at all is
    /// known is one odd item.
    #[must_use]
    pub fn parse(self, request: &Request, channel: &str, mapping: Option<&Mapping>, now_ms: Ms) -> Parsed {
        let mut out = Out { channel, now_ms, parsed: Parsed::default(), full: false };
        let body = readable(request.body);
        match self {
            Self::Meta | Self::Dialog360 => meta::parse(&body, &mut out, meta::Ids::Own),
            Self::Gupshup => gupshup::parse(&body, &mut out),
            Self::Twilio => twilio::parse(request, &body, &mut out),
            Self::Infobip => infobip::parse(&body, &mut out),
            Self::Vonage => vonage::parse(&body, &mut out),
            Self::Sinch => sinch::parse(&body, &mut out),
            Self::CleverTap => clevertap::parse(&body, &mut out),
            Self::Interakt => interakt::parse(&body, &mut out),
            Self::Wati => wati::parse(&body, &mut out),
            Self::Netcore => netcore::parse(&body, &mut out),
            Self::Plivo => plivo::parse(request, &body, &mut out),
            Self::Custom => match mapping {
                Some(mapping) => mapping.parse(request, &body, &mut out),
                None => out.odd(String::new(), "the channel has no mapping", &body),
            },
        }
        let Parsed { events, odd, others } = &out.parsed;
        if events.is_empty() && odd.is_empty() && others.is_empty() {
            out.odd(String::new(), "nothing in it is known", &body);
        }
        if out.full {
            let raw = body.into_owned();
            out.parsed.odd.push(Odd { pointer: String::new(), reason: "more items than are read of one body", raw });
        }
        out.parsed
    }

    /// A `POST` of a delivered status as this provider would send it to `url`, signed with the secret if there is one: what
    /// [`Provider::verify`] finds good and [`Provider::parse`] understands; of `custom` as its mapping says. `None` if that says too
    /// little.
    #[must_use]
    pub fn sample(self, url: &str, secret: Option<&str>, mapping: Option<&Mapping>, now_ms: Ms) -> Option<Sample> {
        let template = match self {
            Self::Meta | Self::Dialog360 => meta::SAMPLE,
            Self::Gupshup => gupshup::SAMPLE,
            Self::Twilio => twilio::SAMPLE,
            Self::Infobip => infobip::SAMPLE,
            Self::Vonage => vonage::SAMPLE,
            Self::Sinch => sinch::SAMPLE,
            Self::CleverTap => clevertap::SAMPLE,
            Self::Interakt => interakt::SAMPLE,
            Self::Wati => wati::SAMPLE,
            Self::Netcore => netcore::SAMPLE,
            Self::Plivo => plivo::SAMPLE,
            Self::Custom => return mapping?.sample(secret, now_ms),
        };
        let iso = time::to_iso(now_ms);
        let body = template
            .replace("$id", SAMPLE_ID)
            .replace("$to", SAMPLE_PHONE)
            .replace("$iso", &iso)
            .replace("$ms", &now_ms.to_string())
            .replace("$s", &(now_ms / 1000).to_string());
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let request = Request { headers: &[], method: "POST", url, query, body: body.as_bytes() };
        let sign = match self {
            Self::Meta => meta::sign,
            Self::Dialog360 => dialog360::sign,
            Self::Twilio => twilio::sign,
            Self::Infobip => infobip::sign,
            Self::Vonage => vonage::sign,
            Self::Sinch => sinch::sign,
            Self::Interakt => interakt::sign,
            Self::Plivo => plivo::sign,
            Self::Gupshup | Self::CleverTap | Self::Wati | Self::Netcore | Self::Custom => |_: &Request, _: &str| Vec::new(),
        };
        let headers = secret.map(|secret| sign(&request, secret)).unwrap_or_default();
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Some(Sample { headers, body })
    }

    fn row(self) -> Option<(Self, &'static str, char)> {
        LIST.iter().find(|(provider, ..)| *provider == self).copied()
    }
}

/// A parse under way: where a provider's file puts what it found.
struct Out<'a> {
    channel: &'a str,
    now_ms: Ms,
    parsed: Parsed,
    /// More came than is read.
    full: bool,
}

/// Items of one callback that are read. Meta's bound is 1,000; what lies beyond this one is a dead letter, and at a few hundred bytes
/// per event no body takes more than some megabytes.
const MAX_ITEMS: usize = 10_000;
/// The address that a provider's click led to: longer than any tracking URL of ours, which must be recognised.
const MAX_URL_BYTES: usize = 4096;
/// An error's title is for people; nobody reads more.
const MAX_TITLE_CHARS: usize = 200;

impl Out<'_> {
    /// A status with what every provider has; the caller adds the rest.
    fn status(&self, message_id: String, status: StatusKind, at_ms: Option<Ms>, person: Person) -> Status {
        Status {
            channel: self.channel.to_owned(),
            message_id,
            participant: String::new(),
            status,
            at_ms,
            person,
            sender: None,
            reference: None,
            category: None,
            billable: None,
            error: None,
        }
    }

    fn event(&mut self, mut event: Event) {
        if self.has_room() {
            // What is stored has a bound, whatever stands in the body.
            match &mut event {
                Event::Status(Status { reference: Some(text), .. }) => cut(text, FOREIGN_ID_BYTES),
                Event::Click(Click { url: Some(text), .. }) => cut(text, MAX_URL_BYTES),
                _ => {}
            }
            self.parsed.events.push(event);
        }
    }

    fn has_room(&mut self) -> bool {
        let Parsed { events, odd, others } = &self.parsed;
        self.full |= events.len() + odd.len() + others.len() >= MAX_ITEMS;
        !self.full
    }

    /// An inbound message with what every provider has; the caller adds the rest.
    fn inbound(&self, message_id: String, inbound: InboundKind, at_ms: Option<Ms>, person: Person) -> Inbound {
        let channel = self.channel.to_owned();
        Inbound { channel, message_id, inbound, at_ms, person, sender: None, quoted: None }
    }

    /// The id of an inbound message that its provider gave none: a hash of what makes it this one.
    fn made_id(&self, person: &Person, time: Option<&str>, raw: &str) -> String {
        let who = person.phone.as_deref().or(person.user_id.as_deref()).unwrap_or_default();
        signature::made_hash(&[self.channel, who, time.unwrap_or_default(), raw])
    }

    /// The id that an inbound message was given, else a made one.
    fn given_or_made_id(&self, given: &Text, person: &Person, time: &Text, raw: &str) -> Result<String, &'static str> {
        match given.get() {
            Some(given) => id(Some(given)).ok_or("no usable message id"),
            None => Ok(self.made_id(person, time.get(), raw)),
        }
    }

    fn other(&mut self, name: &str, message_id: Option<String>, person: Person, at_ms: Option<Ms>) {
        if self.has_room() {
            let name = name.chars().take(MAX_TITLE_CHARS).collect();
            self.parsed.others.push(Other { name, message_id, person, at_ms });
        }
    }

    fn odd(&mut self, pointer: String, reason: &'static str, raw: &str) {
        if self.has_room() {
            self.parsed.odd.push(Odd { pointer, reason, raw: raw.to_owned() });
        }
    }

    /// A provider's time, unless it cannot be: before 2009, or more than a day ahead of receipt. Then the receipt's time counts.
    fn at(&self, ms: Option<Ms>) -> Option<Ms> {
        ms.filter(|ms| (time::YEAR_2009_MS..=self.now_ms.saturating_add(time::DAY_MS)).contains(ms))
    }
}

/// The person that a phone number and a user id name; either field may hold either, or nothing of use.
fn person(phone: Option<&str>, user_id: Option<&str>) -> Person {
    let mut person = Person::default();
    for text in [phone, user_id].into_iter().flatten() {
        let text = text.trim();
        let text = text.strip_prefix("whatsapp:").unwrap_or(text);
        if contact::canonical_phone(text).is_some() {
            person.phone.get_or_insert_with(|| text.chars().filter(char::is_ascii_digit).collect());
        } else if person.user_id.is_none() {
            person.user_id = contact::user_id(text);
        }
    }
    person
}

/// Bytes as text; each run of bytes that are no UTF-8 is one replacement character, so that nothing grows beyond three times.
fn readable(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = core::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let (mut text, mut rest) = (String::with_capacity(bytes.len()), bytes);
    while let Some(chunk) = rest.utf8_chunks().next() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() && !text.ends_with(char::REPLACEMENT_CHARACTER) {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        let read = chunk.valid().len() + chunk.invalid().len();
        // What can begin no character is skipped at once: a chunk for each byte would take long.
        let skipped = rest.iter().skip(read).take_while(|byte| matches!(byte, 0x80..0xc2 | 0xf5..)).count();
        rest = rest.get(read + skipped..).unwrap_or_default();
    }
    Cow::Owned(text)
}

/// Cuts a text to so many bytes, between characters.
fn cut(text: &mut String, most: usize) {
    text.truncate(text.floor_char_boundary(most));
}

/// An id that may be stored, or `None`.
fn id(text: Option<&str>) -> Option<String> {
    text.filter(|text| foreign_id(text).is_ok()).map(ToOwned::to_owned)
}

/// An error with a code; the title is cut to what people read.
fn error(code: Option<&str>, title: Option<&str>) -> Option<ErrorInfo> {
    let code = id(code)?;
    Some(ErrorInfo { code, title: title.unwrap_or_default().chars().take(MAX_TITLE_CHARS).collect() })
}

/// The business that a callback or a dispatch names, written one way: a number without `whatsapp:`, `+`, spaces; an id as it is.
pub(crate) fn business(text: Option<&str>) -> Option<String> {
    let id = id(text)?;
    let person = person(Some(&id), None);
    Some(person.phone.or(person.user_id).unwrap_or(id))
}

lenient! {
    /// Meta's word on the price of a message, which others pass on.
    struct Pricing<'a> {
        billable: Flag = "billable",
        kind: Text<'a> = "type",
        category: Text<'a> = "category",
    }
}

impl Pricing<'_> {
    /// The flag, or without one what the type says: `free_customer_service` and `free_entry_point` are free (Meta, "Pricing").
    fn billable(&self) -> Option<bool> {
        self.billable.0.or_else(|| self.kind.get()?.starts_with("free_").then_some(false))
    }
}

/// The word for an inbound message's type that most providers share, in any case. What is not known opens the service window and
/// replies to nothing.
fn inbound_word(word: &str) -> InboundKind {
    match word.to_ascii_lowercase().as_str() {
        "text" | "image" | "video" | "audio" | "voice" | "document" | "file" | "sticker" | "media" | "location" | "contact"
        | "contacts" | "vcard" | "order" | "catalog" | "product" | "interactive" | "nfm_reply" | "flow_reply" => {
            InboundKind::Message
        }
        "button" | "button_reply" | "list_reply" | "quick_reply" => InboundKind::QuickReply,
        _ => InboundKind::Other,
    }
}

/// Where a click led that says nothing of it.
const UNKNOWN_URL: &str = "unknown";

/// A click that a provider tracked itself.
fn provider_click(
    click_id: String,
    message_id: Option<String>,
    url: Option<&str>,
    at_ms: Option<Ms>,
    person: Person,
    out: &Out,
) -> Click {
    Click {
        click_id,
        at_ms,
        person,
        link: None,
        campaign: None,
        step: String::new(),
        machine: None,
        channel: Some(out.channel.to_owned()),
        message_id,
        // What follows the path differs by person.
        url: url
            .and_then(|url| url.split(['?', '#']).next())
            .filter(|url| !url.is_empty())
            .or(Some(UNKNOWN_URL))
            .map(str::to_owned),
        country: None,
        device: None,
        count: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::business;

    #[test]
    fn one_business_one_sender() {
        let check = |written: &str, sender: &str| {
            assert_eq!(business(Some(written)).as_deref(), Some(sender), "{written}");
            assert_eq!(business(Some(sender)).as_deref(), Some(sender), "{sender}");
        };
        for written in ["12025550190", "+12025550190", "+1 (202) 555-0190", "whatsapp:+12025550190"] {
            check(written, "12025550190");
        }
        for id in ["8", "800700600500400", "80070060050040030", "SHOP", "shop one", "7b1d2c3e-aaaa-4bbb-8ccc-123456789012"] {
            check(id, id);
        }
        assert_eq!((business(None), business(Some(""))), (None, None));
    }
}
