//! The demo: a believable campaign of 200 contacts, played against a running server through the public endpoints alone.
//!
//! Callbacks come as they do in life: repeated, out of order, several in one body. The numbers show none of it.

pub mod plan;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::http::Answer;
use crate::{hex, meta, random, wait};
use plan::{Audience, Dice, Fate};

const CHANNEL: &str = "demo";
const SENDER: &str = "100000000000010";
const PHONE: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148";
const PREVIEW: &str = "WhatsApp/2.25.10 A";
/// Lines per dispatch and conversion call.
const LINES: usize = 50;
/// Clicks are recorded after their redirect was answered: how long to wait for the last of them.
const CLICKS_SETTLE: Duration = Duration::from_secs(10);

/// Plays the campaign and prints its numbers.
pub fn demo(url: &str, key: &str) -> Result<()> {
    let played = play(&Client::new(url, key))?;
    print!("{}", summary(&played, url, key));
    Ok(())
}

/// What the demo did and what the server made of it.
pub struct Played {
    pub campaign: String,
    pub fates: Vec<Fate>,
    /// The campaign's stats as the server answered them.
    pub stats: Value,
}

/// Plays the campaign. Every run makes a campaign of its own, with people of its own.
pub fn play(client: &Client) -> Result<Played> {
    let now_ms = now_ms();
    let run = u32::try_from(now_ms.div_euclid(1000) & 0xFFFF_FFFF).unwrap_or_default();
    let play = Play {
        client,
        campaign: format!("demo-{run:08x}"),
        secret: hex::encode(&random::bytes::<16>()?),
        start_ms: now_ms - plan::LENGTH_MS,
        bar: bar(),
    };
    let fates = plan::fates(run);
    let callback_url = play.channel()?;
    play.campaign()?;
    let links = play.links(&fates)?;
    play.dispatches(&fates)?;
    play.callbacks(&fates, &callback_url)?;
    let taps = play.taps(&fates, &links)?;
    play.orders(&fates)?;
    let stats = play.stats(taps)?;
    play.bar.finish_and_clear();
    Ok(Played { campaign: play.campaign, fates, stats })
}

struct Play<'a> {
    client: &'a Client,
    campaign: String,
    secret: String,
    start_ms: i64,
    bar: ProgressBar,
}

impl Play<'_> {
    /// The channel, with a new secret at each run; the answer is its callback URL.
    fn channel(&self) -> Result<String> {
        self.stage("the channel", 1);
        let body = json!({"provider": "meta", "name": "Demo", "secrets": [self.secret]});
        let channel = self.call("PUT", &format!("/v1/channels/{CHANNEL}"), &body)?;
        let url = channel.get("callback_url").and_then(Value::as_str);
        url.map(str::to_owned)
            .ok_or_else(|| Failure::new("the channel has no callback_url", "use the admin key: only it sees callback URLs"))
    }

    fn campaign(&self) -> Result<()> {
        self.stage("the campaign", 1);
        let body = json!({
            "name": "Spring sale", "type": "broadcast", "message_type": "template", "tags": ["demo"], "audience_size": plan::CONTACTS,
        });
        self.call("PUT", &format!("/v1/campaigns/{}", self.campaign), &body).map(drop)
    }

    /// One link, wrapped for everybody who gets a message: their tracking URLs in the order of the fates.
    fn links(&self, fates: &[Fate]) -> Result<Vec<String>> {
        let contacts: Vec<&str> = fates.iter().map(|fate| fate.contact.as_str()).collect();
        self.stage("the links", 2);
        let body = json!({"campaign": self.campaign, "url": "https://shop.example/spring?from=whatsapp", "label": "Shop"});
        let link = self.call("POST", "/v1/links", &body)?;
        let link = link.get("link").and_then(Value::as_str).unwrap_or_default();
        let wrapped = self.call("POST", &format!("/v1/links/{link}/wrap"), &json!({"contacts": contacts}))?;
        let rows = wrapped.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
        let urls = rows.iter().filter_map(|row| row.get("tracking_url")?.as_str()).map(str::to_owned);
        Ok(urls.collect())
    }

    fn dispatches(&self, fates: &[Fate]) -> Result<()> {
        let lines: Vec<Value> = fates.iter().flat_map(|fate| self.dispatch(fate)).collect();
        self.stage("the dispatches", lines.len().div_ceil(LINES));
        for lines in lines.chunks(LINES) {
            let path = format!("/v1/campaigns/{}/dispatches", self.campaign);
            let answer = self.call("POST", &path, &json!({"dispatches": lines}))?;
            all_accepted(&answer, lines.len())?;
        }
        Ok(())
    }

    fn dispatch(&self, fate: &Fate) -> Vec<Value> {
        let line = |outcome: &str, more: Value| {
            let mut line = json!({"outcome": outcome, "contact": fate.contact, "at": rfc3339(self.start_ms + fate.at_ms)});
            if let (Some(line), Value::Object(more)) = (line.as_object_mut(), more) {
                line.extend(more);
            }
            line
        };
        let accepted = || {
            let id = self.message_id(fate);
            line(
                "accepted",
                json!({"channel": CHANNEL, "message_id": id, "attempt": "first", "category": "marketing", "template": "spring"}),
            )
        };
        let error = || line("error", json!({"attempt": "first", "error": {"code": "timeout", "title": "No answer in time"}}));
        match fate.audience {
            Audience::Accepted => vec![accepted()],
            Audience::AcceptedAfterError => vec![error(), accepted()],
            Audience::Error => vec![error()],
            Audience::Skipped(reason) => vec![line("skipped", json!({"reason": reason}))],
            Audience::Control => vec![line("control", json!({}))],
        }
    }

    /// Statuses and replies: shuffled, a fifth of them twice, one to eight in a body.
    fn callbacks(&self, fates: &[Fate], callback_url: &str) -> Result<()> {
        let mut dice = Dice::new();
        let mut items: Vec<Item> = fates.iter().flat_map(|fate| self.items(fate)).collect();
        let repeats: Vec<Item> = items.iter().filter(|_| dice.percent() < 20).cloned().collect();
        items.extend(repeats);
        dice.shuffle(&mut items);
        self.stage("the callbacks", items.len());
        let mut rest = items.as_slice();
        while !rest.is_empty() {
            let (body, later) = rest.split_at(rest.len().min(1 + dice.below(8) as usize));
            rest = later;
            let answer = self.client.callback(callback_url, &self.secret, &envelope(body));
            self.check(answer, "POST the callback URL")?;
            self.bar.inc(body.len() as u64 - 1);
        }
        Ok(())
    }

    fn items(&self, fate: &Fate) -> Vec<Item> {
        let id = self.message_id(fate);
        let statuses = fate.statuses.iter().map(|(status, at_ms)| {
            Item::Status(meta::Status {
                message_id: id.clone(),
                status: (*status).to_owned(),
                at_ms: self.start_ms + at_ms,
                contact: fate.contact.clone(),
                reference: Some(self.campaign.clone()),
                category: (*status == "delivered").then(|| "marketing".to_owned()),
                error: fate.failure.filter(|_| *status == "failed").map(|(code, title)| (code, title.to_owned())),
            })
        });
        let answer = fate.answer.map(|(answer, at_ms)| {
            let (at_ms, reply_id) = (self.start_ms + at_ms, format!("{id}.reply"));
            Item::Message(match answer {
                plan::Answer::Button => meta::button(&reply_id, &fate.contact, at_ms, "Show me", &id),
                plan::Answer::QuotedText => meta::text(&reply_id, &fate.contact, at_ms, "Is it still on?", Some(&id)),
                plan::Answer::Text => meta::text(&reply_id, &fate.contact, at_ms, "Do you deliver on Sundays?", None),
            })
        });
        statuses.chain(answer).collect()
    }

    /// How many taps there were in all, of people and machines.
    fn taps(&self, fates: &[Fate], urls: &[String]) -> Result<u64> {
        let taps = fates.iter().zip(urls).flat_map(|(fate, url)| {
            let preview = (fate.preview).then_some(PREVIEW);
            let person = std::iter::repeat_n(PHONE, fate.taps as usize);
            preview.into_iter().chain(person).map(move |agent| (url, agent))
        });
        let taps: Vec<(&String, &str)> = taps.collect();
        self.stage("the taps", taps.len());
        for (url, agent) in &taps {
            self.check(self.client.tap(url, agent), "GET a tracking URL")?;
        }
        Ok(taps.len() as u64)
    }

    fn orders(&self, fates: &[Fate]) -> Result<()> {
        let order = |fate: &Fate| {
            let (cents, at_ms) = fate.order?;
            let value = format!("{}.{:02}", cents / 100, cents % 100);
            let id = format!("{}-{}", self.campaign, fate.contact);
            Some(
                json!({"id": id, "contact": fate.contact, "value": value, "currency": "EUR", "at": rfc3339(self.start_ms + at_ms)}),
            )
        };
        let orders: Vec<Value> = fates.iter().filter_map(order).collect();
        self.stage("the orders", orders.len().div_ceil(LINES));
        for orders in orders.chunks(LINES) {
            let answer = self.call("POST", "/v1/conversions", &json!({"conversions": orders}))?;
            all_accepted(&answer, orders.len())?;
        }
        Ok(())
    }

    /// The numbers, once all clicks are in them.
    fn stats(&self, taps: u64) -> Result<Value> {
        self.stage("the numbers", 1);
        let path = format!("/v1/campaigns/{}/stats?max_age=0", self.campaign);
        let mut stats = Ok(Value::Null);
        wait::until(CLICKS_SETTLE, || {
            stats = self.call("GET", &path, &Value::Null);
            let clicks = stats.as_ref().ok().and_then(|stats| stats.pointer("/clicks/total")?.as_u64());
            clicks.is_none_or(|clicks| clicks >= taps)
        });
        stats
    }

    fn message_id(&self, fate: &Fate) -> String {
        format!("wamid.{}.{}", self.campaign, fate.contact)
    }

    fn stage(&self, what: &str, requests: usize) {
        self.bar.set_message(what.to_owned());
        self.bar.inc_length(requests as u64);
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        self.check(self.client.call(method, path, body), &format!("{method} {path}")).map(|answer| answer.json())
    }

    fn check(&self, answer: std::result::Result<Answer, String>, what: &str) -> Result<Answer> {
        self.bar.inc(1);
        let url = self.client.url();
        match answer {
            Err(error) => Err(Failure::new(format!("{what}: no answer from {url} ({error})"), "start a server with cargo run")),
            Ok(answer) if answer.status < 400 => Ok(answer),
            Ok(answer) if answer.status == 401 => {
                Err(Failure::new(format!("{what}: {url} refuses the key"), "give the server's with --admin-key"))
            }
            Ok(answer) => Err(Failure::new(
                format!("{what} was answered {}", answer.status),
                format!("read what the server says: {}", answer.text().trim()),
            )),
        }
    }
}

/// What stands in a callback.
#[derive(Clone)]
enum Item {
    Status(meta::Status),
    Message(Value),
}

/// One body for these items, on all levels: the first half in one entry, the rest in another, statuses and messages apart.
fn envelope(items: &[Item]) -> Vec<u8> {
    let (first, second) = items.split_at(items.len() / 2);
    let entry = |items: &[Item]| {
        let statuses: Vec<Value> =
            items.iter().filter_map(|item| if let Item::Status(s) = item { Some(s.to_json()) } else { None }).collect();
        let messages: Vec<Value> =
            items.iter().filter_map(|item| if let Item::Message(m) = item { Some(m.clone()) } else { None }).collect();
        let mut changes = Vec::new();
        if !statuses.is_empty() {
            changes.push(meta::change(SENDER, &statuses, &[]));
        }
        if !messages.is_empty() {
            changes.push(meta::change(SENDER, &[], &messages));
        }
        changes
    };
    let entries: Vec<Vec<Value>> = [first, second].into_iter().filter(|half| !half.is_empty()).map(entry).collect();
    meta::envelope(&entries)
}

fn all_accepted(answer: &Value, lines: usize) -> Result<()> {
    match answer.get("accepted").and_then(Value::as_u64) {
        Some(accepted) if accepted == lines as u64 => Ok(()),
        _ => Err(Failure::new("some lines were refused", format!("read why: {answer}"))),
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{elapsed:>4} [{bar:40}] {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar
}

fn summary(played: &Played, url: &str, key: &str) -> String {
    let campaign = &played.campaign;
    let mut text = format!("Campaign {campaign}: {} contacts\n", played.fates.len());
    for section in ["messages", "contacts", "clicks", "replies", "conversions", "rates"] {
        let Some(Value::Object(numbers)) = played.stats.get(section) else {
            continue;
        };
        text.push_str(&format!("  {section}\n"));
        for (name, number) in numbers {
            text.push_str(&format!("    {name:<20} {number:>8}\n"));
        }
    }
    text.push_str(&format!(
        "See them:\n  {url}/#/campaigns/{campaign}\n  curl '{url}/v1/campaigns/{campaign}/stats?max_age=0' -H 'Authorization: Bearer {key}'\n"
    ));
    text
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or_default()
}

/// RFC 3339 in UTC with milliseconds.
fn rfc3339(at_ms: i64) -> String {
    DateTime::from_timestamp_millis(at_ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}
