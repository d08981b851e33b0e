//! Periods of local time over quarter hours of UTC: the buckets of a trend, the presets, a month, the date of an instant.
//!
//! Counters are kept per quarter hour of UTC, so every boundary here is one. Nothing here knows a zone database: a [`Zone`]
//! tells the offset at an instant, and the worker asks its runtime for it.
//!
//! The rules where a local clock is not plain:
//! - A quarter hour belongs to the period in which it begins. Offsets of today are multiples of 15 minutes and nothing is
//!   rounded; in the few zones and years where one was not, or changed in the middle of a quarter hour (Newfoundland until
//!   2011, at one minute past midnight), the boundary is the first quarter hour that begins in the new period.
//! - An hour ends when the local hour changes or the clock is set back: a doubled hour is two buckets, a missing one none.
//! - A day, week or month begins the first time that its first midnight is reached or jumped over. A clock set back across
//!   midnight does not reopen yesterday, and a day that a country left out (Samoa, 30 December 2011) has no bucket.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Timelike, Weekday};

use crate::event::Ms;
pub use crate::time::date;
use crate::time::{QUARTER_MS, is_quarter, quarter_start};

const HOUR_MS: Ms = 4 * QUARTER_MS;
const DAY_MS: Ms = 24 * HOUR_MS;
/// No place's clock is further than this from UTC.
const MAX_OFFSET_MS: Ms = DAY_MS;
/// Years 0 to 9999: what a date of the API can say, far inside what the arithmetic here can hold.
const RANGE_MS: core::ops::Range<Ms> = -62_167_219_200_000..253_402_300_800_000;

/// The local clock of a place.
pub trait Zone {
    /// How far local time is ahead of UTC at an instant, in seconds.
    fn offset_s(&self, at_ms: Ms) -> i32;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    Hour,
    Day,
    /// ISO 8601: from Monday.
    Week,
    Month,
}

/// A half-open stretch of time, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from_ms: Ms,
    pub to_ms: Ms,
}

/// One point of a trend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub span: Span,
    /// The local period: `2026-11-21T01:00+05:30`, `2026-11-21`, `2026-W47` or `2026-11`. The hour carries its offset, which
    /// tells the two of a doubled hour apart.
    pub label: String,
}

/// Why a range has no buckets; `Display` says it in words for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarError {
    OffQuarter,
    OutOfRange,
    TooMany { max: usize },
    NotMonth,
}

impl core::fmt::Display for CalendarError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::OffQuarter => f.write_str("must be a whole quarter hour of UTC"),
            Self::OutOfRange => f.write_str("lies outside the years 0 to 9999"),
            Self::TooMany { max } => write!(f, "makes more than {max} buckets: ask for a shorter time or longer buckets"),
            Self::NotMonth => f.write_str("must be a month such as \"2026-11\""),
        }
    }
}

impl core::error::Error for CalendarError {}

/// Named periods: whole days in the zone, today included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    Last7Days,
    Last30Days,
    /// From the first of the month to the end of today.
    ThisMonth,
    /// The whole month before.
    LastMonth,
}

impl Preset {
    /// `last_7_days`, `last_30_days`, `this_month`, `last_month`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "last_7_days" => Self::Last7Days,
            "last_30_days" => Self::Last30Days,
            "this_month" => Self::ThisMonth,
            "last_month" => Self::LastMonth,
            _ => return None,
        })
    }

    pub fn span(self, zone: &impl Zone, now_ms: Ms) -> Result<Span, CalendarError> {
        let today = date_at(zone, now_ms)?;
        let tomorrow = today.checked_add_days(Days::new(1));
        let month = first_of_month(today);
        let (first, end) = match self {
            Self::Last7Days => (today.checked_sub_days(Days::new(6)), tomorrow),
            Self::Last30Days => (today.checked_sub_days(Days::new(29)), tomorrow),
            Self::ThisMonth => (month, tomorrow),
            Self::LastMonth => (month.and_then(|m| m.checked_sub_months(Months::new(1))), month),
        };
        days(zone, first, end)
    }
}

/// The month that a text such as `2026-11` names.
pub fn month(zone: &impl Zone, text: &str) -> Result<Span, CalendarError> {
    let first = first_day_of(text).ok_or(CalendarError::NotMonth)?;
    days(zone, Some(first), first.checked_add_months(Months::new(1)))
}

/// The local date of an instant: that of the beginning of its quarter hour.
pub fn date_at(zone: &impl Zone, at_ms: Ms) -> Result<NaiveDate, CalendarError> {
    if !RANGE_MS.contains(&at_ms) {
        return Err(CalendarError::OutOfRange);
    }
    let quarter = quarter_start(at_ms);
    Ok(civil(quarter + offset_ms(zone, quarter))?.0)
}

/// Cuts `[from_ms, to_ms)` into the periods of a zone's local time, the empty ones included: the first begins at `from_ms`
/// and the last ends at `to_ms`, wherever these stand in their periods.
pub fn buckets(
    granularity: Granularity,
    zone: &impl Zone,
    from_ms: Ms,
    to_ms: Ms,
    max: usize,
) -> Result<Vec<Bucket>, CalendarError> {
    if !is_quarter(from_ms) || !is_quarter(to_ms) {
        return Err(CalendarError::OffQuarter);
    }
    if from_ms >= to_ms {
        return Ok(Vec::new());
    }
    if !RANGE_MS.contains(&from_ms) || !RANGE_MS.contains(&to_ms) {
        return Err(CalendarError::OutOfRange);
    }
    // Before a clock is asked anything: no local hour, day, week or month is longer than these.
    let longest = match granularity {
        Granularity::Hour => 2 * HOUR_MS,
        Granularity::Day => 2 * DAY_MS,
        Granularity::Week => 8 * DAY_MS,
        Granularity::Month => 32 * DAY_MS,
    };
    let too_many = CalendarError::TooMany { max };
    if usize::try_from((to_ms - from_ms) / longest).is_ok_and(|least| least > max) {
        return Err(too_many);
    }
    let mut starts: Vec<Start> = Vec::new();
    let mut offset_before_ms = Ms::MIN;
    for Stretch { span, offset_ms } in stretches(zone, from_ms, to_ms) {
        let period_ms = granularity.start(span.from_ms + offset_ms)?;
        let begins = match (starts.last(), granularity) {
            (None, _) => true,
            (Some(open), Granularity::Hour) => period_ms != open.period_ms || offset_ms < offset_before_ms,
            (Some(open), _) => period_ms > open.period_ms,
        };
        if begins {
            starts.push(Start { at_ms: span.from_ms, period_ms, offset_ms });
        }
        while let Some(open) = starts.last() {
            let period_ms = granularity.next(open.period_ms)?;
            let at_ms = quarter_from(period_ms - offset_ms);
            if at_ms >= span.to_ms {
                break;
            }
            starts.push(Start { at_ms, period_ms, offset_ms });
            if starts.len() > max {
                return Err(too_many);
            }
        }
        offset_before_ms = offset_ms;
    }
    if starts.len() > max {
        return Err(too_many);
    }
    let ends = starts.iter().skip(1).map(|start| start.at_ms).chain([to_ms]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, to_ms)| Ok(Bucket { span: Span { from_ms: start.at_ms, to_ms }, label: granularity.label(start)? }))
        .collect()
}

/// Where a bucket begins, and the local beginning of its period (read as if it were UTC).
struct Start {
    at_ms: Ms,
    period_ms: Ms,
    offset_ms: Ms,
}

impl Granularity {
    /// The beginning of the period that a local time lies in.
    fn start(self, local_ms: Ms) -> Result<Ms, CalendarError> {
        let (date, _) = civil(local_ms)?;
        let first = match self {
            Self::Hour => return Ok(local_ms.div_euclid(HOUR_MS) * HOUR_MS),
            Self::Day => Some(date),
            Self::Week => date.week(Weekday::Mon).checked_first_day(),
            Self::Month => first_of_month(date),
        };
        first.map(midnight_ms).ok_or(CalendarError::OutOfRange)
    }

    /// The beginning of the period after the one that begins at `start_ms`.
    fn next(self, start_ms: Ms) -> Result<Ms, CalendarError> {
        match self {
            Self::Hour => Ok(start_ms + HOUR_MS),
            Self::Day => Ok(start_ms + DAY_MS),
            Self::Week => Ok(start_ms + 7 * DAY_MS),
            Self::Month => {
                let next = civil(start_ms)?.0.checked_add_months(Months::new(1));
                next.map(midnight_ms).ok_or(CalendarError::OutOfRange)
            }
        }
    }

    fn label(self, start: &Start) -> Result<String, CalendarError> {
        let (date, time) = civil(start.period_ms)?;
        Ok(match self {
            Self::Hour => {
                let sign = if start.offset_ms < 0 { '-' } else { '+' };
                let ahead = (start.offset_ms.abs() + 30_000) / 60_000;
                format!("{date}T{:02}:00{sign}{:02}:{:02}", time.hour(), ahead / 60, ahead % 60)
            }
            Self::Day => date.to_string(),
            Self::Week => format!("{:04}-W{:02}", date.iso_week().year(), date.iso_week().week()),
            Self::Month => format!("{:04}-{:02}", date.year(), date.month()),
        })
    }
}

/// A stretch of whole quarter hours over which a local clock runs evenly.
struct Stretch {
    span: Span,
    offset_ms: Ms,
}

/// The clock is asked once a day, and where the answer changed the quarter hour is found by halving. It follows that a
/// change that is undone within one day goes unseen: no country has been so quick.
fn stretches(zone: &impl Zone, from_ms: Ms, to_ms: Ms) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let last_ms = to_ms - QUARTER_MS;
    let (mut start_ms, mut seen_ms, mut offset) = (from_ms, from_ms, offset_ms(zone, from_ms));
    while seen_ms < last_ms {
        let (mut same_ms, mut other_ms) = (seen_ms, (seen_ms + DAY_MS).min(last_ms));
        seen_ms = other_ms;
        if offset_ms(zone, other_ms) == offset {
            continue;
        }
        while other_ms - same_ms > QUARTER_MS {
            let middle_ms = same_ms + (other_ms - same_ms) / QUARTER_MS / 2 * QUARTER_MS;
            if offset_ms(zone, middle_ms) == offset {
                same_ms = middle_ms;
            } else {
                other_ms = middle_ms;
            }
        }
        stretches.push(Stretch { span: Span { from_ms: start_ms, to_ms: other_ms }, offset_ms: offset });
        (start_ms, seen_ms, offset) = (other_ms, other_ms, offset_ms(zone, other_ms));
    }
    stretches.push(Stretch { span: Span { from_ms: start_ms, to_ms }, offset_ms: offset });
    stretches
}

/// From the first quarter hour of one local day to that of another.
fn days(zone: &impl Zone, first: Option<NaiveDate>, end: Option<NaiveDate>) -> Result<Span, CalendarError> {
    let begin = |date: Option<NaiveDate>| start_of_day(zone, date.ok_or(CalendarError::OutOfRange)?);
    Ok(Span { from_ms: begin(first)?, to_ms: begin(end)? })
}

/// The first quarter hour at which it is this date, or later where the clock jumped over it.
pub fn start_of_day(zone: &impl Zone, date: NaiveDate) -> Result<Ms, CalendarError> {
    let local_ms = midnight_ms(date);
    let (from_ms, to_ms) = (local_ms - MAX_OFFSET_MS, local_ms + MAX_OFFSET_MS + DAY_MS);
    let begins = |s: &Stretch| Some(quarter_from(local_ms - s.offset_ms).max(s.span.from_ms)).filter(|at| *at < s.span.to_ms);
    let at_ms = stretches(zone, from_ms, to_ms).iter().find_map(begins);
    at_ms.filter(|at| RANGE_MS.contains(at)).ok_or(CalendarError::OutOfRange)
}

fn offset_ms(zone: &impl Zone, at_ms: Ms) -> Ms {
    Ms::from(zone.offset_s(at_ms)) * 1000
}

/// The first quarter hour that begins at or after an instant.
fn quarter_from(at_ms: Ms) -> Ms {
    -(-at_ms).div_euclid(QUARTER_MS) * QUARTER_MS
}

fn civil(local_ms: Ms) -> Result<(NaiveDate, NaiveTime), CalendarError> {
    let time = DateTime::from_timestamp_millis(local_ms).ok_or(CalendarError::OutOfRange)?.naive_utc();
    Ok((time.date(), time.time()))
}

fn midnight_ms(date: NaiveDate) -> Ms {
    date.and_time(NaiveTime::MIN).and_utc().timestamp_millis()
}

fn first_of_month(date: NaiveDate) -> Option<NaiveDate> {
    date.with_day(1)
}

fn first_day_of(month: &str) -> Option<NaiveDate> {
    date(&format!("{month}-01"))
}

#[cfg(test)]
mod tests {
    use chrono::{Offset, TimeZone, Utc};
    use chrono_tz::Tz;
    use proptest::prelude::*;

    use super::*;

    const MINUTE_MS: Ms = 60_000;
    const MODERN: [&str; 16] = [
        "UTC",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Pacific/Chatham",
        "Australia/Lord_Howe",
        "Australia/Eucla",
        "America/New_York",
        "Europe/London",
        "Africa/Casablanca",
        "Africa/Cairo",
        "Asia/Tehran",
        "Asia/Beirut",
        "Pacific/Apia",
        "America/Sao_Paulo",
        "America/Havana",
        "Antarctica/Troll",
    ];

    struct Place(Tz);

    impl Zone for Place {
        fn offset_s(&self, at_ms: Ms) -> i32 {
            self.0.offset_from_utc_datetime(&Utc.timestamp_millis_opt(at_ms).unwrap().naive_utc()).fix().local_minus_utc()
        }
    }

    fn place(name: &str) -> Place {
        Place(name.parse().unwrap())
    }

    fn ms(text: &str) -> Ms {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
    }

    fn text(at_ms: Ms) -> String {
        DateTime::from_timestamp_millis(at_ms).unwrap().format("%Y-%m-%dT%H:%MZ").to_string()
    }

    /// The plain definition: look at the wall clock every `step_ms` and note when it shows another period.
    fn oracle(granularity: Granularity, zone: &Place, from_ms: Ms, to_ms: Ms, step_ms: Ms) -> Vec<(Ms, String)> {
        let mut found: Vec<(Ms, String)> = Vec::new();
        let (mut shown, mut local_before) = (String::new(), None);
        for at in (from_ms..to_ms).step_by(usize::try_from(step_ms).unwrap()) {
            let local = zone.0.from_utc_datetime(&Utc.timestamp_millis_opt(at).unwrap().naive_utc());
            let (period, label) = match granularity {
                Granularity::Hour => ("%FT%H", "%FT%H:00%:z"),
                Granularity::Day => ("%F", "%F"),
                Granularity::Week => ("%G-W%V", "%G-W%V"),
                Granularity::Month => ("%Y-%m", "%Y-%m"),
            };
            let period = local.format(period).to_string();
            let another = match granularity {
                Granularity::Hour => period != shown || local_before.is_some_and(|before| local.naive_local() < before),
                _ => period > shown,
            };
            local_before = Some(local.naive_local());
            if another {
                found.push((at, local.format(label).to_string()));
                shown = period;
            }
        }
        found
    }

    fn check(granularity: Granularity, zone: &str, from_ms: Ms, to_ms: Ms, step_ms: Ms) {
        let zone = place(zone);
        let buckets = buckets(granularity, &zone, from_ms, to_ms, 10_000).unwrap();
        let got: Vec<_> = buckets.iter().map(|b| (b.span.from_ms, b.label.clone())).collect();
        let expected = oracle(granularity, &zone, from_ms, to_ms, step_ms);
        let difference = got.iter().zip(&expected).find(|(got, expected)| got != expected);
        assert_eq!(difference, None, "{granularity:?} in {}", zone.0);
        assert_eq!(got.len(), expected.len(), "{granularity:?} in {}", zone.0);
        assert!(buckets.windows(2).all(|pair| pair[0].span.to_ms == pair[1].span.from_ms), "no gap, no overlap");
        assert_eq!(buckets.last().map(|b| b.span.to_ms), Some(to_ms));
    }

    fn check_all(zone: &str, from: &str, to: &str, step_ms: Ms) {
        for granularity in [Granularity::Hour, Granularity::Day, Granularity::Week, Granularity::Month] {
            check(granularity, zone, ms(from), ms(to), step_ms);
        }
    }

    /// At every fifth minute of a year the wall clock shows the period of the bucket.
    #[test]
    fn a_year_on_the_wall_clock() {
        for zone in MODERN {
            check_all(zone, "2025-12-28T10:45:00Z", "2027-01-06T03:15:00Z", 5 * MINUTE_MS);
        }
    }

    #[test]
    fn days_that_the_clock_bent() {
        for (zone, from, to) in [
            ("Pacific/Apia", "2011-09-20T00:00:00Z", "2012-04-10T00:00:00Z"),
            ("America/Sao_Paulo", "2018-02-10T00:00:00Z", "2018-11-10T00:00:00Z"),
            ("Africa/Casablanca", "2013-04-20T00:00:00Z", "2013-11-01T00:00:00Z"),
            ("Asia/Pyongyang", "2018-05-01T00:00:00Z", "2018-05-10T00:00:00Z"),
            ("America/Caracas", "2016-04-25T00:00:00Z", "2016-05-05T00:00:00Z"),
        ] {
            check_all(zone, from, to, MINUTE_MS);
        }
    }

    /// Offsets of odd seconds, and changes in the middle of a quarter hour: the quarter hours decide.
    #[test]
    fn odd_clocks_are_read_at_quarter_hours() {
        for (zone, from, to) in [
            ("America/St_Johns", "2011-03-01T00:00:00Z", "2011-12-01T00:00:00Z"),
            ("Africa/Monrovia", "1971-12-20T00:00:00Z", "1972-01-20T00:00:00Z"),
            ("Europe/Amsterdam", "1937-05-10T00:00:00Z", "1937-07-10T00:00:00Z"),
            ("Asia/Kathmandu", "1985-12-25T00:00:00Z", "1986-01-10T00:00:00Z"),
            ("Asia/Manila", "1844-12-20T00:00:00Z", "1845-01-10T00:00:00Z"),
            ("America/Sitka", "1867-10-10T00:00:00Z", "1867-10-30T00:00:00Z"),
        ] {
            check_all(zone, from, to, QUARTER_MS);
        }
    }

    fn check_labels(granularity: Granularity, zone: &str, from: &str, to: &str, expected: &[(&str, &str)]) {
        let buckets = buckets(granularity, &place(zone), ms(from), ms(to), 100).unwrap();
        let got: Vec<_> = buckets.iter().map(|b| (text(b.span.from_ms), b.label.as_str())).collect();
        let expected: Vec<_> = expected.iter().map(|(at, label)| ((*at).to_owned(), *label)).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn a_doubled_hour_is_two_and_a_missing_one_none() {
        use Granularity::{Day, Hour};
        check_labels(
            Hour,
            "Europe/London",
            "2026-10-25T00:15:00Z",
            "2026-10-25T02:30:00Z",
            &[
                ("2026-10-25T00:15Z", "2026-10-25T01:00+01:00"),
                ("2026-10-25T01:00Z", "2026-10-25T01:00+00:00"),
                ("2026-10-25T02:00Z", "2026-10-25T02:00+00:00"),
            ],
        );
        check_labels(
            Hour,
            "America/New_York",
            "2026-03-08T06:00:00Z",
            "2026-03-08T08:00:00Z",
            &[("2026-03-08T06:00Z", "2026-03-08T01:00-05:00"), ("2026-03-08T07:00Z", "2026-03-08T03:00-04:00")],
        );
        check_labels(
            Hour,
            "Australia/Lord_Howe",
            "2026-04-04T14:00:00Z",
            "2026-04-04T16:00:00Z",
            &[
                ("2026-04-04T14:00Z", "2026-04-05T01:00+11:00"),
                ("2026-04-04T15:00Z", "2026-04-05T01:00+10:30"),
                ("2026-04-04T15:30Z", "2026-04-05T02:00+10:30"),
            ],
        );
        check_labels(
            Day,
            "Pacific/Apia",
            "2011-12-29T10:00:00Z",
            "2012-01-01T09:00:00Z",
            &[("2011-12-29T10:00Z", "2011-12-29"), ("2011-12-30T10:00Z", "2011-12-31"), ("2011-12-31T10:00Z", "2012-01-01")],
        );
    }

    /// A clock that no country has kept yet: the offset in minutes from each quarter hour of 1970 on.
    struct Steps(&'static [(Ms, i32)]);

    impl Zone for Steps {
        fn offset_s(&self, at_ms: Ms) -> i32 {
            let passed = self.0.iter().take_while(|(quarter, _)| quarter * QUARTER_MS <= at_ms);
            passed.last().map_or(0, |(_, minutes)| minutes * 60)
        }
    }

    fn check_steps(steps: &'static [(Ms, i32)], quarters: core::ops::Range<Ms>, expected: &[(Ms, &str)]) {
        let (from_ms, to_ms) = (quarters.start * QUARTER_MS, quarters.end * QUARTER_MS);
        let buckets = buckets(Granularity::Hour, &Steps(steps), from_ms, to_ms, 100).unwrap();
        let got: Vec<_> = buckets.iter().map(|b| (b.span.from_ms / QUARTER_MS, &b.label[11..])).collect();
        assert_eq!(got, expected, "{steps:?}");
    }

    #[test]
    fn a_clock_changed_within_an_hour() {
        // Put on by 15 minutes at 01:15: the hour is short, and one.
        check_steps(&[(5, 15)], 0..12, &[(0, "00:00+00:00"), (4, "01:00+00:00"), (7, "02:00+00:15"), (11, "03:00+00:15")]);
        // Set back by 15 minutes at 01:30: the hour is begun again.
        check_steps(&[(6, -15)], 0..12, &[(0, "00:00+00:00"), (4, "01:00+00:00"), (6, "01:00-00:15"), (9, "02:00-00:15")]);
        // Put on by an hour, and three hours later by another.
        check_steps(
            &[(8, 60), (20, 120)],
            4..28,
            &[
                (4, "01:00+00:00"),
                (8, "03:00+01:00"),
                (12, "04:00+01:00"),
                (16, "05:00+01:00"),
                (20, "07:00+02:00"),
                (24, "08:00+02:00"),
            ],
        );
    }

    #[test]
    fn presets_are_whole_days_with_today() {
        let span = |preset: &str, zone: &str, now: &str| {
            let span = Preset::from_name(preset).unwrap().span(&place(zone), ms(now)).unwrap();
            (text(span.from_ms), text(span.to_ms))
        };
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let now = "2026-11-21T20:00:00Z";
        assert_eq!(span("last_7_days", "UTC", now), pair("2026-11-15T00:00Z", "2026-11-22T00:00Z"));
        assert_eq!(span("last_7_days", "Asia/Kolkata", now), pair("2026-11-15T18:30Z", "2026-11-22T18:30Z"));
        assert_eq!(span("last_30_days", "America/New_York", now), pair("2026-10-23T04:00Z", "2026-11-22T05:00Z"));
        assert_eq!(span("this_month", "America/New_York", now), pair("2026-11-01T04:00Z", "2026-11-22T05:00Z"));
        assert_eq!(span("last_month", "America/New_York", now), pair("2026-10-01T04:00Z", "2026-11-01T04:00Z"));
        assert_eq!(span("last_month", "UTC", "2027-01-05T00:00:00Z"), pair("2026-12-01T00:00Z", "2027-01-01T00:00Z"));
        assert_eq!(Preset::from_name("yesterday"), None);
    }

    #[test]
    fn a_month_by_name() {
        let span = month(&place("Asia/Kathmandu"), "2026-11").unwrap();
        assert_eq!((text(span.from_ms), text(span.to_ms)), ("2026-10-31T18:15Z".into(), "2026-11-30T18:15Z".into()));
        let skipped = month(&place("Pacific/Apia"), "2011-12").unwrap();
        assert_eq!((skipped.to_ms - skipped.from_ms) / DAY_MS, 30, "December without its 30th");
        for text in ["", "2026", "2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", "+026-11", "2026-1x"] {
            assert_eq!(month(&place("UTC"), text), Err(CalendarError::NotMonth), "{text}");
        }
    }

    #[test]
    fn a_date_by_name() {
        assert_eq!(date("2026-11-21"), NaiveDate::from_ymd_opt(2026, 11, 21));
        assert_eq!(date("2028-02-29"), NaiveDate::from_ymd_opt(2028, 2, 29));
        for text in ["", "2026-02-29", "2026-2-1", "2026-11-1 ", "20261121", "-026-11-21", "+026-11-21", "2026/11/21"] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn what_has_no_buckets_says_why() {
        let ask = |from, to, max| buckets(Granularity::Hour, &place("UTC"), from, to, max).map(|b| b.len());
        assert_eq!(ask(0, 24 * HOUR_MS, 24), Ok(24));
        assert_eq!(ask(0, 24 * HOUR_MS + QUARTER_MS, 24), Err(CalendarError::TooMany { max: 24 }));
        assert_eq!(ask(RANGE_MS.start, RANGE_MS.end - QUARTER_MS, 10_000), Err(CalendarError::TooMany { max: 10_000 }));
        assert_eq!(ask(1, HOUR_MS, 24), Err(CalendarError::OffQuarter));
        assert_eq!(ask(0, HOUR_MS + 1, 24), Err(CalendarError::OffQuarter));
        assert_eq!(ask(0, 0, 24), Ok(0));
        assert_eq!(ask(HOUR_MS, 0, 24), Ok(0));
        assert_eq!(ask(RANGE_MS.start - QUARTER_MS, 0, 24), Err(CalendarError::OutOfRange));
        assert_eq!(date_at(&place("UTC"), Ms::MAX), Err(CalendarError::OutOfRange));
    }

    proptest! {
        /// Anywhere in the years that data can come from, in any zone at all.
        #[test]
        fn every_zone_agrees_with_the_wall_clock(
            zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]),
            from in 0..35_040 * 20i64,
            quarters in 1..2_000i64,
            granularity in prop::sample::select(vec![Granularity::Hour, Granularity::Day, Granularity::Week, Granularity::Month]),
        ) {
            let from_ms = ms("2009-01-01T00:00:00Z") + from * QUARTER_MS;
            check(granularity, zone.name(), from_ms, from_ms + quarters * QUARTER_MS, QUARTER_MS);
        }

        /// A date lies in the span of its own day, as days and months are cut elsewhere.
        #[test]
        fn dates_and_spans_agree(zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]), quarter in 0..35_040 * 20i64) {
            let (zone, at_ms) = (Place(zone), ms("2009-01-01T00:00:00Z") + quarter * QUARTER_MS);
            let date = date_at(&zone, at_ms).unwrap();
            let span = days(&zone, Some(date), date.checked_add_days(Days::new(1))).unwrap();
            prop_assert!(at_ms >= span.from_ms);
            prop_assert_eq!(date_at(&zone, span.from_ms).unwrap(), date);
            prop_assert!(at_ms < span.to_ms || zone.offset_s(at_ms) < zone.offset_s(at_ms - HOUR_MS));
        }
    }
}
