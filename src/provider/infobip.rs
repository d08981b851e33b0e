//! Infobip's WhatsApp reports and messages.
//!
//! Sources: Infobip's OpenAPI document (its `webhooks`), the pages "Response status and error codes" and "Webhooks".
//!
//! Nothing is signed unless the subscription's profile says so. A channel with a secret then takes what the profile offers: the
//! Exchange scheme (`X-Ib-Exchange-Req-Signature`, hex HMAC-SHA256 of timestamp and body), an HMAC-SHA256 of the body in a header
//! (hex or base64; the header's name is the profile's choice, so the common ones are looked at), or `Authorization` with
//! `Basic` of the secret `user:password`, or the secret itself. The profile's algorithm must be `HMAC_SHA_256`; with headers of its
//! own (`CUSTOM`, other than `Authorization`) the channel's secret is left out.
//!
//! Oddities: no field says what an item is; `seenAt`, `deletedAt`, `status` and `message` do. Offsets have no colon
//! (`-0300`). In seen reports the samples and the schema disagree on the direction of `from` and `to`, so they name
//! nobody here: the message id alone counts. `DELIVERED_TO_OPERATOR` is no delivery to a person.

use super::json::{Items, Text, each, lenient};
use super::signature::{self, HmacSha256};
use super::{Out, Request, Verdict, json, time};
use crate::event::{Event, InboundKind, OptOut, Person, StatusKind};

const EXCHANGE: &str = "x-ib-exchange-req-signature";
const EXCHANGE_TIME: &str = "x-ib-exchange-req-timestamp";
/// Where profiles put the hash of the body, going by public receivers.
const BODY_HASH: &[&str] = &["x-infobip-signature", "x-ib-signature", "x-signature", "x-hub-signature-256"];
pub const HEADERS: &[&str] =
    &[EXCHANGE, EXCHANGE_TIME, "x-infobip-signature", "x-ib-signature", "x-signature", "x-hub-signature-256", "authorization"];

pub fn verify(request: &Request, secrets: &[String]) -> Verdict {
    if let (Some(hash), Some(at)) = (request.header(EXCHANGE).and_then(signature::from_hex), request.header(EXCHANGE_TIME)) {
        return if signature::signed::<HmacSha256>(secrets, &[at.as_bytes(), request.body], &hash) {
            Verdict::Verified
        } else {
            Verdict::Bad("X-Ib-Exchange-Req-Signature does not match")
        };
    }
    if let Some(header) = BODY_HASH.iter().find_map(|name| request.header(name)) {
        let text = header.strip_prefix("sha256=").unwrap_or(header);
        let hash = signature::from_hex(text).or_else(|| signature::from_base64(text)).unwrap_or_default();
        return if signature::signed::<HmacSha256>(secrets, &[request.body], &hash) {
            Verdict::Verified
        } else {
            Verdict::Bad("the hash in the signature's header does not match")
        };
    }
    let Some(header) = request.header("authorization") else {
        return Verdict::Bad("neither a signature nor Authorization");
    };
    if signature::is_secret(secrets, header) || signature::is_basic(secrets, header) {
        Verdict::Verified
    } else {
        Verdict::Bad("Authorization does not match")
    }
}

/// A delivered status, for the test of a channel.
pub const SAMPLE: &str = r#"{"results":[{"messageId":"$id","to":"$to","doneAt":"$iso","status":{"id":5,"groupId":3,"groupName":"DELIVERED","name":"DELIVERED_TO_HANDSET"}}]}"#;

/// The headers under which [`verify`] finds the request good.
pub fn sign(request: &Request, secret: &str) -> Vec<(&'static str, String)> {
    let at = "0";
    let hash = signature::sign::<HmacSha256>(secret, &[at.as_bytes(), request.body]);
    vec![(EXCHANGE, signature::to_hex(&hash)), (EXCHANGE_TIME, at.to_owned())]
}

lenient! {
    struct Body<'a> {
        results: Items<'a> = "results",
        message_id: Text<'a> = "messageId",
        content: Notice<'a> = "content",
        created_at: Text<'a> = "createdAt",
        change: Change<'a> = "change",
    }
    struct Notice<'a> {
        from: Text<'a> = "from" | "userNumber",
        user_id: Text<'a> = "userId",
        kind: Text<'a> = "type",
        marketing: Text<'a> = "notificationMessagesStatus",
    }
    struct Change<'a> {
        kind: Text<'a> = "type",
    }
    struct Item<'a> {
        message_id: Text<'a> = "messageId",
        to: Text<'a> = "to",
        from: Text<'a> = "from",
        integration: Text<'a> = "integrationType",
        sent_at: Text<'a> = "sentAt",
        done_at: Text<'a> = "doneAt",
        seen_at: Text<'a> = "seenAt",
        deleted_at: Text<'a> = "deletedAt",
        received_at: Text<'a> = "receivedAt",
        reference: Text<'a> = "callbackData",
        paired: Text<'a> = "pairedMessageId",
        status: State<'a> = "status",
        error: State<'a> = "error",
        contact: Contact<'a> = "contact",
        message: Message<'a> = "message",
    }
    struct State<'a> {
        id: Text<'a> = "id",
        group_id: Text<'a> = "groupId",
        group: Text<'a> = "groupName",
        name: Text<'a> = "name",
        description: Text<'a> = "description",
    }
    struct Contact<'a> {
        phone: Text<'a> = "phoneNumber",
        user_id: Text<'a> = "userId",
    }
    struct Message<'a> {
        kind: Text<'a> = "type",
        emoji: Text<'a> = "emoji",
        action: Text<'a> = "action",
        context: Context<'a> = "context",
    }
    struct Context<'a> {
        id: Text<'a> = "id",
    }
}

pub fn parse(body: &str, out: &mut Out) {
    json::roots(body, out, |callback: Body, raw, out, at| {
        if callback.results.present || callback.results.wrong {
            each(&callback.results, &format!("{at}/results"), out, |item: Item, raw, out, _| read_item(&item, raw, out))
        } else if callback.message_id.get().is_some() {
            read_item(&json::object(raw)?, raw, out)
        } else {
            read_notice(&callback, out)
        }
    });
}

fn read_notice(body: &Body, out: &mut Out) -> Result<(), &'static str> {
    let Body { content, change, .. } = body;
    let person = super::person(content.from.get(), content.user_id.get());
    let at_ms = out.at(body.created_at.get().and_then(time::iso));
    match (content.marketing.get(), content.kind.get().or(change.kind.get())) {
        (Some(word @ ("STOP" | "stop" | "RESUME" | "resume")), _) => {
            let stopped = word.eq_ignore_ascii_case("stop");
            out.event(Event::OptOut(OptOut { channel: out.channel.to_owned(), person, stopped, at_ms }));
        }
        (Some(name), _) | (None, Some(name)) => out.other(name, None, person, at_ms),
        (None, None) => return Err("no results, and no notice that is known"),
    }
    Ok(())
}

fn read_item(item: &Item, raw: &str, out: &mut Out) -> Result<(), &'static str> {
    if let Some(other) = item.integration.get().filter(|i| !i.eq_ignore_ascii_case("WHATSAPP")) {
        out.other(other, super::id(item.message_id.get()), Person::default(), None);
        return Ok(());
    }
    if item.message.object {
        return read_message(item, raw, out);
    }
    let message_id = super::id(item.message_id.get()).ok_or("no usable messageId")?;
    if let Some(seen_at) = item.seen_at.get() {
        let event = out.status(message_id, StatusKind::Read, out.at(time::iso(seen_at)), Person::default());
        out.event(Event::Status(event));
        return Ok(());
    }
    if item.deleted_at.get().is_some() {
        out.other("deleted", Some(message_id), Person::default(), None);
        return Ok(());
    }
    read_report(item, message_id, out)
}

fn read_report(item: &Item, message_id: String, out: &mut Out) -> Result<(), &'static str> {
    let State { group, group_id, name, .. } = &item.status;
    let person = super::person(item.to.get().or(item.contact.phone.get()), item.contact.user_id.get());
    let (sent, done) = (item.sent_at.get(), item.done_at.get());
    let at_ms = out.at(done.or(sent).and_then(time::iso));
    let kind = match (group.get(), group_id.get(), name.get()) {
        (None, None, _) => return Err("none of the reports that are known"),
        (_, _, Some("DELIVERED_TO_OPERATOR")) | (Some("PENDING"), ..) | (None, Some("1"), _) => StatusKind::Sent,
        (Some("DELIVERED"), ..) | (None, Some("3"), _) => StatusKind::Delivered,
        (Some("UNDELIVERABLE" | "EXPIRED" | "REJECTED"), ..) | (None, Some("2" | "4" | "5"), _) => StatusKind::Failed,
        (group, group_id, _) => {
            out.other(group.or(group_id).unwrap_or_default(), Some(message_id), person, at_ms);
            return Ok(());
        }
    };
    // The report may be of later than what it says.
    let at_ms = if kind == StatusKind::Sent { out.at(sent.or(done).and_then(time::iso)) } else { at_ms };
    let mut event = out.status(message_id, kind, at_ms, person);
    event.reference = item.reference.get().map(ToOwned::to_owned);
    if kind == StatusKind::Failed {
        let State { id, name, description, .. } = &item.error;
        event.error = super::error(id.get().filter(|id| *id != "0"), name.get().or(description.get()))
            .or_else(|| super::error(item.status.name.get(), item.status.description.get()));
    }
    out.event(Event::Status(event));
    Ok(())
}

fn read_message(item: &Item, raw: &str, out: &mut Out) -> Result<(), &'static str> {
    let Message { kind, emoji, action, context, .. } = &item.message;
    let person = super::person(item.from.get().or(item.contact.phone.get()), item.contact.user_id.get());
    let inbound = match kind.get().ok_or("no type")? {
        "BUTTON" | "INTERACTIVE_BUTTON_REPLY" | "INTERACTIVE_LIST_REPLY" => InboundKind::QuickReply,
        "REACTION" => InboundKind::Reaction { removed: action.get() == Some("REMOVED") || emoji.get().is_none() },
        "INTERACTIVE_FLOW_REPLY" | "INTERACTIVE_CALL_PERMISSION_REPLY" | "INTERACTIVE_IN_THREAD_AUTHENTICATION_REPLY" => {
            InboundKind::Message
        }
        // The provider took the content away; the person wrote all the same.
        "INFECTED_CONTENT" => InboundKind::Message,
        word => super::inbound_word(word),
    };
    let message_id = out.given_or_made_id(&item.message_id, &person, &item.received_at, raw)?;
    let at_ms = out.at(item.received_at.get().and_then(time::iso));
    let mut event = out.inbound(message_id, inbound, at_ms, person);
    event.sender = super::business(item.to.get());
    event.quoted = super::id(context.id.get().or(item.paired.get()));
    out.event(Event::Inbound(event));
    Ok(())
}
