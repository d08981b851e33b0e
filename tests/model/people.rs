//! Who a person is: §1, "One person, one key", and the country of a key.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Received;

/// E.164 digits without `+`, in the one form under which a person is kept. `None` for what is no phone number.
pub fn canonical_phone(written: &str) -> Option<String> {
    // "`+`, spaces and `whatsapp:` go away."
    let written = written.trim();
    let written = written.strip_prefix("whatsapp:").unwrap_or(written);
    let digits: String = written.chars().filter(|c| !"+ -.()".contains(*c)).collect();
    if digits.len() < 4 || digits.len() > 15 || !digits.bytes().all(|b| b.is_ascii_digit()) || digits.starts_with('0') {
        return None;
    }
    // "Mexico 521→52 and Argentina 549→54 when ten digits follow"
    if digits.starts_with("521") && digits.len() == 13 {
        return Some(format!("52{}", &digits[3..]));
    }
    if digits.starts_with("549") && digits.len() == 13 {
        return Some(format!("54{}", &digits[3..]));
    }
    // "a Brazilian mobile without its ninth digit gets it": country, area of two, eight digits that begin with 6 to 9 [1]
    if digits.starts_with("55") && digits.len() == 12 && "6789".contains(&digits[4..5]) {
        return Some(format!("55{}9{}", &digits[2..4], &digits[4..]));
    }
    Some(digits)
}

/// The key of a phone number or a business-scoped user id, as somebody wrote it.
pub fn key(written: &str) -> Option<String> {
    canonical_phone(written).or_else(|| {
        let (country, rest) = written.split_once('.')?;
        (country.len() >= 2 && country.bytes().all(|b| b.is_ascii_alphabetic()) && !rest.is_empty()).then(|| written.to_owned())
    })
}

/// The person that an event's `person` names: the phone, else the user id, else nobody.
pub fn person(event: &Value) -> Option<String> {
    let person = event.get("person")?;
    let word = |field: &str| person.get(field).and_then(Value::as_str).and_then(key);
    word("phone").or_else(|| word("user_id"))
}

/// §3 Country: "the user id's prefix, else the calling code". The calling codes are those of the generator alone [2].
pub fn country(key: &str) -> Option<String> {
    if let Some((prefix, _)) = key.split_once('.') {
        return Some(prefix.to_owned());
    }
    let codes =
        [("1202", "US"), ("1416", "CA"), ("44", "GB"), ("49", "DE"), ("52", "MX"), ("54", "AR"), ("55", "BR"), ("91", "IN")];
    codes.iter().find(|(code, _)| key.starts_with(code)).map(|(_, country)| (*country).to_owned())
}

/// §1: "A (phone, user id) pair that stands in one provider item is itself an event: the person's key is the phone, and what was
/// counted under the user id moves to it, whatever came first. A user id belongs to the phone of its earliest pair by event time"
/// (ties: the smaller phone). The same events, as if everybody had written the phone; and conversions, as if they had written whom an
/// alias stands for (one step: what a pair moved is moved) [5].
pub fn with_pairs(received: &[Received], time: impl Fn(&Received) -> i64, aliases: &BTreeMap<String, String>) -> Vec<Received> {
    let mut pairs: BTreeMap<String, (i64, String)> = BTreeMap::new();
    for one in received {
        let of_provider = ["status", "inbound", "click", "opt_out"].iter().any(|kind| one.event["kind"] == *kind);
        let word = |field: &str| one.event.get("person")?.get(field)?.as_str();
        let pair = (word("phone").and_then(canonical_phone), word("user_id").and_then(key));
        if let (true, (Some(phone), Some(user_id))) = (of_provider, pair) {
            let earliest = pairs.entry(user_id).or_insert((i64::MAX, String::new()));
            *earliest = (time(one), phone).min(earliest.clone());
        }
    }
    let mut received = received.to_vec();
    for one in &mut received {
        let Some(written) = person(&one.event) else { continue };
        let paired = pairs.get(&written).map(|(_, phone)| phone);
        let buyer = paired.or_else(|| aliases.get(&written));
        if one.event["kind"] == "click" {
            one.event["buyer"] = json!(buyer);
        }
        let now = if one.event["kind"] == "conversion" { buyer } else { paired };
        if let Some(now) = now {
            one.event["person"] = json!({ "phone": now });
        }
    }
    received
}
