//! CleverTap's "Generic (Other)" WhatsApp format, which many other providers can send too.
//!
//! Page of docs.clevertap.com: "Generic WhatsApp", in two versions.
//!
//! It is not signed: the callback URL is the secret.
//!
//! Oddities: a status names no contact, only CleverTap's own `msgId` (`i|campaign|batch|…`); the case of the status varies; `clicked` is
//! a click on a link of the provider's, with the number `ts` for its time or with none, and with or without the tapper's `userAgent`;
//! an inbound message has no id of its own; the key of the version is spelled in three ways and not needed; error codes come as text
//! and as numbers.

use super::json::{Items, Text, each, lenient};
use super::{Out, json, signature, time};
use crate::click::{device, of_agent};
use crate::event::{Click, Event, InboundKind, Person, StatusKind};

/// A delivered status, for the test of a channel.
pub const SAMPLE: &str = r#"{"payloadVersion":"0.1","statuses":[{"msgId":"$id","status":"delivered","timestamp":"$s"}]}"#;

lenient! {
    struct Callback<'a> {
        statuses: Items<'a> = "statuses",
        from: Text<'a> = "from",
        business: Text<'a> = "wabaNumber",
        timestamp: Text<'a> = "timestamp",
        kind: Text<'a> = "type",
        context: Context<'a> = "context",
        button: Button<'a> = "button",
    }
    struct Context<'a> {
        id: Text<'a> = "id",
    }
    struct Button<'a> {
        text: Text<'a> = "text" | "payload",
    }
    struct Item<'a> {
        message_id: Text<'a> = "msgId" | "msg_id",
        status: Text<'a> = "status",
        timestamp: Text<'a> = "timestamp" | "ts",
        error: Fault<'a> = "error",
        url: Text<'a> = "url",
        short_url: Text<'a> = "shortUrl",
        user_agent: Text<'a> = "userAgent",
    }
    struct Fault<'a> {
        code: Text<'a> = "code",
        title: Text<'a> = "title",
    }
}

pub fn parse(body: &str, out: &mut Out) {
    json::roots(body, out, |callback: Callback, raw, out, at| {
        if callback.statuses.present || callback.statuses.wrong {
            each(&callback.statuses, &format!("{at}/statuses"), out, |item: Item, _, out, _| read_status(&item, out))
        } else {
            read_message(&callback, raw, out)
        }
    });
}

fn read_status(item: &Item, out: &mut Out) -> Result<(), &'static str> {
    let message_id = super::id(item.message_id.get()).ok_or("no usable msgId")?;
    let status = item.status.get().ok_or("no status")?.to_ascii_lowercase();
    let at_ms = out.at(item.timestamp.get().and_then(time::any));
    if status == "clicked" {
        out.event(Event::Click(click(item, message_id, at_ms, out)));
        return Ok(());
    }
    let Some(kind) = StatusKind::from_word(&status) else {
        out.other(&status, Some(message_id), Person::default(), at_ms);
        return Ok(());
    };
    let mut event = out.status(message_id, kind, at_ms, Person::default());
    if kind == StatusKind::Failed {
        event.error = super::error(item.error.code.get(), item.error.title.get());
    }
    out.event(Event::Status(event));
    Ok(())
}

/// A click has no id: message, link and time make it this one.
fn click(item: &Item, message_id: String, at_ms: Option<i64>, out: &Out) -> Click {
    let url = item.url.get().or(item.short_url.get());
    let parts = ["clevertap", &message_id, url.unwrap_or_default(), item.timestamp.get().unwrap_or_default()];
    let mut click = super::provider_click(signature::made_hash(&parts), Some(message_id), url, at_ms, Person::default(), out);
    // The provider may leave it out: that tells nothing of who tapped.
    if let Some(agent) = item.user_agent.get().filter(|agent| !agent.trim().is_empty()) {
        click.machine = of_agent(Some(agent)).map(|reason| reason.as_str().to_owned());
        click.device = Some(device(Some(agent)).as_str().to_owned());
    }
    click
}

fn read_message(callback: &Callback, raw: &str, out: &mut Out) -> Result<(), &'static str> {
    let kind = callback.kind.get().ok_or("neither statuses nor a message")?;
    let person = super::person(callback.from.get(), None);
    let inbound = if callback.button.text.get().is_some() { InboundKind::QuickReply } else { super::inbound_word(kind) };
    let message_id = out.made_id(&person, callback.timestamp.get(), raw);
    let at_ms = out.at(callback.timestamp.get().and_then(time::any));
    let mut event = out.inbound(message_id, inbound, at_ms, person);
    event.sender = super::business(callback.business.get());
    event.quoted = super::id(callback.context.id.get());
    out.event(Event::Inbound(event));
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::event::Event;
    use crate::provider::{Provider, Request};

    fn check(agent: Option<&str>, machine: Option<&str>, device: Option<&str>) {
        let body = json!({"statuses": [{"msgId": "1|2|3|4", "status": "clicked", "userAgent": agent}]}).to_string();
        let request = Request { headers: &[], method: "POST", url: "", query: "", body: body.as_bytes() };
        let events = Provider::CleverTap.parse(&request, "main", None, 0).events;
        let [Event::Click(click)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((click.machine.as_deref(), click.device.as_deref()), (machine, device), "{agent:?}");
    }

    #[test]
    fn a_click_is_whose_its_user_agent_says() {
        let phone = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36";
        check(Some(phone), None, Some("mobile"));
        check(Some("WhatsApp/2.23.20.0"), Some("link_preview"), Some("other"));
        check(Some("curl/8.5.0"), Some("crawler"), Some("other"));
        for nothing in [None, Some(""), Some(" ")] {
            check(nothing, None, None);
        }
    }
}
