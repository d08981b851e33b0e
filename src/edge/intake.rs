//! Senders and shops call: lists of dispatches and conversions.

use std::rc::Rc;

use worker::Context;

use super::Answer;
use super::cache::{self, OpenChannel};
use super::config::Config;
use super::definitions::ask;
use super::http::{self, Request};
use super::ledgers::Recorded;
use super::{gate, health, identity, ledgers, now_ms};
use crate::channel::Channel;
use crate::event::{Event, Ms, Outcome};
use crate::health::Counts;
use crate::identity::{Claim, Ground};
use crate::ids::operator_id;
use crate::ledger::{Remarks, Routed};
use crate::lines::{self, Rejected, Whose};
use crate::order::sort;
use crate::problem::{FieldError, Problem};
use crate::registry::{Command, Kind, Page};
use crate::sorted::SortedMap;

/// The code of events that speak of no provider's message.
const NO_PROVIDER: char = '-';

/// `POST /v1/campaigns/{campaign}/dispatches`
pub async fn dispatches(
    config: &Rc<Config>,
    request: &Request,
    context: &Context,
    campaign: &str,
    lease: Option<&str>,
) -> Answer {
    operator_id(campaign).map_err(|reason| Problem::bad(format!("The id in the path {reason}.")))?;
    let lines = sent(request, "dispatches").await?;
    let received_ms = now_ms();
    let only = if lines.iter().flatten().all(|line| line.get("channel").is_some_and(|channel| !channel.is_null())) {
        None
    } else {
        only_channel(config).await?
    };
    let (mut taken, mut rejected) = (Vec::new(), Vec::new());
    let mut channels: SortedMap<String, Option<Rc<OpenChannel>>> = SortedMap::new();
    // The line of each event; what is claimed by it; and through which channel that came.
    let (mut at, mut claims, mut claimed_in) = (Vec::new(), Vec::new(), Vec::new());
    for (index, line) in lines.iter().enumerate() {
        let (key, dispatch) = match lines::dispatch(line.as_ref(), campaign, only.as_deref()) {
            Ok(line) => line,
            Err(errors) => {
                rejected.push(Rejected { index, errors });
                continue;
            }
        };
        let mut code = NO_PROVIDER;
        if let Some(id) = &dispatch.channel {
            if !channels.contains_key(id) {
                channels.insert(id.clone(), cache::get::<OpenChannel>(config, id).await?);
            }
            let Some(Some(channel)) = channels.get(id) else {
                let error = FieldError { pointer: "/channel".to_owned(), detail: "is no channel that exists".to_owned() };
                rejected.push(Rejected { index, errors: vec![error] });
                continue;
            };
            code = channel.provider.code();
        }
        let routed = config.partition.route_to(key, Event::Dispatch(dispatch), code, received_ms);
        if let Some(claim) = config.partition.claim(&routed) {
            claims.push((Some(taken.len()), claim));
            claimed_in.push(routed.event.channel().unwrap_or_default().to_owned());
        }
        taken.push(routed);
        at.push(index);
    }
    // Whoever counts as attempted, once the dispatch is durable, in the places of the events.
    let attempted = |routed: &Routed| {
        let Event::Dispatch(dispatch) = &routed.event else { return None };
        let attempts = matches!(dispatch.outcome, Outcome::Accepted | Outcome::Error);
        (lease.is_some() && attempts).then(|| routed.handle.clone())
    };
    let attempted: Vec<Option<String>> = taken.iter().map(attempted).collect();
    let (recorded, second) = claimed(config, taken, claims, received_ms).await?;
    let mut counts: SortedMap<&str, Counts> = SortedMap::new();
    for (channel, Remarks { conflict, expired, after_erasure, .. }) in &recorded.remarks {
        let more = Counts { conflict: *conflict, expired: *expired, after_erasure: *after_erasure, ..Counts::default() };
        counts.entry(channel).or_default().add(&more);
    }
    for channel in second.iter().filter_map(|place| claimed_in.get(*place)) {
        counts.entry(channel).or_default().conflict += 1;
    }
    if let Some(lease) = lease {
        let attempted =
            recorded.taken(at.len()).into_iter().zip(attempted).filter_map(|(taken, handle)| handle.filter(|_| taken));
        gate::used(config, campaign, lease, attempted.collect()).await;
    }
    for (channel, counts) in counts.into_iter().filter(|(_, counts)| *counts != Counts::default()) {
        health::count_later(config, context, channel, &counts);
    }
    answer(&at, 0, &recorded, rejected)
}

/// `POST /v1/conversions`
pub async fn conversions(config: &Config, request: &Request) -> Answer {
    let lines = sent(request, "conversions").await?;
    let received_ms = now_ms();
    let (mut taken, mut rejected, mut at, mut claims) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut withdrawn = 0;
    for (index, line) in lines.iter().enumerate() {
        match lines::conversion(line.as_ref()) {
            Ok((Whose::Key(key), conversion)) => {
                let event = Event::Conversion(conversion);
                taken.push(config.partition.route_to(key, event, NO_PROVIDER, received_ms));
                at.push(index);
            }
            Ok((Whose::Handle(handle), conversion)) => {
                taken.push(Routed {
                    handle: handle.to_text(),
                    key: None,
                    provider: NO_PROVIDER,
                    received_ms,
                    nameless: false,
                    event: Event::Conversion(conversion),
                });
                at.push(index);
            }
            Ok((Whose::Nobody, conversion)) => {
                claims.push((None, config.partition.withdrawal(&conversion)));
                withdrawn += 1;
            }
            Err(errors) => rejected.push(Rejected { index, errors }),
        }
    }
    let claim = |(place, routed)| Some((Some(place), config.partition.claim(routed)?));
    claims.extend(taken.iter().enumerate().filter_map(claim));
    let (recorded, _) = claimed(config, taken, claims, received_ms).await?;
    answer(&at, withdrawn, &recorded, rejected)
}

/// Records events, then tells who claims what by those that were taken, each claim with the place of its event; one without an event
/// stands by itself. Gives the places of the claims that are second ones too.
async fn claimed(
    config: &Config,
    events: Vec<Routed>,
    claims: Vec<(Option<usize>, Claim)>,
    received_ms: Ms,
) -> Result<(Recorded, Vec<usize>), Problem> {
    let amount = events.len();
    let recorded = ledgers::record(config, events).await?;
    let taken = recorded.taken(amount);
    let kept = claims.into_iter().enumerate().filter_map(|(at, (place, claim))| {
        let taken = place.is_none_or(|place| taken.get(place) == Some(&true));
        // A withdrawal is never too late.
        (taken || claim.ground == Ground::Cancelled).then_some((at, claim))
    });
    let (places, claims): (Vec<usize>, Vec<Claim>) = kept.unzip();
    let second = if claims.is_empty() { Vec::new() } else { identity::claim(config, claims, received_ms).await? };
    Ok((recorded, second.into_iter().filter_map(|place| places.get(place).copied()).collect()))
}

async fn sent(request: &Request, list: &'static str) -> Result<Vec<Option<serde_json::Value>>, Problem> {
    let content_type = http::header(request, "content-type").unwrap_or_default();
    lines::lines(&http::body(request).await?, &content_type, list)
}

/// The answer to lines whose events stood at the lines `at`, and `others` that are no events of anybody: what no Ledger will ever
/// take is rejected.
fn answer(at: &[usize], others: usize, recorded: &Recorded, mut rejected: Vec<Rejected>) -> Answer {
    for (places, pointer, detail) in [
        (&recorded.refused, "", "is understood, but the storage never takes it"),
        (&recorded.expired, "/at", "is longer ago than the retention: expired"),
    ] {
        rejected.extend(places.iter().filter_map(|place| at.get(*place)).map(|index| Rejected {
            index: *index,
            errors: vec![FieldError { pointer: pointer.to_owned(), detail: detail.to_owned() }],
        }));
    }
    let taken = at.len() + others - recorded.refused.len() - recorded.expired.len();
    sort(&mut rejected, |a, b| a.index.cmp(&b.index));
    Ok(http::json(200, &lines::answer(taken, &rejected).to_string())?)
}

/// The channel that is meant by who names none: the only one.
async fn only_channel(config: &Config) -> Result<Option<String>, Problem> {
    let command = Command::List { kind: Kind::Channel, filters: Vec::new(), after: String::new(), limit: 2 };
    let (_, page) = ask::<Page<Channel>>(config, &command).await?;
    let mut channels = page.data.into_iter();
    Ok(channels.next().filter(|_| channels.next().is_none()).map(|channel| channel.id))
}
