//! Providers call: the handshake, and callbacks that are answered once everything in them is durable: in the Ledgers, waiting for
//! a contact's name, or as a dead letter.

use std::rc::Rc;

use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::cache::{self, OpenChannel};
use super::config::Config;
use super::http;
use super::metrics::METRICS;
use super::objects::call;
use super::{Answer, Asked, health, identity, ledgers, letters, now_ms};
use crate::bounds::{LEDGER_CALL_MS, RETENTION_DAYS_LEAST};
use crate::counters::DAY_MS;
use crate::event::{Event, Ms};
use crate::facts::time_of;
use crate::health::Counts;
use crate::identity::{Claim, Nameless};
use crate::ids::operator_id;
use crate::ledger::{Read, Remarks, Routed};
use crate::letters::{Came, Command, Item, Letter, Shelf, State};
use crate::partition::Destination;
use crate::problem::Problem;
use crate::provider::{Request as Callback, Sample, Signing, Verdict};
use crate::registry::SETTINGS;
use crate::route::{Query, split};
use crate::settings::Settings;
use crate::token::is_tracking_url;

/// `GET|POST {callback_url}`
pub async fn answer(config: &Rc<Config>, asked: &Asked<'_>, id: &str, token: &str) -> Answer {
    let channel = open(config, id, token).await?;
    if asked.method == "GET" {
        let query = Query::lenient(asked.query);
        if query.get("hub.mode").is_some() || !channel.provider.takes_get(channel.mapping.as_ref()) {
            return handshake(&channel, &query);
        }
    }
    receive(config, asked, id, channel).await
}

/// Whoever knows the verify token gets the challenge back.
fn handshake(channel: &OpenChannel, query: &Query) -> Answer {
    let known = channel.channel.verify_token.as_deref();
    let same = |given: &str, known: &str| bool::from(given.as_bytes().ct_eq(known.as_bytes()));
    let given = query.get("hub.verify_token").unwrap_or_default();
    match (query.get("hub.mode"), known, query.get("hub.challenge")) {
        (Some("subscribe"), Some(known), Some(challenge)) if same(given, known) => {
            let headers = [("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff")];
            Ok(http::answer(200, &headers, Some(challenge))?)
        }
        _ => Err(Problem::new(403, "The handshake's mode or verify token is not that of the channel.").into()),
    }
}

async fn receive(config: &Rc<Config>, asked: &Asked<'_>, id: &str, channel: Rc<OpenChannel>) -> Answer {
    if cannot_verify(&channel) {
        return Err(Problem::unavailable("The channel's secrets cannot be opened: was the master key changed?").into());
    }
    let body = http::body(asked.request).await?;
    let received_ms = now_ms();
    let headers: Vec<(String, String)> = channel
        .provider
        .wanted_headers(channel.mapping.as_ref())
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), http::header(asked.request, name)?)))
        .collect();
    let callback = Callback { headers: &headers, method: asked.method, url: asked.url, query: asked.query, body: &body };
    let came = Came { channel: id, received_ms, method: asked.method, url: asked.url, body: &body };
    let channel = match verify(&channel, &callback, received_ms) {
        Verdict::Bad(reason) => {
            // The secret may be newer than what this isolate knows.
            let renewed = cache::renew_older::<OpenChannel>(config, id, &channel).await?;
            match renewed.filter(|channel| !matches!(verify(channel, &callback, received_ms), Verdict::Bad(_))) {
                Some(channel) => channel,
                None => {
                    METRICS.with(|metrics| metrics.callbacks_bad_signature.add(1));
                    let comes_again = channel.provider.may_have_left_unsigned(&callback);
                    let letter = Letter::of(&came, headers, reason, Vec::new());
                    let counts = Counts { bad_signature: 1, last_bad_signature_ms: Some(received_ms), ..Counts::default() };
                    // The answer is the same if it could not be kept.
                    let _ = keep(config, id, Shelf::Quarantine, letter, counts).await;
                    if comes_again {
                        return Err(Problem::unavailable("The callback is not signed.").into());
                    }
                    return Err(Problem::new(401, "The signature is not that of the channel.").into());
                }
            }
        }
        Verdict::Verified | Verdict::Unsigned => channel,
    };
    let sorted = sort(config, &channel, &callback, received_ms).await?;
    let mut counts = sorted.counts.clone();
    let mut items = sorted.items.clone();
    METRICS.with(|metrics| metrics.events_odd.add(items.len() as u64));
    let kept = async {
        let (remarks, refused) = record(config, sorted).await?;
        items.extend(refused);
        if !items.is_empty() {
            let letter = Letter::of(&came, Vec::new(), &reason(&items), items);
            keep(config, id, Shelf::Dead, letter, Counts::default()).await?;
        }
        Ok::<_, Problem>(remarks)
    };
    let kept = kept.await;
    METRICS.with(|metrics| match &kept {
        Ok(_) => metrics.callbacks_accepted.add(1),
        Err(_) => metrics.callbacks_failed.add(1),
    });
    let remarks = kept?;
    (counts.duplicate, counts.out_of_order, counts.conflict) = (remarks.duplicate, remarks.out_of_order, remarks.conflict);
    (counts.expired, counts.after_erasure) = (counts.expired + remarks.expired, remarks.after_erasure);
    health::count_later(config, asked.context, id, &counts);
    Ok(http::answer(200, &[], None)?)
}

/// What a callback holds, sorted by where it goes.
#[derive(Default)]
struct Sorted {
    events: Vec<Routed>,
    nameless: Vec<Nameless>,
    /// Whose messages are, where the channel's statuses do not say it, each with the place of the event that says so.
    claims: Vec<(usize, Claim)>,
    /// What was not understood.
    items: Vec<Item>,
    others: u64,
    counts: Counts,
    received_ms: Ms,
}

/// Reads a callback whose signature is good.
async fn sort(config: &Config, channel: &OpenChannel, callback: &Callback<'_>, received_ms: Ms) -> Result<Sorted, Problem> {
    let (provider, mapping) = (channel.provider, channel.mapping.as_ref());
    let parsed = provider.parse(callback, &channel.channel.id, mapping, received_ms);
    let parsed = parsed.without_our_clicks(|url| is_tracking_url(url, &config.tokens));
    let mut sorted = Sorted { others: parsed.others.len() as u64, received_ms, ..Sorted::default() };
    sorted.items.extend(parsed.odd.into_iter().map(|odd| Item { pointer: odd.pointer, reason: odd.reason.to_owned() }));
    let mut counts = Counts {
        received: parsed.events.len() as u64 + sorted.others + sorted.items.len() as u64,
        other: sorted.others,
        last_received_ms: Some(received_ms),
        last_understood_ms: (!parsed.events.is_empty() || sorted.others > 0).then_some(received_ms),
        ..Counts::default()
    };
    // Nearly every event is younger than the shortest retention: then nobody needs to be asked what it is.
    let retained_ms = |days: u32| received_ms - Ms::from(days) * DAY_MS;
    let mut oldest_ms = retained_ms(RETENTION_DAYS_LEAST);
    if parsed.events.iter().any(|event| time_of(event, received_ms) < oldest_ms) {
        oldest_ms = retained_ms(cache::get::<Settings>(config, SETTINGS).await?.unwrap_or_default().retention_days);
    }
    for mut event in parsed.events {
        if time_of(&event, received_ms) < oldest_ms {
            counts.expired += 1;
            continue;
        }
        if channel.channel.require_dispatch
            && let Event::Status(status) = &mut event
        {
            // Its own word for its campaign is not enough: it is listed as unattributed until a dispatch claims it.
            status.reference = None;
        }
        match config.partition.route(event, provider.code(), received_ms) {
            Destination::Ledger(routed) => {
                let claim = provider.may_name_nobody(mapping).then(|| config.partition.claim(&routed)).flatten();
                sorted.claims.extend(claim.map(|claim| (sorted.events.len(), claim)));
                sorted.events.push(routed);
            }
            Destination::Identity(nameless) => sorted.nameless.push(nameless),
            Destination::Nowhere => {
                let reason = "it names neither a contact nor a message".to_owned();
                sorted.items.push(Item { pointer: String::new(), reason });
            }
        }
    }
    counts.malformed = sorted.items.len() as u64;
    sorted.counts = counts;
    Ok(sorted)
}

/// Makes everything durable. Gives what was remarkable, and what no Ledger will ever take.
async fn record(config: &Config, sorted: Sorted) -> Result<(Remarks, Option<Item>), Problem> {
    let mut events = sorted.events;
    if !sorted.nameless.is_empty() {
        events.extend(identity::resolve(config, sorted.nameless).await?);
    }
    let amount = events.len();
    let recorded = ledgers::record(config, events).await?;
    if !sorted.claims.is_empty() {
        let taken = recorded.taken(amount);
        let claims = sorted.claims.into_iter().filter(|(place, _)| taken.get(*place) == Some(&true));
        identity::claim(config, claims.map(|(_, claim)| claim).collect(), sorted.received_ms).await?;
    }
    let mut remarks = Remarks::default();
    recorded.remarks.values().for_each(|more| remarks.add(more));
    let refused = recorded.refused.len();
    let refused = (refused > 0).then(|| Item {
        pointer: String::new(),
        reason: format!("understood, but the storage takes {refused} of its events never"),
    });
    Ok((remarks, refused))
}

async fn keep(config: &Config, channel: &str, shelf: Shelf, letter: Letter, counts: Counts) -> Result<(), Problem> {
    letters::ask::<bool>(config, channel, &Command::Keep { shelf, letter, counts }).await.map(|_| ())
}

fn reason(items: &[Item]) -> String {
    match items {
        [item] => item.reason.clone(),
        items => format!("{} items were not understood", items.len()),
    }
}

/// Whether none of its secrets can be opened: a channel that has secrets never takes what is unsigned.
fn cannot_verify(channel: &OpenChannel) -> bool {
    channel.secrets.is_empty() && !channel.channel.secrets.is_empty()
}

fn verify(channel: &OpenChannel, callback: &Callback<'_>, now_ms: Ms) -> Verdict {
    if cannot_verify(channel) {
        return Verdict::Bad("the channel's secrets cannot be opened");
    }
    channel.provider.verify(callback, &channel.secrets, channel.mapping.as_ref(), now_ms)
}

/// `POST /v1/dead_letters/{id}/replay`, `POST /v1/quarantine/{id}/replay`: through the same sorting as when it came, with the
/// time of its receipt. What is understood now leaves the shelf; what was counted before changes nothing.
pub async fn replay(config: &Config, shelf: Shelf, id: &str) -> Answer {
    let (channel_id, Letter { head, content }) = letters::get(config, shelf, id).await?;
    let channel = cache::renew::<OpenChannel>(config, &channel_id).await?;
    let channel = channel.ok_or_else(|| Problem::conflict("The letter's channel does not exist any more."))?;
    let body = content.into_bytes();
    let (_, query) = split(&head.url);
    let callback = Callback { headers: &head.headers, method: &head.method, url: &head.url, query, body: &body };
    if shelf == Shelf::Quarantine && verify(&channel, &callback, head.received_ms) != Verdict::Verified {
        return Err(Problem::conflict("Under none of the channel's secrets is the signature good.").into());
    }
    let sorted = sort(config, &channel, &callback, head.received_ms).await?;
    let (events, others, mut items) = (sorted.events.len() + sorted.nameless.len(), sorted.others, sorted.items.clone());
    let counts = sorted.counts.clone();
    let (_, refused) = record(config, sorted).await?;
    items.extend(refused);
    if shelf == Shelf::Quarantine && !items.is_empty() {
        let came =
            Came { channel: &channel_id, received_ms: head.received_ms, method: &head.method, url: &head.url, body: &body };
        let letter = Letter::of(&came, Vec::new(), &reason(&items), items.clone());
        keep(config, &channel_id, Shelf::Dead, letter, counts).await?;
    } else if shelf == Shelf::Quarantine {
        letters::ask::<()>(config, &channel_id, &Command::Count { counts }).await?;
    }
    let kept = shelf == Shelf::Dead && !items.is_empty();
    if !kept {
        letters::ask::<bool>(config, &channel_id, &Command::Settle { shelf, id: id.to_owned() }).await?;
    }
    let shown = json!({ "id": id, "events": events, "other": others, "items": items, "kept": kept });
    Ok(http::json(200, &shown.to_string())?)
}

/// `POST /v1/channels/{channel}/test`: a sample of the provider's, signed with the channel's own secret and sent to its own URL,
/// goes through every step of a callback but the writing.
pub async fn test(config: &Config, id: &str, origin: &str) -> Answer {
    let channel = cache::renew::<OpenChannel>(config, id).await?.ok_or_else(|| Problem::not_found("No such channel."))?;
    let mut steps = Vec::new();
    let failed = rehearse(config, &channel, origin, &mut steps).await.err();
    if let Some((step, detail)) = &failed {
        steps.push(json!({ "step": step, "ok": false, "detail": detail }));
    }
    let shown = json!({ "ok": failed.is_none(), "failed": failed.map(|(step, _)| step), "steps": steps });
    Ok(http::json(200, &shown.to_string())?)
}

/// Does the steps in order, up to the first that fails: its name and what is wrong.
async fn rehearse(
    config: &Config,
    channel: &OpenChannel,
    origin: &str,
    steps: &mut Vec<Value>,
) -> Result<(), (&'static str, String)> {
    let mut passed = |step: &str, detail: &str| steps.push(json!({ "step": step, "ok": true, "detail": detail }));
    let (provider, mapping, id) = (channel.provider, channel.mapping.as_ref(), channel.channel.id.as_str());
    let url = channel.channel.callback_url(origin);
    let (path, query) = split(&url);
    let token = path.rsplit('/').next().unwrap_or_default();
    open(config, id, token).await.map_err(|problem| ("url", problem.detail))?;
    passed("url", "The callback URL leads to the channel.");

    let now_ms = now_ms();
    let sample = |secret: Option<&str>| -> Result<Sample, (&'static str, String)> {
        provider
            .sample(&url, secret, mapping, now_ms)
            .ok_or_else(|| ("sample", "No callback can be made after the channel's mapping.".to_owned()))
    };
    if channel.secrets.len() != channel.channel.secrets.len() {
        return Err(("signature", "A stored secret cannot be opened: was the master key changed?".to_owned()));
    }
    let callbacks: Vec<Sample> = match channel.secrets.as_slice() {
        [] => vec![sample(None)?],
        secrets => secrets.iter().map(|secret| sample(Some(secret))).collect::<Result<_, _>>()?,
    };
    let mut sorted = Sorted::default();
    for Sample { headers, body } in &callbacks {
        let callback = Callback { headers, method: "POST", url: &url, query, body: body.as_bytes() };
        if let Verdict::Bad(reason) = verify(channel, &callback, now_ms) {
            return Err(("signature", format!("A sample signed with the channel's secret is refused: {reason}.")));
        }
        sorted = sort(config, channel, &callback, now_ms).await.map_err(|problem| ("parse", problem.detail))?;
    }
    match (provider.signing(mapping), channel.secrets.len()) {
        (Signing::Never, _) => passed("signature", "The provider signs nothing; the URL is the only protection."),
        (_, 0) => passed("signature", "The channel has no secret, so nothing is checked; the URL is the only protection."),
        (_, n) => passed("signature", if n == 1 { "Good under the secret." } else { "Good under each of the two secrets." }),
    }
    if let Some(item) = sorted.items.first() {
        return Err(("parse", format!("The sample is not understood: {}.", item.reason)));
    }
    match sorted.events.len() + sorted.nameless.len() {
        1 => passed("parse", "The sample is one delivered status."),
        n => return Err(("parse", format!("The sample is {n} events instead of one."))),
    }
    // The objects that it would be written to answer; nothing is written.
    if let Some(routed) = sorted.events.first() {
        let ledger = config.partition.ledger(routed).to_string();
        let read = serde_json::to_string(&Read::Extent { campaign: 0 }).unwrap_or_default();
        let answer = call(&config.ledger, &ledger, "read", &read, LEDGER_CALL_MS).await;
        if !matches!(answer, Ok((200, _))) {
            return Err(("storage", "The ledger of the sample's contact does not answer.".to_owned()));
        }
    } else {
        identity::waiting(config, id).await.map_err(|problem| ("storage", problem.detail))?;
    }
    letters::ask::<State>(config, id, &Command::State).await.map_err(|problem| ("storage", problem.detail))?;
    passed("storage", "The objects that it would be written to answer.");
    Ok(())
}

/// The channel, if the token opens it. One answer for no such channel and no such token.
async fn open(config: &Config, id: &str, token: &str) -> Result<Rc<OpenChannel>, Problem> {
    let nothing = || Problem::not_found("No such callback URL.");
    // What can be no channel is looked for nowhere, and remembered nowhere.
    operator_id(id).map_err(|_| nothing())?;
    let opens = |channel: &OpenChannel| channel.channel.opens(token, now_ms());
    let channel = cache::get::<OpenChannel>(config, id).await?.ok_or_else(nothing)?;
    if opens(&channel) {
        return Ok(channel);
    }
    // It may have been rotated since.
    let renewed = cache::renew_older::<OpenChannel>(config, id, &channel).await?;
    renewed.filter(|channel| opens(channel)).ok_or_else(nothing)
}
