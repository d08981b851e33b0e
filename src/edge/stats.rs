//! The numbers of one campaign: asked of every Ledger and added up.

use super::config::Config;
use super::ledgers;
use super::reads::{self, Made, Question};
use super::zone::IntlZone;
use super::{Answer, Asked, cache, now_ms};
use crate::calendar::date_at;
use crate::campaign::Campaign;
use crate::counters::Book;
use crate::ids::UNATTRIBUTED;
use crate::ledger::{BookRows, Read};
use crate::numbers::{Numbers, Period};
use crate::problem::Problem;
use crate::rate_card::RateCard;
use crate::registry::SETTINGS;
use crate::route::Query;
use crate::settings::Settings;
use crate::stats::{self, stats};

/// `GET /v1/campaigns/{campaign}/stats`
pub async fn answer(config: &Config, asked: &Asked<'_>, campaign: &str, query: &Query) -> Answer {
    let (step, period) = (query.get("step"), Period::read(query)?);
    let question = question(query, campaign)?;
    reads::answer(config, asked, &question, Box::pin(make(config, campaign, step, period))).await
}

/// The question for a campaign's numbers.
///
/// # Errors
/// 400, if the query is not as it must be.
pub fn question(query: &Query, campaign: &str) -> Result<Question, Problem> {
    let (step, period) = (query.get("step"), Period::read(query)?);
    // Ids contain no control character.
    Question::of(query, format!("stats\u{1f}{campaign}\u{1f}{step:?}\u{1f}{period:?}"))
}

/// Asks the Ledgers for a campaign's numbers.
///
/// # Errors
/// 404, if there is no such campaign; 503, if one does not answer.
pub async fn make(config: &Config, campaign: &str, step: Option<&str>, period: Option<Period>) -> Result<Made, Problem> {
    let (no, audience_size) = match campaign {
        UNATTRIBUTED => (0, None),
        _ => {
            let known = cache::get::<Campaign>(config, campaign).await?;
            let known = known.ok_or_else(|| Problem::not_found("No such campaign."))?;
            (known.no, known.declared.audience_size)
        }
    };
    let settings = cache::get::<Settings>(config, SETTINGS).await?;
    let as_of_ms = now_ms();
    let (from_day, to_day) = period.map_or((0, i32::MAX), |period| period.days());
    let (book, versions) = gather(config, &Read::Book { campaign: no, from_day, to_day }).await?;
    let zone = IntlZone::new(settings.as_ref().map_or("UTC", |settings| &settings.timezone));
    // The card was checked when it was set.
    let card = settings.and_then(|settings| RateCard::read(&settings.rate_card, "").ok()).unwrap_or_default();
    let asked = stats::Asked {
        campaign,
        step,
        period,
        audience_size,
        rate_card: &card,
        date_at: &|at_ms| date_at(&zone, at_ms).unwrap_or_default(),
    };
    let shown = serde_json::to_value(stats(&asked, Numbers::of(&book, step, period), book.version));
    let shown = shown.map_err(|_| Problem::new(500, "The answer could not be written."))?;
    Ok(Made::json(shown, &versions, as_of_ms))
}

/// Asks every Ledger at once and adds up; gives the sum and each Ledger's version.
async fn gather(config: &Config, read: &Read) -> Result<(Book, Vec<u64>), Problem> {
    let (mut sum, mut versions) = (Book::default(), Vec::new());
    for text in ledgers::read_all(config, read).await? {
        let rows: BookRows = serde_json::from_str(&text).map_err(|_| Problem::unavailable("A ledger does not answer."))?;
        let before = sum.version;
        for book in rows.into_books().values() {
            sum.merge(book);
        }
        versions.push(sum.version - before);
    }
    Ok((sum, versions))
}
