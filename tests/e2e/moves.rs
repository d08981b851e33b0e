//! What spans two contacts: two claims on one thing.

use serde_json::{Value, json};

use crate::client::{Api, expect, server};

fn dispatch(api: &Api, campaign: &str, line: Value) {
    expect(&api.post(&format!("/v1/campaigns/{campaign}/dispatches"), json!({"dispatches": [line]})), 200);
}

fn convert(api: &Api, line: Value) {
    let answer = api.post("/v1/conversions", json!({"conversions": [line]}));
    expect(&answer, 200);
    assert_eq!(answer.json()["accepted"], json!(1), "{}", answer.text());
}

fn accepted(contact: &str, message: &str, at: &str) -> Value {
    json!({"outcome": "accepted", "contact": contact, "channel": "wa", "message_id": message, "at": at})
}

fn sent(api: &Api, campaign: &str) -> Value {
    api.stats(campaign)["messages"]["sent"].clone()
}

#[test]
fn of_two_dispatches_of_one_message_the_earlier_counts() {
    let server = server();
    let api = Api::of(&server);
    api.channel("wa");
    for campaign in ["spring", "summer"] {
        expect(&api.campaign(campaign, json!({})), 201);
    }
    dispatch(&api, "summer", accepted("12025550101", "w1", "2026-05-28T20:00:00Z"));
    assert_eq!((sent(&api, "spring"), sent(&api, "summer")), (json!(0), json!(1)));
    // The earlier comes later, of another contact: it takes the message.
    dispatch(&api, "spring", accepted("12025550102", "w1", "2026-05-28T19:00:00Z"));
    assert_eq!((sent(&api, "spring"), sent(&api, "summer")), (json!(1), json!(0)));
    // A third, later than both, changes nothing.
    dispatch(&api, "summer", accepted("12025550103", "w1", "2026-05-28T21:00:00Z"));
    assert_eq!((sent(&api, "spring"), sent(&api, "summer")), (json!(1), json!(0)));
    // At the same moment the smaller contact has it.
    for contact in ["12025550105", "12025550104", "12025550106"] {
        dispatch(&api, "spring", accepted(contact, "w2", "2026-05-28T20:00:00Z"));
    }
    assert_eq!(sent(&api, "spring"), json!(2));
    let conflicts = (0..50).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let health = api.get("/v1/channels/wa/health").json();
        (health["conflict"] == json!(4)).then_some(())
    });
    assert!(conflicts.is_some(), "{}", api.get("/v1/channels/wa/health").text());
}

#[test]
fn a_status_of_nobody_goes_where_the_message_goes() {
    let server = server();
    let api = Api::of(&server);
    for campaign in ["spring", "summer"] {
        expect(&api.campaign(campaign, json!({})), 201);
    }
    let url = api.put("/v1/channels/wa", json!({"provider": "clevertap"})).json()["callback_url"].as_str().unwrap().to_owned();
    let body = json!({"payloadVersion": "0.1", "statuses": [{"msgId": "w1", "status": "read", "timestamp": "1780000000"}]});
    dispatch(&api, "summer", accepted("12025550101", "w1", "2026-05-28T20:00:00Z"));
    expect(&api.0.callback(&url, "", body.to_string().as_bytes()).unwrap(), 200);
    assert_eq!(api.stats("summer")["messages"]["read"], json!(1));
    dispatch(&api, "spring", accepted("12025550102", "w1", "2026-05-28T19:00:00Z"));
    let (spring, summer) = (api.stats("spring"), api.stats("summer"));
    assert_eq!((&spring["messages"]["read"], &summer["messages"]["sent"]), (&json!(1), &json!(0)), "{spring} {summer}");
}

#[test]
fn one_conversion_counts_for_one_contact_and_anybody_withdraws_it() {
    let server = server();
    let api = Api::of(&server);
    let url = api.channel("wa");
    expect(&api.campaign("spring", json!({})), 201);
    for (n, contact) in ["12025550101", "12025550102"].into_iter().enumerate() {
        dispatch(&api, "spring", accepted(contact, &format!("w{n}"), "2026-05-28T20:00:00Z"));
        let status = bluetick_dev::meta::Status {
            message_id: format!("w{n}"),
            status: "delivered".to_owned(),
            at_ms: 1_780_000_000_000,
            contact: contact.to_owned(),
            ..Default::default()
        };
        expect(&api.status(&url, &status), 200);
    }
    let order = |contact: &str, value: &str, at: &str| json!({"id": "o1", "contact": contact, "value": value, "currency": "EUR", "at": at});
    convert(&api, order("12025550102", "20.00", "2026-05-28T21:00:00Z"));
    convert(&api, order("12025550101", "10.00", "2026-05-28T20:50:00Z"));
    let conversions = api.stats("spring")["conversions"].clone();
    assert_eq!((&conversions["total"], &conversions["revenue"]), (&json!(1), &json!({"EUR": "10.00"})));
    // Whoever withdraws it, it is withdrawn: here somebody who does not say whose it is.
    convert(&api, json!({"id": "o1", "cancelled": true}));
    assert_eq!(api.stats("spring")["conversions"]["total"], json!(0));
    convert(&api, order("12025550102", "20.00", "2026-05-28T20:40:00Z"));
    assert_eq!(api.stats("spring")["conversions"]["total"], json!(0));
}
