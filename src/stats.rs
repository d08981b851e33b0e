//! The stats object of `api.md`: a campaign's numbers with rates, costs and gaps.
//!
//! It puts together what others counted; it asks nobody and knows no clock.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::cost::Cost;
use crate::error_class::{ErrorClass, classify};
use crate::experiment::{Experiment, Group};
use crate::list_paths;
use crate::money::Money;
use crate::numbers::{Clicks, Contacts, Messages, Numbers, Replies};
use crate::period::{Basis, Period};
use crate::provider::Provider;
use crate::rates::{ContactCounts, Counts, Rates};
use crate::sorted::SortedMap;
use crate::time::to_rfc3339;

/// What the numbers are of, and what they are judged by.
pub struct Asked<'a> {
    pub campaign: &'a str,
    /// `None`: all steps.
    pub step: Option<&'a str>,
    /// `None`: all time.
    pub period: Option<Period>,
    /// Declared size of the audience.
    pub audience_size: Option<u64>,
    /// How many contacts may be attempted.
    pub send_limit: Option<u64>,
}

#[derive(Serialize)]
pub struct Stats<'a> {
    campaign: &'a str,
    step: Option<&'a str>,
    from: Option<String>,
    to: Option<String>,
    basis: Option<&'static str>,
    version: u64,
    messages: Messages,
    contacts: Option<Contacts>,
    clicks: Clicks,
    replies: Replies,
    reactions: u64,
    conversions: Conversions,
    rates: Option<Rates>,
    cost: Cost,
    roi: SortedMap<String, Option<f64>>,
    gaps: Option<Vec<Gap>>,
    /// How many of `messages.attempted` no list shows: of people who were erased, and of what is older than the retention.
    erased: i64,
    expired: i64,
    /// Behind each number that has one, the path of its list.
    lists: SortedMap<&'static str, String>,
}

#[derive(Serialize)]
struct Conversions {
    total: u64,
    contacts: Option<u64>,
    revenue: Money,
}

/// Why one number is smaller than the one before it.
#[derive(Serialize)]
struct Gap {
    from: &'static str,
    to: &'static str,
    count: i64,
    reasons: Vec<Reason>,
}

#[derive(Serialize)]
struct Reason {
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retryable: Option<bool>,
    count: i64,
}

/// The stats object.
#[must_use]
pub fn stats<'a>(asked: &Asked<'a>, numbers: Numbers, cost: Cost, [erased, expired]: [i64; 2], version: u64) -> Stats<'a> {
    let by_event = asked.period.is_some_and(|p| p.basis == Basis::Event);
    let contacts = numbers.contacts.as_ref();
    Stats {
        campaign: asked.campaign,
        step: asked.step,
        from: asked.period.map(|p| to_rfc3339(p.from_ms)),
        to: asked.period.map(|p| to_rfc3339(p.to_ms)),
        basis: asked.period.map(|period| period.basis.name()),
        version,
        rates: (!by_event).then(|| rates(&numbers)),
        roi: roi(&numbers.revenue, &cost.total),
        gaps: (!by_event).then(|| gaps(asked, &numbers)),
        conversions: Conversions {
            total: numbers.conversions,
            contacts: contacts.map(|c| c.converted),
            revenue: numbers.revenue.clone(),
        },
        cost,
        messages: numbers.messages,
        contacts: numbers.contacts,
        clicks: numbers.clicks,
        replies: numbers.replies,
        reactions: numbers.reactions,
        erased,
        expired,
        lists: list_paths::of(asked.campaign, asked.step, asked.period),
    }
}

/// A row of a table of numbers: a bucket of a trend, a group, a campaign in a list. The states of messages stand side by side.
#[must_use]
pub fn row(numbers: &Numbers) -> Map<String, Value> {
    let mut row = match json!(numbers.messages) {
        Value::Object(messages) => messages,
        _ => Map::new(),
    };
    for (name, value) in [
        ("clicks", json!(numbers.clicks)),
        ("replies", json!(numbers.replies)),
        ("reactions", json!(numbers.reactions)),
        ("conversions", json!(numbers.conversions)),
        ("revenue", json!(numbers.revenue)),
    ] {
        row.insert(name.to_owned(), value);
    }
    row
}

/// Revenue / cost, currency by currency.
#[must_use]
pub fn roi(revenue: &Money, cost: &Money) -> SortedMap<String, Option<f64>> {
    revenue.ratios(cost).into_iter().map(|(currency, ratio)| (currency.to_string(), ratio)).collect()
}

/// The experiment of a campaign: target against control.
#[must_use]
pub fn experiment(numbers: &Numbers) -> Experiment {
    let ((target, target_converted), (control, control_converted), contaminated) = numbers.arms();
    let [target_revenue, control_revenue] = numbers.arm_revenue.clone();
    Experiment::of(
        Group { contacts: target, converted: target_converted, revenue: target_revenue },
        Group { contacts: control, converted: control_converted, revenue: control_revenue },
        contaminated,
    )
}

/// The rates of messages by sent time.
#[must_use]
pub fn rates(numbers: &Numbers) -> Rates {
    let m = &numbers.messages;
    Rates::of(&Counts {
        sent: m.sent,
        delivered: m.delivered,
        opened: m.opened,
        read: m.read,
        failed: m.failed,
        clicked: m.clicked,
        quick_replied: m.quick_replied,
        replied: m.replied,
        interacted: m.interacted,
        converted: m.converted,
        contacts: numbers.contacts.as_ref().map(|c| ContactCounts { delivered: c.delivered, converted: c.converted }),
    })
}

fn gaps(asked: &Asked<'_>, numbers: &Numbers) -> Vec<Gap> {
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let plain = |reason: &str, count: i64| Reason { reason: reason.to_owned(), code: None, class: None, retryable: None, count };
    let errors = |errors: &SortedMap<String, u64>| -> Vec<Reason> {
        let class = |(key, n): (&String, &u64)| {
            let (code, ErrorClass { class, retryable, .. }) = error(key);
            let class = class.as_str();
            Reason {
                reason: class.to_owned(),
                code: Some(code),
                class: Some(class),
                retryable: Some(retryable),
                count: signed(*n),
            }
        };
        errors.iter().map(class).collect()
    };
    let mut gaps = Vec::new();
    if let (Some(contacts), None) = (&numbers.contacts, asked.step) {
        let seen = signed(contacts.submitted + contacts.control + contacts.skipped);
        let audience = asked.audience_size.map_or(seen, signed);
        let mut reasons: Vec<Reason> = [("control", contacts.control)]
            .into_iter()
            .map(|(reason, n)| plain(reason, signed(n)))
            .chain(numbers.skipped.iter().map(|(reason, n)| plain(reason, signed(*n))))
            .collect();
        reasons.push(if audience >= seen { plain("pending", audience - seen) } else { plain("over_audience", audience - seen) });
        reasons.retain(|r| r.count != 0);
        gaps.push(Gap { from: "audience", to: "submitted", count: audience - signed(contacts.submitted), reasons });
    }
    if let (Some(contacts), None, Some(limit)) = (&numbers.contacts, asked.step, asked.send_limit) {
        let unused = signed(limit) - signed(contacts.submitted);
        let mut reasons = vec![plain(if unused < 0 { "over_limit" } else { "unused" }, unused)];
        reasons.push(plain("dispatch_error", signed(contacts.submitted) - signed(contacts.sent)));
        reasons.retain(|r| r.count != 0);
        gaps.push(Gap { from: "limit", to: "sent", count: signed(limit) - signed(contacts.sent), reasons });
    }
    let m = &numbers.messages;
    gaps.push(Gap { from: "attempted", to: "sent", count: signed(m.dispatch_errors), reasons: errors(&numbers.dispatch_errors) });
    let mut reasons = errors(&numbers.delivery_errors);
    if m.in_flight > 0 {
        reasons.push(plain("pending", signed(m.in_flight)));
    }
    gaps.push(Gap { from: "sent", to: "delivered", count: signed(m.failed + m.in_flight), reasons });
    gaps
}

/// The code and class behind a counted error: the provider's character, then its code.
#[must_use]
pub fn error(key: &str) -> (String, ErrorClass) {
    let mut rest = key.chars();
    let provider = rest.next().and_then(Provider::from_code).unwrap_or(Provider::Meta);
    (rest.as_str().to_owned(), classify(provider, rest.as_str()))
}
