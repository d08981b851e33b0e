//! Meta's WhatsApp Cloud API, and the envelope that 360dialog and Gupshup v3 pass through.
//!
//! Pages of developers.facebook.com: "Create a webhook endpoint", "Status messages webhook reference", "Business-scoped user IDs",
//! "user_preferences webhook reference", "Tracking click events", "Error codes".
//!
//! Signed by `X-Hub-Signature-256: sha256=<hex HMAC-SHA256 of the raw body under the app secret>`; non-ASCII arrives as `\u`
//! escapes, and those bytes are what is signed. Any answer but 200 is a retry, for 36 hours or seven days (two pages disagree).
//!
//! Oddities: four levels of lists (entries, changes, then statuses beside messages and errors); `statuses[].timestamp` is text while
//! `user_preferences[].timestamp` is a number; a person may be named by phone, by business-scoped user id, by both, or (legacy) by a
//! user id in a phone's field, and drafts left empty strings; since v24 there is no conversation and often no pricing; in a group
//! `recipient_id` is the group and the person stands in `recipient_participant_…`; an error may have a code and nothing else; what a
//! status is about stands in its `type`, absent or `message` for a message.

use super::json::{self, Items, List, Text, each, lenient};
use super::signature::{self, HmacSha256};
use super::{Out, Pricing, Request, Verdict, time};
use crate::event::{ErrorInfo, Event, InboundKind, OptOut, Person, StatusKind};
use crate::sorted::SortedMap;

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

/// A delivered status, for the test of a channel.
pub const SAMPLE: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"0","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"phone_number_id":"0"},"statuses":[{"id":"$id","status":"delivered","timestamp":"$s","recipient_id":"$to"}]}}]}]}"#;

/// The headers under which [`verify`] finds the request good.
pub fn sign(request: &Request, secret: &str) -> Vec<(&'static str, String)> {
    let hash = signature::to_hex(&signature::sign::<HmacSha256>(secret, &[request.body]));
    vec![("x-hub-signature-256", format!("sha256={hash}"))]
}

lenient! {
    struct Entry<'a> {
        changes: Items<'a> = "changes",
    }
    struct Change<'a> {
        field: Text<'a> = "field",
        value: Value<'a> = "value",
    }
    struct Value<'a> {
        entry: Items<'a> = "entry",
        metadata: Metadata<'a> = "metadata",
        contacts: List<Contact<'a>> = "contacts",
        statuses: Items<'a> = "statuses",
        messages: Items<'a> = "messages",
        errors: Items<'a> = "errors",
        preferences: Items<'a> = "user_preferences",
        actions: Items<'a> = "user_actions",
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
        gupshup_id: Text<'a> = "gs_id" | "gsId",
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
    struct Action<'a> {
        kind: Text<'a> = "action_type",
        timestamp: Text<'a> = "timestamp",
        click: Clicked<'a> = "marketing_messages_link_click_data",
    }
    struct Clicked<'a> {
        id: Text<'a> = "click_id",
    }
    struct Preference<'a> {
        wa_id: Text<'a> = "wa_id",
        user_id: Text<'a> = "user_id",
        category: Text<'a> = "category",
        value: Text<'a> = "value",
        timestamp: Text<'a> = "timestamp",
    }
}

/// Which of a message's ids the sender knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// `id`, the wamid.
    Own,
    /// `gs_id` where there is one.
    Gupshup,
}

impl Ids {
    fn choose<'a>(self, gupshup_id: &'a Text, id: &'a Text) -> Option<&'a str> {
        match self {
            Self::Gupshup => gupshup_id.get().or(id.get()),
            Self::Own => id.get(),
        }
    }
}

/// Everything in one body, one level after the other: an odd entry or change is put aside and the others count, and no more than
/// one change at a time is held in parsed form. A body without entries may be what a change's `value` is elsewhere: the
/// On-Premises shape.
pub fn parse(body: &str, out: &mut Out, ids: Ids) {
    let said = json::object::<Value>(body).and_then(|value| {
        if value.entry.present || value.entry.wrong {
            read_entries(&value.entry, "/entry", out, ids)
        } else {
            read_value(&value, "", out, ids)
        }
    });
    if let Err(reason) = said {
        out.odd(String::new(), reason, body);
    }
}

/// The entries of an envelope.
pub fn read_entries(entries: &Items, at: &str, out: &mut Out, ids: Ids) -> Result<(), &'static str> {
    each(entries, at, out, |entry: Entry, _, out, at| {
        each(&entry.changes, &format!("{at}/changes"), out, |change: Change, _, out, at| read_change(&change, at, out, ids))
    })
}

impl Value<'_> {
    /// How many of the lists that are known stand in it.
    fn lists(&self) -> usize {
        let Value { statuses, messages, errors, preferences, actions, .. } = self;
        [statuses, messages, errors, preferences, actions].into_iter().filter(|list| list.present).count()
    }
}

fn read_change(change: &Change, at: &str, out: &mut Out, ids: Ids) -> Result<(), &'static str> {
    match change.field.get() {
        // `standby`: messages to a number whose conversation another app holds; they are messages all the same.
        None | Some("messages" | "standby" | "user_preferences") if change.value.lists() > 0 => {
            read_value(&change.value, &format!("{at}/value"), out, ids)
        }
        None | Some("messages" | "user_preferences") => Err("none of the lists that are known"),
        Some(field) => {
            out.other(field, None, Person::default(), None);
            Ok(())
        }
    }
}

fn read_value(value: &Value, at: &str, out: &mut Out, ids: Ids) -> Result<(), &'static str> {
    let people = People::of(&value.contacts.items);
    let sender = super::id(value.metadata.phone_number_id.get());
    let sender = sender.as_ref();
    let lists = [
        each(&value.statuses, &format!("{at}/statuses"), out, |item: StatusItem, _, out, _| {
            read_status(&item, &people, sender, out, ids)
        }),
        each(&value.messages, &format!("{at}/messages"), out, |item: MessageItem, raw, out, _| {
            read_message(&item, raw, &people, sender, out, ids)
        }),
        each(&value.preferences, &format!("{at}/user_preferences"), out, |item: Preference, _, out, _| {
            read_preference(&item, &people, out);
            Ok(())
        }),
        each(&value.actions, &format!("{at}/user_actions"), out, |item: Action, raw, out, _| read_action(&item, raw, out)),
        each(&value.errors, &format!("{at}/errors"), out, |item: ErrorItem, _, out, _| {
            let name = format!("error {}", item.code.get().unwrap_or_default());
            out.other(name.trim_end(), None, Person::default(), None);
            Ok(())
        }),
    ];
    lists.into_iter().collect()
}

fn read_status(item: &StatusItem, people: &People, sender: Option<&String>, out: &mut Out, ids: Ids) -> Result<(), &'static str> {
    let id = ids.choose(&item.gupshup_id, &item.id);
    // A payment's status (or a call's) has an id and a word too: `failed` is none of a message. Gupshup's probe when a callback URL is
    // set has a type, and neither an id nor a status.
    if let Some(kind) = item.kind.get().filter(|kind| *kind != "message") {
        out.other(kind, super::id(id), Person::default(), None);
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
    let Some(kind) = StatusKind::from_word(status) else {
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
    event.billable = item.pricing.billable();
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

fn read_message(
    item: &MessageItem,
    raw: &str,
    people: &People,
    sender: Option<&String>,
    out: &mut Out,
    ids: Ids,
) -> Result<(), &'static str> {
    let mut person = people.person(item.from.get(), item.from_user.get());
    let kind = item.kind.get().ok_or("no type")?;
    // A notice about a person names them as they were, or as they are now; it joins nobody, so one name is enough.
    if kind == "system" && person.phone.is_some() {
        person.user_id = None;
    }
    if person == Person::default() {
        person = super::person(item.system.user_id.get().or(item.system.wa_id.get()), None);
    }
    let context = ids.choose(&item.context.gupshup_id, &item.context.id);
    let (inbound, quoted) = match kind {
        "interactive" => (item.interactive.inbound(), context),
        "reaction" => {
            let removed = item.reaction.emoji.get().is_none();
            (InboundKind::Reaction { removed }, item.reaction.message_id.get())
        }
        "edit" => (InboundKind::Other, item.edit.message_id.get()),
        "revoke" => (InboundKind::Other, item.revoke.message_id.get()),
        kind => (super::inbound_word(kind), context),
    };
    let message_id = out.given_or_made_id(&item.id, &person, &item.timestamp, raw)?;
    let at_ms = out.at(item.timestamp.get().and_then(time::epoch));
    let mut event = out.inbound(message_id, inbound, at_ms, person);
    event.sender = sender.cloned();
    event.quoted = super::id(quoted);
    out.event(Event::Inbound(event));
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

/// What somebody did with a marketing message: a click names neither the person nor the message, so it is nobody's.
fn read_action(item: &Action, raw: &str, out: &mut Out) -> Result<(), &'static str> {
    let kind = item.kind.get().ok_or("no action_type")?;
    let at_ms = out.at(item.timestamp.get().and_then(time::epoch));
    if kind == "marketing_messages_link_click" {
        let click_id = signature::made_hash(&["meta", item.click.id.get().unwrap_or(raw)]);
        out.event(Event::Click(super::provider_click(click_id, None, None, at_ms, Person::default(), out)));
    } else {
        out.other(kind, None, Person::default(), at_ms);
    }
    Ok(())
}

/// The `contacts` beside the items: who else a phone or a user id is.
struct People<'a> {
    by_phone: SortedMap<&'a str, &'a str>,
    by_user_id: SortedMap<&'a str, &'a str>,
    /// If there is just one, whom everything beside it is about.
    only: Option<&'a Contact<'a>>,
}

impl<'a> People<'a> {
    fn of(contacts: &'a [Contact<'a>]) -> Self {
        let pairs = || contacts.iter().filter_map(|contact| contact.wa_id.get().zip(contact.user_id.get()));
        Self {
            by_phone: SortedMap::sorted(pairs()),
            by_user_id: SortedMap::sorted(pairs().map(|(phone, user_id)| (user_id, phone))),
            only: contacts.first().filter(|_| contacts.len() == 1),
        }
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
