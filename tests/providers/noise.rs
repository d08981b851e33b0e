//! Bytes that nobody meant: no parser and no verifier may panic, hang, or forget to say that it did not understand.

use std::time::{Duration, Instant};

use bluetick::provider::{Mapping, Provider, Request};
use proptest::prelude::*;
use proptest::sample::Index;

use super::fixtures::cases;
use super::text::NOW_MS;

/// A mapping that looks at everything.
fn mapping(body: &str) -> Mapping {
    let (id, status, items) = if body == "form" { ("id", "status", "") } else { ("/id", "/status", r#""items":"/statuses","#) };
    let text = format!(
        r#"{{"body":"{body}",{items}"signature":{{"kind":"hmac-sha256","header":"x-sign","encoding":"hex"}},
            "status":{{"message_id":"{id}","status":"{status}","statuses":{{"sent":"sent"}}}},"inbound":{{"contact":"{id}"}}}}"#
    );
    serde_json::from_str(&text).unwrap()
}

/// Every provider takes it, as the body, the query, the URL and each header, in a time that only a hang exceeds.
#[allow(clippy::disallowed_methods)]
fn survives(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let short: String = text.chars().filter(|c| !c.is_control()).take(2000).collect();
    let url = format!("https://hooks.example/in?{short}");
    for provider in Provider::all() {
        for mapping in [mapping("json"), mapping("form")] {
            let headers: Vec<_> =
                provider.wanted_headers(Some(&mapping)).into_iter().map(|name| (name.to_owned(), short.clone())).collect();
            let begin = Instant::now();
            for method in ["POST", "GET"] {
                let request = Request { headers: &headers, method, url: &url, query: &short, body: bytes };
                let secrets = ["secret".to_owned(), short.clone()];
                let _ = provider.verify(&request, &secrets, Some(&mapping), NOW_MS);
                let parsed = provider.parse(&request, "main", Some(&mapping), NOW_MS);
                let said = parsed.events.len() + parsed.odd.len() + parsed.others.len();
                assert!(said > 0, "{} said nothing", provider.id());
            }
            assert!(begin.elapsed() < Duration::from_secs(2), "{} took {:?}", provider.id(), begin.elapsed());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        survives(&bytes);
    }

    /// Bytes that look like JSON or a form get further in.
    #[test]
    fn any_tokens(tokens in proptest::collection::vec(token(), 0..200)) {
        survives(tokens.concat().as_bytes());
    }

    /// A fixture with bytes changed, cut out, put in and doubled.
    #[test]
    fn mutated_fixtures(case in any::<Index>(), edits in proptest::collection::vec((any::<Index>(), any::<Index>(), any::<u8>(), 0..5u8), 1..8)) {
        let cases = cases();
        let mut body = case.get(&cases).body.clone().into_bytes();
        for (from, to, byte, kind) in edits {
            if body.is_empty() {
                break;
            }
            let (a, b) = (from.index(body.len()), to.index(body.len()));
            let (a, b) = (a.min(b), a.max(b));
            match kind {
                0 => body[a] = byte,
                1 => body.insert(a, byte),
                2 => drop(body.drain(a..b)),
                3 => body.truncate(a.max(1)),
                _ => {
                    let doubled = body[a..b].to_vec();
                    body.splice(a..a, doubled);
                }
            }
        }
        survives(&body);
    }
}

fn token() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(":"),
        Just(","),
        Just("\""),
        Just("null"),
        Just("true"),
        Just("1e999"),
        Just("-0"),
        Just("99999999999999999999"),
        Just("\"\\ud800\""),
        Just("\"\""),
        Just("\"entry\":"),
        Just("\"changes\":"),
        Just("\"value\":"),
        Just("\"statuses\":["),
        Just("\"messages\":["),
        Just("\"id\":\"x\""),
        Just("\"status\":\"sent\""),
        Just("\"results\":["),
        Just("\"type\":\"message\""),
        Just("\"payload\":{"),
        Just("\"data\":{"),
        Just("&"),
        Just("="),
        Just("MessageSid=a"),
        Just("%"),
        Just("%ff"),
        Just("response="),
        Just("\"timestamp\":"),
        Just("\"1760000000\""),
    ]
}
