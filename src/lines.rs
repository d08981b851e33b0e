//! Lists of lines that senders and shops post: dispatches and conversions, as JSON or NDJSON. A bad line never spoils the good
//! ones.
//!
//! It makes events of them and knows nothing of channels' providers, Ledgers or counting.

use serde_json::{Value, json};

use crate::body::Fields;
use crate::bounds::{BODY_LINES, TEXT_BYTES};
use crate::click_id::ClickId;
use crate::contact::{Handle, canonical_key, canonical_phone};
use crate::event::{Conversion, Dispatch, ErrorInfo, Outcome, Person, Price};
use crate::json;
use crate::money::{Amount, Currency};
use crate::problem::{FieldError, Problem};
use crate::provider::business;

/// A line that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its place among the lines, from 0; empty lines do not count.
    pub index: usize,
    pub errors: Vec<FieldError>,
}

/// The lines of a body: what `list` holds in a JSON object, or NDJSON. A line that is no JSON is an error in its place.
///
/// # Errors
/// 400 if it is neither; 413 beyond [`BODY_LINES`].
pub fn lines(body: &[u8], content_type: &str, list: &'static str) -> Result<Vec<Option<Value>>, Problem> {
    let too_many = || Problem::too_large(format!("The body has more than {BODY_LINES} lines."));
    let neither = || Problem::bad(format!("The body is neither a JSON object with {list} nor NDJSON."));
    let says = |kind: &str| content_type.to_ascii_lowercase().contains(kind);
    if !says("ndjson") {
        match json::value(body) {
            Some(whole) if whole.get(list).is_some() || says("json") => {
                let mut fields = Fields::of(&whole, "");
                let lines = fields.value(list).cloned();
                let lines = fields.required(list, lines);
                if lines.as_ref().is_some_and(|lines| !lines.is_array()) {
                    fields.wrong(list, "must be a list");
                }
                fields.done()?;
                let Some(Value::Array(lines)) = lines else { return Err(neither()) };
                if lines.len() > BODY_LINES {
                    return Err(too_many());
                }
                return Ok(lines.into_iter().map(Some).collect());
            }
            None if says("json") => return Err(Problem::bad("The body is not JSON.")),
            _ => {}
        }
    }
    let mut lines = Vec::new();
    for line in body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        if lines.len() == BODY_LINES {
            return Err(too_many());
        }
        lines.push(json::value(line));
    }
    // Without a type that says NDJSON, a body of which no line is JSON is something else.
    if !says("ndjson") && lines.iter().all(Option::is_none) {
        return Err(neither());
    }
    Ok(lines)
}

/// The answer to a list of lines.
#[must_use]
pub fn answer(accepted: usize, rejected: &[Rejected]) -> Value {
    let rejected: Vec<Value> = rejected.iter().map(|line| json!({ "index": line.index, "errors": line.errors })).collect();
    json!({ "accepted": accepted, "rejected": rejected })
}

/// A dispatch of `campaign`, with the canonical key of its contact. `only_channel` is the channel meant by a line that names
/// none, if just one exists.
///
/// # Errors
/// Everything that is wrong with the line.
pub fn dispatch(line: Option<&Value>, campaign: &str, only_channel: Option<&str>) -> Result<(String, Dispatch), Vec<FieldError>> {
    let line = line.ok_or_else(no_json)?;
    let mut fields = Fields::of(line, "");
    let outcome = fields.choice("outcome", &["accepted", "error", "skipped", "control"]);
    let outcome = fields.required("outcome", outcome);
    let contact = person_key(&mut fields, "contact");
    let contact = fields.required("contact", contact);
    let wa_id = person_key(&mut fields, "wa_id");
    let step = fields.step().to_owned();
    let channel = fields.operator_id("channel").or(only_channel).map(str::to_owned);
    let message_id = fields.foreign_id("message_id").map(str::to_owned);
    let attempt = fields.operator_id("attempt").map(str::to_owned);
    if outcome == Some(Outcome::Accepted) {
        fields.required("message_id", message_id.as_ref());
        if channel.is_none() && fields.value("channel").is_none() {
            fields.wrong("channel", "is missing: there is not just one channel");
        }
    }
    if outcome == Some(Outcome::Error) {
        fields.required("attempt", attempt.as_ref());
    }
    let mut text = |name: &'static str| fields.text(name, TEXT_BYTES).map(str::to_owned);
    let (category, template, reason) = (text("category"), text("template"), text("reason"));
    let (group, sender, country) = (text("group"), text("sender"), text("country"));
    if country.as_ref().is_some_and(|c| c.len() != 2 || !c.bytes().all(|b| b.is_ascii_alphabetic())) {
        fields.wrong("country", "must be two letters (ISO 3166)");
    }
    let cost = fields.inside("cost").and_then(|mut inside| {
        let price = price(&mut inside, "amount");
        fields.absorb(inside);
        price
    });
    let error = fields.inside("error").and_then(|mut inside| {
        let code = code(&mut inside);
        let code = inside.required("code", code);
        let title = inside.text("title", TEXT_BYTES * 4).unwrap_or_default().to_owned();
        fields.absorb(inside);
        code.map(|code| ErrorInfo { code, title })
    });
    let at_ms = fields.time("at");
    fields.errors()?;
    let (Some(outcome), Some(contact)) = (outcome, contact) else { return Err(Vec::new()) };
    // Another number is the person's key; a user id is none beside a number.
    let key = wa_id.as_ref().filter(|id| canonical_phone(id).is_some()).unwrap_or(&contact).clone();
    let dispatch = Dispatch {
        campaign: campaign.to_owned(),
        step,
        outcome,
        person: person(contact),
        wa_id,
        channel,
        message_id,
        attempt,
        at_ms,
        sender: business(sender.as_deref()),
        category,
        template,
        country: country.map(|country| country.to_ascii_uppercase()),
        cost,
        error,
        reason,
        group,
    };
    Ok((key, dispatch))
}

/// A conversion, with the canonical key of its contact or the handle that its click id names.
///
/// # Errors
/// Everything that is wrong with the line.
pub fn conversion(line: Option<&Value>) -> Result<(Whose, Conversion), Vec<FieldError>> {
    let line = line.ok_or_else(no_json)?;
    let mut fields = Fields::of(line, "");
    let id = fields.foreign_id("id").map(str::to_owned);
    let id = fields.required("id", id);
    let goal = fields.operator_id("goal").unwrap_or_default().to_owned();
    let contact = person_key(&mut fields, "contact");
    let click_id = fields.foreign_id("click_id").map(str::to_owned);
    let handle = click_id.as_deref().and_then(ClickId::handle_in);
    if click_id.is_some() && handle.is_none() {
        fields.wrong("click_id", "is none that this deployment made");
    }
    let cancelled = fields.flag("cancelled").unwrap_or_default();
    if fields.value("contact").is_none() && fields.value("click_id").is_none() && !cancelled {
        fields.wrong("contact", "is missing, and so is click_id: one of them is needed");
    }
    let value = fields.value("value").or(fields.value("currency")).and_then(|_| price(&mut fields, "value"));
    let at_ms = fields.time("at");
    fields.errors()?;
    let whose = match (&contact, handle) {
        (Some(key), _) => Whose::Key(key.clone()),
        (None, Some(handle)) => Whose::Handle(handle),
        (None, None) => Whose::Nobody,
    };
    let conversion = Conversion {
        id: id.unwrap_or_default(),
        goal,
        person: contact.map(person).unwrap_or_default(),
        click_id,
        value,
        at_ms,
        cancelled,
    };
    Ok((whose, conversion))
}

/// Whom an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A person's canonical key.
    Key(String),
    /// What stands for a person outside.
    Handle(Handle),
    /// It names nobody: a withdrawal, which holds for whoever has it.
    Nobody,
}

/// The event's person as a canonical key tells it.
#[must_use]
pub fn person(key: String) -> Person {
    if canonical_phone(&key).is_some() {
        Person { phone: Some(key), user_id: None }
    } else {
        Person { phone: None, user_id: Some(key) }
    }
}

fn no_json() -> Vec<FieldError> {
    vec![FieldError { pointer: String::new(), detail: "is not JSON".to_owned() }]
}

fn person_key(fields: &mut Fields<'_>, name: &'static str) -> Option<String> {
    let text = fields.text(name, TEXT_BYTES)?;
    let key = canonical_key(text);
    if key.is_none() {
        fields.wrong(name, "must be a phone number with its country code, or a user id");
    }
    key
}

/// An amount in the field `name` beside a `currency`.
fn price(fields: &mut Fields<'_>, name: &'static str) -> Option<Price> {
    let amount = fields.text(name, TEXT_BYTES);
    let amount = fields.required(name, amount);
    if amount.is_some_and(|amount| Amount::parse(amount).is_err()) {
        fields.wrong(name, "must be a decimal number as text, such as \"149.90\"");
    }
    let currency = fields.text("currency", 3);
    let currency = fields.required("currency", currency);
    if currency.is_some_and(|currency| currency.parse::<Currency>().is_err()) {
        fields.wrong("currency", "must be three capital letters (ISO 4217)");
    }
    Some(Price { amount: amount?.to_owned(), currency: currency?.to_owned() })
}

/// An error's code: text, or the whole number that many providers send.
fn code(fields: &mut Fields<'_>) -> Option<String> {
    match fields.value("code") {
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => fields.text("code", 100).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_null_is_absent() {
        let wrong = |line: Value| conversion(Some(&line)).unwrap_err().into_iter().map(|e| e.pointer).collect::<Vec<_>>();
        assert_eq!(wrong(json!({"id": "o", "click_id": null})), ["/contact"]);
        let (whose, bare) =
            conversion(Some(&json!({"id": "o", "contact": "12025550101", "value": null, "currency": null}))).unwrap();
        assert_eq!((whose, bare.value), (Whose::Key("12025550101".to_owned()), None));
        let sent = json!({"outcome": "accepted", "contact": "12025550101", "message_id": "m", "channel": null});
        assert_eq!(dispatch(Some(&sent), "c", Some("wa")).unwrap().1.channel.as_deref(), Some("wa"));
        assert_eq!(dispatch(Some(&sent), "c", None).unwrap_err()[0].pointer, "/channel");
    }

    #[test]
    fn another_number_is_the_persons_key_and_a_user_id_is_not() {
        let key = |wa_id: &str| {
            let sent = json!({"outcome": "control", "contact": "12025550101", "wa_id": wa_id});
            dispatch(Some(&sent), "c", None).unwrap().0
        };
        assert_eq!(key("12025550102"), "12025550102");
        assert_eq!(key("US.13491208655302741918"), "12025550101");
    }

    fn check_lines(body: &str, content_type: &str, expected: Result<&[Option<Value>], u16>) {
        let found = lines(body.as_bytes(), content_type, "dispatches");
        assert_eq!(found.as_deref().map_err(|problem| problem.status), expected, "{body:?} as {content_type}");
    }

    #[test]
    fn both_forms() {
        let two = [Some(json!({"a": 1})), Some(json!({"a": 2}))];
        for content_type in ["application/json", "", "application/x-www-form-urlencoded"] {
            check_lines("{\"dispatches\": [{\"a\":1}, {\"a\":2}]}", content_type, Ok(&two));
        }
        for content_type in ["application/x-ndjson", "Application/NDJSON; charset=utf-8", "", "text/plain"] {
            check_lines("{\"a\":1}\n\r\n \n{\"a\":2}\r\n", content_type, Ok(&two));
        }
        check_lines("{\"a\":1}\nnonsense", "", Ok(&[Some(json!({"a": 1})), None]));
        check_lines("nonsense", "application/x-ndjson", Ok(&[None]));
        check_lines("", "application/x-ndjson", Ok(&[]));
        check_lines("{\"dispatches\": []}", "application/json", Ok(&[]));
        for (body, content_type) in [
            ("nonsense", ""),
            ("nonsense", "application/json"),
            ("{\"a\":1}", "application/json"),
            ("{\"dispatches\": {}}", ""),
            ("{\"dispatches\": [], \"more\": 1}", ""),
            ("[]", "application/json"),
        ] {
            check_lines(body, content_type, Err(400));
        }
        check_lines(&"{}\n".repeat(BODY_LINES + 1), "application/x-ndjson", Err(413));
        assert_eq!(lines("{}\n".repeat(BODY_LINES).as_bytes(), "", "dispatches").unwrap().len(), BODY_LINES);
    }

    fn pointers(errors: Vec<FieldError>) -> Vec<String> {
        errors.into_iter().map(|error| error.pointer).collect()
    }

    fn check_dispatch(line: Value, wrong: &[&str]) {
        let found = dispatch(Some(&line), "diwali", None).map_err(pointers);
        assert_eq!(found.err().unwrap_or_default(), wrong, "{line}");
    }

    #[test]
    fn dispatches() {
        let to = "+1 (202) 555-0101";
        check_dispatch(json!({"outcome": "accepted", "contact": to, "channel": "wa", "message_id": "wamid.1"}), &[]);
        check_dispatch(json!({"outcome": "control", "contact": to}), &[]);
        check_dispatch(json!({"outcome": "skipped", "contact": "US.1349", "reason": "dnd", "group": "target"}), &[]);
        check_dispatch(
            json!({"outcome": "error", "contact": to, "attempt": "a1", "error": {"code": 131_026, "title": "x"}, "step": "",
                   "cost": {"amount": "0.05", "currency": "EUR"}, "country": "in", "at": "2026-11-21T00:00:00+05:30"}),
            &[],
        );
        check_dispatch(json!({"outcome": "accepted", "contact": to}), &["/message_id", "/channel"]);
        check_dispatch(json!({"outcome": "error", "contact": to}), &["/attempt"]);
        check_dispatch(json!({"contact": "nobody", "sent": true}), &["/outcome", "/contact", "/sent"]);
        check_dispatch(
            json!({"outcome": "lost", "contact": to, "wa_id": "x", "step": "a b", "cost": {"amount": 1, "currency": "euro"},
                   "country": "IND", "error": {}, "at": 0}),
            &["/outcome", "/wa_id", "/step", "/country", "/cost/amount", "/cost/currency", "/error/code", "/at"],
        );
        assert_eq!(pointers(dispatch(None, "diwali", None).unwrap_err()), [""]);
    }

    #[test]
    fn the_only_channel_is_meant() {
        let line = json!({"outcome": "accepted", "contact": "12025550101", "message_id": "wamid.1"});
        let (key, dispatch) = dispatch(Some(&line), "diwali", Some("wa")).unwrap();
        assert_eq!((key.as_str(), dispatch.channel.as_deref()), ("12025550101", Some("wa")));
    }

    #[test]
    fn a_sender_is_written_as_providers_write_it() {
        for (written, sender) in [("+1 202 555 0190", "12025550190"), ("800700600500400", "800700600500400"), ("SHOP", "SHOP")] {
            let line = json!({"outcome": "control", "contact": "12025550101", "sender": written});
            let (_, dispatch) = dispatch(Some(&line), "diwali", None).unwrap();
            assert_eq!(dispatch.sender.as_deref(), Some(sender));
        }
    }

    #[test]
    fn another_wa_id_is_the_person() {
        let line = json!({"outcome": "control", "contact": "12025550101", "wa_id": "12025550102"});
        let (key, dispatch) = dispatch(Some(&line), "diwali", None).unwrap();
        assert_eq!((key.as_str(), dispatch.person.phone.as_deref()), ("12025550102", Some("12025550101")));
    }

    #[test]
    fn conversions() {
        let click = ClickId::new(Handle([7; 12]), [1; 8]).to_text();
        let check = |line: Value, wrong: &[&str]| {
            let found = conversion(Some(&line)).map_err(pointers);
            assert_eq!(found.err().unwrap_or_default(), wrong, "{line}");
        };
        check(json!({"id": "o1", "contact": "12025550101"}), &[]);
        check(json!({"id": "o1", "click_id": click, "goal": "order", "value": "1.50", "currency": "EUR"}), &[]);
        check(json!({"id": "o1"}), &["/contact"]);
        check(json!({"contact": "12025550101", "value": "1"}), &["/id", "/currency"]);
        check(json!({"id": "o1", "click_id": "nonsense"}), &["/click_id"]);
        check(json!({"id": "", "contact": "x", "value": 1.5, "currency": "EUR"}), &["/id", "/contact", "/value"]);
        let (whose, _) = conversion(Some(&json!({"id": "o1", "click_id": click}))).unwrap();
        assert_eq!(whose, Whose::Handle(Handle([7; 12])));
    }
}
