//! WATI.
//!
//! Pages of docs.wati.io: the webhook events of the API reference; the retries by its support pages.
//!
//! It does not sign. It wants 200 and retries up to 144 times; a retry may hold several events, so a list is taken as well.
//!
//! Oddities: each event comes twice if both versions are on, as `sentMessageDELIVERED` and as `sentMessageDELIVERED_v2`; only the second
//! has `localMessageId`, both have `whatsappMessageId`, which is the identity. The case of names varies. Most statuses name no
//! contact. `ctaUrlClicked` is a click on a link button, tracked by WATI. `sentMessageREPLIED` says that an answer came; the answer itself comes as `message`. The time is `timestamp` (text,
//! seconds) or `created` (ISO, seven fraction digits).

use serde_json::value::RawValue;

use super::json::{Text, lenient};
use super::{Out, json, signature, time};
use crate::event::{Event, InboundKind, StatusKind};

/// A delivered status, for the test of a channel.
pub const SAMPLE: &str = r#"{"eventType":"sentMessageDELIVERED_v2","statusString":"Delivered","whatsappMessageId":"$id","waId":"$to","timestamp":"$s"}"#;

lenient! {
    struct Callback<'a> {
        kind: Text<'a> = "eventType",
        whatsapp_id: Text<'a> = "whatsappMessageId",
        local_id: Text<'a> = "localMessageId",
        id: Text<'a> = "id",
        timestamp: Text<'a> = "timestamp",
        created: Text<'a> = "created",
        contact: Text<'a> = "waId",
        user: Text<'a> = "bsuid",
        url: Text<'a> = "buttonUrl",
        business: Text<'a> = "channelPhoneNumber",
        owner: Text<'a> = "owner",
        content: Text<'a> = "type",
        text: Text<'a> = "text",
        quoted: Text<'a> = "replyContextId",
        code: Text<'a> = "failedCode",
        detail: Text<'a> = "failedDetail",
        button: Option<&'a RawValue> = "buttonReply" | "listReply" | "interactiveButtonReply",
    }
}

pub fn parse(body: &str, out: &mut Out) {
    json::roots(body, out, |callback: Callback, raw, out, _| read(&callback, raw, out));
}

fn read(callback: &Callback, raw: &str, out: &mut Out) -> Result<(), &'static str> {
    let kind = callback.kind.get().ok_or("no eventType")?.to_ascii_lowercase();
    let kind = kind.strip_suffix("_v2").unwrap_or(&kind);
    let person = super::person(callback.contact.get(), callback.user.get());
    let own = callback.timestamp.get().and_then(time::any);
    let at_ms = out.at(own).or(out.at(callback.created.get().and_then(time::iso)));
    let given = [&callback.whatsapp_id, &callback.local_id, &callback.id].into_iter().find_map(Text::get);
    let status = match kind {
        "templatemessagesent" | "sessionmessagesent" => StatusKind::Sent,
        "sentmessagedelivered" => StatusKind::Delivered,
        "sentmessageread" => StatusKind::Read,
        "templatemessagefailed" | "sentmessagefailed" | "sessionmessagefailed" => StatusKind::Failed,
        "message" | "messagereceived" | "newcontactmessagereceived" if callback.owner.get() != Some("true") => {
            let inbound = callback.inbound();
            let time = callback.timestamp.get().or(callback.created.get());
            let message_id = match given {
                Some(id) => super::id(Some(id)).ok_or("no usable message id")?,
                None => out.made_id(&person, time, raw),
            };
            let mut event = out.inbound(message_id, inbound, at_ms, person);
            event.sender = super::business(callback.business.get());
            event.quoted = super::id(callback.quoted.get());
            out.event(Event::Inbound(event));
            return Ok(());
        }
        "ctaurlclicked" => {
            let message_id = super::id(given).ok_or("no usable message id")?;
            let at = callback.timestamp.get().or(callback.created.get());
            let parts = ["wati", &message_id, callback.url.get().unwrap_or_default(), at.unwrap_or_default()];
            let click_id = signature::made_hash(&parts);
            let click = super::provider_click(click_id, Some(message_id), callback.url.get(), at_ms, person, out);
            out.event(Event::Click(click));
            return Ok(());
        }
        _ => {
            out.other(callback.kind.get().unwrap_or_default(), super::id(given), person, at_ms);
            return Ok(());
        }
    };
    let mut event = out.status(super::id(given).ok_or("no usable message id")?, status, at_ms, person);
    event.sender = super::business(callback.business.get());
    if status == StatusKind::Failed {
        event.error = super::error(callback.code.get(), callback.detail.get());
    }
    out.event(Event::Status(event));
    Ok(())
}

impl Callback<'_> {
    fn inbound(&self) -> InboundKind {
        match self.content.get() {
            _ if self.button.is_some() => InboundKind::QuickReply,
            Some("interactive") => InboundKind::QuickReply,
            // The emoji stands in the text, going by the other types; none is a reaction taken back.
            Some("reaction") => InboundKind::Reaction { removed: self.text.get().is_none() },
            Some(word) => super::inbound_word(word),
            None => InboundKind::Message,
        }
    }
}
