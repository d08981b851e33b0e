//! Reads: what a dashboard asks for, in a workspace that grows from 10,000 messages to a million.
//!
//! Every stage brings in more messages of other contacts and asks the same questions again, one after the other: what is asked of one
//! campaign must not take longer because of the others.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use super::storage::{self, Table};
use super::subject::{Subject, get};
use super::workspace::{FAILED, FIRST_CONTACTS, LARGE, MESSAGES_PER_CONTACT, Workspace};
use super::{Goal, MANY, SOME, median};
use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::server::Server;
use crate::step::step;
use crate::tools::Tools;

/// How many messages there are in the end, if nobody says otherwise.
pub const MESSAGES: u64 = 1_000_000;
/// Each stage is so many times the one before.
const GROWTH: u64 = 10;
/// How often each question is asked.
const TIMES: usize = 31;

/// What is asked: its name, the path, and how long its list must be.
const QUESTIONS: [(&str, &str, Option<Rows>); 7] = [
    ("stats, steady", "/v1/campaigns/steady/stats?max_age=0", None),
    ("stats, large", "/v1/campaigns/large/stats?max_age=0", None),
    ("1,000 contacts, steady", "/v1/campaigns/steady/contacts?limit=1000&max_age=0", Some(Rows::Page)),
    ("1,000 contacts, large", "/v1/campaigns/large/contacts?limit=1000&max_age=0", Some(Rows::Page)),
    ("5 failed, large", "/v1/campaigns/large/messages?has=failed&max_age=0", Some(Rows::Failed)),
    ("50 campaigns", "/v1/campaigns?limit=50&max_age=0", Some(Rows::Fifty)),
    ("50 campaigns by sent", "/v1/campaigns?limit=50&sort=-sent&max_age=0", Some(Rows::Fifty)),
];

/// How many rows an answer must have, so that nothing else is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    Page,
    Failed,
    Fifty,
}

/// What was measured at one size.
struct Stage {
    messages: u64,
    p50_ms: Vec<f64>,
    /// Of the runtime: after the filling, and started anew after the reads.
    resident_bytes: [Option<f64>; 2],
    tables: Vec<Table>,
}

/// Fills a workspace in stages, and measures at each.
pub(super) fn measure(place: &Path, messages: u64) -> Result<Vec<Goal>> {
    let smallest = u64::from(FIRST_CONTACTS * MESSAGES_PER_CONTACT);
    if messages < smallest || !messages.is_multiple_of(smallest) {
        return Err(Failure::new(format!("{messages} messages cannot be made"), format!("choose a multiple of {smallest}")));
    }
    let tools = Tools::ensure()?;
    let mut server = super::ours(place)?;
    let mut workspace = Workspace::new(&Client::new(&server.url(), server.admin_key()))?;
    let mut stages = Vec::new();
    let mut size = smallest;
    loop {
        let filled = step(&format!("{size} messages through the public endpoints"), |_| workspace.fill(size))?;
        println!("({:.0} events/s taken in: dispatches, and callbacks of 1,000 statuses)", filled.events as f64 / filled.seconds);
        stages.push(step("reads", |_| stage(&tools, &mut server, size))?);
        if size == messages {
            break;
        }
        size = (size * GROWTH).min(messages);
    }
    println!("{}", text(&stages));
    let ratios = snapshots(&server)?;
    Ok(goals(&stages, ratios))
}

fn stage(tools: &Tools, server: &mut Server, messages: u64) -> Result<Stage> {
    let resident_bytes = server.process_group().and_then(storage::resident_bytes);
    server.stop();
    let tables = storage::tables(tools, server.state())?;
    // What the filling left in the Ledgers' memory is of other contacts at each size.
    server.restart()?;
    let client = Client::new(&server.url(), server.admin_key());
    let mut p50_ms = Vec::new();
    for (what, path, rows) in QUESTIONS {
        let mut times_ms = Vec::new();
        for _ in 0..TIMES {
            let started = Instant::now();
            let answer = get(&client, path)?;
            times_ms.push(started.elapsed().as_secs_f64() * 1000.0);
            let data = answer.json().get("data").and_then(Value::as_array).map(|rows| rows.len() as u64);
            let page = (messages / 10).min(1_000);
            let wanted = rows.map(|rows| match rows {
                Rows::Page => page,
                Rows::Failed => FAILED,
                Rows::Fifty => 50,
            });
            if wanted.is_some() && data != wanted {
                return Err(Failure::new(
                    format!("{what}: {data:?} rows instead of {wanted:?}"),
                    "this is a defect of the worker",
                ));
            }
        }
        p50_ms.push(median(times_ms));
    }
    let resident_after_reads = server.process_group().and_then(storage::resident_bytes);
    Ok(Stage { messages, p50_ms, resident_bytes: [resident_bytes, resident_after_reads], tables })
}

impl Stage {
    fn bytes_per_message(&self) -> f64 {
        self.tables.iter().map(|table| table.bytes).sum::<f64>() / self.messages as f64
    }

    fn p50_ms(&self, what: &str) -> f64 {
        let place = QUESTIONS.iter().position(|(name, _, _)| *name == what);
        place.and_then(|place| self.p50_ms.get(place)).copied().unwrap_or(f64::NAN)
    }
}

/// One snapshot, asked again and again, beside the plainest answer of the same length.
fn snapshots(server: &Server) -> Result<[f64; 2]> {
    let floor = super::floor(server.state().parent().unwrap_or(server.state()))?;
    let snapshot = Subject::snapshot(server, &format!("/v1/campaigns/{LARGE}/stats"));
    let bare = Subject::floor(&floor, "/answer", "a bare answer");
    let table = super::Table::measure("stats from a snapshot", &[&snapshot, &bare])?;
    println!("{}", table.text());
    Ok([SOME, MANY].map(|connections| table.ratio(&snapshot, &bare, connections)))
}

fn goals(stages: &[Stage], [some, many]: [f64; 2]) -> Vec<Goal> {
    let Some((first, last)) = stages.first().zip(stages.last()) else { return Vec::new() };
    let growth = |what: &str| last.p50_ms(what) / first.p50_ms(what);
    let mut goals = vec![
        Goal::at_most("cold stats of the large campaign, p50, ms", last.p50_ms("stats, large"), 25.0),
        Goal::at_least("stats from a snapshot ÷ a bare answer, 16 connections", some, 0.4),
        Goal::at_least("stats from a snapshot ÷ a bare answer, 64 connections", many, 0.4),
        Goal::at_most("a page of 1,000 contacts of the large campaign, p50, ms", last.p50_ms("1,000 contacts, large"), 100.0),
        Goal::at_most("the five failed messages of the large campaign, p50, ms", last.p50_ms("5 failed, large"), 250.0),
        Goal::at_most("a list of 50 campaigns, p50, ms", last.p50_ms("50 campaigns"), 60.0),
        Goal::at_most("bytes of storage per message", last.bytes_per_message(), 400.0),
    ];
    if stages.len() > 1 {
        goals.push(Goal::at_most("growth of cold stats of a campaign that stays, ×", growth("stats, steady"), 1.5));
        goals.push(Goal::at_most("growth of 1,000 contacts of a campaign that stays, ×", growth("1,000 contacts, steady"), 1.5));
    }
    goals
}

fn text(stages: &[Stage]) -> String {
    let mut text = format!("\n{:<28}", "p50, ms, by messages");
    for stage in stages {
        let _ = write!(text, "  {:>10}", stage.messages);
    }
    for (what, _, _) in QUESTIONS {
        line(&mut text, what, stages, |stage| Some(stage.p50_ms(what)));
    }
    line(&mut text, "memory after filling, MB", stages, |stage| Some(stage.resident_bytes[0]? / 1e6));
    line(&mut text, "memory after reads, MB", stages, |stage| Some(stage.resident_bytes[1]? / 1e6));
    line(&mut text, "storage, MB", stages, |stage| Some(stage.bytes_per_message() * stage.messages as f64 / 1e6));
    line(&mut text, "storage, bytes per message", stages, |stage| Some(stage.bytes_per_message()));
    let Some(last) = stages.last() else { return text };
    let _ = write!(text, "\n\n{:<28}  {:>10}  {:>12}  {:>10}", "storage by table", "rows", "bytes/row", "bytes/message");
    for table in last.tables.iter().filter(|table| table.bytes >= last.messages as f64) {
        let _ = write!(
            text,
            "\n  {:<26}  {:>10}  {:>12.0}  {:>10.0}",
            format!("{} {}", table.class, table.name),
            table.rows,
            table.bytes / table.rows,
            table.bytes / last.messages as f64,
        );
    }
    text
}

fn line(text: &mut String, what: &str, stages: &[Stage], of: impl Fn(&Stage) -> Option<f64>) {
    let _ = write!(text, "\n  {what:<26}");
    for stage in stages {
        let _ = match of(stage) {
            Some(figure) => write!(text, "  {figure:>10.1}"),
            None => write!(text, "  {:>10}", "-"),
        };
    }
}
