//! Providers call: the handshake, and callbacks that are answered once everything in them is durable.

use subtle::ConstantTimeEq as _;

use super::cache::{self, OpenChannel};
use super::config::Config;
use super::http::{self, Request};
use super::ledgers;
use super::metrics::METRICS;
use super::{Answer, now_ms};
use crate::problem::Problem;
use crate::provider::{Request as Callback, Verdict};
use crate::route::Query;
use crate::token::is_tracking_url;

/// `GET {callback_url}`: whoever knows the verify token gets the challenge back.
pub async fn handshake(config: &Config, channel: &str, token: &str, query: &str) -> Answer {
    let channel = open(config, channel, token).await?;
    let query = Query::lenient(query);
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

/// `POST {callback_url}`.
pub async fn receive(config: &Config, request: &Request, url: &str, query: &str, channel_id: &str, token: &str) -> Answer {
    let channel = open(config, channel_id, token).await?;
    let body = http::body(request).await?;
    let received_ms = now_ms();
    let headers: Vec<(String, String)> = channel
        .provider
        .wanted_headers(channel.mapping.as_ref())
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), http::header(request, name)?)))
        .collect();
    let callback = Callback { headers: &headers, method: "POST", url, query, body: &body };
    if let Verdict::Bad(_) = verify(&channel, &callback) {
        // The secret may be newer than what this isolate knows.
        let renewed = cache::renew_older::<OpenChannel>(config, channel_id, &channel).await?;
        if renewed.is_none_or(|channel| matches!(verify(&channel, &callback), Verdict::Bad(_))) {
            METRICS.with(|metrics| metrics.callbacks_bad_signature.add(1));
            return Err(Problem::new(401, "The signature is not that of the channel.").into());
        }
    }
    let parsed = channel.provider.parse(&callback, &channel.channel.id, channel.mapping.as_ref(), received_ms);
    let parsed = parsed.without_our_clicks(|url| is_tracking_url(url, &config.tokens));
    drop(body);
    METRICS.with(|metrics| metrics.events_odd.add(parsed.odd.len() as u64));
    let code = channel.provider.code();
    let events = parsed.events.into_iter().map(|event| config.partition.route(event, code, received_ms));
    let recorded = ledgers::record(config, events).await;
    METRICS.with(|metrics| match &recorded {
        Ok(()) => metrics.callbacks_accepted.add(1),
        Err(_) => metrics.callbacks_failed.add(1),
    });
    recorded?;
    Ok(http::answer(200, &[], None)?)
}

fn verify(channel: &OpenChannel, callback: &Callback<'_>) -> Verdict {
    channel.provider.verify(callback, &channel.secrets, channel.mapping.as_ref(), now_ms())
}

/// The channel, if the token opens it. One answer for no such channel and no such token.
async fn open(config: &Config, id: &str, token: &str) -> Result<std::rc::Rc<OpenChannel>, Problem> {
    let nothing = || Problem::not_found("No such callback URL.");
    let opens = |channel: &OpenChannel| channel.channel.opens(token, now_ms());
    let channel = cache::get::<OpenChannel>(config, id).await?.ok_or_else(nothing)?;
    if opens(&channel) {
        return Ok(channel);
    }
    // It may have been rotated since.
    let renewed = cache::renew_older::<OpenChannel>(config, id, &channel).await?;
    renewed.filter(|channel| opens(channel)).ok_or_else(nothing)
}
