//! The live stream on the real runtime: what moves is told, once; tickets are good once; what is taken away ends.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bluetick_dev::Server;
use bluetick_dev::meta::Status;
use serde_json::{Value, json};

use crate::client::{Api, expect, server};

/// An open connection that is read as it comes.
struct Stream {
    socket: TcpStream,
    read: String,
}

impl Stream {
    fn open(server: &Server, path: &str, headers: &[(&str, &str)]) -> Self {
        let host = server.url().replace("http://", "");
        let mut socket = TcpStream::connect(&host).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        write!(socket, "GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        Self { socket, read: String::new() }
    }

    /// Reads until `seen` is satisfied, or for that long; says whether it is.
    fn until(&mut self, most: Duration, seen: impl Fn(&str) -> bool) -> bool {
        let begun = Instant::now();
        let mut bytes = [0; 65_536];
        while !seen(&self.read) && begun.elapsed() < most {
            if let Ok(n) = self.socket.read(&mut bytes) {
                self.read.push_str(&String::from_utf8_lossy(&bytes[..n]));
            }
        }
        seen(&self.read)
    }

    /// The events so far: ids and data.
    fn events(&self) -> Vec<(String, Value)> {
        let after = |line: &str, name: &str| line.strip_prefix(name).map(str::to_owned);
        let ids = self.read.lines().filter_map(|line| after(line, "id: "));
        let data = self.read.lines().filter_map(|line| after(line, "data: "));
        ids.zip(data.map(|data| serde_json::from_str(&data).unwrap())).collect()
    }
}

const SOON: Duration = Duration::from_secs(10);

fn sent(message: &str) -> Status {
    Status {
        message_id: message.to_owned(),
        status: "sent".to_owned(),
        at_ms: 1_780_000_000_000,
        contact: "12025550142".to_owned(),
        reference: Some("spring".to_owned()),
        ..Status::default()
    }
}

#[test]
fn what_moves_is_told_once() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let callback_url = api.channel("meta");
    expect(&api.status(&callback_url, &sent("wamid.a")), 200);
    let bearer = format!("Bearer {}", server.admin_key());
    let mut stream = Stream::open(&server, "/v1/campaigns/spring/live", &[("authorization", &bearer)]);
    assert!(stream.until(SOON, |read| read.contains("\ndata: {")), "{}", stream.read);
    assert!(stream.read.starts_with("HTTP/1.1 200") && stream.read.to_lowercase().contains("content-type: text/event-stream"));
    expect(&api.status(&callback_url, &sent("wamid.b")), 200);
    assert!(stream.until(SOON, |read| read.matches("\ndata: {").count() == 2), "{}", stream.read);
    let events = stream.events();
    assert_eq!(events[0].1["messages"]["sent"], json!(1));
    assert_eq!(events[1].1["messages"]["sent"], json!(2));
    assert_eq!(events[1].0, events[1].1["version"].to_string());
    // Nothing moves, nothing is told; and who comes back with what it has is told nothing either.
    assert!(!stream.until(Duration::from_secs(4), |read| read.matches("\ndata: {").count() > 2));
    let headers = [("authorization", bearer.as_str()), ("last-event-id", &events[1].0)];
    let mut again = Stream::open(&server, "/v1/campaigns/spring/live", &headers);
    assert!(again.until(SOON, |read| read.contains("retry: ")));
    assert!(!again.until(Duration::from_secs(3), |read| read.contains("\ndata: {")), "{}", again.read);
    expect(&api.status(&callback_url, &sent("wamid.c")), 200);
    for stream in [&mut stream, &mut again] {
        assert!(stream.until(SOON, |read| read.contains("\"sent\":3")), "{}", stream.read);
    }
}

/// Ten readers cost the Ledgers no more than one.
#[test]
fn readers_share_what_they_are_told() {
    let server = server();
    let api = Api::of(&server);
    expect(&api.campaign("spring", json!({})), 201);
    let bearer = format!("Bearer {}", server.admin_key());
    let open = || Stream::open(&server, "/v1/campaigns/spring/live", &[("authorization", &bearer)]);
    let mut streams: Vec<Stream> = (0..10).map(|_| open()).collect();
    for stream in &mut streams {
        assert!(stream.until(SOON, |read| read.contains("\ndata: {")), "{}", stream.read);
    }
    let before = api.ledger_calls();
    std::thread::sleep(Duration::from_secs(6));
    let rounds = (api.ledger_calls() - before) / 16;
    assert!((1..=4).contains(&rounds), "{rounds} rounds of calls in 6 s");
}

#[test]
fn a_ticket_opens_one_stream_and_no_more() {
    let server = server();
    let api = Api::of(&server);
    for campaign in ["spring", "summer"] {
        expect(&api.campaign(campaign, json!({})), 201);
    }
    let share = api.post("/v1/campaigns/spring/shares", json!({"expires_in_hours": 1})).json();
    let shared = Api(api.0.with_key(share["token"].as_str().unwrap()));
    expect(&shared.post("/v1/campaigns/summer/live_ticket", json!({})), 403);
    let ticket = || {
        let answer = shared.post("/v1/campaigns/spring/live_ticket", json!({}));
        expect(&answer, 201);
        answer.json()["ticket"].as_str().unwrap().to_owned()
    };
    let nobody = Api(api.0.with_key(""));
    let first = ticket();
    expect(&nobody.get(&format!("/v1/campaigns/summer/live?ticket={first}")), 401);
    expect(&nobody.get(&format!("/v1/campaigns/spring/stats?ticket={first}")), 401);
    let path = format!("/v1/campaigns/spring/live?ticket={first}&last_event_id=none");
    let mut stream = Stream::open(&server, &path, &[]);
    assert!(stream.until(SOON, |read| read.contains("\ndata: {")), "{}", stream.read);
    expect(&nobody.get(&path), 401);
    expect(&nobody.get("/v1/campaigns/spring/live?ticket=invented"), 401);
    expect(&nobody.get("/v1/campaigns/spring/live"), 401);

    // The share is taken away: the stream ends, and a ticket that was given opens nothing.
    let second = ticket();
    expect(&api.delete(&format!("/v1/campaigns/spring/shares/{}", share["id"].as_str().unwrap())), 204);
    expect(&nobody.get(&format!("/v1/campaigns/spring/live?ticket={second}")), 401);
    assert!(stream.until(Duration::from_secs(45), |read| read.ends_with("\r\n0\r\n\r\n")), "{}", stream.read);
}
