//! Gupshup, in its three formats: v2 (its own), v3 (Meta's envelope with Gupshup's keys) and the Enterprise gateway's form.
//!
//! Pages of docs.gupshup.io: "Message events", "Events (v3 pass-through)", "PMP events", "BSUID", "Text", "Postback text support",
//! "Error and status messages".
//!
//! It does not sign. It wants a 2xx with an empty body within 10 seconds, also for its probe when the URL is set.
//!
//! Oddities: the id that the sender knows is `gsId` (v3 `gs_id`) where there is one, and `id` where there is none: on `enqueued`, on
//! failures at once, for events later than a week, and for MM Lite. A status has its time in seconds (`payload.payload.ts`), the
//! callback in milliseconds; `enqueued` of v3 writes milliseconds where all others write text of seconds. A press on a template's
//! button has the outer type `quick_reply` or `text` and the inner type `button`. v3 failures of Gupshup's own have a flat `code`
//! and `reason`. If both versions are subscribed, each event comes twice, with one identity.

use super::json::{Items, Text, each, lenient};
use super::{Out, Pricing, form, json, meta, time};
use crate::event::{Event, InboundKind, Ms, OptOut, Person, StatusKind};

/// A delivered status, for the test of a channel.
pub const SAMPLE: &str = r#"{"app":"test","timestamp":$ms,"version":2,"type":"message-event","payload":{"id":"$id","gsId":"$id","type":"delivered","destination":"$to","payload":{"ts":$s}}}"#;

lenient! {
    struct Callback<'a> {
        business: Text<'a> = "phone",
        timestamp: Text<'a> = "timestamp",
        kind: Text<'a> = "type",
        payload: Payload<'a> = "payload",
        entry: Items<'a> = "entry",
    }
    struct Payload<'a> {
        id: Text<'a> = "id",
        gupshup_id: Text<'a> = "gsId",
        kind: Text<'a> = "type",
        destination: Text<'a> = "destination",
        source: Text<'a> = "source",
        phone: Text<'a> = "phone",
        user_id: Text<'a> = "userId",
        sender: Sender<'a> = "sender",
        context: Context<'a> = "context",
        inner: Inner<'a> = "payload",
        conversation: Conversation<'a> = "conversation",
        pricing: Pricing<'a> = "pricing",
        references: References<'a> = "references",
    }
    struct Sender<'a> {
        phone: Text<'a> = "phone",
        user_id: Text<'a> = "userId",
    }
    struct Context<'a> {
        id: Text<'a> = "id",
        gupshup_id: Text<'a> = "gsId" | "gs_id",
    }
    struct Inner<'a> {
        kind: Text<'a> = "type",
        ts: Text<'a> = "ts",
        code: Text<'a> = "code",
        reason: Text<'a> = "reason",
        emoji: Text<'a> = "emoji",
        preferences: Items<'a> = "user_preferences",
    }
    struct Conversation<'a> {
        kind: Text<'a> = "type",
    }
    struct References<'a> {
        id: Text<'a> = "id",
        gupshup_id: Text<'a> = "gsId",
        destination: Text<'a> = "destination",
    }
    struct Preference<'a> {
        wa_id: Text<'a> = "wa_id",
        user_id: Text<'a> = "userid" | "user_id",
        value: Text<'a> = "value",
        timestamp: Text<'a> = "timestamp",
    }
    struct Report<'a> {
        id: Text<'a> = "externalId",
        to: Text<'a> = "destAddr",
        at: Text<'a> = "eventTs",
        kind: Text<'a> = "eventType",
        from: Text<'a> = "srcAddr",
        code: Text<'a> = "errorCode",
        cause: Text<'a> = "cause",
        channel: Text<'a> = "channel",
    }
}

pub fn parse(body: &str, out: &mut Out) {
    if !body.trim_start().starts_with(['{', '[']) {
        // A form is ASCII; other bytes are not worth decoding.
        let form = if body.is_ascii() { body } else { "" };
        if let Some(reports) = form::field(form.as_bytes(), "response") {
            json::roots(&reports, out, |report: Report, _, out, _| read_report(&report, out));
        }
    } else {
        json::roots(body, out, |callback: Callback, raw, out, at| {
            if callback.entry.present {
                meta::read_entries(&callback.entry, &format!("{at}/entry"), out, meta::Ids::Gupshup)
            } else {
                read_callback(&callback, raw, out, at)
            }
        });
    }
}

fn read_callback(callback: &Callback, raw: &str, out: &mut Out, at: &str) -> Result<(), &'static str> {
    let payload = &callback.payload;
    let at_ms = callback.timestamp.get().and_then(time::any);
    match callback.kind.get().ok_or("no type")? {
        "message-event" => return read_status(callback, at_ms, out),
        "message" => return read_message(callback, raw, at_ms, out),
        "user-event" if matches!(payload.kind.get(), Some("opted-in" | "opted-out")) => {
            let person = super::person(payload.phone.get(), payload.user_id.get());
            let stopped = payload.kind.get() == Some("opted-out");
            let event = OptOut { channel: out.channel.to_owned(), person, stopped, at_ms: out.at(at_ms) };
            out.event(Event::OptOut(event));
        }
        "preference-event" => {
            let pointer = format!("{at}/payload/payload/user_preferences");
            return each(&payload.inner.preferences, &pointer, out, |item: Preference, _, out, _| {
                read_preference(&item, out);
                Ok(())
            });
        }
        kind => {
            let References { id, gupshup_id, destination, .. } = &payload.references;
            let message_id = super::id(gupshup_id.get().or(id.get()));
            let at_ms = out.at(at_ms);
            out.other(kind, message_id, super::person(destination.get(), None), at_ms);
        }
    }
    Ok(())
}

fn read_status(callback: &Callback, called_ms: Option<Ms>, out: &mut Out) -> Result<(), &'static str> {
    let Payload { id, gupshup_id, inner, .. } = &callback.payload;
    let message_id = super::id(gupshup_id.get().or(id.get())).ok_or("no usable message id")?;
    let status = callback.payload.kind.get().ok_or("no status")?;
    let person = super::person(callback.payload.destination.get(), callback.payload.user_id.get());
    let at_ms = out.at(inner.ts.get().and_then(time::epoch).or(called_ms));
    let Some(kind) = StatusKind::from_word(status) else {
        out.other(status, Some(message_id), person, at_ms);
        return Ok(());
    };
    let mut event = out.status(message_id, kind, at_ms, person);
    event.sender = super::business(callback.business.get());
    let Payload { pricing, conversation, .. } = &callback.payload;
    event.category = super::id(pricing.category.get().or(conversation.kind.get()));
    event.billable = pricing.billable();
    if kind == StatusKind::Failed {
        event.error = super::error(inner.code.get(), inner.reason.get());
    }
    out.event(Event::Status(event));
    Ok(())
}

fn read_message(callback: &Callback, raw: &str, called_ms: Option<Ms>, out: &mut Out) -> Result<(), &'static str> {
    let Payload { id, source, sender, context, inner, kind, .. } = &callback.payload;
    let person = super::person(source.get().or(sender.phone.get()), sender.user_id.get());
    let inbound = match (kind.get(), inner.kind.get()) {
        (_, Some("button")) => InboundKind::QuickReply,
        (Some("reaction"), _) => InboundKind::Reaction { removed: inner.emoji.get().is_none() },
        (kind, _) => super::inbound_word(kind.unwrap_or_default()),
    };
    let message_id = out.given_or_made_id(id, &person, &callback.timestamp, raw)?;
    let mut event = out.inbound(message_id, inbound, out.at(called_ms), person);
    event.sender = super::business(callback.business.get());
    event.quoted = super::id(context.gupshup_id.get().or(context.id.get()));
    out.event(Event::Inbound(event));
    Ok(())
}

fn read_preference(item: &Preference, out: &mut Out) {
    let person = super::person(item.wa_id.get(), item.user_id.get());
    let at_ms = out.at(item.timestamp.get().and_then(time::epoch));
    match item.value.get() {
        Some(value @ ("stop" | "resume")) => {
            let event = OptOut { channel: out.channel.to_owned(), person, stopped: value == "stop", at_ms };
            out.event(Event::OptOut(event));
        }
        value => out.other(&format!("user_preferences {}", value.unwrap_or_default()), None, person, at_ms),
    }
}

/// One report of the Enterprise gateway.
fn read_report(report: &Report, out: &mut Out) -> Result<(), &'static str> {
    let message_id = super::id(report.id.get()).ok_or("no usable message id")?;
    // The gateway sends its text messages' reports to the same URL.
    if let Some(channel) = report.channel.get().filter(|channel| !channel.eq_ignore_ascii_case("WHATSAPP")) {
        out.other(channel, Some(message_id), Person::default(), None);
        return Ok(());
    }
    let status = report.kind.get().ok_or("no status")?;
    let person = super::person(report.to.get(), None);
    let at_ms = out.at(report.at.get().and_then(time::epoch));
    let Some(kind) = StatusKind::from_word(&status.to_ascii_lowercase()) else {
        out.other(status, Some(message_id), person, at_ms);
        return Ok(());
    };
    let mut event = out.status(message_id, kind, at_ms, person);
    event.sender = super::business(report.from.get());
    if kind == StatusKind::Failed {
        event.error = super::error(report.code.get(), report.cause.get());
    }
    out.event(Event::Status(event));
    Ok(())
}
