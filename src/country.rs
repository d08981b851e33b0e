//! Which country a person is counted under when nobody said it: told from a phone number's leading digits, or from the
//! country that a business-scoped user id begins with.
//!
//! The table is made by `build.rs` from libphonenumber's metadata. It knows prefixes; it does not know whether a number
//! exists, where its owner lives, or to whom it was ported.

// `COUNTRIES: [&str; _]`, sorted, and `PREFIXES: [(prefix, index of its country); _]`, sorted by prefix.
include!(concat!(env!("OUT_DIR"), "/country_table.rs"));

/// ISO 3166-1 alpha-2 (and `XK` for Kosovo, which the standard leaves to its users) of a contact's key: E.164 digits, or
/// a business-scoped user id such as `US.1349…`. `None` for what belongs to no country, such as +870.
///
/// The longest prefix that the table knows decides. Numbers that no pattern claims, and numbers that several countries
/// claim (Guadeloupe, Saint Barthélemy and Saint Martin share their mobiles), go to the main country of the calling code.
#[must_use]
pub fn country_of(key: &str) -> Option<&'static str> {
    match key.split_once('.') {
        Some((country, _)) => known(country),
        None => of_digits(key),
    }
}

fn known(country: &str) -> Option<&'static str> {
    let index = COUNTRIES.binary_search(&country).ok()?;
    COUNTRIES.get(index).copied()
}

fn of_digits(digits: &str) -> Option<&'static str> {
    let mut prefix = 0u32;
    let mut country = None;
    for digit in digits.bytes().take(MAX_PREFIX_DIGITS) {
        if !digit.is_ascii_digit() {
            return None;
        }
        prefix = prefix * 10 + u32::from(digit - b'0');
        if let Ok(found) = PREFIXES.binary_search_by_key(&prefix, |(prefix, _)| *prefix) {
            country = PREFIXES.get(found).and_then(|(_, index)| COUNTRIES.get(usize::from(*index))).copied();
        }
    }
    country.filter(|_| digits.bytes().all(|d| d.is_ascii_digit()) && !digits.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use phonenumber::Metadata;
    use phonenumber::metadata::{DATABASE, Descriptor};

    use super::*;

    fn check(key: &str, country: Option<&str>) {
        assert_eq!(country_of(key), country, "{key}");
    }

    /// Facts of the national numbering plans, written down independently of the table's source.
    #[test]
    fn shared_calling_codes_part_where_the_numbering_plans_say() {
        for (key, country) in [
            ("12025550101", "US"),
            ("14165550101", "CA"),
            ("12425550101", "BS"),
            ("14415550101", "BM"),
            ("17875550101", "PR"),
            ("19395550101", "PR"),
            ("18765550101", "JM"),
            ("16585550101", "JM"),
            ("18095550101", "DO"),
            ("18295550101", "DO"),
            ("16715550101", "GU"),
            ("18005550101", "US"),
            ("79161234567", "RU"),
            ("77011234567", "KZ"),
            ("77172123456", "KZ"),
            ("447700900123", "GB"),
            ("442079460000", "GB"),
            ("441481256789", "GG"),
            ("447781123456", "GG"),
            ("441534456789", "JE"),
            ("447797712345", "JE"),
            ("441624756789", "IM"),
            ("447624123456", "IM"),
            ("393123456789", "IT"),
            ("390612345678", "IT"),
            ("390669812345", "VA"),
            ("4740612345", "NO"),
            ("4779123456", "SJ"),
            ("61412345678", "AU"),
            ("61891621234", "CC"),
            ("61891641234", "CX"),
            ("212650123456", "MA"),
            ("212528812345", "EH"),
            ("262692123456", "RE"),
            ("262639012345", "YT"),
            ("262269601234", "YT"),
            ("358412345678", "FI"),
            ("35818212345", "AX"),
            ("590690001234", "GP"),
            ("590590271234", "BL"),
            ("59995181234", "CW"),
            ("5997151234", "BQ"),
        ] {
            check(key, Some(country));
        }
    }

    #[test]
    fn other_calling_codes_are_one_country_each() {
        for (key, country) in [
            ("919876543210", "IN"),
            ("5511961234567", "BR"),
            ("525512345678", "MX"),
            ("4915112345678", "DE"),
            ("85251234567", "HK"),
            ("38343201234", "XK"),
            ("2908999", "SH"),
            ("24762889", "SH"),
            ("870773111632", "-"),
            ("2101234567", "-"),
        ] {
            check(key, Some(country).filter(|c| *c != "-"));
        }
    }

    #[test]
    fn a_user_id_names_its_country() {
        check("US.13491208655302741918", Some("US"));
        check("IN.ENT.11815799212886844830", Some("IN"));
        check("user.13491208655302741918", None);
        check("ZZ.1", None);
        check("us.1", None);
        for key in ["", "0", "0447700900123", "4477x", "44 7700 900123", "+447700900123", "4477009001239999x"] {
            check(key, None);
        }
    }

    fn examples(territory: &Metadata) -> impl Iterator<Item = &str> {
        let of = territory.descriptors();
        [of.fixed_line(), of.mobile()].into_iter().flatten().filter_map(|kind| kind.example())
    }

    /// The rule of `build.rs` without its automata: the metadata's patterns, asked number by number.
    fn expected<'a>(territories: &[&'a Metadata], national: &str) -> Option<&'a str> {
        let has = |kind: Option<&Descriptor>| kind.is_some_and(|kind| kind.is_match(national));
        let (main, others) = territories.split_first()?;
        let of = main.descriptors();
        let people = [of.fixed_line(), of.mobile(), of.voip(), of.personal_number(), of.pager()];
        let services = [of.toll_free(), of.premium_rate(), of.shared_cost(), of.uan()];
        let mains = || people.into_iter().chain(services).any(has);
        let fixed = others.iter().find(|t| t.leading_digits().is_none() && has(t.descriptors().fixed_line()));
        let rest = || {
            others.iter().find(|t| match t.leading_digits() {
                Some(leading) => leading.find(national).is_some_and(|found| found.start() == 0),
                None => has(t.descriptors().mobile()),
            })
        };
        let claimant = fixed.or_else(|| mains().then_some(main)).or_else(rest)?;
        Some(if matches!(claimant.id(), "AC" | "TA") { "SH" } else { claimant.id() })
    }

    #[test]
    fn agrees_with_the_metadata_on_its_examples() {
        let mut own = 0;
        for territories in (1..1000u16).filter_map(|code| DATABASE.by_code(&code)) {
            for territory in &territories {
                for national in examples(territory) {
                    let country = expected(&territories, national);
                    check(&format!("{}{national}", territory.country_code()), country.filter(|id| *id != "001"));
                    own += u32::from(country == Some(territory.id()));
                }
            }
        }
        assert!(own > 460, "only {own} examples lie in their own country");
    }

    /// Numbers made from the examples by changing three digits in a row, wherever somebody claims the outcome.
    #[test]
    fn agrees_with_the_metadata_near_its_examples() {
        let mut compared = 0;
        for code in [1, 7, 39, 44, 47, 61, 212, 262, 290, 358, 590, 599u16] {
            let territories = DATABASE.by_code(&code).unwrap();
            for example in territories.iter().flat_map(|territory| examples(territory)) {
                for (digits, at) in (0..1000).step_by(7).flat_map(|digits| (0..example.len() - 2).map(move |at| (digits, at))) {
                    let national = format!("{}{digits:03}{}", &example[..at], &example[at + 3..]);
                    if let Some(country) = expected(&territories, &national) {
                        check(&format!("{code}{national}"), Some(country));
                        compared += 1;
                    }
                }
            }
        }
        assert!(compared > 50_000, "{compared} numbers compared");
    }
}
