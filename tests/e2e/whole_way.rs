//! The whole way, thin: a signed callback becomes a number, once, and nothing else does.

use std::time::Duration;

use bluetick_dev::meta::{self, Status};
use bluetick_dev::wait;
use serde_json::json;

use crate::client::{Api, SENDER, expect, server};

fn status(message: &str, status: &str) -> Status {
    Status {
        message_id: message.to_owned(),
        status: status.to_owned(),
        at_ms: 1_780_000_000_000,
        contact: "12025550142".to_owned(),
        reference: Some("spring".to_owned()),
        ..Status::default()
    }
}

#[test]
fn a_signed_callback_counts_once_and_a_forged_one_never() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let callback_url = api.channel("meta");
    let delivered = status("wamid.one", "delivered");
    for _ in 0..3 {
        let answer = api.status(&callback_url, &delivered);
        expect(&answer, 200);
        assert_eq!(answer.text(), "");
    }
    let forged = meta::one_status(SENDER, &status("wamid.two", "sent"));
    let answer = api.0.callback(&callback_url, "another secret", &forged).unwrap();
    expect(&answer, 401);
    let all_levels = meta::envelope(&[
        vec![
            meta::change(SENDER, &[status("wamid.three", "sent").to_json(), status("wamid.three", "read").to_json()], &[]),
            meta::change(SENDER, &[status("wamid.four", "failed").to_json()], &[]),
        ],
        vec![meta::change(SENDER, &[status("wamid.five", "sent").to_json()], &[])],
    ]);
    expect(&api.callback(&callback_url, &all_levels), 200);
    let stats = api.stats("spring");
    for (number, expected) in [("sent", 4), ("delivered", 2), ("read", 1), ("failed", 1)] {
        assert_eq!(stats["messages"][number], json!(expected), "{number} in {stats}");
    }
}

#[test]
fn a_tap_leads_to_the_target_and_is_counted_after() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let link = api.post("/v1/links", json!({"campaign": "spring", "url": "https://shop.example/a?b=c"}));
    expect(&link, 201);
    let path = format!("/v1/links/{}/wrap", link.json()["link"].as_str().unwrap());
    let wrapped = api.post(&path, json!({"contacts": ["12025550142"]}));
    expect(&wrapped, 200);
    let tracking_url = wrapped.json()["data"][0]["tracking_url"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let answer = api.0.tap(&tracking_url, "Mozilla/5.0 (Linux; Android 16) Mobile Safari/537.36").unwrap();
        expect(&answer, 302);
        assert_eq!(answer.header("location"), Some("https://shop.example/a?b=c"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let mut clicks = json!(null);
    wait::until(Duration::from_secs(10), || {
        clicks = api.stats("spring")["clicks"].take();
        clicks["total"] == json!(2)
    });
    assert_eq!((&clicks["total"], &clicks["human"], &clicks["unique"]), (&json!(2), &json!(2), &json!(1)));
    let (beginning, end) = tracking_url.split_at(tracking_url.len() - 1);
    let tampered = format!("{beginning}{}", if end == "A" { "B" } else { "A" });
    expect(&api.0.tap(&tampered, "Mozilla/5.0").unwrap(), 404);
}

#[test]
fn without_the_key_there_is_no_answer() {
    let server = server();
    let api = Api::of(&server);
    for key in ["", "bt_wrong"] {
        expect(&Api(api.0.with_key(key)).get("/v1/channels"), 401);
    }
}
