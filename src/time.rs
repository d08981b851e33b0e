//! Times as people and programs write them: RFC 3339 in with any offset, UTC with `Z` and milliseconds out.
//!
//! It has no clock, and no time zones beyond fixed offsets. The texts are read by hand: chrono's reader knows every format there is,
//! and weighs more than all the rest that the worker takes of chrono.

use core::ops::Range;

use chrono::{DateTime, Datelike as _, NaiveDate, SecondsFormat};

use crate::event::Ms;

/// The base bucket of every period and trend: a quarter of an hour of UTC, so that +5:30 and +5:45 are exact.
pub const QUARTER_MS: Ms = 15 * 60_000;

/// The instant that an RFC 3339 text names; what is finer than a millisecond is cut off. `None` if it is no such text.
#[must_use]
pub fn from_rfc3339(text: &str) -> Option<Ms> {
    let (local_ms, zone) = local(text)?;
    Some(local_ms - offset_ms(zone, ":")?)
}

/// The same, and its cousins: the offset without a colon, or none at all, meaning UTC.
#[must_use]
pub fn from_iso(text: &str) -> Option<Ms> {
    let (local_ms, zone) = local(text)?;
    let offset_ms = if zone.is_empty() { Some(0) } else { offset_ms(zone, ":").or_else(|| offset_ms(zone, "")) };
    Some(local_ms - offset_ms?)
}

/// `2026-11-21`, and nothing else.
#[must_use]
pub fn date(text: &str) -> Option<NaiveDate> {
    let plain = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    let (year, month, day) = (digits(text, 0..4)?, digits(text, 5..7)?, digits(text, 8..10)?);
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).filter(|_| plain)
}

/// A date, `T` or a space, and a time with any number of digits after the second: as if it were UTC, and what follows it.
fn local(text: &str) -> Option<(Ms, &str)> {
    let day = date(text.get(..10)?)?;
    let plain = matches!(text.get(10..11)?, "T" | "t" | " ") && text.get(13..14)? == ":" && text.get(16..17)? == ":";
    let (hour, minute, second) = (digits(text, 11..13)?, digits(text, 14..16)?, digits(text, 17..19)?);
    // A leap second is the one after it.
    let leap_ms = if second == 60 { 1000 } else { 0 };
    let start = day.and_hms_opt(hour, minute, if second == 60 { 59 } else { second }).filter(|_| plain)?;
    let rest = text.get(19..)?;
    let (millis, zone) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let fraction = rest.get(..end).filter(|fraction| !fraction.is_empty())?;
            (fraction.bytes().chain(*b"00").take(3).fold(0, |ms, digit| ms * 10 + Ms::from(digit - b'0')), rest.get(end..)?)
        }
    };
    Some((start.and_utc().timestamp_millis() + leap_ms + millis, zone))
}

/// `Z`, or `+05:30` with this between hours and minutes; less than a day.
fn offset_ms(zone: &str, between: &str) -> Option<Ms> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let sign = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(between).filter(|minutes| minutes.len() == 2)?;
    let (hours, minutes) = (digits(hours, 0..2)?, digits(minutes, 0..2)?);
    (hours < 24 && minutes < 60).then(|| sign * Ms::from(hours * 60 + minutes) * 60_000)
}

fn digits(text: &str, at: Range<usize>) -> Option<u32> {
    text.get(at).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

/// The UTC month of an instant, counted from January 1970.
#[must_use]
pub fn month_of(at_ms: Ms) -> u16 {
    let date = DateTime::from_timestamp_millis(at_ms).map(|time| time.date_naive()).unwrap_or_default();
    u16::try_from((date.year() - 1970) * 12 + date.month0() as i32).unwrap_or_default()
}

/// When a UTC month, counted from January 1970, begins.
#[must_use]
pub fn month_start(month: u16) -> Ms {
    let (year, month) = (1970 + i32::from(month) / 12, u32::from(month) % 12 + 1);
    let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or_default();
    first.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis()
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
        check("2026-02-28T24:00:00Z", None);
        check("2026-02-28T00:00:00.Z", None);
        check("2026-02-28T00:00:00+0530", None);
        check("2026-02-28T00:00:00+24:00", None);
        check("2026-02-28T00:00:00+05:60", None);
        check("2026-02-28T00:00:00Z ", None);
        check("2026-02-28Tß0:00:00Z", None);
        check("1969-12-31T23:59:60Z", Some(0));
        check("1970-01-01t00:00:00.5z", Some(500));
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

        /// chrono is the judge of what it reads too; an offset's minutes and a text's case are its own affair.
        #[test]
        fn it_reads_what_chrono_reads(text in "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,8})?(Z|[+-][0-2][0-9]:[0-6][0-9])") {
            prop_assert_eq!(from_rfc3339(&text), DateTime::parse_from_rfc3339(&text).ok().map(|time| time.timestamp_millis()));
        }

        #[test]
        fn months_hold_their_times(ms in 0..4_102_444_800_000i64) {
            let month = month_of(ms);
            prop_assert!(month_start(month) <= ms && ms < month_start(month + 1));
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
