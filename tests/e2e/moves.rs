//! What spans two contacts: two claims on one thing, and two keys of one person.

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

/// A callback of Meta with one status of a person who is named by these members.
fn status_of(message: &str, word: &str, at_s: u64, who: Value) -> Vec<u8> {
    let mut status = json!({"id": message, "status": word, "timestamp": at_s.to_string()});
    status.as_object_mut().unwrap().extend(who.as_object().unwrap().clone());
    let value =
        json!({"messaging_product": "whatsapp", "metadata": {"phone_number_id": crate::client::SENDER}, "statuses": [status]});
    let change = json!({"field": "messages", "value": value});
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).to_string().into_bytes()
}

#[test]
fn what_was_told_under_a_user_id_moves_to_the_phone_of_the_earliest_pair() {
    let server = server();
    let api = Api::of(&server);
    let url = api.channel("wa");
    expect(&api.campaign("spring", json!({})), 201);
    let (user, first, second) = ("US.13491208655302741918", "12025550101", "12025550102");
    let told = |message: &str, word: &str, at_s: u64, who: Value| {
        expect(&api.callback(&url, &status_of(message, word, at_s, who)), 200);
    };
    let contacts = |state: &str| api.stats("spring")["contacts"][state].clone();
    dispatch(&api, "spring", accepted(user, "w1", "2026-05-28T20:00:00Z"));
    for (n, phone) in [first, second].into_iter().enumerate() {
        dispatch(&api, "spring", accepted(phone, &format!("w{}", n + 2), "2026-05-28T20:00:00Z"));
    }
    told("w1", "delivered", 1_780_000_100, json!({"recipient_user_id": user}));
    assert_eq!((contacts("submitted"), contacts("delivered")), (json!(3), json!(1)));
    // A pair makes one person of two.
    told("w3", "delivered", 1_780_000_300, json!({"recipient_id": second, "recipient_user_id": user}));
    assert_eq!((contacts("submitted"), contacts("delivered")), (json!(2), json!(1)));
    // What comes under the user id afterwards is theirs, too.
    told("w1", "read", 1_780_000_400, json!({"recipient_user_id": user}));
    assert_eq!(contacts("read"), json!(1));
    // An earlier pair comes late: it was the other one all the time.
    told("w2", "sent", 1_780_000_200, json!({"recipient_id": first, "recipient_user_id": user}));
    assert_eq!((contacts("submitted"), contacts("delivered"), contacts("read")), (json!(2), json!(2), json!(1)));
    assert_eq!(api.stats("spring")["messages"]["delivered"], json!(2));
    // And a later one moves nothing.
    told("w3", "read", 1_780_000_500, json!({"recipient_id": second, "recipient_user_id": user}));
    assert_eq!((contacts("submitted"), contacts("delivered"), contacts("read")), (json!(2), json!(2), json!(2)));
    // That there is a second phone, whoever looks one of them up is told.
    let conflicts = json!([{"user_id": user, "contact": first, "claimed_by": [first, second]}]);
    for (asked, contact, user_ids) in [(first, first, json!([user])), (user, first, json!([user])), (second, second, json!([]))] {
        let found = api.post("/v1/contacts/lookup", json!({"contact": asked})).json();
        let told = (&found["contact"], &found["user_ids"], &found["conflicts"], &found["moving"]);
        assert_eq!(told, (&json!(contact), &user_ids, &conflicts, &json!(0)), "{found}");
    }
    assert_eq!(api.stats("spring")["moving"], Value::Null);
}

#[test]
fn a_conversion_follows_the_alias_whatever_came_first() {
    let server = server();
    let api = Api::of(&server);
    let url = api.channel("wa");
    expect(&api.campaign("spring", json!({})), 201);
    let (old, person) = ("12025550188", "12025550101");
    let order = |id: &str| json!({"id": id, "contact": old, "value": "10.00", "currency": "EUR", "at": "2026-05-28T21:00:00Z"});
    convert(&api, order("o1"));
    let mut line = accepted(old, "w1", "2026-05-28T20:00:00Z");
    line["wa_id"] = json!(person);
    dispatch(&api, "spring", line);
    expect(&api.callback(&url, &status_of("w1", "delivered", 1_780_000_000, json!({"recipient_id": person}))), 200);
    assert_eq!(api.stats("spring")["conversions"]["total"], json!(1));
    convert(&api, order("o2"));
    let stats = api.stats("spring");
    assert_eq!((&stats["conversions"]["total"], &stats["contacts"]["submitted"]), (&json!(2), &json!(1)), "{stats}");
}

#[test]
fn who_is_erased_by_an_alias_goes_whole() {
    let server = server();
    let api = Api::of(&server);
    api.channel("wa");
    expect(&api.campaign("spring", json!({})), 201);
    let (old, person) = ("12025550188", "12025550101");
    // What the old number was sent before anybody knew whose it is stays with it.
    dispatch(&api, "spring", accepted(old, "w0", "2026-05-28T19:00:00Z"));
    let mut line = accepted(old, "w1", "2026-05-28T20:00:00Z");
    line["wa_id"] = json!(person);
    dispatch(&api, "spring", line);
    convert(&api, json!({"id": "o1", "contact": old, "value": "10.00", "currency": "EUR", "at": "2026-05-28T21:00:00Z"}));
    let known = || api.get("/v1/export").text();
    assert!(known().contains(old) && known().contains(person));
    let erased = api.post("/v1/contacts/erase", json!({"contact": old}));
    expect(&erased, 200);
    assert!(!known().contains(old) && !known().contains(person), "{}", known());
    for contact in [old, person] {
        expect(&api.post("/v1/contacts/lookup", json!({"contact": contact})), 404);
    }
    let listed = api.get("/v1/campaigns/spring/messages").json();
    assert_eq!((&listed["total"], &listed["erased"], sent(&api, "spring")), (&json!(0), &json!(2), json!(2)));
}
