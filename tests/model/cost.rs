//! §5 cost: a message's own price, else the dated rate card's: "`effective_from` is a date in the workspace's zone"; "the exact
//! country beats `*`, then the latest date; no entry: nothing, counted as `unpriced`" (api.md).

use chrono::TimeZone as _;
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::answers::Bill;
use super::decimal::{self, Money};

/// A rate card whose prices change within the time of the generated events: in the middle of a month, at its end, and for `*`
/// before and for a country after.
pub fn card() -> Vec<Value> {
    let entry = |from: &str, country: &str, category: &str, price: &str, currency: &str| json!({"effective_from": from, "country": country, "category": category, "price": price, "currency": currency});
    vec![
        entry("2026-03-29", "*", "marketing", "0.05", "EUR"),
        entry("2026-03-31", "*", "marketing", "0.07", "USD"),
        entry("2026-04-01", "FR", "marketing", "0.11", "EUR"),
        entry("2026-03-01", "*", "utility", "0.002", "EUR"),
        entry("2026-03-30", "US", "utility", "0.001", "USD"),
        entry("2026-04-02", "*", "other", "0.0001", "EUR"),
    ]
}

/// What the bills come to, and how many have no price.
pub fn cost<'a>(bills: impl Iterator<Item = &'a Bill>, zone: Tz) -> (Money, u64) {
    let (mut money, mut unpriced) = (Money::new(), 0);
    for bill in bills {
        match bill.cost.clone().or_else(|| price(bill, zone)) {
            Some((amount, currency)) => decimal::add(&mut money, &currency, &amount),
            None => unpriced += 1,
        }
    }
    (money, unpriced)
}

fn price(bill: &Bill, zone: Tz) -> Option<(String, String)> {
    let day = zone.timestamp_millis_opt(bill.billed_ms).unwrap().format("%Y-%m-%d").to_string();
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap().to_owned();
    let latest = |country: &str| {
        let card = card();
        let holds = card.iter().filter(|e| e["country"] == country && e["category"] == bill.category.as_str());
        let holds = holds.filter(|e| text(e, "effective_from") <= day);
        holds.max_by_key(|e| text(e, "effective_from")).map(|e| (text(e, "price"), text(e, "currency")))
    };
    latest(&bill.country).or_else(|| latest("*"))
}
