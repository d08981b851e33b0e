//! A large workspace: who gets which message and what becomes of it, and how it is brought in through the public endpoints.
//!
//! Every contact gets [`MESSAGES_PER_CONTACT`] messages, each of another campaign, and later contacts are others: so what a contact
//! and a campaign have does not change when the workspace grows, except for the large campaign, which takes a tenth of everything.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use super::subject::call;
use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::meta::{self, Status};

pub const CAMPAIGNS: u32 = 100;
pub const MESSAGES_PER_CONTACT: u32 = 5;
/// It takes a tenth of all messages, and [`FAILED`] of them failed.
pub const LARGE: &str = "large";
/// It has one message of each contact of the first block, and never more.
pub const STEADY: &str = "steady";
/// The failed messages of the large campaign, at any size.
pub const FAILED: u64 = 5;
/// Contacts in the first block.
pub const FIRST_CONTACTS: u32 = 2_000;

const SECRET: &str = "bench";
const SENDER: &str = "100000000000010";
/// Contacts whose messages are brought in together: their timelines are in memory when the statuses come.
const BLOCK: u32 = 20_000;
const LINES: usize = 2_000;
const STATUSES: usize = 1_000;
/// Requests on their way at once.
const AT_ONCE: usize = 4;
/// How often a request is tried that a busy object refuses.
const TRIES: u32 = 20;
const DAY_MS: i64 = 86_400_000;

/// A message and what became of it.
struct Message {
    contact: u32,
    campaign: u32,
    id: String,
    /// After the workspace's beginning.
    at_ms: i64,
    statuses: Vec<(&'static str, i64)>,
}

/// The number of events (the dispatch and its statuses) and of requests of one filling, and how long it took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filled {
    pub events: u64,
    pub seconds: f64,
}

/// A workspace that is being filled.
pub struct Workspace {
    client: Client,
    callback_url: String,
    start_ms: i64,
    contacts: u32,
}

impl Workspace {
    /// Declares the channel and the campaigns.
    pub fn new(client: &Client) -> Result<Self> {
        let channel = call(client, "PUT", "/v1/channels/bench", &json!({"provider": "meta", "secrets": [SECRET]}))?;
        for campaign in 0..CAMPAIGNS {
            let body = json!({"name": format!("Campaign {campaign}"), "type": "broadcast", "message_type": "template"});
            call(client, "PUT", &format!("/v1/campaigns/{}", name(campaign)), &body)?;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let today = i64::try_from(now.as_millis()).unwrap_or_default().div_euclid(DAY_MS);
        Ok(Self {
            client: client.clone(),
            callback_url: channel.get("callback_url").and_then(Value::as_str).unwrap_or_default().to_owned(),
            start_ms: (today - 40) * DAY_MS,
            contacts: 0,
        })
    }

    /// Fills it up to so many messages, and checks that all of them are counted.
    pub fn fill(&mut self, messages: u64) -> Result<Filled> {
        let wanted = u32::try_from(messages / u64::from(MESSAGES_PER_CONTACT)).unwrap_or(u32::MAX);
        let started = Instant::now();
        let mut events = 0;
        while self.contacts < wanted {
            let until = wanted.min(self.contacts + BLOCK);
            events += self.block(self.contacts..until)?;
            self.contacts = until;
        }
        let seconds = started.elapsed().as_secs_f64();
        let rows = call(&self.client, "GET", &format!("/v1/campaigns?limit={CAMPAIGNS}&max_age=0"), &Value::Null)?;
        let rows = rows.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
        let counted: u64 = rows.iter().filter_map(|row| row.get("sent")?.as_u64()).sum();
        if counted != messages {
            let why = "this is a defect of the worker, or the size is no multiple of 5";
            return Err(Failure::new(format!("invalid run: {counted} of {messages} messages were counted"), why));
        }
        Ok(Filled { events, seconds })
    }

    fn block(&self, contacts: std::ops::Range<u32>) -> Result<u64> {
        let mut dispatches: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
        let mut statuses = Vec::new();
        for message in contacts.flat_map(messages_of) {
            let at_ms = self.start_ms + message.at_ms;
            dispatches.entry(message.campaign).or_default().push(json!({
                "outcome": "accepted", "contact": number(message.contact), "message_id": message.id, "category": "marketing",
                "at": DateTime::from_timestamp_millis(at_ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true),
            }));
            statuses.extend(message.statuses.iter().map(|(status, after_ms)| {
                Status {
                    message_id: message.id.clone(),
                    status: (*status).to_owned(),
                    at_ms: at_ms + after_ms,
                    contact: number(message.contact),
                    category: (*status != "failed").then(|| "marketing".to_owned()),
                    error: (*status == "failed").then(|| (131_026, "Message undeliverable".to_owned())),
                    ..Status::default()
                }
                .to_json()
            }));
        }
        let events = dispatches.values().map(Vec::len).sum::<usize>() + statuses.len();
        let dispatches = dispatches.iter().flat_map(|(campaign, lines)| {
            lines.chunks(LINES).map(|lines| {
                let body = json!({ "dispatches": lines }).to_string().into_bytes();
                (format!("/v1/campaigns/{}/dispatches", name(*campaign)), body)
            })
        });
        self.send(dispatches)?;
        let callback = |statuses: &[Value]| (String::new(), meta::envelope(&[vec![meta::change(SENDER, statuses, &[])]]));
        self.send(statuses.chunks(STATUSES).map(callback))?;
        Ok(events as u64)
    }

    /// Sends all requests, some at once: to a path with the key, or without a path as callbacks.
    fn send(&self, requests: impl Iterator<Item = (String, Vec<u8>)> + Send) -> Result<()> {
        let requests = Mutex::new(requests);
        let next = || requests.lock().map_or(None, |mut requests| requests.next());
        thread::scope(|scope| {
            let work = || {
                while let Some((path, body)) = next() {
                    self.send_one(&path, &body)?;
                }
                Ok(())
            };
            let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().unwrap_or_else(|_| Err(Failure::new("the load broke off", ""))))
        })
    }

    fn send_one(&self, path: &str, body: &[u8]) -> Result<()> {
        let mut last = String::new();
        for _ in 0..TRIES {
            let answer = match path {
                "" => self.client.callback(&self.callback_url, SECRET, body),
                _ => self.client.raw("POST", path, &[("content-type", "application/json")], body),
            };
            match answer {
                Ok(answer) if answer.status == 200 && !answer.text().contains("\"index\"") => return Ok(()),
                Ok(answer) if answer.status == 503 => last = answer.text(),
                Ok(answer) => return Err(Failure::new(format!("the load was answered {} {}", answer.status, answer.text()), "")),
                Err(error) => last = error,
            }
            thread::sleep(Duration::from_millis(500));
        }
        Err(Failure::new("the load was refused too often", last))
    }
}

/// The id of a campaign, by its number.
fn name(campaign: u32) -> String {
    match campaign {
        0 => LARGE.to_owned(),
        1 => STEADY.to_owned(),
        other => format!("c{other}"),
    }
}

fn number(contact: u32) -> String {
    format!("1202{contact:07}")
}

fn messages_of(contact: u32) -> impl Iterator<Item = Message> {
    (0..MESSAGES_PER_CONTACT).map(move |no| {
        let campaign = match no {
            0 if contact.is_multiple_of(2) => 0,
            1 if contact < FIRST_CONTACTS => 1,
            // No contact comes twice to one of them.
            _ => 2 + (contact.wrapping_mul(MESSAGES_PER_CONTACT) + no) % (CAMPAIGNS - 2),
        };
        let chance = mix(contact, no) % 100;
        let fails = match campaign {
            0 => u64::from(contact) < FAILED * 400 && contact.is_multiple_of(400),
            _ => chance >= 97,
        };
        let statuses = match chance {
            _ if fails => vec![("sent", 2_000), ("failed", 9_000)],
            0..2 => vec![("sent", 2_000)],
            2..37 => vec![("sent", 2_000), ("delivered", 4_000)],
            _ => vec![("sent", 2_000), ("delivered", 4_000), ("read", 60_000 * (1 + i64::from(contact % 240)))],
        };
        // As long as Meta's ids.
        let id = format!("wamid.HBgL{contact:0>16}VAgARGBI{:0>24X}", u64::from(mix(contact, no)) << 8 | u64::from(no));
        let at_ms = i64::from(campaign % 30) * DAY_MS + i64::from(mix(contact, campaign) % 14_400) * 1_000;
        Message { contact, campaign, id, at_ms, statuses }
    })
}

/// Numbers that look drawn, the same each time.
fn mix(a: u32, b: u32) -> u32 {
    let mut x = a.wrapping_mul(0x9e37_79b1) ^ b.wrapping_add(1).wrapping_mul(0x85eb_ca77);
    x ^= x >> 15;
    x = x.wrapping_mul(0x2c1b_3c6d);
    x ^ x >> 12
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_contact_gets_each_campaign_once() {
        for contact in 0..5_000 {
            let campaigns: BTreeSet<u32> = messages_of(contact).map(|message| message.campaign).collect();
            assert_eq!(campaigns.len(), MESSAGES_PER_CONTACT as usize, "contact {contact}");
        }
    }

    #[test]
    fn the_large_campaign_is_a_tenth_and_five_of_it_fail_and_the_steady_one_never_grows() {
        for contacts in [2_000, 20_000] {
            let all: Vec<Message> = (0..contacts).flat_map(messages_of).collect();
            let large: Vec<&Message> = all.iter().filter(|message| message.campaign == 0).collect();
            assert_eq!(large.len() * 10, all.len());
            let failed = large.iter().filter(|message| message.statuses.iter().any(|(status, _)| *status == "failed"));
            assert_eq!(failed.count() as u64, FAILED);
            assert_eq!(all.iter().filter(|message| message.campaign == 1).count(), FIRST_CONTACTS as usize);
        }
    }
}
