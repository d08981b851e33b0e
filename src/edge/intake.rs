//! Senders and shops call: lists of dispatches and conversions.

use std::collections::BTreeMap;

use super::Answer;
use super::cache::{self, OpenChannel};
use super::config::Config;
use super::definitions::ask;
use super::http::{self, Request};
use super::ledgers;
use super::now_ms;
use crate::channel::Channel;
use crate::event::Event;
use crate::ids::operator_id;
use crate::ledger::Routed;
use crate::lines::{self, Rejected, Whose};
use crate::problem::{FieldError, Problem};
use crate::registry::{Command, Kind, Page};

/// The code of events that speak of no provider's message.
const NO_PROVIDER: char = '-';

/// `POST /v1/campaigns/{campaign}/dispatches`
pub async fn dispatches(config: &Config, request: &Request, campaign: &str) -> Answer {
    operator_id(campaign).map_err(|reason| Problem::bad(format!("The id in the path {reason}.")))?;
    let lines = sent(request, "dispatches").await?;
    let received_ms = now_ms();
    let only = if lines.iter().flatten().all(|line| line.get("channel").is_some()) { None } else { only_channel(config).await? };
    let (mut taken, mut rejected) = (Vec::new(), Vec::new());
    let mut codes: BTreeMap<String, Option<char>> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        let (key, dispatch) = match lines::dispatch(line.as_ref(), campaign, only.as_deref()) {
            Ok(line) => line,
            Err(errors) => {
                rejected.push(Rejected { index, errors });
                continue;
            }
        };
        let code = match &dispatch.channel {
            None => Some(NO_PROVIDER),
            Some(channel) => match codes.get(channel) {
                Some(code) => *code,
                None => {
                    let known = cache::get::<OpenChannel>(config, channel).await?;
                    let code = known.map(|channel| channel.provider.code());
                    codes.insert(channel.clone(), code);
                    code
                }
            },
        };
        match code {
            Some(code) => taken.push(config.partition.route_to(key, Event::Dispatch(dispatch), code, received_ms)),
            None => rejected.push(Rejected {
                index,
                errors: vec![FieldError { pointer: "/channel".to_owned(), detail: "is no channel that exists".to_owned() }],
            }),
        }
    }
    record(config, taken, &rejected).await
}

/// `POST /v1/conversions`
pub async fn conversions(config: &Config, request: &Request) -> Answer {
    let lines = sent(request, "conversions").await?;
    let received_ms = now_ms();
    let (mut taken, mut rejected) = (Vec::new(), Vec::new());
    for (index, line) in lines.iter().enumerate() {
        match lines::conversion(line.as_ref()) {
            Ok((Whose::Key(key), conversion)) => {
                let event = Event::Conversion(conversion);
                taken.push(config.partition.route_to(key, event, NO_PROVIDER, received_ms));
            }
            Ok((Whose::Handle(handle), conversion)) => taken.push(Routed {
                handle: handle.to_text(),
                key: None,
                provider: NO_PROVIDER,
                received_ms,
                event: Event::Conversion(conversion),
            }),
            Err(errors) => rejected.push(Rejected { index, errors }),
        }
    }
    record(config, taken, &rejected).await
}

async fn sent(request: &Request, list: &'static str) -> Result<Vec<Option<serde_json::Value>>, Problem> {
    let content_type = http::header(request, "content-type").unwrap_or_default();
    lines::lines(&http::body(request).await?, &content_type, list)
}

async fn record(config: &Config, taken: Vec<Routed>, rejected: &[Rejected]) -> Answer {
    let accepted = taken.len();
    ledgers::record(config, taken).await?;
    Ok(http::json(200, &lines::answer(accepted, rejected).to_string())?)
}

/// The channel that is meant by who names none: the only one.
async fn only_channel(config: &Config) -> Result<Option<String>, Problem> {
    let command = Command::List { kind: Kind::Channel, filters: Vec::new(), after: String::new(), limit: 2 };
    let (_, page) = ask::<Page<Channel>>(config, &command).await?;
    let mut channels = page.data.into_iter();
    Ok(channels.next().filter(|_| channels.next().is_none()).map(|channel| channel.id))
}
