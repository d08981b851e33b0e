//! Stories told again: of other people of the same countries, and some days later.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::ops::Range;

use serde_json::{Value, json};

use crate::model::generate::{START_MS, written};
use crate::model::{DAY_MS, Received};

/// The same events, of those who stand `by` places behind these contacts.
pub fn of_others(received: &Received, contacts: Range<usize>, by: usize) -> Received {
    let mut event = received.event.clone();
    let person = &event["person"];
    let text = person["phone"].as_str().or(person["user_id"].as_str()).unwrap_or_default();
    for contact in contacts {
        if let Some(form) = written(contact).iter().position(|form| form == text) {
            let other = written(contact + by).remove(form);
            event["person"] = if person["phone"].is_null() { json!({ "user_id": other }) } else { json!({ "phone": other }) };
            break;
        }
    }
    Received { event, ..received.clone() }
}

/// The same stories some days later, with other messages, clicks and orders.
pub fn days_later(list: &[Received], days: i64) -> Vec<Received> {
    let shift = |received: &Received| {
        let mut event = received.event.clone();
        for (name, value) in event.as_object_mut().unwrap() {
            match value {
                Value::String(text) if ["message_id", "quoted", "click_id", "id"].contains(&name.as_str()) => text.push('~'),
                // What is beyond belief stays so.
                Value::Number(at) if name == "at_ms" && at.as_i64().unwrap() > START_MS - 100 * DAY_MS => {
                    *value = json!(at.as_i64().unwrap() + days * DAY_MS);
                }
                _ => {}
            }
        }
        Received { received_ms: received.received_ms + days * DAY_MS, event }
    };
    list.iter().map(shift).collect()
}
