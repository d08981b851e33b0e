//! A month of the workspace: what it used of its quota, and why that differs from the messages that were sent.
//!
//! It knows the sums that the Ledgers made of all campaigns together; the zone and the clock are arguments.

use serde_json::{Value, json};

use crate::calendar::{Bucket, Granularity, Span, Zone, buckets, date_at, month};
use crate::contributions::usage_parts;
use crate::counters::{Book, Kind};
use crate::event::Ms;
use crate::ledger::{Sums, Totals};
use crate::numbers::Numbers;
use crate::period::wrong;
use crate::problem::Problem;
use crate::settings::{Quota, Unit};
use crate::sorted::SortedMap;
use crate::sums::{By, Cut, span};
use crate::time::to_rfc3339;
use crate::usage::runs_out_on;

/// No month has more days.
const MOST_DAYS: usize = 32;
/// Where a country is not known.
const NO_COUNTRY: &str = "unknown";

pub struct Month {
    /// Such as `2026-11`.
    name: String,
    span: Span,
    days: Vec<Bucket>,
    now_ms: Ms,
}

/// What is counted of a month, a day, a category or a country.
#[derive(Clone, Copy, Default)]
struct Used {
    conversations: u64,
    window_unseen: u64,
    messages_delivered: u64,
    billable: u64,
}

impl Used {
    fn to_json(self) -> Value {
        let Self { conversations, messages_delivered, billable, .. } = self;
        json!({ "conversations": conversations, "messages_delivered": messages_delivered, "billable": billable })
    }

    fn of(self, unit: Unit) -> u64 {
        match unit {
            Unit::MessagesDelivered => self.messages_delivered,
            Unit::Conversations => self.conversations,
        }
    }
}

impl Month {
    /// The month that a text such as `2026-11` names; none: the present one.
    ///
    /// # Errors
    /// 400, if it names none.
    pub fn read(text: Option<&str>, zone: &impl Zone, now_ms: Ms) -> Result<Self, Problem> {
        let name = match text {
            Some(text) => text.to_owned(),
            None => date_at(zone, now_ms).map_err(|error| wrong("month", error))?.to_string().chars().take(7).collect(),
        };
        let span = month(zone, &name).map_err(|error| wrong("month", error))?;
        let days = buckets(Granularity::Day, zone, span.from_ms, span.to_ms, MOST_DAYS);
        Ok(Self { name, span, days: days.map_err(|error| wrong("month", error))?, now_ms })
    }

    /// What the Ledgers are asked for: all campaigns together, day by day.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let spans = self.days.iter().map(|day| span(day.span.from_ms, day.span.to_ms)).collect();
        let cut = Some(Cut { spans, by: By::Usage, prices: Vec::new() });
        Sums { campaigns: None, totals: Totals::None, cut, together: true }
    }

    /// The usage of the month.
    #[must_use]
    pub fn usage(&self, sum: &Book, quota: Option<&Quota>) -> Value {
        let mut all = Used::default();
        let mut by_day = vec![Used::default(); self.days.len()];
        let (mut categories, mut countries) = (SortedMap::<String, Used>::new(), SortedMap::<String, Used>::new());
        for (no, row) in &sum.days {
            let Some(day) = usize::try_from(*no).ok().and_then(|no| by_day.get_mut(no)) else { continue };
            for (cell, n) in row.cells().filter(|(cell, _)| matches!(cell.kind, Kind::Usage | Kind::Conversations)) {
                let (category, country) = usage_parts(cell.a);
                let category = categories.entry(category.name().to_owned()).or_default();
                let country = countries.entry(country.unwrap_or_else(|| NO_COUNTRY.to_owned())).or_default();
                for used in [&mut all, day, category, country] {
                    let counted = match (cell.kind, cell.b) {
                        (Kind::Usage, 0) => &mut used.messages_delivered,
                        (Kind::Usage, _) => &mut used.billable,
                        _ => &mut used.conversations,
                    };
                    *counted = counted.wrapping_add_signed(n);
                    if cell.kind == Kind::Conversations && cell.b == 1 {
                        used.window_unseen = used.window_unseen.wrapping_add_signed(n);
                    }
                }
            }
        }
        let unit = quota.map_or(Unit::MessagesDelivered, |quota| quota.unit);
        let used = all.of(unit);
        let per_day: Vec<u64> = by_day.into_iter().map(|day| day.of(unit)).collect();
        let shown = |parts: SortedMap<String, Used>| -> SortedMap<String, Value> {
            parts.into_iter().map(|(name, used)| (name, used.to_json())).collect()
        };
        json!({
            "month": self.name, "from": to_rfc3339(self.span.from_ms), "to": to_rfc3339(self.span.to_ms),
            "quota": quota, "used": used, "remaining": quota.map(|quota| quota.amount.saturating_sub(used)),
            "runs_out_on": quota.and_then(|quota| self.runs_out_on(quota.amount, &per_day)),
            "conversations": all.conversations, "messages_delivered": all.messages_delivered, "billable": all.billable,
            "by_category": shown(categories), "by_country": shown(countries), "window_unseen": all.window_unseen,
        })
    }

    /// Every message of the month, and why they are more, or fewer, than its conversations.
    #[must_use]
    pub fn overall(&self, sum: &Book) -> Value {
        let numbers = sum.days.values().fold(Numbers::default(), |numbers, row| numbers.with(sum, row, None));
        let usage = self.usage(sum, None);
        let count = |name: &str| usage.get(name).and_then(Value::as_i64).unwrap_or_default();
        let (conversations, messages_delivered) = (count("conversations"), count("messages_delivered"));
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let m = &numbers.messages;
        let why: Vec<Value> = [
            ("failed", signed(m.failed), "failed: what is not delivered opens no conversation and uses no quota"),
            ("in_flight", signed(m.in_flight), "are on their way: neither delivered nor failed yet"),
            (
                "other_month",
                signed(m.delivered) - messages_delivered,
                "were sent in this month and delivered in another, less those the other way round: usage counts by the time of delivery",
            ),
            ("open_conversation", messages_delivered - conversations, "were delivered into a conversation that was open already"),
        ]
        .into_iter()
        .filter(|(_, n, _)| *n != 0)
        .map(|(reason, n, text)| json!({ "reason": reason, "count": n, "text": text }))
        .collect();
        json!({
            "month": self.name, "from": to_rfc3339(self.span.from_ms), "to": to_rfc3339(self.span.to_ms),
            "messages": m.sent, "delivered": m.delivered, "failed": m.failed, "in_flight": m.in_flight,
            "messages_delivered": messages_delivered, "conversations": conversations, "why": why,
        })
    }

    fn runs_out_on(&self, quota: u64, per_day: &[u64]) -> Option<String> {
        // The days that are over, and today.
        let over = self.days.iter().filter(|day| day.span.to_ms <= self.now_ms).count();
        let today = self.days.get(over).filter(|day| day.span.from_ms <= self.now_ms).and_then(|_| per_day.get(over));
        let first = crate::time::date(&self.days.first()?.label)?;
        runs_out_on(quota, first, per_day.get(..over)?, today.copied()).map(|date| date.to_string())
    }
}
