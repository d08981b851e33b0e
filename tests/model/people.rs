//! Who a person is: §1, "One person, one key", and the country of a key.

use serde_json::Value;

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
