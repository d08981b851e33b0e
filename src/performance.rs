//! Campaigns side by side: what they cost and brought, by campaign, step, day or tag.
//!
//! It knows the sums that the Ledgers made and the definitions beside them; it asks nobody and knows no clock.

use serde_json::{Value, json};

use crate::bounds::TREND_BUCKETS;
use crate::calendar::{Bucket, Granularity, Zone, buckets};
use crate::campaign::Campaign;
use crate::cost::Prices;
use crate::counters::Book;
use crate::ids::UNATTRIBUTED;
use crate::ledger::{Sums, Totals};
use crate::numbers::{Numbers, steps};
use crate::order::sort;
use crate::period::{Basis, Period, wrong};
use crate::problem::Problem;
use crate::sorted::SortedMap;
use crate::stats::{rates, roi, row};
use crate::sums::{Cut, span};
use crate::time::to_rfc3339;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    Campaign,
    Step,
    Day,
    Tag,
}

impl GroupBy {
    /// The parameter `group_by`; absent: by campaign.
    ///
    /// # Errors
    /// 400, for another word.
    pub fn read(word: Option<&str>) -> Result<Self, Problem> {
        match word {
            None | Some("campaign") => Ok(Self::Campaign),
            Some("step") => Ok(Self::Step),
            Some("day") => Ok(Self::Day),
            Some("tag") => Ok(Self::Tag),
            Some(_) => Err(Problem::bad("`group_by` must be one of campaign, step, day, tag.")),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Campaign => "campaign",
            Self::Step => "step",
            Self::Day => "day",
            Self::Tag => "tag",
        }
    }
}

/// What is compared.
pub struct Performance<'a> {
    pub group_by: GroupBy,
    pub period: Period,
    pub prices: Prices,
    /// The campaigns, by number; none for what is under no campaign.
    pub campaigns: SortedMap<u32, Option<Campaign>>,
    pub timezone: &'a str,
    /// The days of the period in the zone, where they are the groups.
    days: Vec<Bucket>,
}

impl<'a> Performance<'a> {
    /// # Errors
    /// 400, if the period has too many days.
    pub fn new(
        group_by: GroupBy,
        period: Period,
        prices: Prices,
        campaigns: SortedMap<u32, Option<Campaign>>,
        timezone: &'a str,
        zone: &impl Zone,
    ) -> Result<Self, Problem> {
        let days = match group_by {
            GroupBy::Day => buckets(Granularity::Day, zone, period.from_ms, period.to_ms, TREND_BUCKETS),
            _ => Ok(Vec::new()),
        };
        Ok(Self { group_by, period, prices, campaigns, timezone, days: days.map_err(|error| wrong("from", error))? })
    }

    /// What the Ledgers are asked for.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let together = self.group_by == GroupBy::Day;
        let spans = if together {
            self.days.iter().map(|day| span(day.span.from_ms, day.span.to_ms)).collect()
        } else {
            vec![span(self.period.from_ms, self.period.to_ms)]
        };
        let cut = Some(Cut { spans, by: self.period.basis.by(), prices: self.prices.quarters() });
        Sums { campaigns: Some(self.campaigns.keys().copied().collect()), totals: Totals::None, cut, together }
    }

    /// A row for each group that has something (for each day, whether or not), the largest first; and all of them together, each
    /// campaign once.
    #[must_use]
    pub fn answer(&self, books: &SortedMap<u32, Book>) -> Value {
        let mut groups: Vec<(Value, Numbers)> = Vec::new();
        let mut total = Numbers::default();
        for book in books.values() {
            total = book.days.values().fold(total, |total, row| total.with(book, row, None));
        }
        match self.group_by {
            GroupBy::Campaign => {
                for (no, book) in books {
                    groups.push((self.named(*no), Numbers::in_span(book, 0, None)));
                }
            }
            GroupBy::Step => {
                for (no, book) in books {
                    for step in book.days.get(&0).map(|row| steps(book, row)).unwrap_or_default() {
                        let mut group = self.named(*no);
                        if let Some(group) = group.as_object_mut() {
                            group.insert("step".to_owned(), json!(step));
                        }
                        groups.push((group, Numbers::in_span(book, 0, Some(step))));
                    }
                }
            }
            GroupBy::Tag => {
                let mut tags: SortedMap<Option<&str>, Numbers> = SortedMap::new();
                for (no, book) in books {
                    let own = self.campaigns.get(no).and_then(Option::as_ref).map_or([].as_slice(), |c| &c.declared.tags);
                    let own = own.iter().map(|tag| Some(tag.as_str())).chain(own.is_empty().then_some(None));
                    for tag in own {
                        let numbers = core::mem::take(tags.entry(tag).or_default());
                        let numbers = book.days.values().fold(numbers, |sum, row| sum.with(book, row, None));
                        tags.insert(tag, numbers);
                    }
                }
                groups.extend(tags.into_iter().map(|(tag, numbers)| (json!({ "tag": tag }), numbers)));
            }
            GroupBy::Day => {
                let all = books.get(&0);
                for (no, day) in (0..).zip(&self.days) {
                    let numbers = all.map(|book| Numbers::in_span(book, no, None)).unwrap_or_default();
                    groups.push((json!({ "day": day.label, "start": to_rfc3339(day.span.from_ms) }), numbers));
                }
            }
        }
        if self.group_by != GroupBy::Day {
            groups.retain(|(_, numbers)| *numbers != Numbers::default());
            sort(&mut groups, |a, b| b.1.messages.sent.cmp(&a.1.messages.sent));
        }
        json!({
            "from": to_rfc3339(self.period.from_ms), "to": to_rfc3339(self.period.to_ms), "basis": self.period.basis.name(),
            "timezone": self.timezone, "group_by": self.group_by.name(),
            "data": groups.into_iter().map(|(group, numbers)| self.row(group, &numbers)).collect::<Vec<_>>(),
            "total": self.row(json!({}), &total),
        })
    }

    /// How a campaign is named in a row.
    fn named(&self, no: u32) -> Value {
        match self.campaigns.get(&no).and_then(Option::as_ref) {
            Some(campaign) => json!({ "campaign": campaign.id, "name": campaign.declared.name }),
            None => json!({ "campaign": UNATTRIBUTED, "name": null }),
        }
    }

    fn row(&self, group: Value, numbers: &Numbers) -> Value {
        let cost = self.prices.cost(&numbers.own_cost, &numbers.billed);
        let rates = (self.period.basis == Basis::Sent).then(|| rates(numbers));
        let mut row = row(numbers);
        for (name, value) in [("rates", json!(rates)), ("roi", json!(roi(&numbers.revenue, &cost.total))), ("cost", json!(cost))]
        {
            row.insert(name.to_owned(), value);
        }
        if let Value::Object(group) = group {
            row.extend(group);
        }
        Value::Object(row)
    }
}
