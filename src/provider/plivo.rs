//! Plivo.
//!
//! Pages of plivo.com/docs: "Messaging: message status callbacks", "Receive messages", "Signature validation".
//!
//! Signed by `X-Plivo-Signature-V3`, one or several of base64 HMAC-SHA256 under the auth token, divided by commas: over the URL without
//! its query, the query sorted by name, the form parameters sorted by name, and the nonce, joined as Plivo's own library
//! does it (a `?` even without a query when there is a form; `.` between query and form). Where V3 is absent, V2 counts:
//! over the URL without its query and the nonce.
//!
//! Oddities: a form, or a query with `GET`; times without a zone, taken as UTC; which of the times belongs to `read` is not
//! documented (the report's is used).

use std::fmt::Write as _;

use super::signature::{self, HmacSha256};
use super::{Out, Request, Verdict, form, time};
use crate::event::{Event, Person, StatusKind};

const V3: &str = "x-plivo-signature-v3";
const V3_NONCE: &str = "x-plivo-signature-v3-nonce";
const V2: &str = "x-plivo-signature-v2";
const V2_NONCE: &str = "x-plivo-signature-v2-nonce";
pub const HEADERS: &[&str] = &[V3, V3_NONCE, V2, V2_NONCE];

pub fn verify(request: &Request, secrets: &[String]) -> Verdict {
    let url = request.url.split_once('#').map_or(request.url, |(url, _)| url);
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (header, text) = match (request.header(V3), request.header(V3_NONCE), request.header(V2), request.header(V2_NONCE)) {
        _ if request.body.len() > form::MAX_BYTES => return Verdict::Bad("longer than any form of Plivo"),
        (Some(header), Some(nonce), ..) => {
            let form: &[u8] = if request.method == "GET" { &[] } else { request.body };
            (header, format!("{base}{}.{nonce}", parameters(query, form)))
        }
        (None, _, Some(header), Some(nonce)) => (header, format!("{base}{nonce}")),
        _ => return Verdict::Bad("X-Plivo-Signature-V3 or its nonce is missing"),
    };
    // A few: more would be work for whoever sends them.
    let good = header
        .split(',')
        .take(8)
        .filter_map(|one| signature::from_base64(one.trim()))
        .any(|hash| signature::signed::<HmacSha256>(secrets, &[text.as_bytes()], &hash));
    if good { Verdict::Verified } else { Verdict::Bad("X-Plivo-Signature does not match; the URL must be the one set at Plivo") }
}

/// What is signed between the URL and the nonce.
fn parameters(query: &str, form: &[u8]) -> String {
    let mut text = String::new();
    let query = form::sorted(query.as_bytes());
    let form = form::sorted(form);
    if !query.is_empty() || !form.is_empty() {
        text.push('?');
    }
    for (i, (name, value)) in query.iter().enumerate() {
        let and = if i > 0 { "&" } else { "" };
        let _ = write!(text, "{and}{name}={value}");
    }
    if !query.is_empty() && !form.is_empty() {
        text.push('.');
    }
    for (name, value) in &form {
        let _ = write!(text, "{name}{value}");
    }
    text
}

/// A delivered status, for the test of a channel.
pub const SAMPLE: &str = "MessageUUID=$id&To=$to&Type=whatsapp&Status=delivered&DeliveryReportTime=$iso";

/// The headers under which [`verify`] finds the request good.
pub fn sign(request: &Request, secret: &str) -> Vec<(&'static str, String)> {
    let (base, query) = request.url.split_once('?').unwrap_or((request.url, ""));
    let nonce = "test";
    let text = format!("{base}{}.{nonce}", parameters(query, request.body));
    let hash = signature::sign::<HmacSha256>(secret, &[text.as_bytes()]);
    vec![(V3, signature::to_base64(&hash)), (V3_NONCE, nonce.to_owned())]
}

pub fn parse(request: &Request, body: &str, out: &mut Out) {
    let text = if request.method == "GET" { request.query } else { body };
    let names = ["MessageUUID", "To", "From", "Status", "ErrorCode", "ConversationOrigin", "ContentType", "Body"];
    let [message_id, to, from, status, code, category, content, body] = form::fields(text.as_bytes(), names);
    let names = ["MessageTime", "SentTime", "DeliveryReportTime", "Media0", "Media1", "Type"];
    let [message_time, sent_time, report_time, media0, media1, kind] = form::fields(text.as_bytes(), names);
    let at = |times: [&Option<_>; 3]| times.into_iter().flatten().find_map(|t: &std::borrow::Cow<str>| time::any(t));
    let Some(message_id) = super::id(message_id.as_deref()) else {
        return out.odd(String::new(), "no usable MessageUUID", text);
    };
    // Text messages of the same account call the same URL.
    if let Some(channel) = kind.filter(|channel| channel.eq_ignore_ascii_case("sms") || channel.eq_ignore_ascii_case("mms")) {
        return out.other(&channel, Some(message_id), Person::default(), None);
    }
    let Some(status) = status else {
        if [&content, &body, &media0, &media1].into_iter().all(Option::is_none) {
            return out.odd(String::new(), "neither a status nor a message", text);
        }
        let person = super::person(from.as_deref(), None);
        let inbound = super::inbound_word(content.as_deref().unwrap_or("text"));
        let at_ms = out.at(at([&message_time, &sent_time, &report_time]));
        let mut event = out.inbound(message_id, inbound, at_ms, person);
        event.sender = super::business(to.as_deref());
        return out.event(Event::Inbound(event));
    };
    let person = super::person(to.as_deref(), None);
    let status = status.to_ascii_lowercase();
    let kind = if status == "undelivered" { Some(StatusKind::Failed) } else { StatusKind::from_word(&status) };
    let at_ms = out.at(match kind {
        Some(StatusKind::Sent) => at([&sent_time, &message_time, &report_time]),
        _ => at([&report_time, &message_time, &sent_time]),
    });
    let Some(kind) = kind else {
        return out.other(&status, Some(message_id), person, at_ms);
    };
    let mut event = out.status(message_id, kind, at_ms, person);
    event.sender = super::business(from.as_deref());
    event.category = super::id(category.as_deref());
    if kind == StatusKind::Failed {
        event.error = super::error(code.as_deref(), None);
    }
    out.event(Event::Status(event));
}
