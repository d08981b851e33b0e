//! Interakt.
//!
//! Page of interakt.shop's help: "Interakt's webhooks"; the signature by public receivers that agree.
//!
//! Signed by `Interakt-Signature: sha256=<hex HMAC-SHA256 of the raw body>`. It wants its 200 within three seconds and switches the
//! webhook off after five failures.
//!
//! Oddities: times have no zone and are UTC; each status has its own time field and `timestamp` is that of the notification;
//! `raw_template` is a text that holds JSON and carries the category; an inbound message has the status `Sent`; a click
//! keeps the status `Read` and is a link (`CTA`, in `event`, inside `data` or beside it) or a template's button (`QR`, in
//! `meta_data`): the second is a quick reply. A quick reply by click has no id of its own.

use super::json::{Text, lenient};
use super::signature::{self, HmacSha256};
use super::{Out, Request, Verdict, json, time};
use crate::event::{Event, InboundKind, Ms, Person, StatusKind};

pub const HEADERS: &[&str] = &["interakt-signature", "x-interakt-signature"];

pub fn verify(request: &Request, secrets: &[String]) -> Verdict {
    let Some(header) = HEADERS.iter().find_map(|name| request.header(name)) else {
        return Verdict::Bad("Interakt-Signature is missing");
    };
    match signature::from_hex(header.strip_prefix("sha256=").unwrap_or(header)) {
        Some(hash) if signature::signed::<HmacSha256>(secrets, &[request.body], &hash) => Verdict::Verified,
        _ => Verdict::Bad("Interakt-Signature does not match"),
    }
}

/// A delivered status, for the test of a channel.
pub const SAMPLE: &str = r#"{"version":"1.0","timestamp":"$iso","type":"message_api_delivered","data":{"customer":{"channel_phone_number":"$to"},"message":{"id":"$id","delivered_at_utc":"$iso"}}}"#;

/// The headers under which [`verify`] finds the request good.
pub fn sign(request: &Request, secret: &str) -> Vec<(&'static str, String)> {
    let hash = signature::to_hex(&signature::sign::<HmacSha256>(secret, &[request.body]));
    vec![("interakt-signature", format!("sha256={hash}"))]
}

lenient! {
    struct Callback<'a> {
        timestamp: Text<'a> = "timestamp",
        kind: Text<'a> = "type",
        data: Data<'a> = "data",
        event: Tap<'a> = "event",
    }
    struct Data<'a> {
        customer: Customer<'a> = "customer",
        message: Message<'a> = "message",
        event: Tap<'a> = "event",
    }
    struct Customer<'a> {
        whole: Text<'a> = "channel_phone_number",
        country: Text<'a> = "country_code",
        number: Text<'a> = "phone_number",
    }
    struct Message<'a> {
        id: Text<'a> = "id",
        received_at: Text<'a> = "received_at_utc",
        delivered_at: Text<'a> = "delivered_at_utc",
        seen_at: Text<'a> = "seen_at_utc",
        template: Text<'a> = "raw_template",
        reason: Text<'a> = "channel_failure_reason",
        code: Text<'a> = "channel_error_code",
        content: Text<'a> = "message_content_type",
        meta: Meta<'a> = "meta_data",
        context: Context<'a> = "message_context",
    }
    struct Meta<'a> {
        source: Source<'a> = "source_data",
        click: Text<'a> = "click_type",
        clicked_at: Text<'a> = "click_timestamp",
        button: Text<'a> = "button_text",
        payload: Payload<'a> = "button_payload",
    }
    struct Source<'a> {
        reference: Text<'a> = "callback_data",
    }
    struct Payload<'a> {
        inner: InnerPayload<'a> = "payload",
    }
    struct InnerPayload<'a> {
        text: Text<'a> = "text",
    }
    struct Context<'a> {
        id: Text<'a> = "id",
    }
    struct Tap<'a> {
        link: Text<'a> = "button_link",
        button: Text<'a> = "button_text",
        clicked_at: Text<'a> = "click_timestamp",
    }
    struct Template<'a> {
        category: Text<'a> = "category",
    }
}

pub fn parse(body: &str, out: &mut Out) {
    json::roots(body, out, |callback: Callback, _, out, _| read(&callback, out));
}

fn read(callback: &Callback, out: &mut Out) -> Result<(), &'static str> {
    let kind = callback.kind.get().ok_or("no type")?;
    let of_message = kind.strip_prefix("message_api_").or(kind.strip_prefix("message_campaign_"));
    match of_message {
        Some("clicked") => read_click(callback, out),
        Some(status) => read_status(callback, status, out),
        None if kind == "message_received" => read_message(callback, out),
        None => {
            let at_ms = callback.called(out);
            out.other(kind, super::id(callback.data.message.id.get()), Person::default(), at_ms);
            Ok(())
        }
    }
}

impl Callback<'_> {
    /// When the notification was made.
    fn called(&self, out: &Out) -> Option<Ms> {
        out.at(self.timestamp.get().and_then(time::iso))
    }

    fn person(&self) -> Person {
        let Customer { whole, country, number, .. } = &self.data.customer;
        // A number without its country would be another person's.
        let joined = country.get().zip(number.get()).map(|(country, number)| format!("{country}{number}"));
        super::person(whole.get().or(joined.as_deref()), None)
    }
}

fn read_status(callback: &Callback, status: &str, out: &mut Out) -> Result<(), &'static str> {
    let Message { id, received_at, delivered_at, seen_at, template, reason, code, meta, .. } = &callback.data.message;
    let message_id = super::id(id.get()).ok_or("no usable message id")?;
    let person = callback.person();
    let Some(kind) = StatusKind::from_word(status) else {
        let at_ms = callback.called(out);
        out.other(status, Some(message_id), person, at_ms);
        return Ok(());
    };
    let own = match kind {
        StatusKind::Sent => received_at,
        StatusKind::Delivered => delivered_at,
        StatusKind::Read | StatusKind::Played => seen_at,
        StatusKind::Failed => &callback.timestamp,
    };
    let at_ms = out.at(own.get().or(callback.timestamp.get()).and_then(time::iso));
    let mut event = out.status(message_id, kind, at_ms, person);
    event.reference = meta.source.reference.get().map(ToOwned::to_owned);
    let template = template.get().and_then(|text| json::object::<Template>(text).ok());
    event.category = template.and_then(|t| super::id(t.category.get()));
    if kind == StatusKind::Failed {
        event.error = super::error(code.get(), reason.get());
    }
    out.event(Event::Status(event));
    Ok(())
}

fn read_click(callback: &Callback, out: &mut Out) -> Result<(), &'static str> {
    let Message { id, meta, .. } = &callback.data.message;
    let message_id = super::id(id.get()).ok_or("no usable message id")?;
    let person = callback.person();
    if meta.click.get() == Some("QR") {
        let at = meta.clicked_at.get().or(callback.timestamp.get());
        let what = format!("{message_id}\0{}", meta.button.get().unwrap_or_default());
        let own_id = out.made_id(&person, at, &what);
        let mut event = out.inbound(own_id, InboundKind::QuickReply, out.at(at.and_then(time::iso)), person);
        event.quoted = Some(message_id);
        out.event(Event::Inbound(event));
        return Ok(());
    }
    let tap = if callback.data.event.object { &callback.data.event } else { &callback.event };
    let url = tap.link.get();
    let at = tap.clicked_at.get().or(callback.timestamp.get());
    let parts = ["interakt", &message_id, url.or(tap.button.get()).unwrap_or_default(), at.unwrap_or_default()];
    let click_id = signature::made_hash(&parts);
    let at_ms = out.at(at.and_then(time::iso));
    out.event(Event::Click(super::provider_click(click_id, Some(message_id), url, at_ms, person, out)));
    Ok(())
}

fn read_message(callback: &Callback, out: &mut Out) -> Result<(), &'static str> {
    let Message { id, received_at, content, meta, context, .. } = &callback.data.message;
    let message_id = super::id(id.get()).ok_or("no usable message id")?;
    let inbound = match content.get() {
        _ if meta.payload.inner.text.get().is_some() => InboundKind::QuickReply,
        // `Interactive`, `InteractiveButtonReply`, `InteractiveListReply`.
        Some(word) if word.starts_with("Interactive") => InboundKind::QuickReply,
        Some(word) => super::inbound_word(word),
        None => InboundKind::Message,
    };
    let at_ms = out.at(received_at.get().or(callback.timestamp.get()).and_then(time::iso));
    let mut event = out.inbound(message_id, inbound, at_ms, callback.person());
    event.quoted = super::id(context.id.get());
    out.event(Event::Inbound(event));
    Ok(())
}
