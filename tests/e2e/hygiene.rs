//! What is personal or secret shows in no log, metric, cursor or error text: traffic whose every private word is marked, and then a
//! search for the marks.

use bluetick_dev::meta::{self, Status};
use serde_json::json;

use crate::client::{Api, SENDER, expect, server};

/// Phone numbers, texts and ids of persons; and what opens something.
const PHONES: [&str; 3] = ["12025550187", "12025550188", "12025550189"];
const WORDS: [&str; 6] = ["marked-secret", "marked-verify", "marked-text", "wamid.MARKED", "marked-order", "marked-malformed"];

#[test]
fn nothing_private_is_written_where_it_does_not_belong() {
    let server = server();
    let api = Api::of(&server);
    let body = json!({"provider": "meta", "secrets": ["marked-secret"], "verify_token": "marked-verify"});
    let callback_url = api.put("/v1/channels/meta", body).json()["callback_url"].as_str().unwrap().to_owned();
    expect(&api.campaign("spring", json!({"send_limit": 100})), 201);
    let key = api.post("/v1/keys", json!({"name": "n", "scopes": ["read"]})).json()["key"].as_str().unwrap().to_owned();
    let share = api.post("/v1/campaigns/spring/shares", json!({"expires_in_hours": 1})).json();
    let share = share["token"].as_str().unwrap().to_owned();
    let mint = api.post("/v1/minting_keys", json!({})).json()["key"].as_str().unwrap().to_owned();
    let ticket = api.post("/v1/campaigns/spring/live_ticket", json!({})).json()["ticket"].as_str().unwrap().to_owned();
    let link = api.post("/v1/links", json!({"campaign": "spring", "url": "https://shop.example/a"})).json();
    let contacts = PHONES.map(|phone| format!("+{phone}"));
    let wrap = format!("/v1/links/{}/wrap", link["link"].as_str().unwrap());
    let wrapped = api.post(&wrap, json!({ "contacts": contacts })).json();
    let tracking_url = wrapped["data"][0]["tracking_url"].as_str().unwrap().to_owned();

    // What goes well, and what does not, at every door.
    let mut errors = String::new();
    let mut tell = |answer: bluetick_dev::Answer| {
        if answer.status >= 400 || answer.json()["rejected"].is_array() {
            errors.push_str(&answer.text());
        }
    };
    for (no, phone) in PHONES.iter().enumerate() {
        let status = Status {
            message_id: format!("wamid.MARKED{no}"),
            status: "delivered".to_owned(),
            at_ms: 1_780_000_000_000,
            contact: (*phone).to_owned(),
            reference: Some("spring".to_owned()),
            ..Status::default()
        };
        let body = meta::one_status(SENDER, &status);
        for secret in ["marked-secret", "another"] {
            tell(api.0.callback(&callback_url, secret, &body).unwrap());
        }
        let dispatch =
            json!({"outcome": "accepted", "contact": phone, "message_id": format!("wamid.MARKED{no}"), "channel": "meta"});
        let wrong = json!({"outcome": "accepted", "contact": phone, "marked-text": "marked-text", "category": 7});
        tell(api.post("/v1/campaigns/spring/dispatches", json!({"dispatches": [dispatch, wrong]})));
        let conversions =
            json!({"conversions": [{"id": "marked-order", "contact": phone}, {"contact": phone, "x": "marked-order"}]});
        tell(api.post("/v1/conversions", conversions));
        tell(api.post("/v1/wrap", json!({"campaign": "spring", "contact": phone, "text": "marked-text https://shop.example/b"})));
        tell(api.post("/v1/wrap", json!({"campaign": "spring", "contact": phone, "text": 7})));
        tell(api.get(&format!("/v1/campaigns/spring/gate?contact={phone}")));
        tell(api.get(&format!("/v1/campaigns/spring/stats?contact={phone}")));
        tell(api.get(&format!("/v1/campaigns/{phone}/stats")));
        tell(api.post("/v1/contacts/lookup", json!({ "contact": phone, "phone": phone })));
        tell(api.post("/v1/contacts/lookup", json!({ "contact": phone })));
    }
    tell(api.0.callback(&callback_url, "marked-secret", b"{\"marked-malformed\": \"+12025550187\"}").unwrap());
    tell(api.0.callback(&callback_url, "marked-secret", b"marked-malformed +12025550187 {{{").unwrap());
    tell(api.0.raw("POST", "/v1/conversions", &[("content-type", "application/json")], b"marked-text {").unwrap());
    tell(api.0.tap(&tracking_url, "Mozilla/5.0 (Linux; Android 16) Mobile Safari/537.36").unwrap());
    tell(api.0.tap(&format!("{tracking_url}x"), "").unwrap());
    for secret in [&key, &share, &mint] {
        let with = Api(api.0.with_key(secret));
        tell(with.get("/v1/campaigns/spring/stats"));
        tell(with.get("/v1/keys"));
        tell(with.get(&format!("/v1/campaigns?key={secret}")));
        tell(api.get(&format!("/v1/keys/{secret}")));
        tell(api.delete(&format!("/v1/keys/{secret}")));
    }
    tell(api.get(&format!("/v1/campaigns/summer/live?ticket={ticket}")));
    tell(api.get(&format!("/v1/campaigns?cursor={ticket}&tag=marked-text")));
    tell(api.put("/v1/settings", json!({"timezone": "marked-text 12025550187", "marked-text": "marked-text"})));

    // Cursors tell nothing either.
    let mut cursors = String::new();
    for list in
        ["/v1/dead_letters?channel=meta&limit=1", "/v1/quarantine?channel=meta&limit=1", "/v1/campaigns/spring/contacts?limit=1"]
    {
        let answer = api.get(list);
        if answer.status == 200 {
            cursors.push_str(answer.json()["next_cursor"].as_str().expect(list));
            cursors.push('\n');
        }
    }
    assert!(cursors.lines().count() >= 2);
    let metrics = api.get("/metrics").text();
    let log = server.log();
    assert!(log.contains(r#""route":"dispatches""#) && errors.contains("/category") && metrics.contains("bluetick_events_total"));

    let token = callback_url.rsplit('/').next().unwrap();
    let tracking = tracking_url.rsplit('/').next().unwrap();
    let mut secrets = vec![key.as_str(), &share, &mint, &ticket, token, tracking, server.admin_key()];
    secrets.extend(PHONES);
    for (place, text) in [("the log", &log), ("the metrics", &metrics), ("a cursor", &cursors), ("an error", &errors)] {
        // An error names the fields that it knows not; everything else that was sent stays away.
        let words = WORDS.iter().filter(|word| place != "an error" || **word != "marked-text");
        for secret in secrets.iter().chain(words) {
            let shown = text.lines().find(|line| line.contains(secret));
            assert!(shown.is_none(), "{secret} stands in {place}: {}", shown.unwrap_or_default());
        }
    }
}
