//! Exact money: decimal amounts, currencies, and sums that keep every currency apart.
//!
//! It knows how amounts are written and added. It knows no exchange rates, so nothing here mixes two currencies, and it
//! makes a float only for a ratio that stands at the edge of an answer.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::event::Price;
use crate::sorted::SortedMap;

const DECIMALS: usize = 9;
const ONE: i128 = 1_000_000_000;
/// The most digits before the point that one written amount may have.
const MAX_WHOLE_DIGITS: usize = 18;
/// The most that a sum may have when it is read back: 10^29 units of 1e-9 still fit in 127 bits.
const MAX_SUM_DIGITS: usize = 29;

/// An exact decimal number, counted in units of 1e-9.
///
/// 127 bits hold the sum of 170 billion of the largest amounts that [`Amount::parse`] takes, so sums need no check;
/// beyond that they would saturate rather than wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i128);

/// Why a text is no amount or no currency; `Display` says it in words for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyError {
    NotDecimal,
    TooManyWholeDigits,
    TooManyDecimals,
    NotCurrency,
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotDecimal => {
                "must be a plain decimal number such as \"149.90\": digits, at most one point between them, no exponent"
            }
            Self::TooManyWholeDigits => "has more than 18 digits before the point",
            Self::TooManyDecimals => "has more than 9 digits after the point",
            Self::NotCurrency => "must be an ISO 4217 currency: three upper-case letters",
        })
    }
}

impl core::error::Error for MoneyError {}

impl Amount {
    /// In units of 10^-9.
    #[must_use]
    pub fn nanos(self) -> i128 {
        self.0
    }

    /// From units of 10^-9.
    #[must_use]
    pub fn from_nanos(nanos: i128) -> Self {
        Self(nanos)
    }

    pub const ZERO: Self = Self(0);

    /// Reads an amount as people and shops write it: an optional `-`, one to 18 digits, and optionally a point and one
    /// to nine digits.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        Self::read(text, MAX_WHOLE_DIGITS)
    }

    fn read(text: &str, max_whole_digits: usize) -> Result<Self, MoneyError> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, decimals) = digits.split_once('.').map_or((digits, None), |(w, d)| (w, Some(d)));
        let number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !number(whole) || !decimals.is_none_or(number) {
            return Err(MoneyError::NotDecimal);
        }
        let decimals = decimals.unwrap_or("");
        if whole.len() > max_whole_digits {
            return Err(MoneyError::TooManyWholeDigits);
        }
        if decimals.len() > DECIMALS {
            return Err(MoneyError::TooManyDecimals);
        }
        let zeros = core::iter::repeat_n(b'0', DECIMALS - decimals.len());
        let units = whole.bytes().chain(decimals.bytes()).chain(zeros);
        Ok(Self(sign * units.fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0'))))
    }

    /// `n` times this amount.
    #[must_use]
    pub fn times(self, n: i64) -> Self {
        Self(self.0.saturating_mul(i128::from(n)))
    }

    /// This amount × `numerator` / `denominator`, to the nearest 1e-9, halves away from zero; `None` for a denominator
    /// that is not positive.
    #[must_use]
    pub fn scaled(self, numerator: i64, denominator: i64) -> Option<Self> {
        let (n, d) = (i128::from(numerator), i128::from(denominator));
        if d <= 0 {
            return None;
        }
        let (whole, part) = (self.0 / d, (self.0 % d) * n);
        let nearest = (part.abs() + d / 2) / d * part.signum();
        Some(Self(whole.saturating_mul(n).saturating_add(nearest)))
    }

    /// This amount / `other` as a float, for an answer; `None` when `other` is zero.
    #[must_use]
    pub fn ratio(self, other: Self) -> Option<f64> {
        (other.0 != 0).then(|| self.0 as f64 / other.0 as f64)
    }

    /// The amount with at least the digits that the currency usually shows (`149.90` EUR, `150` JPY, `1.500` KWD), and
    /// more where it has more (`0.0532` EUR).
    #[must_use]
    pub fn to_text(self, currency: Currency) -> String {
        self.written(currency.minor_digits())
    }

    fn written(self, least_decimals: usize) -> String {
        let (whole, part) = (self.0.unsigned_abs() / ONE.unsigned_abs(), self.0.unsigned_abs() % ONE.unsigned_abs());
        let part = format!("{part:0DECIMALS$}");
        let digits = part.trim_end_matches('0').len().max(least_decimals);
        let sign = if self.0 < 0 { "-" } else { "" };
        match part.get(..digits) {
            Some(part) if !part.is_empty() => format!("{sign}{whole}.{part}"),
            _ => format!("{sign}{whole}"),
        }
    }
}

impl core::ops::Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl core::ops::Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl core::ops::Neg for Amount {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

/// The shortest form: no trailing zeros.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(0))
    }
}

/// An ISO 4217 code by its shape: three upper-case letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How many digits after the point are usual: the minor unit of ISO 4217, 2 for what is not in its list.
    #[must_use]
    pub fn minor_digits(self) -> usize {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX" | b"UYI"
            | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let code = <[u8; 3]>::try_from(text.as_bytes()).map_err(|_| MoneyError::NotCurrency)?;
        if code.iter().all(u8::is_ascii_uppercase) { Ok(Self(code)) } else { Err(MoneyError::NotCurrency) }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A sum of money in any number of currencies; a currency whose amount is zero is not in it.
///
/// As JSON: `{"EUR": "149.90", "JPY": "1200"}`, in the order of the codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Money(SortedMap<Currency, Amount>);

impl Money {
    /// An amount of one currency.
    #[must_use]
    pub fn of(currency: Currency, amount: Amount) -> Self {
        let mut money = Self::default();
        money.add(currency, amount);
        money
    }

    pub fn add(&mut self, currency: Currency, amount: Amount) {
        let sum = self.get(currency) + amount;
        if sum == Amount::ZERO {
            self.0.remove(&currency);
        } else {
            self.0.insert(currency, sum);
        }
    }

    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(currency, amount)| self.add(currency, amount));
    }

    pub fn subtract(&mut self, other: &Self) {
        other.iter().for_each(|(currency, amount)| self.add(currency, -amount));
    }

    /// Zero for a currency that is not in the sum.
    #[must_use]
    pub fn get(&self, currency: Currency) -> Amount {
        self.0.get(&currency).copied().unwrap_or_default()
    }

    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (Currency, Amount)> + '_ {
        self.0.iter().map(|(currency, amount)| (*currency, *amount))
    }

    /// This sum / `other`, currency by currency, over the currencies of both; `None` where `other` has nothing.
    #[must_use]
    pub fn ratios(&self, other: &Self) -> SortedMap<Currency, Option<f64>> {
        let currencies = self.0.keys().chain(other.0.keys());
        currencies.map(|c| (*c, self.get(*c).ratio(other.get(*c)))).collect()
    }
}

impl TryFrom<&Price> for Money {
    type Error = MoneyError;

    fn try_from(price: &Price) -> Result<Self, MoneyError> {
        Ok(Self::of(price.currency.parse()?, Amount::parse(&price.amount)?))
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter().map(|(currency, amount)| (currency, amount.to_text(currency))))
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut money = Self::default();
        for (currency, amount) in SortedMap::<Currency, String>::deserialize(from)? {
            money.add(currency, Amount::read(&amount, MAX_SUM_DIGITS).map_err(de::Error::custom)?);
        }
        Ok(money)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    fn check(written: &str, read: Result<(&str, &str), MoneyError>) {
        let texts = Amount::parse(written).map(|a| (a.to_string(), a.to_text(currency("EUR"))));
        assert_eq!(texts, read.map(|(short, euro)| (short.to_owned(), euro.to_owned())), "{written}");
    }

    #[test]
    fn amounts_as_they_are_written() {
        check("149.90", Ok(("149.9", "149.90")));
        check("-3", Ok(("-3", "-3.00")));
        check("0", Ok(("0", "0.00")));
        check("-0.00", Ok(("0", "0.00")));
        check("-0.5", Ok(("-0.5", "-0.50")));
        check("007", Ok(("7", "7.00")));
        check("0.0532", Ok(("0.0532", "0.0532")));
        check("0.000000001", Ok(("0.000000001", "0.000000001")));
        check("999999999999999999.999999999", Ok(("999999999999999999.999999999", "999999999999999999.999999999")));
        for text in ["", "-", ".", "1.", ".5", "+1", "--1", "1e3", "1,5", "1.2.3", " 1", "1 ", "٣", "NaN", "0x1"] {
            check(text, Err(MoneyError::NotDecimal));
        }
        check("1000000000000000000", Err(MoneyError::TooManyWholeDigits));
        check("1.0000000000", Err(MoneyError::TooManyDecimals));
    }

    #[test]
    fn a_currency_shows_its_own_digits() {
        let text = |code: &str, amount: &str| Amount::parse(amount).unwrap().to_text(currency(code));
        assert_eq!(text("JPY", "150.0"), "150");
        assert_eq!(text("JPY", "150.5"), "150.5");
        assert_eq!(text("KWD", "1.5"), "1.500");
        assert_eq!(text("CLF", "1"), "1.0000");
        assert_eq!(text("XXX", "1"), "1.00");
        for code in ["", "EU", "EURO", "eur", "EU1", "ÄU"] {
            assert_eq!(code.parse::<Currency>(), Err(MoneyError::NotCurrency), "{code}");
        }
    }

    #[test]
    fn a_sum_keeps_currencies_apart_and_forgets_zeros() {
        let mut sum = Money::try_from(&Price { amount: "0.10".into(), currency: "EUR".into() }).unwrap();
        sum.merge(&Money::of(currency("EUR"), Amount::parse("0.20").unwrap()));
        sum.merge(&Money::of(currency("JPY"), Amount::parse("1200").unwrap()));
        assert_eq!(serde_json::to_string(&sum).unwrap(), r#"{"EUR":"0.30","JPY":"1200"}"#);
        sum.subtract(&Money::of(currency("EUR"), Amount::parse("0.3").unwrap()));
        assert_eq!(serde_json::to_string(&sum).unwrap(), r#"{"JPY":"1200"}"#);
        sum.add(currency("JPY"), Amount::parse("-1200").unwrap());
        assert!(sum.is_zero());
        assert!(Money::try_from(&Price { amount: "1".into(), currency: "euro".into() }).is_err());
        assert!(serde_json::from_str::<Money>(r#"{"EUR":1.5}"#).is_err(), "a JSON number is no exact amount");
        assert_eq!(serde_json::from_str::<Money>(r#"{"EUR":"0.00"}"#).unwrap(), Money::default());
    }

    #[test]
    fn ratios_are_null_where_nothing_was_spent() {
        let money = |json: &str| serde_json::from_str::<Money>(json).unwrap();
        let roi = money(r#"{"EUR":"10","JPY":"5"}"#).ratios(&money(r#"{"EUR":"4","USD":"1"}"#));
        assert_eq!(serde_json::to_string(&roi).unwrap(), r#"{"EUR":2.5,"JPY":null,"USD":0.0}"#);
    }

    #[test]
    fn scaling_rounds_to_the_nearest_billionth() {
        let scaled = |amount: &str, n, d| Amount::parse(amount).unwrap().scaled(n, d).map(|a| a.to_string());
        assert_eq!(scaled("100", 1, 3).unwrap(), "33.333333333");
        assert_eq!(scaled("200", 1, 3).unwrap(), "66.666666667");
        assert_eq!(scaled("-200", 1, 3).unwrap(), "-66.666666667");
        assert_eq!(scaled("0.000000001", 1, 2).unwrap(), "0.000000001");
        assert_eq!(scaled("999999999999999999", 3_000_000_000, 3_000_000_000).unwrap(), "999999999999999999");
        assert_eq!(scaled("1", 1, 0), None);
        assert_eq!(Amount::parse("0.0532").unwrap().times(3).to_string(), "0.1596");
    }

    prop_compose! {
        /// From one billionth up to the largest sum that can be read back.
        fn amounts()(units in -(10i128.pow(38) - 1)..10i128.pow(38), shift in 0u32..38) -> Amount {
            Amount(units / 10i128.pow(shift))
        }
    }

    fn currencies() -> impl Strategy<Value = Currency> {
        prop::sample::select(vec!["EUR", "JPY", "KWD", "CLF"]).prop_map(|c| c.parse().unwrap())
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(entries in prop::collection::vec((currencies(), amounts()), 0..4)) {
            let money = Money(entries.into_iter().filter(|(_, a)| *a != Amount::ZERO).collect());
            let json = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
        }

        #[test]
        fn sums_do_not_know_order_and_subtraction_undoes(
            entries in prop::collection::vec((currencies(), -1_000_000_000_000i128..1_000_000_000_000), 0..30),
        ) {
            let sum = |entries: &mut dyn Iterator<Item = &(Currency, i128)>| {
                let mut money = Money::default();
                entries.for_each(|(c, units)| money.add(*c, Amount(*units)));
                money
            };
            let forward = sum(&mut entries.iter());
            let mut rest = sum(&mut entries.iter().rev());
            prop_assert_eq!(&forward, &rest);
            rest.subtract(&forward);
            prop_assert!(rest.is_zero());
        }
    }
}
