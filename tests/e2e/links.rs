//! Tracking links, as the person who taps, the sender who wraps and the shop that sells see them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bluetick_dev::bench::loss;
use bluetick_dev::meta::Status;
use bluetick_dev::mint::{Content, Key};
use bluetick_dev::{Answer, Broken, Http, Options, Server, wait};
use serde_json::{Value, json};

use crate::client::{Api, expect, server};

const PHONE: &str =
    "Mozilla/5.0 (Linux; Android 16; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36";
const TARGET: &str = "https://shop.example/a?b=c#d";
const CONTACT: &str = "12025550142";

impl Api {
    /// Declares a link with `more` members beside the needed ones.
    fn link(&self, more: Value) -> Value {
        let mut body = json!({"campaign": "spring", "url": TARGET});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.post("/v1/links", body);
        expect(&answer, 201);
        answer.json()
    }

    /// The tracking URL of a link for a contact.
    fn wrap(&self, link: &Value, contact: &str) -> String {
        let answer = self.post(&format!("/v1/links/{}/wrap", text(&link["link"])), json!({"contacts": [contact]}));
        expect(&answer, 200);
        text(&answer.json()["data"][0]["tracking_url"])
    }

    fn clicks(&self, campaign: &str) -> Value {
        self.stats(campaign)["clicks"].take()
    }

    /// Waits until the campaign has so many clicks, and gives them.
    #[track_caller]
    fn clicks_when(&self, campaign: &str, total: u64) -> Value {
        let mut clicks = json!(null);
        wait::until(Duration::from_secs(30), || {
            clicks = self.clicks(campaign);
            clicks["total"].as_u64() >= Some(total)
        });
        assert_eq!(clicks["total"], json!(total), "{clicks}");
        clicks
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn request(method: &str, url: &str, headers: &[(&str, &str)]) -> Answer {
    Http::default().send(method, url, headers, &[]).unwrap()
}

fn tap(url: &str) -> Answer {
    request("GET", url, &[("user-agent", PHONE)])
}

fn location(answer: &Answer) -> String {
    expect(answer, 302);
    answer.header("location").expect("a location").to_owned()
}

#[track_caller]
fn leads_nowhere(url: &str) {
    let answer = tap(url);
    assert_eq!((answer.status, answer.header("location")), (404, None), "{url}");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(!answer.text().contains('<'), "{}", answer.text());
}

/// The value of `bt` in a URL.
fn click_id(url: &str) -> Option<&str> {
    url.split(['?', '&', '#']).find_map(|pair| pair.strip_prefix("bt="))
}

fn started() -> (Server, Api) {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    (server, api)
}

#[test]
fn a_tap_is_a_bare_redirect_with_these_headers_and_no_others() {
    let (_server, api) = started();
    let url = api.wrap(&api.link(json!({})), CONTACT);
    assert!(url.rsplit('/').next().unwrap().len() <= 40 && !url.contains("2025550142"), "{url}");
    for method in ["GET", "HEAD"] {
        let answer = request(method, &url, &[("user-agent", PHONE)]);
        expect(&answer, 302);
        let of_the_connection = ["date", "content-length", "transfer-encoding", "connection", "keep-alive"];
        let mut headers: Vec<(&str, &str)> =
            answer.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        headers.retain(|(name, _)| !of_the_connection.contains(name));
        headers.sort_unstable();
        let expected = [
            ("cache-control", "no-store"),
            ("location", TARGET),
            ("referrer-policy", "no-referrer-when-downgrade"),
            ("x-robots-tag", "noindex"),
        ];
        assert_eq!(headers, expected, "{method}");
        assert_eq!(answer.text(), "");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        expect(&request(method, &url, &[]), 405);
    }
}

#[test]
fn no_query_chooses_the_target() {
    let (_server, api) = started();
    let fixed = api.wrap(&api.link(json!({})), CONTACT);
    let open = api.wrap(&api.link(json!({"pass_query": true, "append_click_id": true})), CONTACT);
    for query in [
        "url=https://evil.example/",
        "u=//evil.example",
        "to=https://evil.example",
        "next=%2F%2Fevil.example",
        "https://evil.example",
        "@evil.example/",
        "#@evil.example",
        "\\evil.example",
        ".evil.example",
        "%0d%0aLocation:%20https://evil.example",
        "bt=forged",
        "%62t=forged",
        "target=javascript:alert(1)",
        "?",
        "&&&",
        "=",
    ] {
        assert_eq!(location(&tap(&format!("{fixed}?{query}"))), TARGET, "{query}");
        let passed = location(&tap(&format!("{open}?{query}")));
        assert!(passed.starts_with("https://shop.example/a?b=c&") && passed.ends_with("#d"), "{query}: {passed}");
        assert!(!passed.contains("forged") && click_id(&passed).is_some(), "{query}: {passed}");
    }
    assert!(location(&tap(&format!("{open}?utm_source=w&x=1"))).starts_with("https://shop.example/a?b=c&utm_source=w&x=1&bt="));
}

#[test]
fn a_click_id_is_new_with_every_tap() {
    let (_server, api) = started();
    let link = api.link(json!({"append_click_id": true}));
    let mut ids = BTreeSet::new();
    for url in [api.wrap(&link, CONTACT), text(&link["tracking_url"])] {
        for _ in 0..3 {
            let location = location(&tap(&url));
            let id = click_id(&location).expect("a click id").to_owned();
            assert_eq!(location, format!("https://shop.example/a?b=c&bt={id}#d"));
            ids.insert(id);
        }
    }
    assert_eq!(ids.len(), 6);
    // A shared link's taps count in totals, and for nobody.
    let clicks = api.clicks_when("spring", 6);
    assert_eq!((&clicks["human"], &clicks["unique"]), (&json!(6), &json!(1)));
}

#[test]
fn what_is_tampered_with_leads_nowhere() {
    let (_server, api) = started();
    let link = api.link(json!({}));
    for url in [api.wrap(&link, CONTACT), text(&link["tracking_url"])] {
        let token = url.len() - 40;
        for at in (token..url.len()).step_by(3) {
            let other = if url.as_bytes()[at] == b'A' { "B" } else { "A" };
            leads_nowhere(&format!("{}{other}{}", &url[..at], &url[at + 1..]));
        }
        for changed in [format!("{url}A"), url[..url.len() - 1].to_owned(), format!("{}x", &url[..token]), format!("{url}%00")] {
            leads_nowhere(&changed);
        }
    }
    let clicks = api.clicks("spring");
    assert_eq!(clicks["total"], json!(0));
}

#[test]
fn what_is_disabled_leads_nowhere_at_once_and_after_a_restart() {
    let (mut server, api) = started();
    let link = api.link(json!({}));
    let (path, urls) = (format!("/v1/links/{}", text(&link["link"])), [api.wrap(&link, CONTACT), text(&link["tracking_url"])]);
    for url in &urls {
        assert_eq!(location(&tap(url)), TARGET);
    }
    expect(&api.call("PATCH", &path, &json!({"url": "https://shop.example/edited"})), 200);
    assert_eq!(location(&tap(&urls[0])), "https://shop.example/edited");
    for (body, status) in [(json!({"url": "ftp://x"}), 400), (json!({"campaign": "b"}), 400), (json!({"disabled": true}), 200)] {
        expect(&api.call("PATCH", &path, &body), status);
    }
    urls.iter().for_each(|url| leads_nowhere(url));
    // Taps are sent to the Ledgers once a second; a runtime that dies before takes them along.
    api.clicks_when("spring", 3);
    server.restart().unwrap();
    let api = Api::of(&server);
    urls.iter().for_each(|url| leads_nowhere(url));
    expect(&api.call("PATCH", &path, &json!({"disabled": false})), 200);
    assert_eq!(location(&tap(&urls[1])), "https://shop.example/edited");
    expect(&api.call("DELETE", &path, &json!(null)), 204);
    urls.iter().for_each(|url| leads_nowhere(url));
    expect(&api.get(&path), 404);
    assert_eq!(api.clicks_when("spring", 4)["human"], json!(4), "clicks of a deleted link stay");
}

#[test]
fn a_minting_key_makes_links_offline_to_allowed_hosts_alone() {
    let (mut server, api) = started();
    let link = api.link(json!({}));
    let given = api.post("/v1/minting_keys", json!({"name": "CRM"}));
    expect(&given, 201);
    let (id, key) = (given.json()["id"].clone(), Key::read(&text(&given.json()["key"])).unwrap());
    assert_eq!(id, json!(128));
    let number = text(&link["link"])[1..].parse().unwrap();
    let mint = |url: &str, link: u32, contact: &str| {
        let content = Content { link, contact, url, append_click_id: true, ..Content::default() };
        format!("{}/c/{}", server.url(), key.mint(&content).unwrap())
    };
    let mine = mint("https://shop.example/mine?x=1", number, "+1 (202) 555-0142");
    let (nobodys, elsewhere) = (mint("https://shop.example/", 0, ""), mint("https://evil.example/", number, CONTACT));
    let odd = mint("javascript:alert(1)//shop.example/", number, CONTACT);
    for url in [&mine, &nobodys, &elsewhere, &odd] {
        leads_nowhere(url);
    }
    expect(&api.put("/v1/settings", json!({"timezone": "UTC", "link_hosts": ["shop.example"]})), 200);
    assert!(location(&tap(&mine)).starts_with("https://shop.example/mine?x=1&bt="));
    assert!(location(&tap(&nobodys)).starts_with("https://shop.example/?bt="));
    for url in [&elsewhere, &odd] {
        leads_nowhere(url);
    }
    // It is the same person as the one whom the API names, and the same link.
    location(&tap(&api.wrap(&link, CONTACT)));
    assert_eq!(api.clicks_when("spring", 2)["unique"], json!(1));
    assert_eq!(api.clicks_when("_unattributed", 1)["human"], json!(1));

    // A sealed token needs no look-up, and still ends with its link and with its key.
    let path = format!("/v1/links/{}", text(&link["link"]));
    expect(&api.call("PATCH", &path, &json!({"disabled": true})), 200);
    leads_nowhere(&mine);
    expect(&api.call("PATCH", &path, &json!({"disabled": false})), 200);
    location(&tap(&mine));
    expect(&api.call("DELETE", "/v1/minting_keys/128", &json!(null)), 204);
    expect(&api.call("DELETE", "/v1/minting_keys/129", &json!(null)), 404);
    let listed = api.get("/v1/minting_keys").json();
    assert!(listed["data"][0]["revoked_at"].is_string() && listed["data"][0].get("key").is_none(), "{listed}");
    [&mine, &nobodys].into_iter().for_each(|url| leads_nowhere(url));
    server.restart().unwrap();
    [&mine, &nobodys].into_iter().for_each(|url| leads_nowhere(url));
}

#[test]
fn ten_thousand_contacts_are_wrapped_in_one_call() {
    let (_server, api) = started();
    let path = format!("/v1/links/{}/wrap", text(&api.link(json!({}))["link"]));
    let contacts: Vec<String> = (0..10_001).map(|n| format!("1202{n:07}")).collect();
    let body = json!({ "contacts": contacts[..10_000] }).to_string();
    let headers = [("content-type", "application/json"), ("accept", "application/x-ndjson")];
    let answer = api.0.raw("POST", &path, &headers, body.as_bytes()).unwrap();
    expect(&answer, 200);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let lines: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let named: Vec<&str> = lines.iter().map(|line| line["contact"].as_str().unwrap()).collect();
    assert_eq!(named, contacts[..10_000]);
    let urls: BTreeSet<&str> = lines.iter().map(|line| line["tracking_url"].as_str().unwrap()).collect();
    assert_eq!(urls.len(), 10_000);
    assert_eq!(location(&tap(urls.first().unwrap())), TARGET);

    expect(&api.post(&path, json!({ "contacts": contacts })), 400);
    expect(&api.post(&path, json!({"contacts": [CONTACT, "nobody"]})), 400);
    let same = api.post(&format!("{path}?format=ndjson"), json!({"contacts": [CONTACT, CONTACT]})).text();
    let (one, two) = same.trim_end().split_once('\n').unwrap();
    assert_eq!(one, two, "the same contact has the same URL");
    expect(&api.post(&format!("{path}?format=xml"), json!({"contacts": [CONTACT]})), 400);
    expect(&api.post("/v1/links/l99/wrap", json!({"contacts": [CONTACT]})), 404);
}

#[test]
fn a_text_is_wrapped_and_nothing_else_in_it_changes() {
    let (server, api) = started();
    let wrap = |text: &str| {
        let answer = api.post("/v1/wrap", json!({"campaign": "spring", "step": "s1", "contact": CONTACT, "text": text}));
        expect(&answer, 200);
        answer.json()
    };
    let wrapped =
        wrap("Sale (https://shop.example/a), again https://shop.example/a! 🎁 https://shop.example/b. ftp://x http://u:p@h/");
    let links = wrapped["links"].as_array().unwrap();
    let url = |n: usize| text(&links[n]["tracking_url"]);
    assert_eq!(links.len(), 2, "{wrapped}");
    assert_eq!(text(&wrapped["text"]), format!("Sale ({}), again {}! 🎁 {}. ftp://x http://u:p@h/", url(0), url(0), url(1)));
    assert_eq!(location(&tap(&url(1))), "https://shop.example/b");
    // What is ours is left alone.
    let again = wrap(wrapped["text"].as_str().unwrap());
    assert_eq!((&again["text"], &again["links"]), (&wrapped["text"], &json!([])));
    let by_another_host = text(&wrapped["text"]).replace(&server.url(), "https://go.shop.example");
    let again = wrap(&by_another_host);
    assert_eq!((text(&again["text"]), &again["links"]), (by_another_host, &json!([])));
    assert!(url(0).starts_with(&format!("{}/c/", server.url())));
    let listed = api.get("/v1/links?campaign=spring").json();
    assert_eq!((&listed["total"], &listed["data"][0]["step"]), (&json!(2), &json!("s1")));
    assert_eq!(api.get("/v1/links?campaign=other").json()["total"], json!(0));
}

#[test]
fn targets_are_checked() {
    let (_server, api) = started();
    for url in [
        "ftp://shop.example/",
        "javascript:alert(1)",
        "https://u:p@shop.example/",
        "https://bücher.example/",
        "//shop.example",
        "https://",
    ] {
        expect(&api.post("/v1/links", json!({"campaign": "spring", "url": url})), 400);
    }
    let long = |n: usize| format!("https://shop.example/{}", "a".repeat(n - "https://shop.example/".len()));
    expect(&api.post("/v1/links", json!({"campaign": "spring", "url": long(2049)})), 400);
    for url in [long(2048), "http://xn--bcher-kva.example/ü".to_owned()] {
        let link = api.link(json!({ "url": url }));
        assert_eq!(location(&tap(&text(&link["tracking_url"]))), url.replace('ü', "%C3%BC"));
    }
}

#[test]
fn machines_are_counted_apart() {
    let (_server, api) = started();
    let url = api.wrap(&api.link(json!({})), CONTACT);
    request("HEAD", &url, &[("user-agent", PHONE)]);
    for headers in [
        &[("user-agent", PHONE), ("sec-purpose", "prefetch;prerender")][..],
        &[("user-agent", PHONE), ("purpose", "prefetch")],
        &[("user-agent", "WhatsApp/2.23.20.0")],
        &[("user-agent", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)")],
        &[("user-agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")],
        &[],
    ] {
        assert_eq!(location(&request("GET", &url, headers)), TARGET, "a machine is sent where people are");
    }
    location(&tap(&url));
    let clicks = api.clicks_when("spring", 8);
    assert_eq!((&clicks["human"], &clicks["machine"], &clicks["unique"]), (&json!(1), &json!(7), &json!(1)));
}

#[test]
fn a_hammered_link_is_counted_whole_without_a_row_for_each() {
    const TAPS: u64 = 600;
    let (_server, api) = started();
    let url = api.wrap(&api.link(json!({})), CONTACT);
    let http = Http::default();
    for _ in 0..TAPS {
        expect(&http.send("GET", &url, &[("user-agent", PHONE)], &[]).unwrap(), 302);
    }
    let clicks = api.clicks_when("spring", TAPS);
    assert_eq!((&clicks["human"], &clicks["machine"], &clicks["unique"]), (&json!(20), &json!(TAPS - 20), &json!(1)));
    let (shed, new) = (api.metric("bluetick_clicks_shed_total"), api.metric("bluetick_events_total{outcome=\"new\"}"));
    assert!(shed >= TAPS - 40 && new <= 40, "{shed} of {TAPS} shed, {new} events");
    assert_eq!((api.metric("bluetick_clicks_recorded_total"), api.metric("bluetick_clicks_lost_total")), (TAPS, 0));
}

#[test]
fn a_providers_click_on_our_link_is_not_a_second_click() {
    let (_server, api) = started();
    let url = api.wrap(&api.link(json!({})), CONTACT);
    location(&tap(&url));
    let channel = api.put("/v1/channels/ct", json!({"provider": "clevertap", "allow_unsigned": true}));
    expect(&channel, 201);
    let clicked = |url: &str| json!({"msgId": "1|77|20261001|1", "status": "clicked", "ts": 1_790_000_000, "url": url});
    let body = json!({"payloadVersion": 0.1, "statuses": [clicked(&url), clicked("https://shop.example/other"), clicked("https://shop.example/other")]});
    for _ in 0..2 {
        expect(&api.post(channel.json()["callback_url"].as_str().unwrap().strip_prefix(api.0.url()).unwrap(), body.clone()), 200);
    }
    assert_eq!(api.clicks_when("spring", 1)["human"], json!(1));
    // The provider's own click is counted, once; it names no contact, and is nobody's until somebody claims its message.
    assert_eq!(api.clicks_when("_unattributed", 1)["total"], json!(1));
    let health = api.get("/v1/channels/ct/health").json();
    assert_eq!((&health["duplicate"], &health["other"]), (&json!(3), &json!(2)), "{health}");
}

#[test]
fn a_conversion_finds_its_person_by_the_click_id() {
    let (_server, api) = started();
    let callback_url = api.channel("wa");
    let sent = Status {
        message_id: "wamid.1".to_owned(),
        status: "delivered".to_owned(),
        at_ms: 1_780_000_000_000,
        contact: CONTACT.to_owned(),
        reference: Some("spring".to_owned()),
        ..Status::default()
    };
    expect(&api.status(&callback_url, &sent), 200);
    let location = location(&tap(&api.wrap(&api.link(json!({"append_click_id": true})), CONTACT)));
    let id = click_id(&location).unwrap();
    let order = json!({"conversions": [{"id": "order-1", "click_id": id, "value": "149.90", "currency": "EUR", "at": "2026-05-28T21:00:00Z"}]});
    for _ in 0..2 {
        let answer = api.post("/v1/conversions", order.clone());
        expect(&answer, 200);
        assert_eq!(answer.json(), json!({"accepted": 1, "rejected": []}));
    }
    let stats = api.stats("spring");
    assert_eq!(stats["conversions"]["total"], json!(1), "{stats}");
    assert_eq!(
        (&stats["conversions"]["revenue"], &stats["messages"]["converted"]),
        (&json!({"EUR": "149.90"}), &json!(1)),
        "{stats}"
    );
    for wrong in ["", "nonsense", &id[1..]] {
        let answer = api.post("/v1/conversions", json!({"conversions": [{"id": "order-2", "click_id": wrong}]}));
        assert_eq!(answer.json()["accepted"], json!(0), "{wrong:?}");
    }
}

#[test]
fn redirects_go_on_while_the_ledgers_are_down() {
    for how in [Broken::Throws, Broken::Hangs] {
        let mut server = Server::start(Options::default()).unwrap();
        let api = Api::of(&server);
        expect(&api.campaign("spring", json!({})), 201);
        let url = api.wrap(&api.link(json!({})), CONTACT);
        server.set_broken(&[("LEDGER", how)]);
        server.restart().unwrap();
        let started = Instant::now();
        for _ in 0..20 {
            assert_eq!(location(&tap(&url)), TARGET, "{how:?}");
        }
        assert!(started.elapsed() < Duration::from_secs(4), "{how:?}: twenty taps took {:?}", started.elapsed());
        let api = Api::of(&server);
        assert_eq!(api.metric("bluetick_clicks_answered_total"), 20);
        assert_eq!(api.metric("bluetick_clicks_recorded_total"), 0);
        if how == Broken::Throws {
            let lost = || api.metric("bluetick_clicks_lost_total") == 20;
            assert!(wait::until(Duration::from_secs(60), lost), "what no Ledger took is not counted as lost");
        }
    }
}

#[test]
fn redirects_go_on_while_the_registry_is_down() {
    for how in [Broken::Throws, Broken::Hangs] {
        let (mut server, api) = started();
        expect(&api.put("/v1/settings", json!({"timezone": "UTC", "link_hosts": ["shop.example"]})), 200);
        let key = Key::read(&text(&api.post("/v1/minting_keys", json!({})).json()["key"])).unwrap();
        let link = api.link(json!({}));
        let short = api.wrap(&link, CONTACT);
        let sealed = format!(
            "{}/c/{}",
            server.url(),
            key.mint(&Content { link: 1, contact: CONTACT, url: TARGET, ..Content::default() }).unwrap()
        );
        let disabled = api.link(json!({"label": "disabled"}));
        expect(&api.call("PATCH", &format!("/v1/links/{}", text(&disabled["link"])), &json!({"disabled": true})), 200);
        server.set_broken(&[("REGISTRY", how)]);
        server.restart().unwrap();
        let began = Instant::now();
        for url in [&sealed, &short, &text(&link["tracking_url"]), &sealed] {
            assert_eq!(location(&tap(url)), TARGET, "{how:?}");
        }
        leads_nowhere(&text(&disabled["tracking_url"]));
        assert!(began.elapsed() < Duration::from_secs(2), "{how:?}: {:?}", began.elapsed());
        assert_eq!(Api::of(&server).metric("bluetick_clicks_answered_total"), 4);
    }
}

/// KV that fails, hangs, or takes a second for each read: what this isolate has never seen is the Registry's to say, or KV's when it
/// comes; after that no tap waits for either.
#[test]
fn redirects_go_on_while_kv_is_slow() {
    let (mut server, api) = started();
    expect(&api.put("/v1/settings", json!({"timezone": "UTC", "link_hosts": ["shop.example"]})), 200);
    let key = Key::read(&text(&api.post("/v1/minting_keys", json!({})).json()["key"])).unwrap();
    let link = api.link(json!({}));
    let short = api.wrap(&link, CONTACT);
    let content = Content { link: 1, contact: CONTACT, url: TARGET, ..Content::default() };
    let sealed = format!("{}/c/{}", server.url(), key.mint(&content).unwrap());
    let mut total = 0;
    for (kv, registry) in
        [(Broken::Throws, None), (Broken::Slow, None), (Broken::Hangs, None), (Broken::Slow, Some(Broken::Throws))]
    {
        let mut broken = vec![("KV", kv)];
        broken.extend(registry.map(|how| ("REGISTRY", how)));
        server.set_broken(&broken);
        // What hangs would be waited for by a stop in order.
        server.kill();
        server.restart().unwrap();
        let began = Instant::now();
        for url in [&sealed, &short] {
            assert_eq!(location(&tap(url)), TARGET, "KV {kv:?}, Registry {registry:?}");
        }
        let first = began.elapsed();
        assert!(first < Duration::from_secs(5), "KV {kv:?}: the first two taps took {first:?}");
        let began = Instant::now();
        for _ in 0..20 {
            for url in [&sealed, &short] {
                assert_eq!(location(&tap(url)), TARGET, "KV {kv:?}, Registry {registry:?}");
            }
        }
        let known = began.elapsed();
        println!("KV {kv:?}, Registry {registry:?}: the first two taps {first:?}, forty more {known:?}");
        assert!(known < Duration::from_secs(2), "KV {kv:?}: forty taps of known links took {known:?}");
        total += 42;
        let recorded = || Api::of(&server).metric("bluetick_clicks_recorded_total") == 42;
        assert!(wait::until(Duration::from_secs(30), recorded), "KV {kv:?}: not every tap was recorded");
    }
    server.set_broken(&[]);
    server.kill();
    server.restart().unwrap();
    assert_eq!(Api::of(&server).clicks_when("spring", total)["unique"], json!(1));
}

/// Clicks wait a second at most for others to share their call: a death takes those, and no more.
#[test]
fn a_killed_isolate_takes_only_the_last_taps_along() {
    let mut server = server();
    let loss = loss::measure(&mut server, Duration::from_millis(3_500)).unwrap();
    println!("{loss:?}");
    // A round, its calls and commits, on a machine that is busy with other tests.
    assert!(loss.within < Duration::from_millis(2_500), "{loss:?}");
    assert!(loss.lost < loss.answered, "{loss:?}");
}

/// One request at a time sends what all of them gathered, also after the first has handed over to the next.
/// As many Ledgers as one request may just call, and more than that.
#[test]
fn clicks_reach_any_number_of_ledgers() {
    for ledgers in ["16", "64"] {
        let vars = vec![("BLUETICK_LEDGERS".to_owned(), ledgers.to_owned())];
        let server = Server::start(Options { vars, ..Options::default() }).unwrap();
        let api = Api::of(&server);
        expect(&api.campaign("spring", json!({})), 201);
        let link = api.link(json!({}));
        for no in 0..80 {
            location(&tap(&api.wrap(&link, &format!("120255501{no:02}"))));
            std::thread::sleep(Duration::from_millis(50));
        }
        api.clicks_when("spring", 80);
    }
}

#[test]
fn a_stream_of_taps_has_one_sender() {
    let vars = vec![("BLUETICK_LEDGERS".to_owned(), "1".to_owned())];
    let server = Server::start(Options { vars, ..Options::default() }).unwrap();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let link = api.link(json!({}));
    let urls: Vec<String> = (0..60).map(|no| api.wrap(&link, &format!("120255501{no:02}"))).collect();
    let begin = Instant::now();
    let tap_until = |second: u64| {
        let mut taps = 0;
        for url in urls.iter().cycle().take_while(|_| begin.elapsed() < Duration::from_secs(second)) {
            location(&tap(url));
            taps += 1;
            std::thread::sleep(Duration::from_millis(100));
        }
        taps
    };
    let before = tap_until(25);
    let calls = api.ledger_calls();
    let taps = tap_until(31);
    // One a second, and one or two of a hand-over.
    let calls = api.ledger_calls() - calls;
    assert!(taps > 30 && calls <= 10, "{calls} calls for {taps} taps");
    api.clicks_when("spring", before + taps);
}
