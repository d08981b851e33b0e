//! What one isolate of the worker changed, as another sees it: two isolates over the same objects and the same KV.

use std::time::{Duration, Instant};

use bluetick_dev::mint::{Content, Key};
use bluetick_dev::{Answer, Http, Options, Server, wait};
use serde_json::{Value, json};

use crate::client::{Api, expect};

const OTHER: &str = "other.example";

/// Asks the second isolate.
fn elsewhere(server: &Server, path: &str, key: &str) -> Answer {
    let authorization = format!("Bearer {key}");
    let headers = [("host", OTHER), ("authorization", authorization.as_str()), ("user-agent", "Mozilla/5.0 Firefox/140.0")];
    Http::default().send("GET", &format!("{}{path}", server.url()), &headers, &[]).unwrap()
}

/// Waits until it holds, at most so many seconds, and says how long it took.
#[track_caller]
fn within(seconds: u64, what: &str, holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    assert!(wait::until(Duration::from_secs(seconds), holds), "{what} is not seen after {seconds} s");
    println!("{what} is seen after {:.1} s", begin.elapsed().as_secs_f64());
}

#[test]
fn edits_and_revocations_reach_every_isolate() {
    let server = Server::start(Options { twin: Some(OTHER), ..Options::default() }).unwrap();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let link = api.post("/v1/links", json!({"campaign": "spring", "url": "https://shop.example/before"}));
    expect(&link, 201);
    let path = format!("/v1/links/{}", link.json()["link"].as_str().unwrap());
    let wrapped = api.post(&format!("{path}/wrap"), json!({"contacts": ["12025550142"]})).json();
    let tracking_url = wrapped["data"][0]["tracking_url"].as_str().unwrap().to_owned();
    let token = &tracking_url[tracking_url.find("/c/").unwrap()..];
    let key = api.post("/v1/keys", json!({"name": "a test's", "scopes": ["read"]})).json();
    let (id, key) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    let leads_to = |token: &str| elsewhere(&server, token, key).header("location").map(str::to_owned);
    let listens = || elsewhere(&server, "/v1/campaigns/spring/stats", key).status;

    // The other isolate knows the link, and the key as soon as it reads the keys again.
    assert_eq!(leads_to(token).as_deref(), Some("https://shop.example/before"));
    within(60, "a new key", || listens() == 200);

    expect(&api.patch(&path, json!({"url": "https://shop.example/after"})), 200);
    expect(&api.delete(&format!("/v1/keys/{id}")), 204);
    within(120, "an edited target", || leads_to(token).as_deref() == Some("https://shop.example/after"));
    within(60, "a revoked key", || listens() == 401);
    expect(&api.patch(&path, json!({"disabled": true})), 200);
    within(120, "a disabled link", || leads_to(token).is_none());
    // A sealed token asks the list of what is denied, and not how its link was when this isolate saw it last.
    expect(&api.put("/v1/settings", json!({"timezone": "UTC", "link_hosts": ["shop.example"]})), 200);
    let minting_key = api.post("/v1/minting_keys", json!({"name": "a test's"})).json();
    let minting_key = Key::read(minting_key["key"].as_str().unwrap()).unwrap();
    let number = path.trim_start_matches("/v1/links/l").parse().unwrap();
    let content = Content { link: number, contact: "12025550142", url: "https://shop.example/mine", ..Content::default() };
    let sealed = format!("/c/{}", minting_key.mint(&content).unwrap());
    assert_eq!(leads_to(&sealed), None);
    expect(&api.patch(&path, json!({"disabled": false})), 200);
    within(120, "a link that is good again", || leads_to(&sealed).is_some());
    // Both count into the same Ledgers.
    let clicks = |api: &Api| -> Value { api.stats("spring")["clicks"]["total"].take() };
    assert!(wait::until(Duration::from_secs(10), || clicks(&api).as_u64() >= Some(2)), "{}", clicks(&api));
}
