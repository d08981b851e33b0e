//! What is lost when an isolate dies between a redirect's answer and its click's way to the Ledger.
//!
//! Taps follow each other on links of their own, so that none is added up with another; then the runtime is killed as a power cut
//! would, right behind an answer. What the Ledgers have afterwards is what was counted: clicks leave in rounds and in their order, so
//! those that are missing are the last ones.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::subject;
use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::http::Http;
use crate::server::Server;

const PERSON: [(&str, &str); 1] = [("user-agent", "Mozilla/5.0 (Linux; Android 16; K) Chrome/140.0.0.0 Mobile Safari/537.36")];

/// What one death cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loss {
    /// Redirects that were answered before it.
    pub answered: u64,
    /// Those of them that no Ledger has.
    pub lost: u64,
    /// How long before its death the isolate answered the first of these.
    pub within: Duration,
}

/// Taps for so long, kills, starts again, and asks. The server's state must be fresh.
pub fn measure(server: &mut Server, stream: Duration) -> Result<Loss> {
    let client = Client::new(&server.url(), server.admin_key());
    let (link, contacts) = subject::link(&client, "until death")?;
    let paths = subject::short_paths(&client, &link, &contacts)?;
    let http = Http::default();
    let mut answers = Vec::new();
    let began = Instant::now();
    for path in paths.iter().take_while(|_| began.elapsed() < stream) {
        let answer = http.send("GET", &format!("{}{path}", server.url()), &PERSON, &[]);
        match answer.map(|answer| answer.status) {
            Ok(302) => answers.push(Instant::now()),
            other => return Err(Failure::new(format!("a tap was answered {other:?}"), "this is a defect of the worker")),
        }
    }
    let died = Instant::now();
    server.kill();
    server.restart()?;
    let path = format!("/v1/campaigns/{}/stats?max_age=0", subject::CAMPAIGN);
    let stats = subject::call(&client, "GET", &path, &Value::Null)?;
    let counted = stats.pointer("/clicks/total").and_then(Value::as_u64).unwrap_or_default();
    let answered = answers.len() as u64;
    let first_lost = usize::try_from(counted).ok().and_then(|counted| answers.get(counted));
    let within = first_lost.map_or(Duration::ZERO, |at| died.duration_since(*at));
    Ok(Loss { answered, lost: answered.saturating_sub(counted), within })
}
