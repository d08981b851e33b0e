//! Times as people and programs write them: RFC 3339 in with any offset, UTC with `Z` and milliseconds out.
//!
//! It has no clock, and no time zones beyond fixed offsets.

use chrono::{DateTime, SecondsFormat};

use crate::event::Ms;

/// The base bucket of every period and trend: a quarter of an hour of UTC, so that +5:30 and +5:45 are exact.
pub const QUARTER_MS: Ms = 15 * 60_000;

/// The instant that an RFC 3339 text names; what is finer than a millisecond is cut off. `None` if it is no such text.
#[must_use]
pub fn from_rfc3339(text: &str) -> Option<Ms> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}

/// `2026-11-21T09:30:00.000Z`. An instant beyond the calendar of RFC 3339 (the years 0 to 9999) is shown as its nearest end.
#[must_use]
pub fn to_rfc3339(ms: Ms) -> String {
    const FIRST_MS: Ms = -62_167_219_200_000;
    const LAST_MS: Ms = 253_402_300_799_999;
    DateTime::from_timestamp_millis(ms.clamp(FIRST_MS, LAST_MS)).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The start of the quarter hour that `ms` lies in.
#[must_use]
pub fn quarter_start(ms: Ms) -> Ms {
    ms.div_euclid(QUARTER_MS) * QUARTER_MS
}

/// Whether `ms` is the start of a quarter hour.
#[must_use]
pub fn is_quarter(ms: Ms) -> bool {
    ms.rem_euclid(QUARTER_MS) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, ms: Option<Ms>) {
        assert_eq!(from_rfc3339(text), ms, "{text}");
    }

    #[test]
    fn any_offset_goes_in() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("1970-01-01T00:00:00.001Z", Some(1));
        check("1970-01-01T00:00:00.0019Z", Some(1));
        check("1970-01-01T05:30:00+05:30", Some(0));
        check("1969-12-31T16:00:00-08:00", Some(0));
        check("2026-11-21T09:30:00+05:45", Some(1_795_232_700_000));
        check("2026-11-21", None);
        check("2026-11-21T09:30:00", None);
        check("2026-02-30T00:00:00Z", None);
        check("1795232700", None);
        check("", None);
    }

    #[test]
    fn one_form_comes_out() {
        assert_eq!(to_rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(to_rfc3339(1_795_232_700_007), "2026-11-21T03:45:00.007Z");
        assert_eq!(to_rfc3339(Ms::MAX), "9999-12-31T23:59:59.999Z");
        assert_eq!(to_rfc3339(Ms::MIN), "0000-01-01T00:00:00.000Z");
    }

    proptest! {
        #[test]
        fn what_comes_out_goes_in(ms in -62_167_219_200_000i64..253_402_300_800_000) {
            prop_assert_eq!(from_rfc3339(&to_rfc3339(ms)), Some(ms));
        }

        #[test]
        fn quarters_hold_their_times(ms in any::<i32>().prop_map(|s| Ms::from(s) * 997)) {
            let start = quarter_start(ms);
            prop_assert!(is_quarter(start));
            prop_assert!(start <= ms && ms < start + QUARTER_MS);
            prop_assert_eq!(is_quarter(ms), ms == start);
        }
    }
}
