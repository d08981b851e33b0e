//! Numbers across campaigns: the list of them, how they do side by side, and what a month comes to.

use serde_json::{Map, Value};

use super::config::Config;
use super::reads::{self, Made, Question, Versions};
use super::reports::{self, prices, settings};
use super::zone::IntlZone;
use super::{Answer, Asked, definitions, http, now_ms};
use crate::bounds::{PAGE, PAGE_MOST};
use crate::campaign::Campaign;
use crate::campaign_list::{self, Wanted, listed, numbers_row};
use crate::cost::Prices;
use crate::counters::Book;
use crate::cursor;
use crate::ids::UNATTRIBUTED;
use crate::json;
use crate::month::Month;
use crate::order::sort;
use crate::performance::{GroupBy, Performance};
use crate::period::Period;
use crate::problem::Problem;
use crate::registry::{Command, Filter, Kind, Page, page_json};
use crate::route::{Overview, Query};
use crate::sorted::SortedMap;
use crate::table::Format;

/// `GET /v1/campaigns`, `GET /v1/performance`, `GET /v1/usage` and `GET /v1/overall`
pub async fn answer(config: &Config, asked: &Asked<'_>, overview: Overview, query: &Query) -> Answer {
    let format = http::format(asked.request, query)?;
    let question = Question::of(query, format!("{}\u{1f}{}", overview.name(), query.key()))?.written_as(format);
    let fresh = question.max_age_ms == 0;
    reads::answer(config, asked, &question, Box::pin(make(config, overview, query, fresh, format))).await
}

async fn make(config: &Config, overview: Overview, query: &Query, fresh: bool, format: Format) -> Result<Made, Problem> {
    let as_of_ms = now_ms();
    let (object, versions) = match overview {
        Overview::Campaigns => list(config, query, fresh, format).await?,
        Overview::Performance => {
            let settings = settings(config, fresh).await?;
            let timezone = query.get("timezone").unwrap_or(&settings.timezone);
            let zone = IntlZone::named(timezone)?;
            let (group_by, period) = (GroupBy::read(query.get("group_by"))?, Period::recent(query, &zone, as_of_ms)?);
            let campaigns = compared(config, query).await?;
            let performance = Performance::new(group_by, period, prices(&settings), campaigns, timezone, &zone)?;
            let (books, versions) = reports::books(config, &performance.sums()).await?;
            (performance.answer(&books), versions)
        }
        Overview::Usage | Overview::Overall => {
            let settings = settings(config, fresh).await?;
            let month = Month::read(query.get("month"), &IntlZone::new(&settings.timezone), as_of_ms)?;
            let (mut books, versions) = reports::books(config, &month.sums()).await?;
            let sum = books.remove(&0).unwrap_or_default();
            let object = match overview {
                Overview::Usage => month.usage(&sum, settings.monthly_quota.as_ref()),
                _ => month.overall(&sum),
            };
            (object, versions)
        }
    };
    Ok(Made::of(format, object, &versions, as_of_ms))
}

/// A page of campaigns with their headline numbers: one call per Ledger for all of them.
async fn list(config: &Config, query: &Query, fresh: bool, format: Format) -> Result<(Value, Versions), Problem> {
    // Of a table all, if nobody says how many.
    let limit = if format == Format::Json { PAGE } else { u32::MAX };
    let (wanted, limit) = (Wanted::read(query)?, query.whole("limit", 1..=PAGE_MOST, limit)?);
    let prices = prices(&*settings(config, fresh).await?);
    // A cursor belongs to what decides which records the list holds, and in which order.
    let bound_to = format!("campaigns {}", query.key_without(&["cursor", "limit", "format"]));
    let after: Option<(Value, String)> = match query.get("cursor") {
        Some(cursor) => json::read(&cursor::open(&config.cursor_key, &bound_to, cursor)?).ok().map(campaign_list::unmarked),
        None => None,
    };
    let mut found: Vec<(Value, Campaign, Map<String, Value>)> = Vec::new();
    for campaign in campaigns(config, Vec::new()).await?.into_iter().filter(|campaign| wanted.holds(campaign)) {
        found.push((Value::Null, campaign, Map::new()));
    }
    let total = found.len() as u64;
    let mut versions = Versions::default();
    if wanted.by_number() {
        versions = add_numbers(config, &prices, &mut found).await?;
    }
    for (key, campaign, row) in &mut found {
        *key = wanted.key(campaign, row);
    }
    sort(&mut found, |a, b| wanted.order((&a.0, &a.1.id), (&b.0, &b.1.id)));
    if let Some((key, id)) = &after {
        found.retain(|(own, campaign, _)| wanted.order((own, &campaign.id), (key, id)).is_gt());
    }
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    if !wanted.by_number() {
        versions = add_numbers(config, &prices, &mut found).await?;
    }
    let next = found.last().filter(|_| more).and_then(|(key, campaign, _)| {
        cursor::seal(&config.cursor_key, &bound_to, &serde_json::to_string(&campaign_list::marked(key, &campaign.id)).ok()?)
    });
    let data = found.into_iter().map(|(_, campaign, row)| listed(&campaign, row)).collect();
    Ok((page_json(data, total, next), versions))
}

/// Puts the headline numbers beside these campaigns.
async fn add_numbers(
    config: &Config,
    prices: &Prices,
    found: &mut [(Value, Campaign, Map<String, Value>)],
) -> Result<Versions, Problem> {
    let numbers = found.iter().map(|(_, campaign, _)| campaign.no).collect();
    let (books, versions) = reports::books(config, &campaign_list::sums(Some(numbers), prices)).await?;
    let nothing = Book::default();
    for (_, campaign, row) in found {
        *row = numbers_row(books.get(&campaign.no).unwrap_or(&nothing), prices);
    }
    Ok(versions)
}

/// The campaigns that are compared: one, those of a tag, or all, and what is under none of them.
async fn compared(config: &Config, query: &Query) -> Result<SortedMap<u32, Option<Campaign>>, Problem> {
    let filters = query.get("tag").map(|tag| (Filter::Tag, tag.to_owned()));
    let mut known = campaigns(config, filters.into_iter().collect()).await?;
    if let Some(id) = query.get("campaign") {
        known.retain(|campaign| campaign.id == id);
        if known.is_empty() && id != UNATTRIBUTED {
            return Err(Problem::not_found("No such campaign."));
        }
    }
    let mut compared: SortedMap<u32, Option<Campaign>> =
        known.into_iter().map(|campaign| (campaign.no, Some(campaign))).collect();
    if query.get("campaign").unwrap_or(UNATTRIBUTED) == UNATTRIBUTED && query.get("tag").is_none() {
        compared.insert(0, None);
    }
    Ok(compared)
}

/// The definitions of all campaigns that match, from the Registry.
async fn campaigns(config: &Config, filters: Vec<(Filter, String)>) -> Result<Vec<Campaign>, Problem> {
    let (mut campaigns, mut after) = (Vec::new(), String::new());
    loop {
        let command = Command::List { kind: Kind::Campaign, filters: filters.clone(), after, limit: PAGE_MOST };
        let (_, page): (_, Page<Campaign>) = definitions::ask(config, &command).await?;
        campaigns.extend(page.data);
        match page.next {
            Some(next) => after = next,
            None => return Ok(campaigns),
        }
    }
}
