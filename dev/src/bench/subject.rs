//! What is measured: one worker on one storage doing one kind of work, and how its own counting is read.

use std::time::Duration;

use serde_json::{Value, json};

use super::load::Load;
use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::http::Answer;
use crate::mint::{Content, Key};
use crate::server::Server;
use crate::tools::Tools;
use crate::wait;

pub const CAMPAIGN: &str = "bench";
/// The app secret, as in the floor's `wrangler.toml`.
const SECRET: &str = "bench";
const SENDER: &str = "100000000000010";
/// Contacts who tap in turn: so many that none taps 20 times (a flood, which is added up, not written one by one).
const CONTACTS: u32 = 12_000;
/// Contacts per wrap call.
const WRAP: usize = 6000;
const TARGET: &str = "https://shop.example/";
/// How long the last click may take to be counted after its redirect.
const SETTLE: Duration = Duration::from_secs(20);

/// The forms of tokens that are tapped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Token {
    Short,
    Sealed,
}

/// One thing to be measured.
pub struct Subject<'a> {
    pub name: String,
    client: Client,
    server: &'a Server,
    /// Where the load goes, and for taps the paths that are taken in turn.
    url: String,
    paths: Vec<String>,
    /// Events in one request.
    pub each: u64,
    /// The key that goes with them, if they need one.
    key: Option<String>,
    /// The status that they are answered with.
    wanted: u16,
    counted: Counted,
}

/// How the subject itself says how many events it has counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    /// A number in the campaign's stats.
    Stats(&'static str),
    /// The floor's own route.
    Floor,
    /// It counts nothing.
    No,
}

/// The worker's own tally of what it cost: events, rows written, calls of Ledgers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub events: f64,
    pub rows_written: f64,
    pub ledger_calls: f64,
}

impl<'a> Subject<'a> {
    /// bluetick taking status callbacks.
    pub fn statuses(server: &'a Server, place: &str) -> Result<Self> {
        let client = Client::new(&server.url(), server.admin_key());
        declare(&client)?;
        let channel = call(&client, "PUT", "/v1/channels/bench", &json!({"provider": "meta", "secrets": [SECRET]}))?;
        let url = channel.get("callback_url").and_then(Value::as_str).unwrap_or_default().to_owned();
        let counted = Counted::Stats("/messages/sent");
        Ok(Self {
            name: format!("bluetick, {place}"),
            client,
            server,
            url,
            paths: Vec::new(),
            each: 1,
            key: None,
            wanted: 200,
            counted,
        })
    }

    /// The same with so many statuses in each callback.
    pub fn batches(self, each: u64) -> Self {
        Self { name: format!("{}, {each} each", self.name), each, ..self }
    }

    /// bluetick answering one read from what it keeps.
    pub fn snapshot(server: &'a Server, path: &str) -> Self {
        let client = Client::new(&server.url(), server.admin_key());
        let (paths, key) = (vec![path.to_owned()], Some(server.admin_key().to_owned()));
        let name = "bluetick, a snapshot".to_owned();
        Self { name, url: server.url(), client, server, paths, each: 1, key, wanted: 200, counted: Counted::No }
    }

    /// bluetick taking taps on links with this form of token.
    pub fn taps(server: &'a Server, name: &str, token: Token) -> Result<Self> {
        let client = Client::new(&server.url(), server.admin_key());
        let (link, contacts) = link(&client, name)?;
        let paths = match token {
            Token::Short => short_paths(&client, &link, &contacts)?,
            Token::Sealed => sealed_paths(&client, &link, &contacts)?,
        };
        let counted = Counted::Stats("/clicks/total");
        Ok(Self { name: name.to_owned(), url: server.url(), client, server, paths, each: 1, key: None, wanted: 302, counted })
    }

    /// The same where nothing can be counted.
    pub fn uncounted(self) -> Self {
        Self { counted: Counted::No, ..self }
    }

    /// A floor's route.
    pub fn floor(server: &'a Server, route: &str, name: &str) -> Self {
        let (paths, wanted, counted) = match route {
            "/302" => (vec![route.to_owned()], 302, Counted::No),
            "/answer" => (vec![route.to_owned()], 200, Counted::No),
            "/naive" => (Vec::new(), 200, Counted::Floor),
            _ => (Vec::new(), 200, Counted::No),
        };
        let url = format!("{}{route}", server.url());
        let client = Client::new(&server.url(), "");
        Self { name: name.to_owned(), client, server, url, paths, each: 1, key: None, wanted, counted }
    }

    /// Sends `amount` requests and checks that what it counted is what it answered. `run` makes this run's events its own. What comes
    /// back speaks of events, however many a request holds.
    pub fn measure(&self, tools: &Tools, connections: u32, amount: u64, run: &str) -> Result<Load> {
        let before = self.counted()?;
        let mut load = Load::send(tools, &self.orders(connections, amount, run))?;
        load.answered *= self.each;
        load.per_second *= self.each as f64;
        let answered_after = before + load.answered;
        if self.counted != Counted::No {
            let mut after = Ok(before);
            wait::until(SETTLE, || {
                after = self.counted();
                after.as_ref().map_or(true, |after| *after >= answered_after)
            });
            let after = after?;
            if after != answered_after {
                return Err(Failure::new(
                    format!("{}: invalid run, {} events answered and {} counted", self.name, load.answered, after - before),
                    format!("this is a defect of the worker; its log ends with:\n{}", tail(&self.server.log())),
                ));
            }
        }
        if load.failed > 0 {
            return Err(Failure::new(
                format!("{}: invalid run, {} of {amount} requests failed", self.name, load.failed),
                format!("run this on a quieter machine; the worker's log ends with:\n{}", tail(&self.server.log())),
            ));
        }
        Ok(load)
    }

    fn orders(&self, connections: u32, amount: u64, run: &str) -> Value {
        let kind = if self.paths.is_empty() { "status" } else { "get" };
        json!({
            "kind": kind, "url": self.url, "connections": connections, "amount": amount, "run": run, "paths": self.paths,
            "each": self.each, "key": self.key, "wanted": self.wanted,
            "secret": SECRET, "campaign": CAMPAIGN, "sender": SENDER,
        })
    }

    /// How many events it has counted in its life.
    fn counted(&self) -> Result<u64> {
        match self.counted {
            Counted::No => Ok(0),
            Counted::Floor => Ok(call(&self.client, "GET", "/counted", &Value::Null)?.as_u64().unwrap_or_default()),
            Counted::Stats(pointer) => {
                let stats = call(&self.client, "GET", &format!("/v1/campaigns/{CAMPAIGN}/stats?max_age=0"), &Value::Null)?;
                Ok(stats.pointer(pointer).and_then(Value::as_u64).unwrap_or_default())
            }
        }
    }

    /// The worker's own tally from `GET /metrics`; nothing for a floor.
    pub fn tally(&self) -> Result<Option<Tally>> {
        if !matches!(self.counted, Counted::Stats(_)) {
            return Ok(None);
        }
        let metrics = ok(self.client.call("GET", "/metrics", &Value::Null), "GET /metrics")?.text();
        Ok(Some(Tally {
            events: sum(&metrics, "bluetick_events_total"),
            rows_written: sum(&metrics, "bluetick_ledger_rows_written_total"),
            ledger_calls: sum(&metrics, "bluetick_ledger_calls_total"),
        }))
    }
}

/// Declares the campaign and a link in it, for contacts enough.
pub fn link(client: &Client, label: &str) -> Result<(String, Vec<String>)> {
    declare(client)?;
    let body = json!({"campaign": CAMPAIGN, "url": TARGET, "label": label});
    let link = call(client, "POST", "/v1/links", &body)?;
    let link = link.get("link").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok((link, (0..CONTACTS).map(|n| format!("1202{n:07}")).collect()))
}

pub fn short_paths(client: &Client, link: &str, contacts: &[String]) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for contacts in contacts.chunks(WRAP) {
        let wrapped = call(client, "POST", &format!("/v1/links/{link}/wrap"), &json!({"contacts": contacts}))?;
        let rows = wrapped.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
        let urls = rows.iter().filter_map(|row| row.get("tracking_url")?.as_str());
        paths.extend(urls.filter_map(|url| url.strip_prefix(client.url())).map(str::to_owned));
    }
    Ok(paths)
}

/// Minted here, as a sender would.
fn sealed_paths(client: &Client, link: &str, contacts: &[String]) -> Result<Vec<String>> {
    call(client, "PUT", "/v1/settings", &json!({"timezone": "UTC", "link_hosts": ["shop.example"]}))?;
    let key = call(client, "POST", "/v1/minting_keys", &json!({}))?;
    let key = Key::read(key.get("key").and_then(Value::as_str).unwrap_or_default())?;
    let link = link.trim_start_matches('l').parse().unwrap_or_default();
    let mint = |contact: &String| Ok(format!("/c/{}", key.mint(&Content { link, contact, url: TARGET, ..Content::default() })?));
    contacts.iter().map(mint).collect()
}

fn declare(client: &Client) -> Result<()> {
    let body = json!({"name": "Bench", "type": "broadcast", "message_type": "template"});
    call(client, "PUT", &format!("/v1/campaigns/{CAMPAIGN}"), &body).map(drop)
}

pub fn call(client: &Client, method: &str, path: &str, body: &Value) -> Result<Value> {
    ok(client.call(method, path, body), &format!("{method} {path}")).map(|answer| answer.json())
}

/// Asks for what is there; the answer as it came.
pub fn get(client: &Client, path: &str) -> Result<Answer> {
    ok(client.call("GET", path, &Value::Null), &format!("GET {path}"))
}

fn ok(answer: std::result::Result<Answer, String>, what: &str) -> Result<Answer> {
    let failed = |why: String| Failure::new(format!("{what} failed"), format!("this is a defect of the worker ({why})"));
    let answer = answer.map_err(failed)?;
    if answer.status < 300 { Ok(answer) } else { Err(failed(format!("{} {}", answer.status, answer.text()))) }
}

/// The sum of a metric over all its labels, in Prometheus' text form.
fn sum(metrics: &str, name: &str) -> f64 {
    let samples = metrics.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let value = if rest.starts_with('{') { rest.rsplit_once('}')?.1 } else { rest };
        value.strip_prefix(' ')?.split(' ').next()?.parse::<f64>().ok()
    });
    samples.sum()
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(5)).copied().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_summed_over_its_labels_and_not_over_its_namesakes() {
        let metrics = "# TYPE a counter\na{ledger=\"0\"} 2\na{ledger=\"1\"} 3.5\na_total 100\nb 7\n";
        assert_eq!(sum(metrics, "a"), 5.5);
        assert_eq!(sum(metrics, "b"), 7.0);
        assert_eq!(sum(metrics, "c"), 0.0);
    }
}
