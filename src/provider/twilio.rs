//! Twilio Programmable Messaging for WhatsApp.
//!
//! Pages of twilio.com/docs: "Twilio's request to your webhook URL", "Security", "Track the message status", the error dictionary.
//!
//! Signed by `X-Twilio-Signature`: base64 of the HMAC-SHA1, under the account's Auth Token, of the URL that Twilio called followed by
//! every form parameter, sorted by name, as name and value with nothing between. For JSON bodies the URL alone is signed and
//! carries `bodySHA256`. Like Twilio's own libraries this accepts the URL without its port, with the standard port, and each with
//! an apostrophe of the query as `%27`. Any 2xx answer is good; an empty one sends no reply to the person.
//!
//! Oddities: no callback has a time, a category, a price or an opaque reference; the reference is the parameter `ref` of the callback
//! URL, which the signature covers. `MessageStatus` alone tells a status from an inbound message. `From` may hold
//! `whatsapp:` and a user id. A messaging service calls the same URL for its other channels (`rcs:`, `messenger:`): these are others.

use std::borrow::Cow;

use super::signature::{self, HmacSha1};
use super::{Out, Request, Verdict, form};
use crate::event::{Event, InboundKind, Person, StatusKind};

pub const HEADERS: &[&str] = &["x-twilio-signature"];

pub fn verify(request: &Request, secrets: &[String]) -> Verdict {
    let Some(header) = request.header("x-twilio-signature") else {
        return Verdict::Bad("X-Twilio-Signature is missing");
    };
    let Some(expected) = signature::from_base64(header) else {
        return Verdict::Bad("X-Twilio-Signature is not base64");
    };
    if request.body.len() > form::MAX_BYTES {
        return Verdict::Bad("longer than any form of Twilio");
    }
    let mut parameters = Vec::new();
    if let Some(hash) = form::field(request.query.as_bytes(), "bodySHA256") {
        if !signature::equal(signature::sha256_hex(request.body).as_bytes(), hash.to_ascii_lowercase().as_bytes()) {
            return Verdict::Bad("the body is not the one that bodySHA256 names");
        }
    } else if request.method != "GET" {
        parameters = form::sorted(request.body);
        parameters.dedup();
    }
    let text: String = parameters.iter().flat_map(|(name, value)| [name.as_ref(), value.as_ref()]).collect();
    let good =
        urls(request.url).iter().any(|url| signature::signed::<HmacSha1>(secrets, &[url.as_bytes(), text.as_bytes()], &expected));
    if good {
        Verdict::Verified
    } else {
        Verdict::Bad("X-Twilio-Signature does not match; the URL must be the one set at Twilio")
    }
}

/// The spellings of the URL that may have been signed.
fn urls(url: &str) -> Vec<String> {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let Some((scheme, rest)) = url.split_once("://") else {
        return vec![url.to_owned()];
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(user, host)| (user, host));
    let at = if user.is_empty() { "" } else { "@" };
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => (name, port),
        _ => (host, if scheme == "http" { "80" } else { "443" }),
    };
    let mut all = vec![format!("{scheme}://{user}{at}{name}{path}"), format!("{scheme}://{user}{at}{name}:{port}{path}")];
    let legacy = path.split_once('?').filter(|(_, query)| query.contains('\''));
    if let Some((path, query)) = legacy {
        let query = query.replace('\'', "%27");
        all.push(format!("{scheme}://{user}{at}{name}{path}?{query}"));
        all.push(format!("{scheme}://{user}{at}{name}:{port}{path}?{query}"));
    }
    all
}

/// A delivered status, for the test of a channel.
pub const SAMPLE: &str = "MessageSid=$id&MessageStatus=delivered&To=whatsapp%3A%2B$to&From=whatsapp%3A%2B$to";

/// The headers under which [`verify`] finds the request good.
pub fn sign(request: &Request, secret: &str) -> Vec<(&'static str, String)> {
    let parameters = form::sorted(request.body);
    let text: String = parameters.iter().flat_map(|(name, value)| [name.as_ref(), value.as_ref()]).collect();
    let hash = signature::sign::<HmacSha1>(secret, &[request.url.as_bytes(), text.as_bytes()]);
    vec![("x-twilio-signature", signature::to_base64(&hash))]
}

pub fn parse(request: &Request, body: &str, out: &mut Out) {
    let text = if request.method == "GET" { request.query } else { body };
    let names = [
        "MessageSid",
        "SmsSid",
        "MessageStatus",
        "To",
        "From",
        "ErrorCode",
        "ErrorMessage",
        "ChannelStatusMessage",
        "ChannelPrefix",
    ];
    let values = form::fields(text.as_bytes(), names);
    let [message_sid, sms_sid, status, to, from, code, message, channel_message, prefix] = &values;
    let sid = message_sid.as_deref().or(sms_sid.as_deref());
    let Some(message_id) = super::id(sid) else {
        return out.odd(String::new(), "no usable MessageSid", text);
    };
    // An address without a scheme is that of an SMS.
    let schemes = [to, from].into_iter().flatten().map(|address| address.split_once(':').map_or("sms", |(scheme, _)| scheme));
    let channels = prefix.as_deref().map_or_else(|| schemes.collect(), |prefix| vec![prefix]);
    if let Some(channel) = channels.into_iter().find(|channel| *channel != "whatsapp") {
        return out.other(channel, Some(message_id), Person::default(), None);
    }
    let Some(status) = status else {
        return read_inbound(text, message_id, from.as_deref(), to.as_deref(), out);
    };
    let person = super::person(to.as_deref(), None);
    let kind = match status.as_ref() {
        "sent" => StatusKind::Sent,
        "delivered" => StatusKind::Delivered,
        "read" => StatusKind::Read,
        "failed" | "undelivered" => StatusKind::Failed,
        _ => return out.other(status, Some(message_id), person, None),
    };
    let mut event = out.status(message_id, kind, None, person);
    event.sender = super::business(from.as_deref());
    event.reference = form::field(request.query.as_bytes(), "ref").map(Cow::into_owned);
    if kind == StatusKind::Failed {
        event.error = super::error(code.as_deref(), message.as_deref().or(channel_message.as_deref()));
    }
    out.event(Event::Status(event));
}

fn read_inbound(text: &str, message_id: String, from: Option<&str>, to: Option<&str>, out: &mut Out) {
    let names = ["WaId", "ExternalUserId", "OriginalRepliedMessageSid", "MessageType", "Body", "NumMedia", "Latitude"];
    let [wa_id, user_id, quoted, kind, body, media, latitude] = form::fields(text.as_bytes(), names);
    let chosen = form::fields(text.as_bytes(), ["ButtonText", "ButtonPayload", "ListTitle", "ListId"]);
    let mut person = super::person(from, user_id.as_deref());
    if person.phone.is_none() {
        person.phone = super::person(wa_id.as_deref(), None).phone;
    }
    let inbound = match kind.as_deref() {
        _ if chosen.iter().any(Option::is_some) => InboundKind::QuickReply,
        Some("unsupported") => InboundKind::Other,
        // A flow's answer comes as `interactive`; it is a reply, and no more is known.
        Some(_) => InboundKind::Message,
        None if [body, media, latitude].iter().any(Option::is_some) => InboundKind::Message,
        None => {
            return out.odd(String::new(), "neither a status nor a message", text);
        }
    };
    let mut event = out.inbound(message_id, inbound, None, person);
    event.sender = super::business(to);
    event.quoted = super::id(quoted.as_deref());
    out.event(Event::Inbound(event));
}
