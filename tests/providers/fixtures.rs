//! The project's own fixtures: every provider, every kind of event, and what each callback means.

use std::collections::BTreeSet;
use std::path::Path;

use bluetick::provider::Provider;

use super::text::{lines, parse};

/// One case of a `.cases` file.
pub struct Case {
    pub provider: Provider,
    pub title: String,
    pub query: String,
    pub body: String,
    pub expected: Vec<String>,
}

/// Every case of every provider but `custom`, whose cases stand with its mappings.
pub fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/providers");
    let of = |provider: Provider| {
        let text = std::fs::read_to_string(folder.join(format!("{}.cases", provider.id()))).unwrap();
        text.split("## ").skip(1).map(|case| read(provider, case)).collect::<Vec<_>>()
    };
    Provider::all().filter(|provider| *provider != Provider::Custom).flat_map(of).collect()
}

fn read(provider: Provider, case: &str) -> Case {
    let (head, rest) = case.split_once('\n').unwrap();
    let (title, query) = head.split_once(" ? ").unwrap_or((head, ""));
    let mut body: Vec<&str> = rest.trim_end().lines().collect();
    let expected = body.extract_if(.., |line| line.starts_with("=> ")).map(|line| line[3..].to_owned()).collect();
    let body = body.join("\n");
    Case { provider, title: title.to_owned(), query: query.to_owned(), body, expected }
}

#[test]
fn every_callback_means_what_stands_beside_it() {
    let cases = cases();
    assert!(cases.len() > 90, "{} cases", cases.len());
    let mut wrong = String::new();
    for case in &cases {
        let said = lines(&parse(case.provider, None, &case.query, case.body.as_bytes()));
        if said != case.expected {
            let Case { provider, title, expected, .. } = case;
            let (said, expected) = (said.join("\n  "), expected.join("\n  "));
            wrong += &format!("{}: {title}\n  {said}\ninstead of\n  {expected}\n\n", provider.id());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What becomes a dead letter is the item itself, so that its replay is what it would have been.
#[test]
fn an_odd_item_is_kept_as_it_came() {
    let body = br#"{"entry":[{"changes":[{"field":"messages","value":{"statuses":[{"status" : "sent"}]}}]}]}"#;
    let parsed = parse(Provider::Meta, None, "", body);
    assert_eq!(parsed.odd[0].raw, r#"{"status" : "sent"}"#);
    let parsed = parse(Provider::Meta, None, "", b"\xff{");
    assert_eq!(parsed.odd[0].raw, "\u{fffd}{");
}

/// Invalid UTF-8 in one item spoils nothing but the text that it stands in.
#[test]
fn invalid_utf8_costs_one_text() {
    let body = b"{\"statuses\":[{\"msgId\":\"a\xff\",\"status\":\"sent\"},{\"msgId\":\"b\",\"status\":\"read\"}]}";
    let parsed = parse(Provider::CleverTap, None, "", body);
    assert_eq!(lines(&parsed), ["status sent; id=a\u{fffd}", "status read; id=b"]);
}

/// A text that is stored has a bound, whatever a body holds; the rest of the event is what it was.
#[test]
fn long_texts_are_cut_between_characters() {
    let body = format!(
        r#"{{"entry":[{{"changes":[{{"field":"messages","value":{{"statuses":[{{"id":"a","recipient_id":"12025550101","status":"sent","biz_opaque_callback_data":"{}"}}]}}}}]}}]}}"#,
        "é".repeat(1_000_000)
    );
    let parsed = parse(Provider::Meta, None, "", body.as_bytes());
    assert_eq!(lines(&parsed), [format!("status sent; id=a; phone=12025550101; ref={}", "é".repeat(256))]);
}

#[test]
fn more_than_is_read_of_one_body_is_said() {
    let item = r#"{"msgId":"a","status":"sent"}"#;
    let body = |n: usize| format!(r#"{{"statuses":[{}]}}"#, vec![item; n].join(","));
    let parsed = parse(Provider::CleverTap, None, "", body(10_000).as_bytes());
    assert_eq!((parsed.events.len(), parsed.odd.len()), (10_000, 0));
    let parsed = parse(Provider::CleverTap, None, "", body(10_001).as_bytes());
    assert_eq!((parsed.events.len(), parsed.odd.len()), (10_000, 1));
    assert_eq!(parsed.odd[0].raw, body(10_001));
}

#[test]
fn ids_and_codes_are_pinned() {
    let ids: Vec<&str> = Provider::all().map(Provider::id).collect();
    assert_eq!(ids.join(" "), "meta 360dialog gupshup twilio infobip vonage sinch clevertap interakt wati netcore plivo custom");
    let codes: String = Provider::all().map(Provider::code).collect();
    assert_eq!(codes, "mdgtivsckwnpx");
    for provider in Provider::all() {
        assert_eq!(Provider::from_id(provider.id()), Some(provider));
        assert_eq!(Provider::from_code(provider.code()), Some(provider));
    }
    assert_eq!(codes.chars().collect::<BTreeSet<_>>().len(), ids.len());
    assert_eq!((Provider::from_id("whatsapp"), Provider::from_code('?')), (None, None));
}
