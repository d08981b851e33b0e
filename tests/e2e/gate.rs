//! The gate on the real runtime: parallel senders never pass the limit, and are told why they may not go on.

use std::sync::Mutex;

use serde_json::{Value, json};

use crate::client::{Api, expect, server};

fn gate(api: &Api) -> Value {
    let answer = api.get("/v1/campaigns/spring/gate");
    expect(&answer, 200);
    answer.json()
}

fn reserve(api: &Api, n: u32) -> Value {
    let answer = api.post("/v1/campaigns/spring/gate", json!({"n": n}));
    expect(&answer, 200);
    answer.json()
}

#[test]
fn parallel_senders_never_pass_the_limit() {
    const LIMIT: u64 = 300;
    let server = server();
    let api = Api::of(&server);
    api.channel("meta");
    expect(&api.campaign("spring", json!({"send_limit": LIMIT})), 201);
    assert_eq!(gate(&api), json!({"go": true, "reason": null, "remaining": LIMIT}));
    let left_over = Mutex::new(0);
    std::thread::scope(|scope| {
        for sender in 0..6 {
            let (api, left_over) = (api.clone(), &left_over);
            scope.spawn(move || {
                for round in 0.. {
                    let lease = reserve(&api, 7 + sender);
                    let granted = lease["granted"].as_u64().unwrap();
                    if granted == 0 {
                        assert_eq!(lease, json!({"granted": 0, "lease": null, "expires_at": null, "reason": "limit"}));
                        return;
                    }
                    // Every third lease is left half unused, and everything that is dispatched is dispatched twice.
                    let used = if round % 3 == 0 { granted / 2 } else { granted };
                    *left_over.lock().unwrap() += granted - used;
                    let contact = |no: u64| format!("+1202555{:04}", sender * 1_000 + round * 20 + no as u32);
                    let dispatches: Vec<Value> = (0..used)
                        .map(|no| json!({"outcome": "accepted", "contact": contact(no), "message_id": format!("{sender}.{round}.{no}")}))
                        .collect();
                    let path = format!("/v1/campaigns/spring/dispatches?lease={}", lease["lease"].as_str().unwrap());
                    for _ in 0..2 {
                        expect(&api.post(&path, json!({ "dispatches": dispatches })), 200);
                    }
                }
            });
        }
    });
    let attempted = api.stats("spring")["contacts"]["submitted"].as_u64().unwrap();
    // All of it was given out, and not one more: what was not used waits for its lease to lapse.
    assert_eq!(attempted + left_over.into_inner().unwrap(), LIMIT);
    assert_eq!(gate(&api), json!({"go": false, "reason": "limit", "remaining": 0}));
    expect(&api.patch("/v1/campaigns/spring", json!({"send_limit": LIMIT + 5})), 200);
    assert_eq!(reserve(&api, 100)["granted"], json!(5));
    expect(&api.patch("/v1/campaigns/spring", json!({"send_limit": null})), 200);
    assert_eq!(gate(&api), json!({"go": true, "reason": null, "remaining": null}));
    assert_eq!(reserve(&api, 10_000)["granted"], json!(10_000));
}

#[test]
fn a_closed_campaign_says_so_at_once() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.get("/v1/campaigns/spring/gate"), 404);
    expect(&api.campaign("spring", json!({"send_limit": 10})), 201);
    for (status, go, remaining) in [("paused", false, 10), ("live", true, 10), ("stopped", false, 9)] {
        expect(&api.patch("/v1/campaigns/spring", json!({"status": status})), 200);
        let reason = if go { Value::Null } else { json!(status) };
        assert_eq!(gate(&api), json!({"go": go, "reason": reason, "remaining": remaining}));
        assert_eq!(reserve(&api, 1)["granted"], json!(u32::from(go)), "{status}");
    }
    for wrong in [json!({}), json!({"n": 0}), json!({"n": 10_001}), json!({"n": 1, "contact": "x"})] {
        expect(&api.post("/v1/campaigns/spring/gate", wrong), 400);
    }
    expect(&api.get("/v1/campaigns/spring/gate?contact=%00"), 400);
    expect(&api.get("/v1/campaigns/spring/gate?contact=%2B12025550101"), 200);
    expect(&api.get("/v1/campaigns/spring/gate?lease=x"), 400);
}

#[test]
fn who_opted_out_is_not_sent_to() {
    let server = server();
    let api = Api::of(&server);
    let callback_url = api.channel("meta");
    expect(&api.campaign("spring", json!({})), 201);
    let reason = || api.get("/v1/campaigns/spring/gate?contact=%2B12025550101").json()["reason"].clone();
    assert_eq!(reason(), Value::Null);
    for (at_s, value, wanted) in [(1_780_000_000, "stop", json!("opt_out")), (1_780_000_001, "resume", Value::Null)] {
        let preference = json!({"wa_id": "12025550101", "category": "marketing_messages", "value": value, "timestamp": at_s});
        let change = json!({"field": "user_preferences", "value": {"user_preferences": [preference]}});
        let body = json!({"object": "whatsapp_business_account", "entry": [{"changes": [change]}]});
        expect(&api.callback(&callback_url, body.to_string().as_bytes()), 200);
        assert_eq!(reason(), wanted);
    }
    assert_eq!(api.get("/v1/campaigns/spring/gate?contact=%2B12025550102").json()["go"], json!(true));
}

/// Who was left out has used nothing up: sent to later under the same lease, they are within the limit.
#[test]
fn a_lease_is_used_by_who_is_attempted() {
    let server = server();
    let api = Api::of(&server);
    api.channel("meta");
    expect(&api.campaign("spring", json!({"send_limit": 1})), 201);
    let lease = reserve(&api, 1);
    let dispatch = |line: Value| {
        let path = format!("/v1/campaigns/spring/dispatches?lease={}", lease["lease"].as_str().unwrap());
        let answer = api.post(&path, json!({ "dispatches": [line] }));
        expect(&answer, 200);
        answer.json()["accepted"].as_u64().unwrap()
    };
    assert_eq!(dispatch(json!({"outcome": "skipped", "contact": "+12025550101", "reason": "frequency_cap"})), 1);
    assert_eq!(
        dispatch(json!({"outcome": "accepted", "contact": "+12025550101", "message_id": "m1", "at": "2011-01-01T00:00:00Z"})),
        0
    );
    assert_eq!(reserve(&api, 1)["granted"], json!(0), "it is reserved yet");
    assert_eq!(dispatch(json!({"outcome": "accepted", "contact": "+12025550101", "message_id": "m1"})), 1);
    assert_eq!(reserve(&api, 1)["granted"], json!(0));
    expect(&api.patch("/v1/campaigns/spring", json!({"send_limit": 2})), 200);
    assert_eq!(reserve(&api, 2)["granted"], json!(1), "used once");
}
