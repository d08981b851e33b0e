//! The period that a reader asks for, and by which time things belong to it.
//!
//! It reads parameters; the clock and the zone are arguments.

use crate::calendar::{CalendarError, Preset, Span, Zone};
use crate::counters::DAY_MS;
use crate::event::Ms;
use crate::problem::Problem;
use crate::route::Query;
use crate::sums::{By, Cut, Quarter};
use crate::time::{from_rfc3339, is_quarter};

/// By which time a thing belongs to a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Basis {
    /// The messages sent in the period, with their present states and what belongs to them.
    #[default]
    Sent,
    /// Each state and thing by its own time.
    Event,
}

impl Basis {
    /// The parameter `basis`.
    ///
    /// # Errors
    /// 400, for another word.
    pub fn read(query: &Query) -> Result<Self, Problem> {
        match query.get("basis") {
            None | Some("sent") => Ok(Self::Sent),
            Some("event") => Ok(Self::Event),
            Some(_) => Err(Problem::bad("`basis` must be `sent` or `event`.")),
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Event => "event",
        }
    }

    #[must_use]
    pub fn by(self) -> By {
        match self {
            Self::Sent => By::Sent,
            Self::Event => By::Event,
        }
    }
}

/// 2100-01-01: no event is believed that far ahead.
const END_MS: Ms = 4_102_444_800_000;

/// A period `from_ms..to_ms` of whole quarter hours, and its basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub from_ms: Ms,
    pub to_ms: Ms,
    pub basis: Basis,
}

impl Period {
    /// The parameters `from`, `to` and `basis`; none of them: all time. A missing `from` is the beginning of time, a missing `to`
    /// its end.
    ///
    /// # Errors
    /// 400, for what is no time or not a whole quarter hour.
    pub fn read(query: &Query) -> Result<Option<Self>, Problem> {
        let (from_ms, to_ms) = bounds(query)?;
        let basis = Basis::read(query)?;
        if from_ms.is_none() && to_ms.is_none() && basis == Basis::Sent {
            return Ok(None);
        }
        Ok(Some(Self { from_ms: from_ms.unwrap_or(0), to_ms: to_ms.unwrap_or(END_MS), basis }))
    }

    /// The parameters `period`, or `from` and `to`, and `basis`; none of them: the last thirty days, today included.
    ///
    /// # Errors
    /// 400, for what is no period, or two of them.
    pub fn recent(query: &Query, zone: &impl Zone, now_ms: Ms) -> Result<Self, Problem> {
        let basis = Basis::read(query)?;
        let preset = match query.get("period") {
            None => None,
            Some(name) => Some(
                Preset::from_name(name)
                    .ok_or_else(|| Problem::bad("`period` must be one of last_7_days, last_30_days, this_month, last_month."))?,
            ),
        };
        let span = match (preset, bounds(query)?) {
            (None, (Some(from_ms), to_ms)) => Span { from_ms, to_ms: to_ms.unwrap_or_else(|| tomorrow(now_ms)) },
            (None, (None, Some(_))) => return Err(Problem::bad("`to` needs a `from`.")),
            (preset, (None, None)) => {
                preset.unwrap_or(Preset::Last30Days).span(zone, now_ms).map_err(|error| wrong("period", error))?
            }
            (Some(_), _) => return Err(Problem::bad("Either `period`, or `from` and `to`.")),
        };
        Ok(Self { from_ms: span.from_ms, to_ms: span.to_ms.max(span.from_ms), basis })
    }

    /// The period as one span.
    #[must_use]
    pub fn cut(&self, prices: Vec<Quarter>) -> Cut {
        Cut::one(self.from_ms, self.to_ms, self.basis.by(), prices)
    }
}

/// The parameters `from` and `to`.
///
/// # Errors
/// 400, for what is no time, not a whole quarter hour, or the wrong way round.
pub fn bounds(query: &Query) -> Result<(Option<Ms>, Option<Ms>), Problem> {
    let time = |name: &str| match query.get(name).map(|text| from_rfc3339(text).filter(|ms| is_quarter(*ms))) {
        None => Ok(None),
        Some(Some(ms)) => Ok(Some(ms)),
        Some(None) => Err(Problem::bad(format!("`{name}` must be an RFC 3339 time on a whole quarter hour of UTC."))),
    };
    match (time("from")?, time("to")?) {
        (Some(from_ms), Some(to_ms)) if from_ms > to_ms => Err(Problem::bad("`from` must not be after `to`.")),
        bounds => Ok(bounds),
    }
}

/// The end of today and tomorrow in UTC: all that can have happened has, and no event is believed that lies a day ahead.
#[must_use]
pub fn tomorrow(now_ms: Ms) -> Ms {
    (now_ms.div_euclid(DAY_MS) + 2) * DAY_MS
}

/// What a calendar says of a parameter.
#[must_use]
pub fn wrong(parameter: &str, error: CalendarError) -> Problem {
    Problem::bad(format!("`{parameter}` {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Utc;

    impl Zone for Utc {
        fn offset_s(&self, _: Ms) -> i32 {
            0
        }
    }

    const NOW_MS: Ms = 1_795_232_700_007; // 2026-11-21T03:45:00.007Z

    fn recent(query: &str) -> Result<(Ms, Ms), u16> {
        let period = Period::recent(&Query::lenient(query), &Utc, NOW_MS);
        period.map(|period| (period.from_ms, period.to_ms)).map_err(|problem| problem.status)
    }

    fn ms(text: &str) -> Ms {
        from_rfc3339(text).unwrap()
    }

    #[test]
    fn recent_periods() {
        let (today, end) = (ms("2026-11-21T00:00:00Z"), ms("2026-11-22T00:00:00Z"));
        assert_eq!(recent(""), Ok((today - 29 * DAY_MS, end)));
        assert_eq!(recent("period=last_7_days"), Ok((today - 6 * DAY_MS, end)));
        assert_eq!(recent("period=last_month"), Ok((ms("2026-10-01T00:00:00Z"), ms("2026-11-01T00:00:00Z"))));
        assert_eq!(recent("from=2026-11-20T00:15:00Z&to=2026-11-20T00:30:00Z").map(|(from, to)| to - from), Ok(900_000));
        assert_eq!(recent("from=2026-11-20T00:15:00Z").map(|(_, to)| to), Ok(ms("2026-11-23T00:00:00Z")));
        for bad in ["period=today", "to=2026-11-20T00:30:00Z", "period=last_month&from=2026-11-20T00:00:00Z", "basis=x"] {
            assert_eq!(recent(bad), Err(400), "{bad}");
        }
    }

    #[test]
    fn periods() {
        let read = |query: &str| Period::read(&Query::lenient(query));
        assert_eq!(read("").unwrap(), None);
        assert_eq!(read("basis=sent").unwrap(), None);
        assert_eq!(read("basis=event").unwrap().unwrap().from_ms, 0);
        assert_eq!(read("from=2026-11-20T05:45:00%2B05:30").unwrap().unwrap().from_ms, ms("2026-11-20T00:15:00Z"));
        for bad in [
            "from=2026-11-20T00:01:00Z",
            "to=2026-11-20",
            "from=x",
            "basis=both",
            "from=2026-11-20T00:15:00Z&to=2026-11-20T00:00:00Z",
        ] {
            assert_eq!(read(bad).unwrap_err().status, 400, "{bad}");
        }
    }
}
