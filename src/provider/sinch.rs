//! Sinch Conversation API.
//!
//! Pages of developers.sinch.com: "Conversation API callbacks", "WhatsApp channel support".
//!
//! Signed if the webhook has a secret: `x-sinch-webhook-signature` is base64 of the HMAC-SHA256 of the raw body, `.`, the nonce, `.` and
//! the timestamp (the two other headers). Neither the age nor the nonce is checked further: a repeat changes nothing.
//! 5xx and 429 are retried, other 4xx are not.
//!
//! Oddities: no field says what a callback is; the key that is present does. Older samples lack `event_time`; then `accepted_time`
//! is the time. The person's number comes with and without `+`. One application serves several channels: what is not WhatsApp is
//! counted as other. `SWITCHING_CHANNEL` is the end of the message on WhatsApp: another channel is tried.

use serde_json::value::RawValue;

use super::json::{Text, lenient};
use super::signature::{self, HmacSha256};
use super::{Out, Request, Verdict, json, time};
use crate::event::{Event, InboundKind, Ms, Person, StatusKind};

const SIGNATURE: &str = "x-sinch-webhook-signature";
const NONCE: &str = "x-sinch-webhook-signature-nonce";
const TIMESTAMP: &str = "x-sinch-webhook-signature-timestamp";
const ALGORITHM: &str = "x-sinch-webhook-signature-algorithm";
pub const HEADERS: &[&str] = &[SIGNATURE, NONCE, TIMESTAMP, ALGORITHM];

pub fn verify(request: &Request, secrets: &[String]) -> Verdict {
    let [Some(expected), Some(nonce), Some(timestamp)] = [SIGNATURE, NONCE, TIMESTAMP].map(|name| request.header(name)) else {
        return Verdict::Bad("one of the three x-sinch-webhook-signature headers is missing");
    };
    if request.header(ALGORITHM).is_some_and(|a| !a.eq_ignore_ascii_case("HmacSHA256")) {
        return Verdict::Bad("x-sinch-webhook-signature-algorithm is not HmacSHA256");
    }
    let parts = [request.body, b".", nonce.as_bytes(), b".", timestamp.as_bytes()];
    match signature::from_base64(expected) {
        Some(hash) if signature::signed::<HmacSha256>(secrets, &parts, &hash) => Verdict::Verified,
        _ => Verdict::Bad("x-sinch-webhook-signature does not match"),
    }
}

/// A delivered status, for the test of a channel.
pub const SAMPLE: &str = r#"{"event_time":"$iso","message_delivery_report":{"message_id":"$id","status":"DELIVERED","channel_identity":{"channel":"WHATSAPP","identity":"$to"}}}"#;

/// The headers under which [`verify`] finds the request good.
pub fn sign(request: &Request, secret: &str) -> Vec<(&'static str, String)> {
    let (nonce, timestamp) = ("test", "0");
    let parts = [request.body, b".", nonce.as_bytes(), b".", timestamp.as_bytes()];
    let hash = signature::to_base64(&signature::sign::<HmacSha256>(secret, &parts));
    vec![(SIGNATURE, hash), (NONCE, nonce.to_owned()), (TIMESTAMP, timestamp.to_owned())]
}

lenient! {
    struct Callback<'a> {
        accepted_time: Text<'a> = "accepted_time",
        event_time: Text<'a> = "event_time",
        metadata: Text<'a> = "message_metadata",
        report: Report<'a> = "message_delivery_report",
        message: Message<'a> = "message",
        event: ContactEvent<'a> = "event",
    }
    struct Report<'a> {
        message_id: Text<'a> = "message_id",
        status: Text<'a> = "status",
        identity: Identity<'a> = "channel_identity",
        reason: Reason<'a> = "reason",
        metadata: Text<'a> = "metadata",
    }
    struct Identity<'a> {
        channel: Text<'a> = "channel",
        identity: Text<'a> = "identity",
    }
    struct Reason<'a> {
        code: Text<'a> = "code",
        description: Text<'a> = "description",
    }
    struct Message<'a> {
        id: Text<'a> = "id",
        identity: Identity<'a> = "channel_identity",
        sender: Text<'a> = "sender_id",
        content: Content<'a> = "contact_message",
    }
    struct Content<'a> {
        choice: Choice<'a> = "choice_response_message",
        fallback: Option<&'a RawValue> = "fallback_message",
        reply_to: Choice<'a> = "reply_to",
    }
    struct Choice<'a> {
        message_id: Text<'a> = "message_id",
    }
    struct ContactEvent<'a> {
        id: Text<'a> = "id",
        identity: Identity<'a> = "channel_identity",
        content: EventContent<'a> = "contact_message_event" | "contact_event",
    }
    struct EventContent<'a> {
        reaction: Reaction<'a> = "reaction_event",
    }
    struct Reaction<'a> {
        emoji: Text<'a> = "emoji",
        action: Text<'a> = "action",
        message_id: Text<'a> = "message_id",
    }
}

/// How the keys of all other callbacks end (`message_submit_notification`, `unsupported_callback` …).
const OTHERS: &[&str] = &["_notification", "_report", "_callback", "_redaction"];

pub fn parse(body: &str, out: &mut Out) {
    json::roots(body, out, |callback: Callback, raw, out, _| read(&callback, raw, out));
}

fn read(callback: &Callback, raw: &str, out: &mut Out) -> Result<(), &'static str> {
    let at = callback.event_time.get().or(callback.accepted_time.get());
    let at_ms = out.at(at.and_then(time::iso));
    let Callback { report, message, event, .. } = callback;
    let identity = [&report.identity, &message.identity, &event.identity].into_iter().find(|i| i.object);
    let elsewhere = identity.and_then(|i| i.channel.get()).filter(|c| *c != "WHATSAPP");
    match (report.object, message.object, event.object, elsewhere) {
        (true, .., None) => read_report(callback, at_ms, out),
        (_, true, _, None) => read_message(callback, raw, at_ms, out),
        (_, _, true, None) => read_event(callback, raw, at_ms, out),
        (.., Some(channel)) => {
            out.other(channel, None, Person::default(), at_ms);
            Ok(())
        }
        (.., None) => {
            let name = json::keys(raw).into_iter().find(|key| OTHERS.iter().any(|end| key.ends_with(end)));
            out.other(&name.ok_or("none of the events that are known")?, None, Person::default(), at_ms);
            Ok(())
        }
    }
}

fn read_report(callback: &Callback, at_ms: Option<Ms>, out: &mut Out) -> Result<(), &'static str> {
    let Report { message_id, status, identity, reason, metadata, .. } = &callback.report;
    let message_id = super::id(message_id.get()).ok_or("no usable message_id")?;
    let person = super::person(identity.identity.get(), None);
    let kind = match status.get().ok_or("no status")? {
        "QUEUED_ON_CHANNEL" => StatusKind::Sent,
        "DELIVERED" => StatusKind::Delivered,
        "READ" => StatusKind::Read,
        "FAILED" | "SWITCHING_CHANNEL" => StatusKind::Failed,
        status => {
            out.other(status, Some(message_id), person, at_ms);
            return Ok(());
        }
    };
    let mut event = out.status(message_id, kind, at_ms, person);
    event.reference = callback.metadata.get().or(metadata.get()).map(ToOwned::to_owned);
    if kind == StatusKind::Failed {
        event.error = super::error(reason.code.get(), reason.description.get());
    }
    out.event(Event::Status(event));
    Ok(())
}

fn read_message(callback: &Callback, raw: &str, at_ms: Option<Ms>, out: &mut Out) -> Result<(), &'static str> {
    let Message { id, identity, sender, content, .. } = &callback.message;
    let Content { choice, fallback, reply_to, .. } = content;
    let person = super::person(identity.identity.get(), None);
    let inbound = match (content.object, choice.object, fallback.is_some()) {
        (true, true, _) => InboundKind::QuickReply,
        (true, _, false) => InboundKind::Message,
        _ => InboundKind::Other,
    };
    let message_id = out.given_or_made_id(id, &person, &callback.accepted_time, raw)?;
    let mut event = out.inbound(message_id, inbound, at_ms, person);
    event.sender = super::business(sender.get());
    event.quoted = super::id(choice.message_id.get().or(reply_to.message_id.get()));
    out.event(Event::Inbound(event));
    Ok(())
}

fn read_event(callback: &Callback, raw: &str, at_ms: Option<Ms>, out: &mut Out) -> Result<(), &'static str> {
    let ContactEvent { id, identity, content: EventContent { reaction, .. }, .. } = &callback.event;
    let person = super::person(identity.identity.get(), None);
    if !reaction.object {
        out.other("event", super::id(id.get()), person, at_ms);
        return Ok(());
    }
    // The word for a reaction taken back is not documented; it is any but this one.
    let put = reaction.action.get().is_none_or(|action| action == "REACTION_ACTION_REACT");
    let inbound = InboundKind::Reaction { removed: !put || reaction.emoji.get().is_none() };
    let message_id = out.given_or_made_id(id, &person, &callback.accepted_time, raw)?;
    let mut event = out.inbound(message_id, inbound, at_ms, person);
    event.quoted = super::id(reaction.message_id.get());
    out.event(Event::Inbound(event));
    Ok(())
}
