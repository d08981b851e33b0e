//! Vonage Messages API (v1), channel WhatsApp.
//!
//! Pages of developer.vonage.com: "Messages API", "Webhooks", "Signed webhooks", "WhatsApp status callbacks".
//!
//! Signed by a JWT in `Authorization: Bearer`: HS256 under the account's signature secret; its claim `payload_hash` is the hex
//! SHA-256 of the raw body and is checked where it stands. Its age is not: a repeat changes nothing. Any 2xx is good, anything
//! else a retry.
//!
//! Oddities: `submitted` is the word for sent, `rejected` and `undeliverable` for failed; an error's code is its `title`, as text or
//! number, and some fixtures nest the error twice; statuses that did not fail may carry an error. Other channels of the
//! same application call the same URL.

use super::json::{Text, lenient};
use super::{Out, Pricing, Request, Verdict, json, signature, time};
use crate::event::{ErrorInfo, Event, InboundKind, Ms, Person, StatusKind};

pub const HEADERS: &[&str] = &["authorization"];

/// A delivered status, for the test of a channel.
pub const SAMPLE: &str = r#"{"message_uuid":"$id","to":"$to","timestamp":"$iso","status":"delivered","channel":"whatsapp"}"#;

/// The headers under which [`verify`] finds the request good.
pub fn sign(request: &Request, secret: &str) -> Vec<(&'static str, String)> {
    let claims = format!(r#"{{"payload_hash":"{}"}}"#, signature::sha256_hex(request.body));
    vec![("authorization", format!("Bearer {}", signature::jwt(&claims, secret)))]
}

lenient! {
    struct Claims<'a> {
        payload_hash: Text<'a> = "payload_hash",
        expires: Text<'a> = "exp",
    }
    struct Callback<'a> {
        channel: Text<'a> = "channel",
        message_id: Text<'a> = "message_uuid",
        to: Text<'a> = "to",
        from: Text<'a> = "from",
        timestamp: Text<'a> = "timestamp",
        status: Text<'a> = "status",
        reference: Text<'a> = "client_ref",
        error: Fault<'a> = "error",
        whatsapp: Details<'a> = "whatsapp",
        kind: Text<'a> = "message_type",
        button: Button<'a> = "button",
        context: Context<'a> = "context",
        reaction: Reaction<'a> = "reaction",
    }
    struct Fault<'a> {
        link: Text<'a> = "type",
        title: Text<'a> = "title",
        detail: Text<'a> = "detail",
        inner: InnerFault<'a> = "error",
    }
    struct InnerFault<'a> {
        link: Text<'a> = "type",
        title: Text<'a> = "title",
        detail: Text<'a> = "detail",
    }
    struct Details<'a> {
        recipient: Party<'a> = "recipient",
        sender: Party<'a> = "sender",
        pricing: Pricing<'a> = "pricing",
        conversation: Conversation<'a> = "conversation",
    }
    struct Party<'a> {
        wa_id: Text<'a> = "wa_id",
        user_id: Text<'a> = "user_id",
    }
    struct Button<'a> {
        kind: Text<'a> = "subtype",
    }
    struct Conversation<'a> {
        origin: Origin<'a> = "origin",
    }
    struct Origin<'a> {
        kind: Text<'a> = "type",
    }
    struct Context<'a> {
        message_id: Text<'a> = "message_uuid",
    }
    struct Reaction<'a> {
        action: Text<'a> = "action",
        emoji: Text<'a> = "emoji",
    }
}

pub fn verify(request: &Request, secrets: &[String], now_ms: Ms) -> Verdict {
    let Some(header) = request.header("authorization") else {
        return Verdict::Bad("Authorization is missing");
    };
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Verdict::Bad("Authorization is not Bearer"),
    };
    let Some(claims) = signature::jwt_claims(token, secrets) else {
        return Verdict::Bad("the token is not signed with HS256 and this secret");
    };
    let Ok(claims) = json::object::<Claims>(&claims) else {
        return Verdict::Bad("the token's claims cannot be read");
    };
    // A minute for clocks that differ.
    if claims.expires.get().and_then(time::epoch).is_some_and(|at| at.saturating_add(60_000) < now_ms) {
        return Verdict::Bad("the token has expired");
    }
    match claims.payload_hash.get() {
        Some(hash) if !signature::equal(hash.to_ascii_lowercase().as_bytes(), signature::sha256_hex(request.body).as_bytes()) => {
            Verdict::Bad("the body is not the one that payload_hash names")
        }
        _ => Verdict::Verified,
    }
}

pub fn parse(body: &str, out: &mut Out) {
    json::roots(body, out, |callback: Callback, raw, out, _| read(&callback, raw, out));
}

fn read(callback: &Callback, raw: &str, out: &mut Out) -> Result<(), &'static str> {
    if let Some(channel) = callback.channel.get().filter(|c| *c != "whatsapp") {
        out.other(channel, super::id(callback.message_id.get()), Person::default(), None);
        return Ok(());
    }
    match (callback.status.get(), callback.kind.get()) {
        (Some(status), _) => read_status(callback, status, out),
        (None, Some(kind)) => read_message(callback, kind, raw, out),
        (None, None) => Err("neither a status nor a message"),
    }
}

fn read_status(callback: &Callback, status: &str, out: &mut Out) -> Result<(), &'static str> {
    let message_id = super::id(callback.message_id.get()).ok_or("no usable message_uuid")?;
    let Details { recipient, pricing, conversation, .. } = &callback.whatsapp;
    let person = super::person(callback.to.get().or(recipient.wa_id.get()), recipient.user_id.get());
    let at_ms = out.at(callback.timestamp.get().and_then(time::iso));
    let kind = match status {
        "submitted" => StatusKind::Sent,
        "delivered" => StatusKind::Delivered,
        "read" => StatusKind::Read,
        "rejected" | "undeliverable" => StatusKind::Failed,
        _ => {
            out.other(status, Some(message_id), person, at_ms);
            return Ok(());
        }
    };
    let mut event = out.status(message_id, kind, at_ms, person);
    event.sender = super::business(callback.from.get());
    event.reference = callback.reference.get().map(ToOwned::to_owned);
    event.category = super::id(pricing.category.get().or(conversation.origin.kind.get()));
    event.billable = pricing.billable();
    if kind == StatusKind::Failed {
        event.error = callback.error.info();
    }
    out.event(Event::Status(event));
    Ok(())
}

impl Fault<'_> {
    fn info(&self) -> Option<ErrorInfo> {
        let Self { link, title, detail, inner, .. } = self;
        fault(link, title, detail).or_else(|| fault(&inner.link, &inner.title, &inner.detail))
    }
}

/// The code is the title if that is a number, else what follows the `#` of the link, else the title as it is.
fn fault(link: &Text, title: &Text, detail: &Text) -> Option<ErrorInfo> {
    let is_number = |text: &&str| text.bytes().all(|b| b.is_ascii_digit());
    let anchor = link.get().and_then(|l| l.rsplit_once('#')).map(|(_, code)| code);
    let code = title.get().filter(is_number).or(anchor.filter(is_number)).or(title.get());
    super::error(code, detail.get().or(title.get()))
}

fn read_message(callback: &Callback, kind: &str, raw: &str, out: &mut Out) -> Result<(), &'static str> {
    let sender = &callback.whatsapp.sender;
    let person = super::person(callback.from.get().or(sender.wa_id.get()), sender.user_id.get());
    let inbound = match kind {
        "reply" => InboundKind::QuickReply,
        // A form that was filled in.
        "button" if callback.button.kind.get() == Some("flow") => InboundKind::Message,
        "reaction" => {
            let Reaction { action, emoji, .. } = &callback.reaction;
            InboundKind::Reaction { removed: action.get() == Some("unreact") || emoji.get().is_none() }
        }
        kind => super::inbound_word(kind),
    };
    let message_id = out.given_or_made_id(&callback.message_id, &person, &callback.timestamp, raw)?;
    let mut event = out.inbound(message_id, inbound, out.at(callback.timestamp.get().and_then(time::iso)), person);
    event.sender = super::business(callback.to.get());
    event.quoted = super::id(callback.context.message_id.get());
    out.event(Event::Inbound(event));
    Ok(())
}
