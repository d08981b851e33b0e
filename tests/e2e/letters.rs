//! No callback is lost: dead letters, the quarantine, the channel's health and its test.

use std::path::Path;

use bluetick_dev::meta::{self, Status};
use bluetick_dev::scratch::Scratch;
use bluetick_dev::{Options, Server};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::client::{Api, SECRET, SENDER, expect, server};

fn status(message: &str) -> Value {
    let status = Status {
        message_id: message.to_owned(),
        status: "delivered".to_owned(),
        at_ms: 1_780_000_000_000,
        contact: "12025550142".to_owned(),
        reference: Some("spring".to_owned()),
        ..Status::default()
    };
    status.to_json()
}

fn batch(statuses: &[Value]) -> Vec<u8> {
    meta::envelope(&[vec![meta::change(SENDER, statuses, &[])]])
}

fn list(api: &Api, shelf: &str) -> Value {
    let answer = api.get(&format!("/v1/{shelf}?channel=meta"));
    expect(&answer, 200);
    answer.json()
}

fn health(api: &Api, channel: &str) -> Value {
    let answer = api.get(&format!("/v1/channels/{channel}/health"));
    expect(&answer, 200);
    answer.json()
}

#[track_caller]
fn holds(shown: &Value, expected: Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name} in {shown}");
    }
}

#[test]
fn an_odd_item_becomes_a_dead_letter_and_the_others_count() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let callback_url = api.channel("meta");
    let body = batch(&[status("wamid.a"), json!({"status": "sent"}), status("wamid.b")]);
    // A repeat is no second letter.
    for _ in 0..2 {
        let answer = api.callback(&callback_url, &body);
        expect(&answer, 200);
        assert_eq!(answer.text(), "");
    }
    assert_eq!(api.stats("spring")["messages"]["delivered"], json!(2));
    let listed = list(&api, "dead_letters");
    assert_eq!((&listed["total"], &listed["next_cursor"]), (&json!(1), &Value::Null));
    let row = &listed["data"][0];
    assert_eq!(row["items"][0]["pointer"], "/entry/0/changes/0/value/statuses/1");
    assert!(row.get("body").is_none());
    let path = format!("/v1/dead_letters/{}", row["id"].as_str().unwrap());
    assert_eq!(api.get(&path).json()["body"].as_str().unwrap().as_bytes(), body);
    let replayed = api.post(&format!("{path}/replay"), Value::Null);
    expect(&replayed, 200);
    holds(&replayed.json(), json!({"events": 2, "kept": true}));
    holds(
        &health(&api, "meta"),
        json!({
            "verdict": "healthy", "protection": "signed", "received": 6, "malformed": 2, "duplicate": 2,
            "dead_letters": {"kept": 1, "dropped": 0}
        }),
    );
    for wrong in ["/v1/dead_letters", "/v1/dead_letters?channel=_x", "/v1/dead_letters?channel=meta&cursor=x"] {
        expect(&api.get(wrong), 400);
    }
    for nothing in ["/v1/dead_letters/meta~x", "/v1/dead_letters/x", "/v1/dead_letters/../~x"] {
        expect(&api.get(nothing), 404);
    }
}

#[test]
fn what_is_signed_and_not_understood_is_kept_whole() {
    let server = server();
    let api = Api::of(&server);
    let callback_url = api.channel("meta");
    let large = format!("{{\"x\":\"{}\"}}", "é".repeat(2_400_000));
    let bodies: [&[u8]; 5] = [b"{}", b"", b"not json", b"\xff\xfe\x00", large.as_bytes()];
    for body in bodies {
        expect(&api.callback(&callback_url, body), 200);
    }
    let first = api.get("/v1/dead_letters?channel=meta&limit=2").json();
    assert_eq!(first["total"], json!(5));
    let mut seen: Vec<String> = Vec::new();
    let mut page = first;
    loop {
        seen.extend(page["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        page = api.get(&format!("/v1/dead_letters?channel=meta&limit=2&cursor={cursor}")).json();
    }
    assert_eq!(seen.len(), 5);
    for (id, body) in seen.iter().zip(bodies.iter().rev()) {
        let letter = api.get(&format!("/v1/dead_letters/{id}")).json();
        assert_eq!(letter["bytes"], json!(body.len()));
        match std::str::from_utf8(body) {
            Ok(text) if !text.contains('\0') => assert!(letter["body"] == text),
            _ => assert_eq!(letter["body_base64"], "//4A"),
        }
    }
    let health = health(&api, "meta");
    holds(&health, json!({"verdict": "misconfigured", "received": 5, "malformed": 5}));
}

#[test]
fn a_dead_letter_is_understood_once_its_channel_is() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let channel = |statuses: Value| {
        let mapping = json!({"status": {"message_id": "/id", "status": "/state", "statuses": statuses, "contact": "/to",
            "reference": "/ref"}, "items": "/list"});
        let answer = api.put("/v1/channels/own", json!({"provider": "custom", "mapping": mapping}));
        assert!(answer.status < 300, "{}", answer.text());
        answer.json()["callback_url"].as_str().unwrap().to_owned()
    };
    let callback_url = channel(json!({"DONE": "delivered"}));
    let body = br#"{"items":[{"id":"1","state":"done","to":"12025550142","ref":"spring"}]}"#;
    expect(&api.callback(&callback_url, body), 200);
    let id = api.get("/v1/dead_letters?channel=own").json()["data"][0]["id"].as_str().unwrap().to_owned();
    let mapping = json!({"status": {"message_id": "/id", "status": "/state", "statuses": {"DONE": "delivered"}, "contact": "/to",
        "reference": "/ref"}, "items": "/items"});
    expect(&api.put("/v1/channels/own", json!({"provider": "custom", "mapping": mapping})), 200);
    let replayed = api.post(&format!("/v1/dead_letters/{id}/replay"), Value::Null);
    expect(&replayed, 200);
    holds(&replayed.json(), json!({"events": 1, "kept": false, "items": []}));
    assert_eq!(api.stats("spring")["messages"]["delivered"], json!(1));
    assert_eq!(api.get("/v1/dead_letters?channel=own").json()["total"], json!(0));
    expect(&api.post(&format!("/v1/dead_letters/{id}/replay"), Value::Null), 404);
}

#[test]
fn the_quarantine_opens_under_a_secret_given_later() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let callback_url = api.channel("meta");
    let body = batch(&[status("wamid.a")]);
    expect(&api.0.callback(&callback_url, "the next secret", &body).unwrap(), 401);
    let listed = list(&api, "quarantine");
    assert_eq!(listed["total"], json!(1));
    let shown = health(&api, "meta");
    holds(&shown, json!({"verdict": "misconfigured", "bad_signature": 1, "received": 0, "last_received_at": null}));
    let path = format!("/v1/quarantine/{}/replay", listed["data"][0]["id"].as_str().unwrap());
    expect(&api.post(&path, Value::Null), 409);
    assert_eq!(api.stats("spring")["messages"]["delivered"], json!(0));
    let both = json!({"provider": "meta", "secrets": [SECRET, "the next secret"]});
    expect(&api.put("/v1/channels/meta", both), 200);
    let replayed = api.post(&path, Value::Null);
    expect(&replayed, 200);
    holds(&replayed.json(), json!({"events": 1, "kept": false}));
    assert_eq!(api.stats("spring")["messages"]["delivered"], json!(1));
    assert_eq!(list(&api, "quarantine")["total"], json!(0));
    // Either secret signs now.
    for secret in [SECRET, "the next secret"] {
        expect(&api.0.callback(&callback_url, secret, &body).unwrap(), 200);
    }
    expect(&api.0.callback(&callback_url, "a third", &body).unwrap(), 401);
}

#[test]
fn health_says_what_is_wrong_in_words() {
    let server = server();
    let api = Api::of(&server);
    let callback_url = api.channel("meta");
    holds(&health(&api, "meta"), json!({"verdict": "silent", "protection": "signed", "received": 0, "last_received_at": null}));
    expect(&api.get("/v1/channels/nobody/health"), 404);
    let send = |statuses: &[(&str, &str)]| {
        for (message, word) in statuses {
            let mut one = status(message);
            one["status"] = json!(word);
            expect(&api.callback(&callback_url, &batch(&[one])), 200);
        }
    };
    // Nobody declared the campaign; one message, out of order, and one word that changes nothing.
    send(&[("wamid.a", "read"), ("wamid.a", "sent"), ("wamid.a", "sent"), ("wamid.a", "warning")]);
    let shown = health(&api, "meta");
    holds(
        &shown,
        json!({
            "verdict": "healthy", "received": 4, "duplicate": 1, "out_of_order": 1, "other": 1, "unattributed": 1,
            "malformed": 0, "conflict": 0, "expired": 0, "unmatched": 0
        }),
    );
    assert!(shown["reason"].as_str().unwrap().len() > 20 && shown["last_received_at"].is_string());
    // Two campaigns claim it.
    for campaign in ["spring", "summer"] {
        expect(&api.campaign(campaign, json!({})), 201);
        let line = json!({"outcome": "accepted", "contact": "12025550142", "channel": "meta", "message_id": "wamid.a"});
        expect(&api.post(&format!("/v1/campaigns/{campaign}/dispatches"), json!({"dispatches": [line]})), 200);
    }
    let mut old = status("wamid.old");
    old["timestamp"] = json!("1600000000");
    expect(&api.callback(&callback_url, &batch(&[old])), 200);
    holds(&health(&api, "meta"), json!({"unattributed": 0, "conflict": 1, "expired": 1, "received": 5}));
    let unsigned = api.put("/v1/channels/open", json!({"provider": "meta", "allow_unsigned": true}));
    let open_url = unsigned.json()["callback_url"].as_str().unwrap().to_owned();
    expect(&api.0.callback(&open_url, "whatever", &batch(&[status("wamid.z")])).unwrap(), 200);
    holds(&health(&api, "open"), json!({"verdict": "unprotected", "protection": "url_only"}));
}

#[test]
fn a_status_of_an_unknown_message_waits_where_a_dispatch_is_required() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let declared = json!({"provider": "meta", "secrets": [SECRET], "require_dispatch": true});
    let callback_url = api.put("/v1/channels/meta", declared).json()["callback_url"].as_str().unwrap().to_owned();
    expect(&api.callback(&callback_url, &batch(&[status("wamid.a")])), 200);
    assert_eq!(api.stats("spring")["messages"]["delivered"], json!(0));
    holds(&health(&api, "meta"), json!({"unattributed": 1}));
    let line = json!({"outcome": "accepted", "contact": "12025550142", "channel": "meta", "message_id": "wamid.a"});
    expect(&api.post("/v1/campaigns/spring/dispatches", json!({"dispatches": [line]})), 200);
    assert_eq!(api.stats("spring")["messages"]["delivered"], json!(1));
    holds(&health(&api, "meta"), json!({"unattributed": 0}));
}

/// Lets the storage of every Ledger refuse what speaks of `wamid.guilty`, and nothing else, for ever.
fn plant_refusal(state: &Path) {
    let mut planted = 0;
    let mut folders = vec![state.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "sqlite") && path.to_str().unwrap().contains("Ledger") {
                let database = Connection::open(&path).unwrap();
                let trigger = "CREATE TRIGGER guilty BEFORE INSERT ON entry WHEN instr(NEW.id, 'wamid.guilty') BEGIN
                    SELECT RAISE(ABORT, 'never'); END";
                planted += u32::from(database.execute_batch(trigger).is_ok());
            }
        }
    }
    assert!(planted > 0, "no Ledger's database was found");
}

#[test]
fn an_event_that_the_storage_never_takes_becomes_a_dead_letter() {
    let mut server = server();
    let api = Api::of(&server);
    let callback_url = api.channel("meta");
    expect(&api.campaign("spring", json!({})), 201);
    expect(&api.callback(&callback_url, &batch(&[status("wamid.before")])), 200);
    server.stop();
    plant_refusal(server.state());
    server.restart().unwrap();
    let body = batch(&[status("wamid.a"), status("wamid.guilty"), status("wamid.b")]);
    for _ in 0..2 {
        let answer = api.callback(&callback_url, &body);
        expect(&answer, 200);
        assert_eq!(answer.text(), "");
    }
    let stats = api.stats("spring");
    assert_eq!(stats["messages"]["delivered"], json!(3), "{stats}");
    let listed = list(&api, "dead_letters");
    assert_eq!(listed["total"], json!(1), "{listed}");
    let row = &listed["data"][0];
    let reason = row["items"][0]["reason"].as_str().unwrap();
    assert_eq!(reason, "understood, but the storage takes 1 of its events never");
    let path = format!("/v1/dead_letters/{}", row["id"].as_str().unwrap());
    assert_eq!(api.get(&path).json()["body"].as_str().unwrap().as_bytes(), body);
    let replayed = api.post(&format!("{path}/replay"), Value::Null);
    expect(&replayed, 200);
    holds(&replayed.json(), json!({"events": 3, "kept": true}));
    holds(&health(&api, "meta"), json!({"dead_letters": {"kept": 1, "dropped": 0}}));
    // A sender's line of that kind is rejected by its place, and spoils none of the others.
    let line = |id: &str| json!({"outcome": "accepted", "contact": "12025550142", "channel": "meta", "message_id": id});
    let lines = json!({"dispatches": [line("wamid.a"), line("wamid.guilty"), line("wamid.c")]});
    let answer = api.post("/v1/campaigns/spring/dispatches", lines);
    expect(&answer, 200);
    assert_eq!((&answer.json()["accepted"], &answer.json()["rejected"][0]["index"]), (&json!(2), &json!(1)), "{}", answer.text());
}

/// Where the stored secrets cannot be opened, nobody can tell who calls: the provider tries again until the key is back.
#[test]
fn under_another_master_key_no_callback_is_taken_and_none_is_lost() {
    let state = Scratch::new().unwrap();
    let own = Options { state: Some(state.path().to_path_buf()), ..Options::default() };
    let vars = vec![("BLUETICK_MASTER_KEY".to_owned(), "another master key than the state's".to_owned())];
    let other = Options { vars, ..own.clone() };
    let first = Server::start(own.clone()).unwrap();
    let callback_url = Api::of(&first).channel("meta");
    let path = callback_url.strip_prefix(&first.url()).unwrap().to_owned();
    expect(&Api::of(&first).campaign("spring", json!({})), 201);
    drop(first);

    let second = Server::start(other).unwrap();
    let api = Api::of(&second);
    let url = format!("{}{path}", second.url());
    let unsigned = api.0.raw("POST", &path, &[], &batch(&[status("wamid.forged")])).unwrap();
    for answer in [unsigned, api.callback(&url, &batch(&[status("wamid.true")]))] {
        expect(&answer, 503);
        assert!(answer.text().contains("was the master key changed?"), "{}", answer.text());
        assert!(answer.header("retry-after").is_some());
    }
    drop(second);

    let third = Server::start(own).unwrap();
    let api = Api::of(&third);
    expect(&api.callback(&format!("{}{path}", third.url()), &batch(&[status("wamid.true")])), 200);
    assert_eq!(api.stats("spring")["messages"]["delivered"], json!(1));
}
