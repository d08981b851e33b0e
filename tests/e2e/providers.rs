//! Every provider, the whole way: its channel, a callback signed as it signs, and the number that it becomes.

use std::collections::BTreeSet;

use bluetick::event::Event;
use bluetick::partition::{Destination, Partition};
use bluetick::provider::{Provider, Request, Signing};
use bluetick_dev::{Answer, Http};
use serde_json::{Value, json};

use crate::client::{Api, expect, server};

const SECRETS: [&str; 2] = ["the old secret of the tests", "the new secret of the tests"];
const NOW_MS: i64 = 1_780_000_000_000;

/// A mapping of each kind of protection.
fn mapping() -> Value {
    json!({
        "items": "/events",
        "time_unit": "ms",
        "signature": {"kind": "hmac-sha256", "header": "X-Sign", "encoding": "base64"},
        "status": {"message_id": "/id", "status": "/state", "statuses": {"DELIVRD": "delivered"}, "contact": "/to", "time": "/at"},
    })
}

fn put(api: &Api, provider: Provider) -> String {
    let mut body = json!({"provider": provider.id()});
    if provider == Provider::Custom {
        body["mapping"] = mapping();
    }
    if provider == Provider::Custom || provider.signing(None) != Signing::Never {
        body["secrets"] = json!(SECRETS);
    }
    let answer = api.put(&format!("/v1/channels/{}", provider.id()), body);
    expect(&answer, 201);
    answer.json()["callback_url"].as_str().unwrap().to_owned()
}

fn send(url: &str, headers: &[(String, String)], body: &str) -> Answer {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Http::default().send("POST", url, &headers, body.as_bytes()).unwrap()
}

#[test]
fn every_provider_counts_end_to_end() {
    let server = server();
    let api = Api::of(&server);
    let mapping = serde_json::from_value(mapping()).unwrap();
    let mut delivered = 0;
    for provider in Provider::all() {
        let id = provider.id();
        let url = put(&api, provider);
        let signs = provider == Provider::Custom || provider.signing(None) != Signing::Never;
        for secret in SECRETS {
            let sample = provider.sample(&url, Some(secret), Some(&mapping), NOW_MS).unwrap();
            if signs {
                let forged = provider.sample(&url, Some("a third secret"), Some(&mapping), NOW_MS).unwrap();
                assert_eq!(send(&url, &forged.headers, &forged.body).status, 401, "{id}: forged");
                let unsigned = if provider == Provider::Vonage { 503 } else { 401 };
                assert_eq!(send(&url, &[], &sample.body).status, unsigned, "{id}: not signed");
            }
            let answer = send(&url, &sample.headers, &sample.body);
            assert_eq!((answer.status, answer.text().as_str()), (200, ""), "{id}");
        }
        // All of them are about one message of one person, but each provider's ids are its own.
        delivered += u64::from(provider != Provider::CleverTap);
        let stats = api.stats("_unattributed");
        assert_eq!(stats["messages"]["delivered"], json!(delivered), "{id}: {stats}");
        let health = api.get(&format!("/v1/channels/{id}/health")).json();
        assert_eq!(health["unmatched"], json!(u64::from(provider == Provider::CleverTap)), "{id}: {health}");
        assert_eq!(health["verdict"], "healthy", "{health}");
        assert_eq!(health["protection"], if signs { "signed" } else { "url_only" }, "{id}");
        assert_eq!(health["timeless"], json!(provider == Provider::Twilio), "{id}");
        // The test of the channel goes the same way, and counts nowhere.
        let tested = api.post(&format!("/v1/channels/{id}/test"), Value::Null);
        expect(&tested, 200);
        assert_eq!(tested.json()["ok"], json!(true), "{id}: {}", tested.text());
        assert_eq!(api.stats("_unattributed")["messages"], stats["messages"], "{id}: its test was counted");
        assert_eq!(api.get(&format!("/v1/channels/{id}/health")).json()["received"], health["received"], "{id}");
    }
}

#[test]
fn twilio_s_reference_stands_in_the_url() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let url = format!("{}?ref=spring%3Afirst", put(&api, Provider::Twilio));
    let sample = Provider::Twilio.sample(&url, Some(SECRETS[0]), None, NOW_MS).unwrap();
    expect(&send(&url, &sample.headers, &sample.body), 200);
    assert_eq!(api.stats("spring")["messages"]["delivered"], json!(1));
    // The signature covers the reference.
    expect(&send(&url.replace("spring", "winter"), &sample.headers, &sample.body), 401);
}

#[test]
fn a_get_with_everything_in_the_query_is_a_callback_where_the_provider_sends_such() {
    let server = server();
    let api = Api::of(&server);
    let unsigned = json!({"provider": "plivo", "allow_unsigned": true});
    let url = api.put("/v1/channels/plivo", unsigned).json()["callback_url"].as_str().unwrap().to_owned();
    let query = "MessageUUID=p1&To=12025550101&Status=read&DeliveryReportTime=2026-10-09%2008:53:20.000000";
    let get = |url: &str| Http::default().send("GET", url, &[], &[]).unwrap();
    expect(&get(&format!("{url}?{query}")), 200);
    assert_eq!(api.stats("_unattributed")["messages"]["read"], json!(1));
    let meta = api.channel("meta");
    expect(&get(&format!("{meta}?{query}")), 403);
}

#[test]
fn a_rotated_url_overlaps() {
    let server = server();
    let api = Api::of(&server);
    let send = |url: &str| {
        let sample = Provider::Meta.sample(url, Some(SECRETS[1]), None, NOW_MS).unwrap();
        send(url, &sample.headers, &sample.body).status
    };
    let old = put(&api, Provider::Meta);
    assert_eq!(send(&old), 200);
    let rotate = |hours: u32| {
        let answer = api.post("/v1/channels/meta/rotate", json!({ "overlap_hours": hours }));
        expect(&answer, 200);
        answer.json()["callback_url"].as_str().unwrap().to_owned()
    };
    let new = rotate(1);
    assert_ne!(old, new);
    assert_eq!((send(&old), send(&new)), (200, 200));
    let newest = rotate(0);
    assert_eq!((send(&old), send(&new), send(&newest)), (404, 404, 200));
}

#[test]
fn a_wrong_mapping_says_where() {
    let server = server();
    let api = Api::of(&server);
    let check = |mapping: Value, pointers: &[&str]| {
        let answer = api.put("/v1/channels/own", json!({"provider": "custom", "mapping": mapping}));
        expect(&answer, 400);
        let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
        let found: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(found, pointers, "{mapping}: {}", answer.text());
    };
    check(Value::Null, &["/mapping"]);
    check(json!("x"), &["/mapping"]);
    check(json!({}), &["/mapping"]);
    check(
        json!({"status": {"message_id": "id", "status": "/s", "statuses": {}}}),
        &["/mapping/status/message_id", "/mapping/status/statuses"],
    );
    check(
        json!({"status": {"message_id": 5, "statuses": {"a": "arrived"}}, "x": 1}),
        &["/mapping/status/status", "/mapping/status/message_id", "/mapping/status/statuses/a", "/mapping/x"],
    );
    check(json!({"signature": {"kind": "rot13"}, "time_unit": "years"}), &["/mapping/signature", "/mapping/time_unit"]);
    let signs = json!({"provider": "custom", "mapping": mapping()});
    let answer = api.put("/v1/channels/own", signs);
    expect(&answer, 400);
    assert_eq!(answer.json()["errors"][0]["pointer"], "/secrets");
    let answer = api.put("/v1/channels/own", json!({"provider": "wati", "mapping": mapping()}));
    expect(&answer, 400);
    assert_eq!(answer.json()["errors"][0]["pointer"], "/mapping");
}

#[test]
fn the_test_says_which_step_fails() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.post("/v1/channels/nobody/test", Value::Null), 404);
    put(&api, Provider::Meta);
    let steps = api.post("/v1/channels/meta/test", Value::Null).json();
    let names: Vec<&str> = steps["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(names, ["url", "signature", "parse", "storage"]);
    // A mapping by which nothing that is sent can mean anything: its only word changes no state.
    let mapping = json!({"status": {"message_id": "/id", "status": "/state", "statuses": {"queued": "other"}, "contact": "/to"}});
    expect(&api.put("/v1/channels/own", json!({"provider": "custom", "mapping": mapping})), 201);
    let tested = api.post("/v1/channels/own/test", Value::Null).json();
    assert_eq!((&tested["ok"], &tested["failed"]), (&json!(false), &json!("parse")), "{tested}");
}

/// A channel of each provider that takes what comes, signed or not.
fn put_open(api: &Api, provider: Provider) -> String {
    let mut body = json!({"provider": provider.id()});
    if provider.signing(None) != Signing::Never {
        body["allow_unsigned"] = json!(true);
    }
    let answer = api.put(&format!("/v1/channels/{}", provider.id()), body);
    expect(&answer, 201);
    answer.json()["callback_url"].as_str().unwrap().to_owned()
}

/// The queries and bodies of the project's own fixtures, and of the folder of samples if one is named.
fn callbacks(provider: Provider) -> Vec<(String, Vec<u8>)> {
    let cases = format!("{}/tests/fixtures/providers/{}.cases", env!("CARGO_MANIFEST_DIR"), provider.id());
    let cases = std::fs::read_to_string(cases).unwrap();
    let mut all: Vec<(String, Vec<u8>)> = cases
        .split("## ")
        .skip(1)
        .map(|case| {
            let (head, rest) = case.split_once('\n').unwrap();
            let body: Vec<&str> = rest.trim_end().lines().filter(|line| !line.starts_with("=> ")).collect();
            (head.split_once(" ? ").map_or("", |(_, query)| query).to_owned(), body.join("\n").into_bytes())
        })
        .filter(|(_, body)| body != b"GET")
        .collect();
    if let Ok(samples) = std::env::var("BLUETICK_PROVIDER_SAMPLES") {
        let folder = std::path::Path::new(&samples).join(provider.id());
        let files = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        all.extend(files.map(|file| (String::new(), std::fs::read(file).unwrap())));
    }
    all
}

/// Whatever a provider is known to send, the real handler answers with 200 and nothing, and everything in it is somewhere: counted
/// as an event, as `other`, as too old, or kept as a dead letter.
#[test]
fn nothing_that_a_provider_sends_is_lost() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.put("/v1/settings", json!({"timezone": "UTC", "retention_days": 3650})), 200);
    let partition = Partition { handle_key: [0; 32], ledgers: 1 };
    for provider in Provider::all().filter(|provider| *provider != Provider::Custom) {
        let (id, url) = (provider.id(), put_open(&api, provider));
        let (mut received, mut other, mut malformed, mut letters) = (0, 0, 0, BTreeSet::new());
        for (query, body) in callbacks(provider) {
            let request = Request { headers: &[], method: "POST", url: &format!("{url}?{query}"), query: &query, body: &body };
            let parsed = provider.parse(&request, id, None, 1_795_219_200_000);
            // What names neither a person nor a message is nobody's: a dead letter.
            let goes = |event: &Event| partition.route(event.clone(), provider.code(), 0);
            let nowhere = parsed.events.iter().filter(|event| goes(event) == Destination::Nowhere).count();
            received += parsed.events.len() + parsed.others.len() + parsed.odd.len();
            other += parsed.others.len();
            malformed += parsed.odd.len() + nowhere;
            if parsed.odd.len() + nowhere > 0 {
                letters.insert((query.clone(), body.clone()));
            }
            let answer = Http::default().send("POST", request.url, &[], &body).unwrap();
            assert_eq!((answer.status, answer.text().as_str()), (200, ""), "{id}: {}", String::from_utf8_lossy(&body));
        }
        let health = api.get(&format!("/v1/channels/{id}/health")).json();
        let counts = [&health["received"], &health["other"], &health["malformed"], &health["dead_letters"]["kept"]];
        assert_eq!(counts, [received, other, malformed, letters.len()].map(|n| json!(n)).each_ref(), "{id}: {health}");
    }
}

/// Vonage may leave the signature out in trouble of its own, and comes again with one where it is told to; a wrong one is wrong.
#[test]
fn vonage_comes_again_with_a_signature() {
    let server = server();
    let api = Api::of(&server);
    let url = put(&api, Provider::Vonage);
    let body = r#"{"message_uuid":"u1","to":"12025550101","status":"delivered","timestamp":"2026-01-01T00:00:00Z"}"#;
    let unsigned = send(&url, &[], body);
    expect(&unsigned, 503);
    assert!(unsigned.header("retry-after").is_some());
    expect(&send(&url, &[("authorization".to_owned(), "Bearer a.b.c".to_owned())], body), 401);
    assert_eq!(api.get("/v1/quarantine?channel=vonage").json()["total"], json!(2));
}
