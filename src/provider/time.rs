//! Providers' times: epochs in any unit, and ISO texts with and without a zone. It knows no clock.

use crate::event::Ms;

/// WhatsApp is of 2009: nothing happened there before.
pub const YEAR_2009_MS: Ms = 1_230_768_000_000;
pub const DAY_MS: Ms = 86_400_000;

/// Seconds, milliseconds or microseconds since 1970, told apart by size: as seconds, 10¹¹ is the year 5138; as milliseconds, 1973.
pub fn epoch(text: &str) -> Option<Ms> {
    let text = text.trim();
    let number = match text.parse::<i64>() {
        Ok(number) => number,
        Err(_) => return fraction(text),
    };
    match number {
        ..=-1 => None,
        0..100_000_000_000 => number.checked_mul(1000),
        100_000_000_000..100_000_000_000_000 => Some(number),
        _ => Some(number / 1000),
    }
}

/// Seconds with a fraction (`1580546677.791`); no provider writes another unit so.
fn fraction(text: &str) -> Option<Ms> {
    let (seconds, rest) = text.split_once('.')?;
    let seconds = seconds.parse::<i64>().ok().filter(|s| (0..100_000_000_000).contains(s))?;
    let millis: String = rest.chars().chain("000".chars()).take(3).collect();
    seconds.checked_mul(1000)?.checked_add(millis.parse().ok()?)
}

/// RFC 3339 and its cousins: any number of fraction digits, `T` or a space, offsets with or without a colon, none meaning UTC.
pub fn iso(text: &str) -> Option<Ms> {
    crate::time::from_iso(text.trim())
}

/// RFC 3339 in UTC without a zone, as `iso` reads it and a form needs no escape for.
pub fn to_iso(ms: Ms) -> String {
    crate::time::to_rfc3339(ms).trim_end_matches('Z').to_owned()
}

/// Either of the two.
pub fn any(text: &str) -> Option<Ms> {
    epoch(text).or_else(|| iso(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, ms: Option<Ms>) {
        assert_eq!(any(text), ms, "{text}");
    }

    #[test]
    fn every_spelling() {
        check("1750030073", Some(1_750_030_073_000));
        check("1710941393420", Some(1_710_941_393_420));
        check("1710941393420000", Some(1_710_941_393_420));
        check("1580546677.791", Some(1_580_546_677_791));
        check("1580546677.7", Some(1_580_546_677_700));
        check("2019-04-09T16:01:56.494-0300", Some(1_554_836_516_494));
        check("2019-04-09T19:01:56.494+00:00", Some(1_554_836_516_494));
        check("2020-01-01T14:00:00Z", Some(1_577_887_200_000));
        check("2022-06-03T05:43:33.237499", Some(1_654_235_013_237));
        check("2024-06-10 08:38:08.635664", Some(1_718_008_688_635));
        check("2023-03-11T14:27:32.9654461Z", Some(1_678_544_852_965));
        for text in ["", "-5", "yesterday", "1e999", "99999999999999999999", "2020-13-01T00:00:00Z", "1.x"] {
            check(text, None);
        }
    }
}
