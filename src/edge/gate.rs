//! Senders ask: may I go on, and for how many may I.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::config::Config;
use super::http;
use super::objects::call;
use super::{Answer, Asked, cache, random};
use super::{people, reads, reports};
use crate::body::{self, Fields};
use crate::bounds::{GATE_CALL_MS, LEASE_CONTACTS};
use crate::campaign::Campaign;
use crate::channel::token;
use crate::contact::{Handle, canonical_key};
use crate::gate::{Command, Granted, Mark};
use crate::json;
use crate::problem::Problem;
use crate::route::{Query, Report};
use crate::table::Format;
use crate::time::to_rfc3339;

/// `GET /v1/campaigns/{campaign}/gate`
pub async fn may(config: &Config, asked: &Asked<'_>, campaign: &str, query: &Query) -> Answer {
    let declared = declared(config, campaign).await?;
    let mut reason = declared.closed();
    if let Some(contact) = query.get("contact") {
        // A `+` in a query that nobody escaped is a space.
        let handle = canonical_key(contact).map(|key| Handle::of(&config.partition.handle_key, &key));
        let handle = handle.or_else(|| Handle::from_text(contact)).ok_or_else(|| {
            Problem::bad("The query parameter contact must be a phone number with its country code, a user id, or a handle.")
        })?;
        let known = people::known(config, handle).await?;
        let known: Value = json::read(&known).unwrap_or_default();
        if known.get("opted_out").and_then(Value::as_bool) == Some(true) {
            reason = reason.or(Some("opt_out"));
        }
    }
    let remaining = match declared.declared.send_limit {
        None => None,
        Some(limit) => {
            let mark: Mark = ask(config, campaign, &Command::Mark).await?;
            let attempted = attempted(config, asked, campaign, &Query::default()).await?;
            Some(limit.saturating_sub(attempted).saturating_sub(mark.reserved))
        }
    };
    if remaining == Some(0) {
        reason = reason.or(Some("limit"));
    }
    let shown = json!({ "go": reason.is_none(), "reason": reason, "remaining": remaining });
    Ok(http::answer(200, &[("content-type", "application/json"), ("cache-control", "no-store")], Some(&shown.to_string()))?)
}

/// `POST /v1/campaigns/{campaign}/gate`
pub async fn reserve(config: &Config, asked: &Asked<'_>, campaign: &str) -> Answer {
    let sent = body::json(&http::body(asked.request).await?)?;
    let mut fields = Fields::of(&sent, "");
    let n = fields.whole("n", 1..=LEASE_CONTACTS);
    let n = fields.required("n", n).unwrap_or_default();
    fields.done()?;
    let declared = declared(config, campaign).await?;
    if let Some(reason) = declared.closed() {
        return none(reason);
    }
    let limit = declared.declared.send_limit;
    let mark: Mark = ask(config, campaign, &Command::Mark).await?;
    let attempted = match limit {
        None => 0,
        Some(_) => {
            // As it is now, and not as it was: see `gate`.
            attempted(config, asked, campaign, &Query::of(&[("max_age", "0")])).await?
        }
    };
    let lease = token(random::bytes()?);
    let command = Command::Grant { mark, lease: lease.clone(), n, limit, attempted };
    let Granted { granted, until_ms } = ask(config, campaign, &command).await?;
    if granted == 0 {
        return none("limit");
    }
    let shown = json!({ "granted": granted, "lease": lease, "expires_at": to_rfc3339(until_ms), "reason": null });
    Ok(http::json(200, &shown.to_string())?)
}

fn none(reason: &str) -> Answer {
    let shown = json!({ "granted": 0, "lease": null, "expires_at": null, "reason": reason });
    Ok(http::json(200, &shown.to_string())?)
}

/// Notes what was dispatched under a lease. What is not noted stays reserved until the lease lapses.
pub async fn used(config: &Config, campaign: &str, lease: &str, handles: Vec<String>) {
    let command = Command::Use { lease: lease.to_owned(), handles };
    let _ = ask::<Value>(config, campaign, &command).await;
}

/// The campaign as the Registry said it a moment ago: a stop takes effect at once.
async fn declared(config: &Config, campaign: &str) -> Result<std::rc::Rc<Campaign>, Problem> {
    cache::recent::<Campaign>(config, campaign).await?.ok_or_else(|| Problem::not_found("No such campaign."))
}

/// How many people were attempted.
async fn attempted(config: &Config, asked: &Asked<'_>, campaign: &str, query: &Query) -> Result<u64, Problem> {
    let question = reports::question(campaign, Report::Stats, query)?;
    let make = Box::pin(reports::make(config, campaign, Report::Stats, query, false, Format::Json));
    let snapshot = reads::snapshot(config, Some(asked.context), &question, make).await?;
    let shown: Value = json::read(&snapshot.body).unwrap_or_default();
    let attempted = shown.pointer("/contacts/submitted").and_then(Value::as_u64);
    attempted.ok_or_else(|| Problem::new(500, "The numbers could not be read."))
}

async fn ask<T: DeserializeOwned>(config: &Config, campaign: &str, command: &Command) -> Result<T, Problem> {
    let broken = || Problem::unavailable("The gate does not answer.");
    let body = serde_json::to_string(command).map_err(|_| broken())?;
    let (status, text) = call(&config.gate, campaign, "apply", &body, GATE_CALL_MS).await.map_err(|_| broken())?;
    if status >= 400 {
        return Err(json::read(&text).unwrap_or_else(|_| broken()));
    }
    json::read(&text).map_err(|_| broken())
}
