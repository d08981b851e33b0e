//! Netcore (formerly Pepipost).
//!
//! Page of netcorecloud's documentation: "Webhooks V2"; inbound messages by captured traffic.
//!
//! It does not sign; its lists of source addresses are not to be relied on. How it retries is not documented.
//!
//! Oddities: `context` is an empty string, or an object of empty strings, when there is none; a failure has a remark in words and no
//! code; the types are in capitals.

use super::json::{Items, Text, each, lenient};
use super::{Out, Pricing, json, time};
use crate::event::{Event, InboundKind, StatusKind};

/// A delivered status, for the test of a channel.
pub const SAMPLE: &str =
    r#"{"delivery_status":[{"ncmessage_id":"$id","recipient":"$to","status":"delivered","received_at":"$s"}]}"#;

lenient! {
    struct Callback<'a> {
        statuses: Items<'a> = "delivery_status",
        messages: Items<'a> = "incoming_message",
    }
    struct Item<'a> {
        message_id: Text<'a> = "ncmessage_id",
        recipient: Text<'a> = "recipient",
        business: Text<'a> = "phoneNumber",
        status: Text<'a> = "status",
        remark: Text<'a> = "status_remark",
        at: Text<'a> = "received_at",
        reference: Text<'a> = "x-apiheader",
        pricing: Pricing<'a> = "pricing",
    }
    struct Message<'a> {
        message_id: Text<'a> = "message_id",
        from: Text<'a> = "from",
        to: Text<'a> = "to",
        at: Text<'a> = "received_at",
        kind: Text<'a> = "message_type",
        context: Context<'a> = "context",
        reaction: Reaction<'a> = "reaction_type",
    }
    struct Context<'a> {
        own: Text<'a> = "ncmessage_id",
        whatsapp: Text<'a> = "message_id",
    }
    struct Reaction<'a> {
        emoji: Text<'a> = "emoji",
    }
}

pub fn parse(body: &str, out: &mut Out) {
    json::roots(body, out, |callback: Callback, _, out, at| {
        let statuses =
            each(&callback.statuses, &format!("{at}/delivery_status"), out, |item: Item, _, out, _| read_status(&item, out));
        let messages = each(&callback.messages, &format!("{at}/incoming_message"), out, |item: Message, raw, out, _| {
            read_message(&item, raw, out)
        });
        statuses.and(messages)
    });
}

fn read_status(item: &Item, out: &mut Out) -> Result<(), &'static str> {
    let message_id = super::id(item.message_id.get()).ok_or("no usable ncmessage_id")?;
    let status = item.status.get().ok_or("no status")?.to_ascii_lowercase();
    let person = super::person(item.recipient.get(), None);
    let at_ms = out.at(item.at.get().and_then(time::any));
    let Some(kind) = StatusKind::from_word(&status) else {
        out.other(&status, Some(message_id), person, at_ms);
        return Ok(());
    };
    let mut event = out.status(message_id, kind, at_ms, person);
    event.sender = super::business(item.business.get());
    event.reference = item.reference.get().map(ToOwned::to_owned);
    event.category = super::id(item.pricing.category.get());
    event.billable = item.pricing.billable();
    if kind == StatusKind::Failed {
        event.error = super::error(item.remark.get(), item.remark.get());
    }
    out.event(Event::Status(event));
    Ok(())
}

fn read_message(item: &Message, raw: &str, out: &mut Out) -> Result<(), &'static str> {
    let person = super::person(item.from.get(), None);
    let inbound = match item.kind.get().ok_or("no message_type")? {
        kind if kind.eq_ignore_ascii_case("reaction") => InboundKind::Reaction { removed: item.reaction.emoji.get().is_none() },
        kind => super::inbound_word(kind),
    };
    let message_id = out.given_or_made_id(&item.message_id, &person, &item.at, raw)?;
    let mut event = out.inbound(message_id, inbound, out.at(item.at.get().and_then(time::any)), person);
    event.sender = super::business(item.to.get());
    event.quoted = super::id(item.context.own.get().or(item.context.whatsapp.get()));
    out.event(Event::Inbound(event));
    Ok(())
}
