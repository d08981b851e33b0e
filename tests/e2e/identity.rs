//! Contacts that a callback does not name: statuses wait, durably, until somebody says whose message it is.

use serde_json::{Value, json};

use crate::client::{Api, expect, server};

fn channel(api: &Api) -> String {
    let answer = api.put("/v1/channels/ct", json!({"provider": "clevertap"}));
    expect(&answer, 201);
    answer.json()["callback_url"].as_str().unwrap().to_owned()
}

fn callback(api: &Api, callback_url: &str, body: Value) {
    let answer = api.0.callback(callback_url, "", body.to_string().as_bytes()).unwrap();
    expect(&answer, 200);
    assert_eq!(answer.text(), "");
}

fn statuses(message: &str, words: &[&str]) -> Value {
    let statuses: Vec<Value> = words
        .iter()
        .map(|word| json!({"msgId": message, "status": word, "timestamp": "1780000000", "url": "https://shop.example/a"}))
        .collect();
    json!({"payloadVersion": "0.1", "statuses": statuses})
}

fn dispatch(api: &Api, campaign: &str, contact: &str, message: &str) {
    let line =
        json!({"outcome": "accepted", "contact": contact, "channel": "ct", "message_id": message, "at": "2026-05-28T20:26:00Z"});
    expect(&api.post(&format!("/v1/campaigns/{campaign}/dispatches"), json!({"dispatches": [line]})), 200);
}

fn unmatched(api: &Api) -> Value {
    let answer = api.get("/v1/channels/ct/health");
    expect(&answer, 200);
    answer.json()["unmatched"].clone()
}

#[test]
fn what_comes_before_its_dispatch_waits_and_moves() {
    let mut server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let callback_url = channel(&api);
    for _ in 0..2 {
        callback(&api, &callback_url, statuses("i|1|a", &["sent", "delivered", "clicked"]));
    }
    callback(&api, &callback_url, statuses("i|1|b", &["sent"]));
    assert_eq!(unmatched(&api), json!(3));
    let stats = api.stats("_unattributed");
    assert_eq!(stats["messages"]["sent"], json!(0), "a status of nobody is recorded under somebody");
    assert_eq!(stats["clicks"]["human"], json!(1), "a click of nobody is a click");
    // What waits is durable.
    server.kill();
    server.restart().unwrap();
    dispatch(&api, "spring", "12025550142", "i|1|a");
    assert_eq!(unmatched(&api), json!(1));
    let stats = api.stats("spring");
    for (number, expected) in [("/messages/sent", 1), ("/messages/delivered", 1), ("/messages/clicked", 1), ("/clicks/human", 1)]
    {
        assert_eq!(stats.pointer(number), Some(&json!(expected)), "{number} in {stats}");
    }
    // And what comes after it goes straight on.
    callback(&api, &callback_url, statuses("i|1|a", &["read"]));
    assert_eq!((unmatched(&api), &api.stats("spring")["messages"]["read"]), (json!(1), &json!(1)));
}

#[test]
fn a_reply_tells_whose_the_message_is() {
    let server = server();
    let api = Api::of(&server);
    let callback_url = channel(&api);
    callback(&api, &callback_url, statuses("i|1|a", &["delivered"]));
    assert_eq!(unmatched(&api), json!(1));
    let reply = json!({"payloadVersion": "0.1", "from": "12025550142", "wabaNumber": "12025550190", "timestamp": "1780000060",
        "type": "text", "text": {"body": "hi"}, "context": {"id": "i|1|a"}});
    callback(&api, &callback_url, reply);
    assert_eq!(unmatched(&api), json!(0));
    let stats = api.stats("_unattributed");
    assert_eq!(stats["messages"]["delivered"], json!(1), "{stats}");
}

#[test]
fn a_failure_that_leaves_its_contact_out_finds_it() {
    let server = server();
    let api = Api::of(&server);
    let declared = json!({"provider": "twilio", "allow_unsigned": true});
    let url = api.put("/v1/channels/tw", declared).json()["callback_url"].as_str().unwrap().to_owned();
    let send = |body: &str| expect(&bluetick_dev::Http::default().send("POST", &url, &[], body.as_bytes()).unwrap(), 200);
    send("MessageSid=SM1&MessageStatus=sent&To=whatsapp%3A%2B12025550142");
    send("MessageSid=SM1&MessageStatus=failed&ErrorCode=63016");
    let messages = api.stats("_unattributed")["messages"].take();
    assert_eq!((&messages["sent"], &messages["failed"]), (&json!(1), &json!(1)), "{messages}");
}

#[test]
fn a_click_that_names_nothing_counts_once_and_for_nobody() {
    let server = server();
    let api = Api::of(&server);
    let callback_url = api.channel("wa");
    let click = json!({"action_type": "marketing_messages_link_click", "timestamp": "1780000000",
        "marketing_messages_link_click_data": {"click_component": "cta", "click_id": "k1"}});
    let body = json!({"entry": [{"changes": [{"field": "messages", "value": {"user_actions": [click]}}]}]}).to_string();
    for _ in 0..2 {
        expect(&api.callback(&callback_url, body.as_bytes()), 200);
    }
    let clicks = api.stats("_unattributed")["clicks"].take();
    assert_eq!((&clicks["total"], &clicks["unique"]), (&json!(1), &json!(0)), "{clicks}");
    let health = api.get("/v1/channels/wa/health").json();
    assert_eq!((&health["received"], &health["malformed"], &health["unmatched"]), (&json!(2), &json!(0), &json!(0)), "{health}");
}
