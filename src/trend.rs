//! A campaign over time: its numbers by event time, bucket by bucket of a zone's local time.
//!
//! The zone, the clock and the time of the campaign's first and last event are arguments.

use serde_json::{Value, json};

use crate::bounds::TREND_BUCKETS;
use crate::calendar::{Bucket, Granularity, Zone, buckets};
use crate::counters::{Book, DAY_MS};
use crate::event::Ms;
use crate::numbers::Numbers;
use crate::period::{bounds, wrong};
use crate::problem::Problem;
use crate::route::Query;
use crate::stats::row;
use crate::sums::{By, Cut, span};
use crate::time::{QUARTER_MS, quarter_start, to_rfc3339};

pub struct Trend {
    granularity: &'static str,
    from_ms: Ms,
    to_ms: Ms,
    buckets: Vec<Bucket>,
}

impl Trend {
    /// The parameters `granularity` (a day, if it is absent), `from` and `to`. What is absent is taken from the campaign itself: it
    /// begins with the first UTC day of `extent` and ends with now, or with the last day if that is later.
    ///
    /// # Errors
    /// 400, for parameters that say nothing, and more buckets than [`TREND_BUCKETS`].
    pub fn read(query: &Query, zone: &impl Zone, extent: Option<(i32, i32)>, now_ms: Ms) -> Result<Self, Problem> {
        let (granularity, name) = match query.get("granularity") {
            Some("hour") => (Granularity::Hour, "hour"),
            None | Some("day") => (Granularity::Day, "day"),
            Some("week") => (Granularity::Week, "week"),
            Some("month") => (Granularity::Month, "month"),
            Some(_) => return Err(Problem::bad("`granularity` must be one of hour, day, week, month.")),
        };
        let (from_ms, to_ms) = bounds(query)?;
        let now_ms = quarter_start(now_ms) + QUARTER_MS;
        let last_ms = extent.map_or(now_ms, |(_, last)| (Ms::from(last) + 1) * DAY_MS);
        let to_ms = to_ms.unwrap_or_else(|| now_ms.max(last_ms));
        let first_ms = extent.map_or(to_ms, |(first, _)| Ms::from(first) * DAY_MS);
        let from_ms = from_ms.unwrap_or_else(|| first_ms.min(to_ms));
        let buckets = buckets(granularity, zone, from_ms, to_ms, TREND_BUCKETS).map_err(|error| wrong("from", error))?;
        Ok(Self { granularity: name, from_ms, to_ms, buckets })
    }

    /// Whether the parameters leave something to the campaign.
    #[must_use]
    pub fn needs_extent(query: &Query) -> bool {
        query.get("from").is_none() || query.get("to").is_none()
    }

    /// What the Ledgers are asked to add up.
    #[must_use]
    pub fn cut(&self) -> Cut {
        let spans = self.buckets.iter().map(|bucket| span(bucket.span.from_ms, bucket.span.to_ms));
        Cut { spans: spans.collect(), by: By::Event, prices: Vec::new() }
    }

    #[must_use]
    pub fn answer(&self, campaign: &str, step: Option<&str>, timezone: &str, sum: &Book) -> Value {
        let data = (0..).zip(&self.buckets).map(|(no, bucket)| {
            let mut row = row(&Numbers::in_span(sum, no, step));
            row.insert("start".to_owned(), json!(to_rfc3339(bucket.span.from_ms)));
            row.insert("end".to_owned(), json!(to_rfc3339(bucket.span.to_ms)));
            row.insert("period".to_owned(), json!(bucket.label));
            Value::Object(row)
        });
        json!({
            "campaign": campaign, "step": step, "granularity": self.granularity, "timezone": timezone,
            "from": to_rfc3339(self.from_ms), "to": to_rfc3339(self.to_ms), "data": data.collect::<Vec<_>>(),
        })
    }
}
