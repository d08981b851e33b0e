//! What the edge promises to each caller: the exact answers of the HTTP contract, and that what was answered is kept.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::Duration;

use bluetick_dev::meta::{self, Status};
use bluetick_dev::{Answer, Broken, wait};
use serde_json::{Value, json};

use crate::client::{Api, SECRET, SENDER, expect, server};

const BROWSER: &str = "Mozilla/5.0 (Linux; Android 16) Mobile Safari/537.36";

fn status(message: &str, status: &str, contact: &str) -> Status {
    Status {
        message_id: message.to_owned(),
        status: status.to_owned(),
        at_ms: 1_780_000_000_000,
        contact: contact.to_owned(),
        reference: Some("spring".to_owned()),
        ..Status::default()
    }
}

/// Fails unless the answer is a problem with this status, and errors at these pointers.
#[track_caller]
fn expect_problem(answer: &Answer, status: u16, pointers: &[&str]) {
    expect(answer, status);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    assert_eq!(problem["status"], json!(status));
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    let found: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(found, pointers, "{problem}");
}

#[test]
fn a_provider_tries_the_url_before_it_calls() {
    let server = server();
    let api = Api::of(&server);
    let body = json!({"provider": "meta", "secrets": [SECRET], "verify_token": "a word"});
    let callback_url = api.put("/v1/channels/meta", body).json()["callback_url"].as_str().unwrap().to_owned();
    let path = callback_url.strip_prefix(&server.url()).unwrap().to_owned();
    let anybody = Api(api.0.with_key(""));
    let shake = |query: &str| anybody.get(&format!("{path}?{query}"));
    let answer = shake("hub.mode=subscribe&hub.verify_token=a%20word&hub.challenge=1158201444");
    expect(&answer, 200);
    assert_eq!(answer.text(), "1158201444");
    for wrong in [
        "hub.mode=subscribe&hub.verify_token=another&hub.challenge=1",
        "hub.mode=unsubscribe&hub.verify_token=a%20word&hub.challenge=1",
        "hub.mode=subscribe&hub.challenge=1",
        "",
    ] {
        expect_problem(&shake(wrong), 403, &[]);
    }
    expect_problem(&anybody.get(&format!("{path}x?hub.mode=subscribe")), 404, &[]);

    // Rotated, the old address stays good for as long as it was said; another one never was.
    let rotated = api.post("/v1/channels/meta/rotate", json!({"overlap_hours": 1})).json();
    let new = rotated["callback_url"].as_str().unwrap();
    assert_ne!(new, callback_url);
    let one = status("wamid.a", "sent", "12025550142");
    for url in [new, &callback_url] {
        expect(&api.status(url, &one), 200);
    }
    expect(&api.post("/v1/channels/meta/rotate", json!({"overlap_hours": 0})), 200);
    for url in [new, &callback_url] {
        expect_problem(&api.status(url, &one), 404, &[]);
    }
    expect(&api.delete("/v1/channels/meta"), 204);
    expect_problem(&api.get("/v1/channels/meta"), 404, &[]);
}

#[test]
fn a_new_secret_is_good_at_once() {
    let server = server();
    let api = Api::of(&server);
    let callback_url = api.channel("meta");
    let body = meta::one_status(SENDER, &status("wamid.a", "sent", "12025550142"));
    expect(&api.0.callback(&callback_url, "new", &body).unwrap(), 401);
    expect(&api.put("/v1/channels/meta", json!({"provider": "meta", "secrets": [SECRET, "new"]})), 200);
    for secret in [SECRET, "new"] {
        expect(&api.0.callback(&callback_url, secret, &body).unwrap(), 200);
    }
}

/// A Ledger that throws, and one that never answers: who calls comes again, and nothing is lost or counted twice.
#[test]
fn what_no_ledger_takes_comes_again_and_counts_once() {
    for how in [Broken::Throws, Broken::Hangs] {
        let mut server = server();
        let api = Api::of(&server);
        expect(&api.campaign("spring", json!({})), 201);
        let callback_url = api.channel("meta");
        let sent = |no| status(&format!("wamid.{no}"), "sent", &format!("1202555{no:04}")).to_json();
        let body = meta::envelope(&[vec![meta::change(SENDER, &(0..40).map(sent).collect::<Vec<_>>(), &[])]]);
        server.set_broken(&[("LEDGER", how)]);
        server.restart().unwrap();
        for answer in [api.callback(&callback_url, &body), api.get("/v1/campaigns/spring/stats?max_age=0")] {
            expect_problem(&answer, 503, &[]);
            assert_eq!(answer.header("retry-after"), Some("2"), "{how:?}");
        }
        server.set_broken(&[]);
        server.restart().unwrap();
        for _ in 0..2 {
            expect(&api.callback(&callback_url, &body), 200);
            assert_eq!(api.stats("spring")["messages"]["sent"], json!(40), "{how:?}");
        }
    }
}

/// A provider that hangs up before it is answered has most likely not been served, and comes again. Meanwhile nobody waits for it.
#[test]
fn who_hangs_up_holds_up_nobody_and_counts_once() {
    const STATUSES: usize = 40;
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let callback_url = api.channel("meta");
    let address = server.url().trim_start_matches("http://").to_owned();
    let path = callback_url.trim_start_matches(&server.url()).to_owned();
    let callback = |no: usize| {
        let sent = |i| status(&format!("wamid.{no}.{i}"), "sent", &format!("1202555{:04}", no * STATUSES + i)).to_json();
        meta::envelope(&[vec![meta::change(SENDER, &(0..STATUSES).map(sent).collect::<Vec<_>>(), &[])]])
    };
    let hang_up = &|no: usize| {
        let body = callback(no);
        let (length, signature) = (body.len(), meta::signature(SECRET, &body));
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nX-Hub-Signature-256: {signature}\r\nContent-Length: {length}\r\n\r\n"
        )
        .unwrap();
        stream.write_all(&body).unwrap();
        std::thread::sleep(Duration::from_millis(no as u64 % 4 * 3));
        stream.shutdown(Shutdown::Both).unwrap();
    };
    for round in 0..20 {
        std::thread::scope(|scope| {
            for no in round * 6..round * 6 + 5 {
                scope.spawn(move || hang_up(no));
            }
            expect(&api.callback(&callback_url, &callback(round * 6 + 5)), 200);
        });
    }
    for no in 0..120 {
        expect(&api.callback(&callback_url, &callback(no)), 200);
    }
    assert_eq!(api.stats("spring")["messages"]["sent"], json!(120 * STATUSES));
}

#[test]
fn wrong_bodies_are_told_where() {
    let server = server();
    let api = Api::of(&server);
    expect_problem(&api.put("/v1/channels/meta", json!({"provider": "meta", "secret": "x"})), 400, &["/secret"]);
    expect_problem(
        &api.put("/v1/campaigns/spring", json!({"name": "", "colour": 1})),
        400,
        &["/name", "/type", "/message_type", "/colour"],
    );
    expect_problem(&api.campaign("_spring", json!({})), 400, &[]);
    expect(&api.campaign("spring", json!({})), 201);
    expect(&api.campaign("spring", json!({})), 200);
    let differs = api.campaign("spring", json!({"attribution": {"window_hours": 25}}));
    expect_problem(&differs, 409, &["/attribution/window_hours"]);
    expect_problem(&api.post("/v1/links", json!({"campaign": "spring", "url": "javascript:alert(1)"})), 400, &["/url"]);
    expect_problem(&api.get("/v1/campaigns?colour=red"), 400, &[]);
    expect_problem(&api.get("/v1/campaigns?cursor=invented"), 400, &[]);
    expect_problem(&api.get("/v1/campaigns/summer/stats"), 404, &[]);
    expect_problem(&api.get("/v1/nothing"), 404, &[]);
    let answer = api.delete("/v1/campaigns/spring");
    expect_problem(&answer, 405, &[]);
    assert_eq!(answer.header("allow"), Some("PUT, GET, PATCH"));
    let no_json = api.0.raw("PUT", "/v1/campaigns/x", &[("content-type", "application/json")], b"{").unwrap();
    expect_problem(&no_json, 400, &[]);
    let too_large = api.0.raw("POST", "/v1/conversions", &[], &vec![b' '; 5_000_001]).unwrap();
    expect_problem(&too_large, 413, &[]);
    let lines = "{}\n".repeat(10_001);
    let too_many = api.0.raw("POST", "/v1/conversions", &[("content-type", "application/x-ndjson")], lines.as_bytes());
    expect_problem(&too_many.unwrap(), 413, &[]);
}

#[test]
fn a_bad_line_never_spoils_the_good_ones() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let accepted =
        |n: u32| json!({"outcome": "accepted", "contact": format!("+120255501{n:02}"), "message_id": format!("wamid.{n}")});
    let lines = json!({"dispatches": [accepted(1), {"outcome": "accepted"}, accepted(2)]});
    let unknown = api.post("/v1/campaigns/spring/dispatches", lines.clone()).json();
    assert_eq!(unknown["accepted"], json!(0), "which channel is meant is not known: {unknown}");
    api.channel("meta");
    for _ in 0..2 {
        let answer = api.post("/v1/campaigns/spring/dispatches", lines.clone());
        expect(&answer, 200);
        let answer = answer.json();
        assert_eq!((&answer["accepted"], &answer["rejected"][0]["index"]), (&json!(2), &json!(1)), "{answer}");
        assert_eq!(answer["rejected"][0]["errors"][0]["pointer"], json!("/contact"));
    }
    let ndjson = format!("{}\n\n{}\nnonsense\n", accepted(3), json!({"outcome": "control", "contact": "+12025550104"}));
    let headers = [("content-type", "application/x-ndjson")];
    let answer = api.0.raw("POST", "/v1/campaigns/spring/dispatches", &headers, ndjson.as_bytes()).unwrap().json();
    assert_eq!((&answer["accepted"], &answer["rejected"][0]["index"]), (&json!(2), &json!(2)), "{answer}");
    assert_eq!(api.stats("spring")["messages"]["sent"], json!(3));
    let conversions = json!({"conversions": [{"id": "o1", "contact": "+12025550101"}, {"id": "o2"}]});
    let answer = api.post("/v1/conversions", conversions).json();
    assert_eq!((&answer["accepted"], &answer["rejected"][0]["index"]), (&json!(1), &json!(1)), "{answer}");
}

#[test]
fn a_reader_who_knows_it_all_is_told_so() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let callback_url = api.channel("meta");
    let path = "/v1/campaigns/spring/stats?max_age=0";
    let ask = |etag: &str| api.0.raw("GET", path, &[("if-none-match", etag)], b"").unwrap();
    let first = api.get(path).header("etag").unwrap().to_owned();
    expect(&ask(&first), 304);
    let sent = status("wamid.a", "sent", "12025550142");
    expect(&api.status(&callback_url, &sent), 200);
    let second = ask(&first);
    expect(&second, 200);
    let second = second.header("etag").unwrap().to_owned();
    expect(&api.status(&callback_url, &sent), 200);
    expect(&ask(&second), 304);
    // Without a wish to the contrary an answer may be two seconds old.
    expect(&api.get("/v1/campaigns/spring/stats"), 200);
    expect(&api.status(&callback_url, &status("wamid.b", "sent", "12025550142")), 200);
    assert_eq!(api.get("/v1/campaigns/spring/stats?max_age=60").header("etag"), Some(second.as_str()));
    expect(&ask(&second), 200);
}

#[test]
fn a_redirect_has_its_headers_and_goes_nowhere_else() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let body = json!({"campaign": "spring", "url": "https://shop.example/a?b=c#d", "append_click_id": true, "pass_query": true});
    let link = api.post("/v1/links", body).json();
    let url = link["tracking_url"].as_str().unwrap();
    let path = url.strip_prefix(&server.url()).unwrap();
    for method in ["GET", "HEAD"] {
        let answer = api.0.raw(method, &format!("{path}?utm=x&bt=forged"), &[("user-agent", BROWSER)], b"").unwrap();
        expect(&answer, 302);
        let location = answer.header("location").unwrap();
        assert!(location.starts_with("https://shop.example/a?b=c&utm=x&bt=") && location.ends_with("#d"), "{location}");
        assert!(!location.contains("forged"));
        for (name, value) in
            [("cache-control", "no-store"), ("referrer-policy", "no-referrer-when-downgrade"), ("x-robots-tag", "noindex")]
        {
            assert_eq!(answer.header(name), Some(value));
        }
    }
    let text =
        json!({"campaign": "spring", "contact": "+12025550142", "text": format!("Go to https://shop.example/x, or {url}.")});
    let wrapped = api.post("/v1/wrap", text).json();
    let inner = wrapped["links"][0]["tracking_url"].as_str().unwrap();
    assert_eq!(wrapped["text"], json!(format!("Go to {inner}, or {url}.")));
    expect(&api.0.tap(inner, BROWSER).unwrap(), 302);

    let link_path = format!("/v1/links/{}", link["link"].as_str().unwrap());
    expect(&api.patch(&link_path, json!({"disabled": true})), 200);
    expect(&api.0.tap(url, BROWSER).unwrap(), 404);
    expect(&api.patch(&link_path, json!({"disabled": false, "url": "https://shop.example/new"})), 200);
    assert!(api.0.tap(url, BROWSER).unwrap().header("location").unwrap().starts_with("https://shop.example/new?bt="));
    expect(&api.delete(&link_path), 204);
    expect(&api.0.tap(url, BROWSER).unwrap(), 404);
}

#[test]
fn the_log_names_routes_and_nothing_else() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let callback_url = api.channel("meta");
    expect(&api.status(&callback_url, &status("wamid.secret", "sent", "12025550142")), 200);
    expect(&api.get("/v1/campaigns?tag=hidden"), 200);
    expect(&api.get("/openapi.json"), 200);
    assert!(api.get("/metrics").text().contains("\nbluetick_callbacks_total{outcome=\"accepted\"} 1\n"));
    wait::until(Duration::from_secs(5), || server.log().contains("\"metrics\""));
    let log = server.log();
    assert!(log.contains(r#"{"route":"campaigns","status":200,"ms":"#), "{log}");
    let token = callback_url.rsplit('/').next().unwrap();
    for word in ["hidden", "wamid.secret", "12025550142", token, server.admin_key(), SECRET, "/v1/"] {
        assert!(!log.lines().filter(|line| line.contains("\"route\"")).any(|line| line.contains(word)), "{word} in {log}");
    }
}

/// Twenty times the runtime is killed in the middle of traffic and started again on the same state. Everything that was answered
/// 200 is counted, once; a redirect answered just before may lose its click, and how many did is said.
#[test]
fn what_was_answered_survives_twenty_kills() {
    const KILLS: u32 = 20;
    const SENDERS: u32 = 4;
    let mut server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let callback_url = api.channel("meta");
    let link = api.post("/v1/links", json!({"campaign": "spring", "url": "https://shop.example/a"})).json();
    let tracking_url = link["tracking_url"].as_str().unwrap().to_owned();

    let answered = Mutex::new(Vec::new());
    let (tried, taps, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    // Held while the server is down, so that nobody calls in vain until it is up again.
    let up = RwLock::new(());
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (api, callback_url, tracking_url) = (api.clone(), &callback_url, &tracking_url);
            let (answered, tried, taps, done, up) = (&answered, &tried, &taps, &done, &up);
            scope.spawn(move || {
                let mut n = 0;
                while !done.load(Ordering::Relaxed) {
                    let message = format!("wamid.{sender}.{n}");
                    let body =
                        meta::one_status(SENDER, &status(&message, "sent", &format!("1202555{:04}", n % 50 + sender * 50)));
                    tried.fetch_add(1, Ordering::Relaxed);
                    // Until it is answered, as a provider does: every repeat may meet what the kill left.
                    while !api.0.callback(callback_url, SECRET, &body).is_ok_and(|answer| answer.status == 200) {
                        if done.load(Ordering::Relaxed) {
                            return;
                        }
                        drop(up.read());
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    answered.lock().unwrap().push(body);
                    if api.0.tap(tracking_url, BROWSER).is_ok_and(|answer| answer.status == 302) {
                        taps.fetch_add(1, Ordering::Relaxed);
                    }
                    n += 1;
                }
            });
        }
        for kill in 0..KILLS {
            std::thread::sleep(Duration::from_millis(150 + u64::from(kill % 5) * 70));
            let _down = up.write().unwrap();
            server.kill();
            server.restart().unwrap();
        }
        std::thread::sleep(Duration::from_millis(300));
        done.store(true, Ordering::Relaxed);
    });

    let bodies = answered.into_inner().unwrap();
    let answered = bodies.len() as u64;
    let tried = tried.into_inner();
    let taps = taps.into_inner();
    let mut stats = Value::Null;
    // The clicks of the last moment are on their way yet.
    wait::until(Duration::from_secs(3), || {
        stats = api.stats("spring");
        stats["clicks"]["total"] == json!(taps)
    });
    let sent = stats["messages"]["sent"].as_u64().unwrap();
    let clicks = stats["clicks"]["total"].as_u64().unwrap();
    println!(
        "{answered} callbacks answered, {sent} counted; {taps} taps answered, {clicks} counted, {} lost",
        taps.saturating_sub(clicks)
    );
    assert!(answered >= u64::from(KILLS), "there was no traffic to speak of");
    // What was sent and not answered may be there or not, but once.
    assert!((answered..=tried).contains(&sent), "{answered} answered, {tried} sent, {sent} counted");
    assert!(clicks <= taps + u64::from(SENDERS * KILLS), "more clicks than taps");
    assert!(clicks > 0);
    // A hundred of them again, and nothing changes.
    for body in bodies.iter().rev().take(100) {
        expect(&api.callback(&callback_url, body), 200);
    }
    assert_eq!(api.stats("spring")["messages"]["sent"], json!(sent));
}

/// What stands in a path or a query is what the sender means, and nothing that the worker means by it among its own.
#[test]
fn signs_of_our_own_are_refused_from_outside() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    expect_problem(&api.get("/v1/campaigns/spring/stats?step=a%1Ffrom=2026-11-01T00:00:00Z"), 400, &[]);
    for path in ["/v1/campaigns/%231", "/v1/campaigns/spring%1Fstep=a/stats", "/v1/links/%231", "/v1/conversions?campaign=%231"] {
        expect_problem(&api.get(path), 404, &[]);
    }
}
