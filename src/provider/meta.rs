//! Meta's WhatsApp Cloud API, and the envelope that 360dialog and Gupshup v3 pass through.
//!
//! Pages of developers.facebook.com: "Create a webhook endpoint", "Status messages webhook reference", "Business-scoped user IDs",
//! "user_preferences webhook reference", "Error codes".
//!
//! Signed by `X-Hub-Signature-256: sha256=<hex HMAC-SHA256 of the raw body under the app secret>`; non-ASCII arrives as `\u`
//! escapes, and those bytes are what is signed. Any answer but 200 is a retry, for 36 hours or seven days (two pages disagree).
//!
//! Oddities: four levels of lists (entries, changes, then statuses beside messages and errors); `statuses[].timestamp` is text while
//! `user_preferences[].timestamp` is a number; a person may be named by phone, by business-scoped user id, by both, or (legacy) by a
//! user id in a phone's field, and drafts left empty strings; since v24 there is no conversation and often no pricing; in a group
//! `recipient_id` is the group and the person stands in `recipient_participant_…`; an error may have a code and nothing else.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::json::{self, Flag, Items, List, Text, lenient};
use super::signature::{self, HmacSha256};
use super::{Out, Request, Verdict, time};
use crate::event::{ErrorInfo, Event, Inbound, InboundKind, Ms, OptOut, Person, StatusKind};

pub const HEADERS: &[&str] = &["x-hub-signature-256"];

pub fn verify(request: &Request, secrets: &[String]) -> Verdict {
    let Some(header) = request.header("x-hub-signature-256") else {
        return Verdict::Bad("X-Hub-Signature-256 is missing");
    };
    match header.strip_prefix("sha256=").and_then(signature::from_hex) {
        None => Verdict::Bad("X-Hub-Signature-256 is not sha256= and hex digits"),
        Some(hash) if signature::signed::<HmacSha256>(secrets, &[request.body], &hash) => Verdict::Verified,
        Some(_) => Verdict::Bad("X-Hub-Signature-256 was made with another secret or over another body"),
    }
}

lenient! {
    struct Envelope<'a> {
        entry: List<Entry<'a>> = "entry",
    }
    struct Entry<'a> {
        changes: List<Change<'a>> = "changes",
    }
    struct Change<'a> {
        field: Text<'a> = "field",
        value: Value<'a> = "value",
    }
    struct Value<'a> {
        metadata: Metadata<'a> = "metadata",
        contacts: List<Contact<'a>> = "contacts",
        statuses: Items<'a> = "statuses",
        messages: Items<'a> = "messages",
        errors: Items<'a> = "errors",
        preferences: Items<'a> = "user_preferences",
    }
    struct Metadata<'a> {
        phone_number_id: Text<'a> = "phone_number_id",
    }
    struct Contact<'a> {
        wa_id: Text<'a> = "wa_id",
        user_id: Text<'a> = "user_id",
    }
    struct StatusItem<'a> {
        id: Text<'a> = "id",
        gupshup_id: Text<'a> = "gs_id",
        kind: Text<'a> = "type",
        status: Text<'a> = "status",
        timestamp: Text<'a> = "timestamp",
        recipient_type: Text<'a> = "recipient_type",
        recipient: Text<'a> = "recipient_id",
        recipient_user: Text<'a> = "recipient_user_id",
        participant: Text<'a> = "recipient_participant_id",
        participant_user: Text<'a> = "recipient_participant_user_id",
        reference: Text<'a> = "biz_opaque_callback_data",
        conversation: Conversation<'a> = "conversation",
        pricing: Pricing<'a> = "pricing",
        errors: List<ErrorItem<'a>> = "errors",
        code: Text<'a> = "code",
        reason: Text<'a> = "reason",
    }
    struct Conversation<'a> {
        origin: Origin<'a> = "origin",
    }
    struct Origin<'a> {
        kind: Text<'a> = "type",
    }
    struct Pricing<'a> {
        billable: Flag = "billable",
        category: Text<'a> = "category",
    }
    struct ErrorItem<'a> {
        code: Text<'a> = "code",
        title: Text<'a> = "title" | "message",
    }
    struct MessageItem<'a> {
        id: Text<'a> = "id",
        from: Text<'a> = "from",
        from_user: Text<'a> = "from_user_id",
        timestamp: Text<'a> = "timestamp",
        kind: Text<'a> = "type",
        context: Quote<'a> = "context",
        interactive: Interactive<'a> = "interactive",
        reaction: Reaction<'a> = "reaction",
        edit: Original<'a> = "edit",
        revoke: Original<'a> = "revoke",
        system: System<'a> = "system",
    }
    struct Quote<'a> {
        id: Text<'a> = "id",
    }
    struct Interactive<'a> {
        kind: Text<'a> = "type",
    }
    struct Reaction<'a> {
        message_id: Text<'a> = "message_id",
        emoji: Text<'a> = "emoji",
    }
    struct Original<'a> {
        message_id: Text<'a> = "original_message_id",
    }
    struct System<'a> {
        wa_id: Text<'a> = "wa_id",
        user_id: Text<'a> = "user_id",
    }
    struct Preference<'a> {
        wa_id: Text<'a> = "wa_id",
        user_id: Text<'a> = "user_id",
        category: Text<'a> = "category",
        value: Text<'a> = "value",
        timestamp: Text<'a> = "timestamp",
    }
    // The same levels, each element apart: for the rare body of which one level is odd.
    struct RawEnvelope<'a> {
        entry: Items<'a> = "entry",
    }
    struct RawEntry<'a> {
        changes: Items<'a> = "changes",
    }
}

/// Which of a status's ids the sender knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// `id`, the wamid.
    Own,
    /// `gs_id` where there is one.
    Gupshup,
}

/// Everything in one body.
pub fn parse(body: &str, out: &mut Out, ids: Ids) {
    match json::object::<Envelope>(body) {
        Ok(envelope) if envelope.is_whole() => {
            for (i, entry) in envelope.entry.items.iter().enumerate() {
                for (j, change) in entry.changes.items.iter().enumerate() {
                    read_change(change, &format!("/entry/{i}/changes/{j}"), out, ids);
                }
            }
        }
        Err(_) if json::object::<RawEnvelope>(body).is_err() => out.odd(String::new(), "not a JSON object", body),
        _ => parse_piecemeal(body, out, ids),
    }
}

impl Envelope<'_> {
    fn is_whole(&self) -> bool {
        !self.entry.wrong && self.entry.items.iter().all(Entry::is_whole)
    }
}

impl Entry<'_> {
    fn is_whole(&self) -> bool {
        self.object && !self.changes.wrong && self.changes.items.iter().all(Change::is_whole)
    }
}

impl Change<'_> {
    fn is_whole(&self) -> bool {
        let Value { contacts, statuses, messages, errors, preferences, .. } = &self.value;
        let lists = [statuses.wrong, messages.wrong, errors.wrong, preferences.wrong, contacts.wrong];
        self.object && self.value.object && !lists.contains(&true)
    }
}

/// One level after the other, so that an odd entry or change is put aside and the others count.
fn parse_piecemeal(body: &str, out: &mut Out, ids: Ids) {
    let entries = json::object::<RawEnvelope>(body).unwrap_or_default().entry;
    if entries.wrong {
        out.odd("/entry".to_owned(), "not a list", body);
    }
    for (i, entry) in entries.items.into_iter().enumerate() {
        let changes = match json::item::<RawEntry>(entry) {
            Ok(RawEntry { changes, .. }) if !changes.wrong => changes,
            Ok(_) => {
                out.odd(format!("/entry/{i}/changes"), "not a list", entry.get());
                continue;
            }
            Err(reason) => {
                out.odd(format!("/entry/{i}"), reason, entry.get());
                continue;
            }
        };
        for (j, raw) in changes.items.into_iter().enumerate() {
            let pointer = format!("/entry/{i}/changes/{j}");
            match json::item::<Change>(raw) {
                Ok(change) if change.is_whole() => read_change(&change, &pointer, out, ids),
                Ok(_) => out.odd(pointer, "a change of another shape", raw.get()),
                Err(reason) => out.odd(pointer, reason, raw.get()),
            }
        }
    }
}

/// The legacy On-Premises shape of 360dialog: what is a change's `value` elsewhere, alone. `false` if it is not that.
pub fn parse_flat(body: &str, out: &mut Out) -> bool {
    match json::object::<Value>(body) {
        Ok(value) if value.lists() > 0 => {
            read_value(&value, "", out, Ids::Own);
            true
        }
        _ => false,
    }
}

impl Value<'_> {
    fn lists(&self) -> usize {
        let Value { statuses, messages, errors, preferences, .. } = self;
        [statuses, messages, errors, preferences].into_iter().filter(|list| list.present).count()
    }
}

fn read_change(change: &Change, pointer: &str, out: &mut Out, ids: Ids) {
    match change.field.get() {
        // `standby`: messages to a number whose conversation another app holds; they are messages all the same.
        None | Some("messages" | "standby" | "user_preferences") if change.value.lists() > 0 => {
            read_value(&change.value, &format!("{pointer}/value"), out, ids);
        }
        None | Some("messages" | "user_preferences") => {
            out.odd(format!("{pointer}/value"), "none of the lists that are known", "");
        }
        Some(field) => out.other(field, None, Person::default(), None),
    }
}

fn read_value(value: &Value, pointer: &str, out: &mut Out, ids: Ids) {
    let people = People::of(&value.contacts.items);
    let sender = super::id(value.metadata.phone_number_id.get());
    each(&value.statuses, pointer, "statuses", out, |item: StatusItem, _, out| {
        read_status(&item, &people, sender.as_ref(), out, ids)
    });
    each(&value.messages, pointer, "messages", out, |item: MessageItem, raw, out| {
        read_message(&item, raw, &people, sender.as_ref(), out)
    });
    each(&value.preferences, pointer, "user_preferences", out, |item: Preference, _, out| {
        read_preference(&item, &people, out);
        Ok(())
    });
    each(&value.errors, pointer, "errors", out, |item: ErrorItem, _, out| {
        let name = format!("error {}", item.code.get().unwrap_or_default());
        out.other(name.trim_end(), None, Person::default(), None);
        Ok(())
    });
}

/// Reads a list's items one by one; what cannot be read is put aside.
fn each<'a, T: serde::Deserialize<'a> + json::Object>(
    list: &Items<'a>,
    pointer: &str,
    name: &str,
    out: &mut Out,
    mut read: impl FnMut(T, &'a RawValue, &mut Out) -> Result<(), &'static str>,
) {
    for (i, raw) in list.items.iter().enumerate() {
        if let Err(reason) = json::item(raw).and_then(|item| read(item, raw, out)) {
            out.odd(format!("{pointer}/{name}/{i}"), reason, raw.get());
        }
    }
}

fn read_status(item: &StatusItem, people: &People, sender: Option<&String>, out: &mut Out, ids: Ids) -> Result<(), &'static str> {
    let id = match ids {
        Ids::Gupshup => item.gupshup_id.get().or(item.id.get()),
        Ids::Own => item.id.get(),
    };
    // Gupshup's probe when a callback URL is set: a status with a type, and neither an id nor a status.
    if let (None, None, Some(kind)) = (id, item.status.get(), item.kind.get()) {
        out.other(kind, None, Person::default(), None);
        return Ok(());
    }
    let message_id = super::id(id).ok_or("no usable message id")?;
    let status = item.status.get().ok_or("no status")?;
    let group =
        item.recipient_type.get() == Some("group") || item.participant.get().is_some() || item.participant_user.get().is_some();
    let person = if group {
        people.person(item.participant.get(), item.participant_user.get())
    } else {
        people.person(item.recipient.get(), item.recipient_user.get())
    };
    let at_ms = out.at(item.timestamp.get().and_then(time::epoch));
    let Some(kind) = status_kind(status) else {
        out.other(status, Some(message_id), person, at_ms);
        return Ok(());
    };
    let mut event = out.status(message_id, kind, at_ms, person);
    if group {
        // The user id first: it stands on every status of a participant, the phone only on some.
        let Person { phone, user_id } = &event.person;
        event.participant = user_id.as_ref().or(phone.as_ref()).cloned().unwrap_or_default();
    }
    event.sender = sender.cloned();
    event.reference = item.reference.get().map(ToOwned::to_owned);
    event.category = super::id(item.pricing.category.get().or(item.conversation.origin.kind.get()));
    event.billable = item.pricing.billable.0;
    if kind == StatusKind::Failed {
        event.error = item.error();
    }
    out.event(Event::Status(event));
    Ok(())
}

impl StatusItem<'_> {
    /// Meta's list, else Gupshup's own flat pair.
    fn error(&self) -> Option<ErrorInfo> {
        self.errors
            .items
            .iter()
            .find_map(|e| super::error(e.code.get(), e.title.get()))
            .or_else(|| super::error(self.code.get(), self.reason.get()))
    }
}

fn status_kind(status: &str) -> Option<StatusKind> {
    Some(match status {
        "sent" => StatusKind::Sent,
        "delivered" => StatusKind::Delivered,
        "read" => StatusKind::Read,
        "played" => StatusKind::Played,
        "failed" => StatusKind::Failed,
        _ => return None,
    })
}

fn read_message(
    item: &MessageItem,
    raw: &RawValue,
    people: &People,
    sender: Option<&String>,
    out: &mut Out,
) -> Result<(), &'static str> {
    let mut person = people.person(item.from.get(), item.from_user.get());
    if person == Person::default() {
        // A notice about a person names them as they are now; it joins nobody, so one name is enough.
        person = super::person(item.system.user_id.get().or(item.system.wa_id.get()), None);
    }
    let kind = item.kind.get().ok_or("no type")?;
    let (inbound, quoted) = match kind {
        "text" | "image" | "video" | "audio" | "voice" | "document" | "sticker" | "location" | "contacts" | "order" => {
            (InboundKind::Message, &item.context.id)
        }
        "button" => (InboundKind::QuickReply, &item.context.id),
        "interactive" => (item.interactive.inbound(), &item.context.id),
        "reaction" => {
            let removed = item.reaction.emoji.get().is_none();
            (InboundKind::Reaction { removed }, &item.reaction.message_id)
        }
        "edit" => (InboundKind::Other, &item.edit.message_id),
        "revoke" => (InboundKind::Other, &item.revoke.message_id),
        _ => (InboundKind::Other, &item.context.id),
    };
    let message_id = match item.id.get() {
        Some(id) => super::id(Some(id)).ok_or("no usable message id")?,
        None => out.made_id(&person, item.timestamp.get(), raw.get().as_bytes()),
    };
    let at_ms = out.at(item.timestamp.get().and_then(time::epoch));
    out.event(Event::Inbound(Inbound {
        channel: out.channel.to_owned(),
        message_id,
        inbound,
        at_ms,
        person,
        sender: sender.cloned(),
        quoted: super::id(quoted.get()),
    }));
    Ok(())
}

impl Interactive<'_> {
    fn inbound(&self) -> InboundKind {
        match self.kind.get() {
            Some("button_reply" | "list_reply") => InboundKind::QuickReply,
            Some(_) => InboundKind::Message,
            // The content is missing; `errors` beside it says so.
            None => InboundKind::Other,
        }
    }
}

/// Anything but a stop or a resume of marketing changes nothing that is kept.
fn read_preference(item: &Preference, people: &People, out: &mut Out) {
    let person = people.person(item.wa_id.get(), item.user_id.get());
    let at_ms = out.at(item.timestamp.get().and_then(time::epoch));
    let stopped = match (item.category.get(), item.value.get()) {
        (None | Some("marketing_messages"), Some("stop")) => true,
        (None | Some("marketing_messages"), Some("resume")) => false,
        (_, value) => {
            out.other(&format!("user_preferences {}", value.unwrap_or_default()), None, person, at_ms);
            return;
        }
    };
    out.event(Event::OptOut(OptOut { channel: out.channel.to_owned(), person, stopped, at_ms }));
}

/// The `contacts` beside the items: who else a phone or a user id is.
struct People<'a> {
    by_phone: BTreeMap<&'a str, &'a str>,
    by_user_id: BTreeMap<&'a str, &'a str>,
    /// If there is just one, whom everything beside it is about.
    only: Option<&'a Contact<'a>>,
}

impl<'a> People<'a> {
    fn of(contacts: &'a [Contact<'a>]) -> Self {
        let mut people = Self {
            by_phone: BTreeMap::new(),
            by_user_id: BTreeMap::new(),
            only: contacts.first().filter(|_| contacts.len() == 1),
        };
        for contact in contacts {
            if let (Some(phone), Some(user_id)) = (contact.wa_id.get(), contact.user_id.get()) {
                people.by_phone.insert(phone, user_id);
                people.by_user_id.insert(user_id, phone);
            }
        }
        people
    }

    /// The person that an item names, with the other half of the pair if a contact beside it gives one.
    fn person(&self, phone: Option<&str>, user_id: Option<&str>) -> Person {
        let found = super::person(phone, user_id);
        match (&found.phone, &found.user_id) {
            (Some(_), Some(_)) => found,
            (Some(_), None) => super::person(phone, phone.and_then(|p| self.by_phone.get(p).copied())),
            (None, Some(id)) => super::person(self.by_user_id.get(id.as_str()).copied(), Some(id)),
            (None, None) => self.only.map_or(found, |c| super::person(c.wa_id.get(), c.user_id.get())),
        }
    }
}
