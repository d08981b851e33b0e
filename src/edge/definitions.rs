//! Channels, campaigns, links and settings: asked of the Registry, shown as the API shows them.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::config::Config;
use super::http::{self, Request};
use super::objects::call;
use super::{Answer, Refusal};
use crate::body;
use crate::bounds::{PAGE, PAGE_MOST, REGISTRY_CALL_MS};
use crate::campaign::Campaign;
use crate::channel::Channel;
use crate::problem::Problem;
use crate::registry::{Command, Filter, Kind, Page, page_json};
use crate::route::{Query, Route};

/// Answers the routes of definitions.
pub async fn answer(config: &Config, request: &Request, method: &str, route: &Route<'_>, query: &Query, origin: &str) -> Answer {
    let sent = async || -> Result<Value, Refusal> { Ok(body::json(&http::body(request).await?)?) };
    match (route, method) {
        (Route::Channel { channel }, "PUT") => {
            let command = Command::PutChannel { id: channel.to_string(), body: sent().await? };
            shown(ask(config, &command).await?, |channel: Channel| channel.to_json(origin))
        }
        (Route::Rotate { channel }, _) => {
            let command = Command::RotateChannel { id: channel.to_string(), body: sent().await? };
            shown(ask(config, &command).await?, |channel: Channel| channel.to_json(origin))
        }
        (Route::Channel { channel }, "DELETE") => delete(config, Kind::Channel, channel).await,
        (Route::Channel { channel }, _) => {
            shown(get(config, Kind::Channel, channel).await?, |channel: Channel| channel.to_json(origin))
        }
        (Route::Campaign { campaign }, "PUT") => {
            let command = Command::PutCampaign { id: campaign.to_string(), body: sent().await? };
            shown(ask(config, &command).await?, |campaign: Campaign| campaign.to_json())
        }
        (Route::Campaign { campaign }, "PATCH") => {
            let command = Command::PatchCampaign { id: campaign.to_string(), body: sent().await? };
            shown(ask(config, &command).await?, |campaign: Campaign| campaign.to_json())
        }
        (Route::Campaign { campaign }, _) => {
            shown(get(config, Kind::Campaign, campaign).await?, |campaign: Campaign| campaign.to_json())
        }
        (Route::Channels, _) => list(config, Kind::Channel, query, |channel: Channel| channel.to_json(origin)).await,
        (Route::Campaigns, _) => list(config, Kind::Campaign, query, |campaign: Campaign| campaign.to_json()).await,
        _ => Err(Problem::not_found("No such route.").into()),
    }
}

/// Asks the Registry; gives whether something came to be, and the record.
pub async fn ask<T: DeserializeOwned>(config: &Config, command: &Command) -> Result<(bool, T), Problem> {
    let broken = || Problem::unavailable("The registry does not answer.");
    let body = serde_json::to_string(command).map_err(|_| broken())?;
    let (status, text) =
        call(&config.registry, "registry", "https://registry/", &body, REGISTRY_CALL_MS).await.map_err(|_| broken())?;
    if status >= 400 {
        return Err(serde_json::from_str(&text).unwrap_or_else(|_| broken()));
    }
    Ok((status == 201, serde_json::from_str(&text).map_err(|_| broken())?))
}

async fn get<T: DeserializeOwned>(config: &Config, kind: Kind, id: &str) -> Result<(bool, T), Problem> {
    ask(config, &Command::Get { kind, id: id.to_owned() }).await
}

async fn delete(config: &Config, kind: Kind, id: &str) -> Answer {
    ask::<Value>(config, &Command::Delete { kind, id: id.to_owned() }).await?;
    Ok(http::answer(204, &[], None)?)
}

fn shown<T>((created, record): (bool, T), show: impl Fn(T) -> Value) -> Answer {
    Ok(http::json(if created { 201 } else { 200 }, &show(record).to_string())?)
}

async fn list<T: DeserializeOwned>(config: &Config, kind: Kind, query: &Query, show: impl Fn(T) -> Value) -> Answer {
    let limit = query.whole("limit", 1..=PAGE_MOST, PAGE)?;
    let filters =
        [(Filter::Status, "status"), (Filter::Type, "type"), (Filter::MessageType, "message_type"), (Filter::Tag, "tag")];
    let filters: Vec<(Filter, String)> =
        filters.into_iter().filter_map(|(filter, name)| Some((filter, query.get(name)?.to_owned()))).collect();
    let after = query.get("cursor").unwrap_or_default().to_owned();
    let command = Command::List { kind, filters, after, limit };
    let (_, page): (_, Page<T>) = ask(config, &command).await?;
    let data = page.data.into_iter().map(show).collect();
    Ok(http::json(200, &page_json(data, page.total, page.next).to_string())?)
}
