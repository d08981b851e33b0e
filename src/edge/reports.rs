//! The numbers of one campaign: asked of every Ledger and added up.

use std::rc::Rc;

use futures_util::future::join;
use serde_json::Value;

use super::config::Config;
use super::reads::{self, Made, Question, Versions};
use super::zone::IntlZone;
use super::{Answer, Asked, cache, definitions, http, ledgers, now_ms};
use crate::bounds::PAGE_MOST;
use crate::campaign::Campaign;
use crate::cost::Prices;
use crate::counters::Book;
use crate::event::Ms;
use crate::ids::UNATTRIBUTED;
use crate::json;
use crate::ledger::{BookRows, Read, Sums, Totals};
use crate::link::Link;
use crate::period::Period;
use crate::problem::Problem;
use crate::rate_card::RateCard;
use crate::registry::{Command, Filter, Kind, Page, SETTINGS};
use crate::reports::Subject;
use crate::route::{Query, Report};
use crate::settings::Settings;
use crate::shares::Shares;
use crate::sorted::SortedMap;
use crate::table::Format;
use crate::trend::Trend;

/// `GET /v1/campaigns/{campaign}/…`
pub async fn answer(config: &Config, asked: &Asked<'_>, campaign: &str, report: Report, query: &Query) -> Answer {
    let format = http::format(asked.request, query)?;
    let question = question(campaign, report, query)?.written_as(format);
    let fresh = question.max_age_ms == 0;
    reads::answer(config, asked, &question, Box::pin(make(config, campaign, report, query, fresh, format))).await
}

/// The question for a report.
///
/// # Errors
/// 400, if `max_age` is no number of seconds.
pub fn question(campaign: &str, report: Report, query: &Query) -> Result<Question, Problem> {
    // Ids contain no control character.
    Question::of(query, format!("{}\u{1f}{campaign}\u{1f}{}", report.name(), query.key()))
}

/// Asks the Ledgers for a report. A `fresh` one takes the definitions from the Registry itself.
///
/// # Errors
/// 400, if the query says nothing; 404, if there is no such campaign; 503, if somebody does not answer.
pub async fn make(
    config: &Config,
    campaign: &str,
    report: Report,
    query: &Query,
    fresh: bool,
    format: Format,
) -> Result<Made, Problem> {
    let as_of_ms = now_ms();
    let (object, versions) = object(config, campaign, report, query, fresh, as_of_ms).await?;
    Ok(Made::of(format, object, &versions, as_of_ms))
}

async fn object(
    config: &Config,
    campaign: &str,
    report: Report,
    query: &Query,
    fresh: bool,
    as_of_ms: Ms,
) -> Result<(Value, Versions), Problem> {
    let (known, settings) = join(definition(config, campaign, fresh), settings(config, fresh)).await;
    let (known, settings) = (known?, settings?);
    let (step, no) = (query.get("step"), known.as_ref().map_or(0, |known| known.no));
    let mut subject = Subject {
        campaign,
        no,
        step,
        period: None,
        audience_size: known.as_ref().and_then(|known| known.declared.audience_size),
        send_limit: known.as_ref().and_then(|known| known.declared.send_limit),
        prices: Prices::default(),
    };
    let one = async |sums: &Sums| {
        let (mut all, versions) = gather(config, sums).await?;
        Ok::<_, Problem>((all.remove(&no).unwrap_or_default(), versions))
    };
    Ok(match report {
        Report::Trend => {
            let name = query.get("timezone").unwrap_or(&settings.timezone);
            let zone = IntlZone::named(name)?;
            let extent = if Trend::needs_extent(query) { extent(config, no).await? } else { None };
            let trend = Trend::read(query, &zone, extent, as_of_ms)?;
            let cut = Some(trend.cut());
            let (shares, versions) = one(&Sums { campaigns: Some(vec![no]), totals: Totals::None, cut, together: false }).await?;
            (trend.answer(campaign, step, name, &shares.into_sum()), versions)
        }
        Report::Funnel | Report::Experiment => {
            let (shares, versions) = one(&subject.sums()).await?;
            let book = shares.into_sum();
            match report {
                Report::Funnel => (subject.funnel(&book, query.get("stages"))?, versions),
                _ => (subject.experiment(&book), versions),
            }
        }
        Report::Stats | Report::Steps | Report::Errors | Report::Links => {
            subject.period = Period::read(query)?;
            subject.prices = prices(&settings);
            let (shares, versions) = one(&subject.sums()).await?;
            let object = match report {
                Report::Stats => subject.stats(&shares),
                Report::Steps => subject.steps(&shares),
                Report::Errors => subject.errors(&shares.into_sum()),
                _ => subject.links(&shares.into_sum(), &links(config, campaign).await?),
            };
            (object, versions)
        }
    })
}

/// The campaign's definition; none for what is under no campaign. A `fresh` one is the Registry's own.
async fn definition(config: &Config, campaign: &str, fresh: bool) -> Result<Option<Rc<Campaign>>, Problem> {
    if campaign == UNATTRIBUTED {
        return Ok(None);
    }
    let known = if fresh { cache::renew(config, campaign).await? } else { cache::get(config, campaign).await? };
    Ok(Some(known.ok_or_else(|| Problem::not_found("No such campaign."))?))
}

/// The settings; `fresh` ones are the Registry's own.
pub async fn settings(config: &Config, fresh: bool) -> Result<Rc<Settings>, Problem> {
    let known = if fresh { cache::renew(config, SETTINGS).await? } else { cache::get(config, SETTINGS).await? };
    Ok(known.unwrap_or_default())
}

/// The rate card along the workspace's time.
pub fn prices(settings: &Settings) -> Prices {
    // The card was checked when it was set.
    let card = RateCard::read(&settings.rate_card, "").unwrap_or_default();
    Prices::new(card, &IntlZone::new(&settings.timezone))
}

/// The campaign's links.
async fn links(config: &Config, campaign: &str) -> Result<Vec<Link>, Problem> {
    let (mut links, mut after) = (Vec::new(), String::new());
    loop {
        let filters = vec![(Filter::Campaign, campaign.to_owned())];
        let command = Command::List { kind: Kind::Link, filters, after, limit: PAGE_MOST };
        let (_, page): (_, Page<Link>) = definitions::ask(config, &command).await?;
        links.extend(page.data);
        match page.next {
            Some(next) => after = next,
            None => return Ok(links),
        }
    }
}

/// The first and the last day of a campaign, over all Ledgers.
async fn extent(config: &Config, campaign: u32) -> Result<Option<(i32, i32)>, Problem> {
    let mut extent: Option<(i32, i32)> = None;
    for text in ledgers::read_all(config, &Read::Extent { campaign }).await? {
        if let Ok((first, last)) = json::read::<(i32, i32)>(&text) {
            extent = Some(extent.map_or((first, last), |(from, to)| (from.min(first), to.max(last))));
        }
    }
    Ok(extent)
}

/// The same as [`gather`], all shares together.
pub async fn books(config: &Config, sums: &Sums) -> Result<(SortedMap<u32, Book>, Versions), Problem> {
    let (all, versions) = gather(config, sums).await?;
    Ok((all.into_iter().map(|(campaign, shares)| (campaign, shares.into_sum())).collect(), versions))
}

/// Asks every Ledger at once and adds up, by campaign; and the Ledgers' versions of what they were asked.
async fn gather(config: &Config, sums: &Sums) -> Result<(SortedMap<u32, Shares>, Versions), Problem> {
    let (mut all, mut versions) = (SortedMap::<u32, Shares>::new(), Versions::default());
    for text in ledgers::read_all(config, &Read::Sums(sums.clone())).await? {
        let rows: BookRows = json::read(&text).map_err(|_| ledgers::unanswered())?;
        versions.recounting |= rows.recounts();
        versions.moving += rows.moving();
        let mut version = 0;
        for (campaign, shares) in rows.into_shares() {
            version += shares.version();
            all.entry(campaign).or_default().merge(&shares);
        }
        versions.of.push(version);
    }
    Ok((all, versions))
}
