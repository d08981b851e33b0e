//! What a billable message costs by the operator's own dated price list.
//!
//! It knows prices by country, category and date, and nothing of messages: which of them are billable, and on which date,
//! is decided where they are counted.

use chrono::NaiveDate;
use serde_json::Value;

use crate::body::Fields;
use crate::calendar;
use crate::contributions::Category;
use crate::money::{Amount, Currency, MoneyError};
use crate::problem::FieldError;
use crate::sorted::{SortedMap, SortedSet};

/// The country of an entry that holds for every country without one of its own.
const ANY: &str = "*";

/// A price list: for each country and category the prices by the date from which they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateCard {
    prices: SortedMap<(String, Category), SortedMap<NaiveDate, (Currency, Amount)>>,
}

impl RateCard {
    /// Reads a list of `{effective_from, country, category, price, currency}` that stands at `pointer` in the body.
    ///
    /// # Errors
    /// Every field that is wrong, and entries that give a second price for the same country, category and date.
    pub fn read(entries: &[Value], pointer: &str) -> Result<Self, Vec<FieldError>> {
        let mut card = Self::default();
        let mut errors = Vec::new();
        for (index, value) in entries.iter().enumerate() {
            let mut fields = Fields::of(value, format!("{pointer}/{index}"));
            if let Some((place, date, price)) = entry(&mut fields) {
                let dated = card.prices.entry(place).or_default();
                if dated.insert(date, price).is_some() {
                    fields.wrong_here("gives a second price for the same country, category and date");
                }
            }
            errors.extend(fields.errors().err().unwrap_or_default());
        }
        if errors.is_empty() { Ok(card) } else { Err(errors) }
    }

    /// The dates from which entries hold, in order: between two of them every price stays what it is.
    #[must_use]
    pub fn dates(&self) -> SortedSet<NaiveDate> {
        self.prices.values().flat_map(|dated| dated.keys().copied()).collect()
    }

    /// The price on a day (a date in the workspace's zone): of the country's own entries the latest that holds by then,
    /// else of those for `*`. `None`: no entry holds, the message is unpriced.
    #[must_use]
    pub fn price(&self, country: Option<&str>, category: Category, day: NaiveDate) -> Option<(Currency, Amount)> {
        let latest = |country: &str| {
            let dated = self.prices.get(&(country.to_owned(), category))?;
            dated.range(..=day).next_back().map(|(_, price)| *price)
        };
        country.and_then(latest).or_else(|| latest(ANY))
    }
}

type Entry = ((String, Category), NaiveDate, (Currency, Amount));

fn entry(fields: &mut Fields<'_>) -> Option<Entry> {
    let day = read(fields, "effective_from", |text| calendar::date(text).ok_or("must be a date such as \"2026-11-21\""));
    let country = read(fields, "country", |text| {
        let code = text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
        if code || text == ANY { Ok(text.to_owned()) } else { Err("must be two upper-case letters (ISO 3166-1), or *") }
    });
    let category = read(fields, "category", |text| {
        let category = Category::ALL.into_iter().find(|category| category.name() == text);
        category.ok_or("must be one of marketing, utility, authentication, service, other")
    });
    let price = read(fields, "price", |text| match Amount::parse(text) {
        Ok(amount) if amount < Amount::ZERO => Err("must not be negative".to_owned()),
        amount => amount.map_err(|error| error.to_string()),
    });
    let currency = read(fields, "currency", |text| text.parse().map_err(|error: MoneyError| error.to_string()));
    Some(((country?, category?), day?, (currency?, price?)))
}

/// A field that must be there, as text that `parse` takes.
fn read<T, E: Into<String>>(fields: &mut Fields<'_>, name: &'static str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
    const MOST_BYTES: usize = 40;
    let value = match fields.text(name, MOST_BYTES).map(parse) {
        Some(Err(reason)) => {
            fields.wrong(name, reason);
            None
        }
        value => value.and_then(Result::ok),
    };
    fields.required(name, value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(from: &str, country: &str, category: &str, price: &str, currency: &str) -> Value {
        json!({"effective_from": from, "country": country, "category": category, "price": price, "currency": currency})
    }

    fn card() -> RateCard {
        let entries = [
            row("2026-07-01", "IN", "marketing", "0.0099", "USD"),
            row("2026-01-01", "IN", "marketing", "0.80", "INR"),
            row("2026-10-01", "*", "marketing", "0.06", "USD"),
            row("2026-03-01", "*", "marketing", "0.05", "USD"),
            row("2027-01-01", "DE", "marketing", "0.12", "EUR"),
            row("2026-01-01", "BR", "utility", "0", "USD"),
        ];
        RateCard::read(&entries, "/rate_card").unwrap()
    }

    fn check(country: Option<&str>, category: Category, day: &str, price: Option<&str>) {
        let got = card().price(country, category, calendar::date(day).unwrap());
        let got = got.map(|(currency, amount)| format!("{} {currency}", amount.to_text(currency)));
        assert_eq!(got.as_deref(), price, "{country:?} {category:?} {day}");
    }

    #[test]
    fn the_exact_country_then_the_latest_date() {
        use Category::{Marketing, Utility};
        check(Some("IN"), Marketing, "2026-01-01", Some("0.80 INR"));
        check(Some("IN"), Marketing, "2026-06-30", Some("0.80 INR"));
        check(Some("IN"), Marketing, "2026-07-01", Some("0.0099 USD"));
        check(Some("IN"), Marketing, "2026-12-31", Some("0.0099 USD"));
        check(Some("IN"), Marketing, "2025-12-31", None);
        check(Some("FR"), Marketing, "2026-02-28", None);
        check(Some("FR"), Marketing, "2026-03-01", Some("0.05 USD"));
        check(Some("FR"), Marketing, "2026-10-01", Some("0.06 USD"));
        check(None, Marketing, "2026-10-01", Some("0.06 USD"));
        // A price that does not hold yet hides nothing.
        check(Some("DE"), Marketing, "2026-12-31", Some("0.06 USD"));
        check(Some("DE"), Marketing, "2027-01-01", Some("0.12 EUR"));
        // Free is a price.
        check(Some("BR"), Utility, "2026-01-01", Some("0.00 USD"));
        check(Some("FR"), Utility, "2026-01-01", None);
    }

    fn check_wrong(entry: Value, pointers: &[&str]) {
        let errors = RateCard::read(&[row("2026-01-01", "IN", "marketing", "1", "USD"), entry], "/rate_card").unwrap_err();
        let got: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(got, pointers, "{errors:?}");
    }

    #[test]
    fn every_wrong_field_is_named() {
        check_wrong(row("2026-01-01", "IN", "marketing", "2", "EUR"), &["/rate_card/1"]);
        check_wrong(row("2026-02-30", "IN", "marketing", "1", "USD"), &["/rate_card/1/effective_from"]);
        check_wrong(row("2026-01-01T00:00:00Z", "IN", "marketing", "1", "USD"), &["/rate_card/1/effective_from"]);
        check_wrong(row("2026-01-01", "in", "marketing", "1", "USD"), &["/rate_card/1/country"]);
        check_wrong(row("2026-01-01", "IND", "marketing", "1", "USD"), &["/rate_card/1/country"]);
        check_wrong(row("2026-01-01", "IN", "*", "1", "USD"), &["/rate_card/1/category"]);
        check_wrong(row("2026-01-01", "IN", "utility", "-1", "USD"), &["/rate_card/1/price"]);
        check_wrong(row("2026-01-01", "IN", "utility", "1e3", "usd"), &["/rate_card/1/price", "/rate_card/1/currency"]);
        let fields = ["effective_from", "country", "category", "price", "currency"];
        let missing = fields.map(|field| format!("/rate_card/1/{field}"));
        check_wrong(json!({}), &missing.each_ref().map(String::as_str));
        check_wrong(json!(7), &["/rate_card/1"]);
        let mut unknown = row("2026-01-01", "IN", "utility", "1", "USD");
        unknown["unit"] = json!("message");
        check_wrong(unknown, &["/rate_card/1/unit"]);
        let mut number = row("2026-01-01", "IN", "utility", "1", "USD");
        number["price"] = json!(1.5);
        check_wrong(number, &["/rate_card/1/price"]);
    }
}
