//! What Meta's WhatsApp Cloud API sends to a callback URL: the signature, the envelope, statuses and messages.
//!
//! Only what the demo, the bench and the tests send; the worker has its own reader, which shares nothing with this.

use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::hex;

/// The value of `X-Hub-Signature-256`: HMAC-SHA256 of the raw body under the app secret.
#[must_use]
pub fn signature(secret: &str, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        // HMAC takes keys of any length.
        return String::new();
    };
    mac.update(body);
    format!("sha256={}", hex::encode(&mac.finalize().into_bytes()))
}

/// A status of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub message_id: String,
    /// `sent`, `delivered`, `read`, `played`, `failed`.
    pub status: String,
    /// Milliseconds; the wire has whole seconds.
    pub at_ms: i64,
    /// The recipient's number.
    pub contact: String,
    /// `biz_opaque_callback_data`, if the sender set it.
    pub reference: Option<String>,
    /// The billing category, if this status carries one.
    pub category: Option<String>,
    /// Code and title, on `failed`.
    pub error: Option<(u32, String)>,
}

impl Status {
    /// As it stands in `statuses`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut status = json!({
            "id": self.message_id,
            "status": self.status,
            "timestamp": seconds(self.at_ms),
            "recipient_id": self.contact,
        });
        let mut set = |name: &str, value: Option<Value>| {
            if let (Some(status), Some(value)) = (status.as_object_mut(), value) {
                status.insert(name.to_owned(), value);
            }
        };
        set("biz_opaque_callback_data", self.reference.as_ref().map(|reference| json!(reference)));
        set(
            "pricing",
            self.category
                .as_ref()
                .map(|category| json!({"billable": true, "pricing_model": "PMP", "type": "regular", "category": category})),
        );
        set("errors", self.error.as_ref().map(|(code, title)| json!([{"code": code, "title": title, "message": title}])));
        status
    }
}

/// A text from a person; `quoted` is the message that it answers by quoting.
#[must_use]
pub fn text(id: &str, contact: &str, at_ms: i64, words: &str, quoted: Option<&str>) -> Value {
    let mut message = json!({"from": contact, "id": id, "timestamp": seconds(at_ms), "type": "text", "text": {"body": words}});
    quote(&mut message, quoted);
    message
}

/// A press on a button of a template message.
#[must_use]
pub fn button(id: &str, contact: &str, at_ms: i64, label: &str, quoted: &str) -> Value {
    let mut message = json!({
        "from": contact, "id": id, "timestamp": seconds(at_ms), "type": "button", "button": {"payload": label, "text": label},
    });
    quote(&mut message, Some(quoted));
    message
}

fn quote(message: &mut Value, quoted: Option<&str>) {
    if let (Some(message), Some(quoted)) = (message.as_object_mut(), quoted) {
        message.insert("context".to_owned(), json!({"id": quoted}));
    }
}

/// One element of `changes`: what one business number (`sender`) has to tell.
#[must_use]
pub fn change(sender: &str, statuses: &[Value], messages: &[Value]) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "12025550199", "phone_number_id": sender},
    });
    if let Some(value) = value.as_object_mut() {
        for (name, items) in [("statuses", statuses), ("messages", messages)] {
            if !items.is_empty() {
                value.insert(name.to_owned(), json!(items));
            }
        }
    }
    json!({"field": "messages", "value": value})
}

/// The body of one callback: each entry is a list of changes.
#[must_use]
pub fn envelope(entries: &[Vec<Value>]) -> Vec<u8> {
    let entries: Vec<Value> = entries.iter().map(|changes| json!({"id": "100000000000001", "changes": changes})).collect();
    json!({"object": "whatsapp_business_account", "entry": entries}).to_string().into_bytes()
}

/// The body of a callback with one status, the commonest of all.
#[must_use]
pub fn one_status(sender: &str, status: &Status) -> Vec<u8> {
    envelope(&[vec![change(sender, &[status.to_json()], &[])]])
}

fn seconds(at_ms: i64) -> String {
    at_ms.div_euclid(1000).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published example of the same scheme (GitHub's webhooks).
    #[test]
    fn the_signature_is_the_published_one() {
        assert_eq!(
            signature("It's a Secret to Everybody", b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }
}
