//! Channels, campaigns, links and settings: asked of the Registry, shown as the API shows them.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Answer;
use super::cache::{self, Kept, OpenChannel, OpenLink};
use super::config::Config;
use super::http::{self, Request};
use super::keys;
use super::objects::call;
use super::zone::IntlZone;
use crate::access::Key;
use crate::body::{self, Fields};
use crate::bounds::{BODY_LINES, LINKS_PER_TEXT, PAGE, PAGE_MOST, REGISTRY_CALL_MS, TEXT_BYTES};
use crate::campaign::Campaign;
use crate::channel::Channel;
use crate::contact::{Handle, canonical_key};
use crate::cursor;
use crate::denied::Denied;
use crate::json;
use crate::link::{self, Link};
use crate::minting::MintingKey;
use crate::problem::{FieldError, Problem};
use crate::registry::{Command, DENIED, Filter, Kind, Page, SETTINGS, page_json};
use crate::route::{Query, Route};
use crate::settings::Settings;
use crate::sorted::SortedMap;
use crate::table::Format;
use crate::token::is_tracking_url;
use crate::wrap;

/// Answers the routes of definitions.
pub async fn answer(config: &Config, request: &Request, method: &str, route: &Route<'_>, query: &Query, origin: &str) -> Answer {
    let sent = async || -> Result<Value, Problem> { body::json(&http::body(request).await?) };
    let channel = |channel: &Channel| channel.to_json(origin);
    let link = |link: &Link| link.to_json(&tracking_url(config, origin, link.no, None));
    let settings = |settings: &Settings| json!(settings);
    match (route, method) {
        (Route::Channel { channel: id }, "PUT") => {
            let (id, body) = (id.to_string(), sent().await?);
            one(config, &Command::PutChannel { id: id.clone(), body }, &keeping::<OpenChannel>(config, id, channel)).await
        }
        (Route::Rotate { channel: id }, _) => {
            let (id, body) = (id.to_string(), sent().await?);
            one(config, &Command::RotateChannel { id: id.clone(), body }, &keeping::<OpenChannel>(config, id, channel)).await
        }
        (Route::Channel { channel: id }, "DELETE") => delete::<OpenChannel>(config, id).await,
        (Route::Channel { channel: id }, _) => one(config, &get(Kind::Channel, id), &showing(channel)).await,
        (Route::Channels, _) => list(config, request, Kind::Channel, query, &showing(channel)).await,
        (Route::Campaign { campaign: id }, "PUT") => {
            let (id, body) = (id.to_string(), sent().await?);
            one(config, &Command::PutCampaign { id: id.clone(), body }, &keeping::<Campaign>(config, id, Campaign::to_json)).await
        }
        (Route::Campaign { campaign: id }, "PATCH") => {
            let (id, body) = (id.to_string(), sent().await?);
            one(config, &Command::PatchCampaign { id: id.clone(), body }, &keeping::<Campaign>(config, id, Campaign::to_json))
                .await
        }
        (Route::Campaign { campaign: id }, _) => one(config, &get(Kind::Campaign, id), &showing(Campaign::to_json)).await,
        (Route::Links, "POST") => {
            let (created, record) = post_link(config, sent().await?).await?;
            shown(created, &link(&record))
        }
        (Route::Links, _) => list(config, request, Kind::Link, query, &showing(link)).await,
        (Route::Link { link: id }, "PATCH") => {
            let (id, body) = (id.to_string(), sent().await?);
            let answer =
                one(config, &Command::PatchLink { id: id.clone(), body }, &keeping::<OpenLink>(config, id, link)).await?;
            learn_denied(config).await;
            Ok(answer)
        }
        (Route::Link { link: id }, "DELETE") => {
            let answer = delete::<OpenLink>(config, id).await?;
            learn_denied(config).await;
            Ok(answer)
        }
        (Route::Link { link: id }, _) => one(config, &get(Kind::Link, id), &showing(link)).await,
        (Route::Keys, "POST") => keys::make(config, "", sent().await?, origin).await,
        (Route::Keys, _) => list_of(config, request, Kind::Key, Some(""), query, &showing(Key::to_json)).await,
        (Route::Key { id }, _) => keys::revoke(config, "", id).await,
        (Route::Shares { campaign }, "POST") => keys::make(config, campaign, sent().await?, origin).await,
        (Route::Shares { campaign }, _) => {
            list_of(config, request, Kind::Key, Some(campaign), query, &showing(Key::to_json)).await
        }
        (Route::Share { campaign, id }, _) => keys::revoke(config, campaign, id).await,
        (Route::MintingKeys, "POST") => {
            let (_, key) = ask::<MintingKey>(config, &Command::PostMintingKey { body: sent().await? }).await?;
            let mut record = key.to_json();
            if let Some(record) = record.as_object_mut() {
                record.insert("key".to_owned(), json!(key.key(config.master.as_bytes())));
            }
            shown(true, &record)
        }
        (Route::MintingKeys, _) => list(config, request, Kind::MintingKey, query, &showing(MintingKey::to_json)).await,
        (Route::MintingKey { id }, _) => {
            ask::<MintingKey>(config, &Command::RevokeMintingKey { id: id.to_string() }).await?;
            learn_denied(config).await;
            Ok(http::answer(204, &[], None)?)
        }
        (Route::WrapLink { link: id }, _) => wrap_link(config, request, id, &sent().await?, query, origin).await,
        (Route::WrapText, _) => wrap_text(config, &sent().await?, origin).await,
        (Route::Settings, "PUT") => {
            let body = sent().await?;
            if let Some(name) = body.get("timezone").and_then(Value::as_str) {
                let wrong = |_| FieldError {
                    pointer: "/timezone".to_owned(),
                    detail: "must be an IANA time zone, such as Asia/Kolkata".to_owned(),
                };
                IntlZone::named(name).map_err(|problem| Problem::fields(vec![wrong(problem)]))?;
            }
            let command = Command::PutSettings { body };
            one(config, &command, &keeping::<Settings>(config, SETTINGS.to_owned(), settings)).await
        }
        (Route::Settings, _) => one(config, &get(Kind::Settings, SETTINGS), &showing(settings)).await,
        _ => Err(Problem::not_found("No such route.").into()),
    }
}

/// Lets this isolate know at once what is denied; the others learn it from KV. Without an answer this one does too.
async fn learn_denied(config: &Config) {
    let _ = cache::renew::<Denied>(config, DENIED).await;
}

/// `POST /v1/links/{link}/wrap`
async fn wrap_link(config: &Config, request: &Request, id: &str, body: &Value, query: &Query, origin: &str) -> Answer {
    let accepted = http::header(request, "accept").unwrap_or_default();
    let ndjson = match query.get("format") {
        None => accepted.contains("application/x-ndjson"),
        Some("ndjson") => true,
        Some("json") => false,
        Some(_) => return Err(Problem::bad("The query parameter format must be json or ndjson.").into()),
    };
    let link = cache::get::<OpenLink>(config, id).await?.ok_or_else(|| Problem::not_found("No such link."))?;
    let mut fields = Fields::of(body, "");
    let contacts = fields.list("contacts", BODY_LINES);
    let contacts = fields.required("contacts", contacts).unwrap_or_default();
    let mut data = Vec::with_capacity(contacts.len());
    for (index, contact) in contacts.iter().enumerate() {
        match contact.as_str().and_then(canonical_key) {
            Some(key) => {
                let handle = Handle::of(&config.partition.handle_key, &key);
                data.push(
                    json!({ "contact": contact, "tracking_url": tracking_url(config, origin, link.link.no, Some(handle)) }),
                );
            }
            None => fields.wrong_at("contacts", index, "must be a phone number with its country code, or a user id"),
        }
    }
    fields.done()?;
    if ndjson {
        let lines: String = data.iter().map(|line| format!("{line}\n")).collect();
        return Ok(http::answer(200, &[("content-type", "application/x-ndjson")], Some(&lines))?);
    }
    Ok(http::json(200, &json!({ "data": data }).to_string())?)
}

/// `POST /v1/wrap`
async fn wrap_text(config: &Config, body: &Value, origin: &str) -> Answer {
    let mut fields = Fields::of(body, "");
    let campaign = fields.operator_id("campaign");
    let campaign = fields.required("campaign", campaign);
    let step = fields.step();
    let contact = fields.text("contact", TEXT_BYTES);
    let contact = fields.required("contact", contact);
    let key = contact.and_then(canonical_key);
    if contact.is_some() && key.is_none() {
        fields.wrong("contact", "must be a phone number with its country code, or a user id");
    }
    let text = fields.string("text");
    let text = fields.required("text", text);
    fields.done()?;
    let (Some(campaign), Some(key), Some(text)) = (campaign, key, text) else { return Err(Problem::bad("").into()) };
    let handle = Handle::of(&config.partition.handle_key, &key);
    // First the links, each distinct target once; then the text.
    let mut made: SortedMap<String, String> = SortedMap::new();
    let mut links = Vec::new();
    for found in wrap::find(text, origin) {
        let url = found.target.as_str();
        // Ours by whichever host it was made for.
        if made.contains_key(url) || is_tracking_url(url, &config.tokens) {
            continue;
        }
        if made.len() == LINKS_PER_TEXT {
            return Err(Problem::bad(format!("The text has more than {LINKS_PER_TEXT} links.")).into());
        }
        let (_, link) = post_link(config, json!({ "campaign": campaign, "step": step, "url": url })).await?;
        let tracking_url = tracking_url(config, origin, link.no, Some(handle));
        links.push(json!({ "link": link::id(link.no), "url": url, "tracking_url": tracking_url }));
        made.insert(url.to_owned(), tracking_url);
    }
    let text = wrap::wrap_text(text, origin, |target| made.get(target.as_str()).cloned());
    Ok(http::json(200, &json!({ "text": text, "links": links }).to_string())?)
}

async fn post_link(config: &Config, body: Value) -> Result<(bool, Link), Problem> {
    let (created, link) = ask::<Link>(config, &Command::PostLink { body }).await?;
    cache::keep::<OpenLink>(config, &link::id(link.no), Some(link.clone()));
    Ok((created, link))
}

/// The address of a link, for a contact or for everybody.
fn tracking_url(config: &Config, origin: &str, link_no: u32, contact: Option<Handle>) -> String {
    let token = config.tokens.key(config.token_key_id).map(|key| match contact {
        Some(handle) => key.mint_short(link_no, handle),
        None => key.mint_shared(link_no),
    });
    format!("{origin}/c/{}", token.unwrap_or_default())
}

/// How the text of a record that the Registry gave becomes what the API shows. Erased, so that what waits for the Registry is
/// compiled once and not for every type of record.
type Show<'a> = &'a dyn Fn(&str) -> Option<Value>;

fn showing<T: DeserializeOwned>(show: impl Fn(&T) -> Value) -> impl Fn(&str) -> Option<Value> {
    move |text| Some(show(&json::read(text).ok()?))
}

/// The same for a record that was just changed: it is kept too.
fn keeping<T>(config: &Config, id: String, show: impl Fn(&T::Record) -> Value) -> impl Fn(&str) -> Option<Value>
where
    T: Kept,
    T::Record: Clone,
{
    showing(move |record: &T::Record| {
        cache::keep::<T>(config, &id, Some(record.clone()));
        show(record)
    })
}

fn get(kind: Kind, id: &str) -> Command {
    Command::Get { kind, id: id.to_owned() }
}

async fn delete<T: Kept>(config: &Config, id: &str) -> Answer {
    let (kind, id) = (T::KIND, id.to_owned());
    ask::<Value>(config, &Command::Delete { kind, id: id.clone() }).await?;
    cache::keep::<T>(config, &id, None);
    Ok(http::answer(204, &[], None)?)
}

/// Tells the Registry to give or change a record, and shows it.
async fn one(config: &Config, command: &Command, show: Show<'_>) -> Answer {
    let (created, text) = say(config, command).await?;
    shown(created, &show(&text).ok_or_else(broken)?)
}

fn shown(created: bool, record: &Value) -> Answer {
    Ok(http::json(if created { 201 } else { 200 }, &record.to_string())?)
}

/// Asks the Registry; gives whether something came to be, and the record.
pub async fn ask<T: DeserializeOwned>(config: &Config, command: &Command) -> Result<(bool, T), Problem> {
    let (created, text) = say(config, command).await?;
    Ok((created, json::read(&text).map_err(|_| broken())?))
}

/// The same, the record as text.
async fn say(config: &Config, command: &Command) -> Result<(bool, String), Problem> {
    let body = serde_json::to_string(command).map_err(|_| broken())?;
    let (status, text) = call(&config.registry, "registry", "apply", &body, REGISTRY_CALL_MS).await.map_err(|_| broken())?;
    if status >= 400 {
        return Err(json::read(&text).unwrap_or_else(|_| broken()));
    }
    Ok((status == 201, text))
}

fn broken() -> Problem {
    Problem::unavailable("The registry does not answer.")
}

async fn list(config: &Config, request: &Request, kind: Kind, query: &Query, show: Show<'_>) -> Answer {
    list_of(config, request, kind, None, query, show).await
}

/// The records of one campaign alone, where one is given.
async fn list_of(
    config: &Config,
    request: &Request,
    kind: Kind,
    campaign: Option<&str>,
    query: &Query,
    show: Show<'_>,
) -> Answer {
    let format = http::format(request, query)?;
    // Of a table all, if nobody says how many.
    let whole = format != Format::Json && query.get("limit").is_none();
    let limit = query.whole("limit", 1..=PAGE_MOST, if whole { PAGE_MOST } else { PAGE })?;
    let filters = [
        (Filter::Status, "status"),
        (Filter::Type, "type"),
        (Filter::MessageType, "message_type"),
        (Filter::Tag, "tag"),
        (Filter::Campaign, "campaign"),
    ];
    let filters: Vec<(Filter, String)> = filters
        .into_iter()
        .filter_map(|(filter, name)| Some((filter, query.get(name)?.to_owned())))
        .chain(campaign.map(|campaign| (Filter::Campaign, campaign.to_owned())))
        .collect();
    // A cursor belongs to what decides which records the list holds.
    let bound_to = format!("{} {}", kind.text(), serde_json::to_string(&filters).unwrap_or_default());
    let mut after = match query.get("cursor") {
        Some(cursor) => cursor::open(&config.cursor_key, &bound_to, cursor)?,
        None => String::new(),
    };
    let mut data = Vec::new();
    let (total, next) = loop {
        let command = Command::List { kind, filters: filters.clone(), after, limit };
        let (_, page): (_, Page<Box<RawValue>>) = ask(config, &command).await?;
        for record in &page.data {
            data.push(show(record.get()).ok_or_else(broken)?);
        }
        match page.next {
            Some(next) if whole => after = next,
            next => break (page.total, next),
        }
    };
    let next = next.and_then(|position| cursor::seal(&config.cursor_key, &bound_to, &position));
    Ok(http::listed(format, &page_json(data, total, next))?)
}
