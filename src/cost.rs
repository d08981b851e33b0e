//! What messages cost: the dispatches' own prices, and the dated rate card for the rest.
//!
//! Between two dates of the card every price holds, so billed messages are counted by the stretch between two dates in which they
//! were billed ([`crate::sums::Cut::prices`]) and priced by its first date. It asks nobody and knows no clock.

use chrono::NaiveDate;
use serde::Serialize;

use crate::calendar::{Zone, start_of_day};
use crate::contributions::usage_parts;
use crate::counters::{Book, QUARTER_MS};
use crate::money::Money;
use crate::numbers::Numbers;
use crate::rate_card::RateCard;
use crate::sorted::SortedMap;
use crate::sums::{By, Cut, Quarter, span};
use crate::time::{month_of, month_start};

/// Billed messages: (stretch between two dates of the rate card, category and country) → how many.
pub type Billed = SortedMap<(u16, u32), u64>;

/// A rate card laid along the time of a zone.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    card: RateCard,
    /// The dates from which entries hold, in order, and when each begins.
    dates: Vec<NaiveDate>,
    quarters: Vec<Quarter>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Cost {
    pub total: Money,
    /// Billable messages that no entry of the rate card prices.
    pub unpriced: u64,
    /// Where the prices come from: `dispatch`, `rate_card`, or both.
    pub basis: Vec<&'static str>,
}

impl Prices {
    /// A date that the zone's calendar cannot hold has no entries.
    #[must_use]
    pub fn new(card: RateCard, zone: &impl Zone) -> Self {
        let begin = |date: NaiveDate| Some((date, start_of_day(zone, date).ok()?.div_euclid(QUARTER_MS)));
        let (dates, quarters) = card.dates().into_iter().filter_map(begin).unzip();
        Self { card, dates, quarters }
    }

    /// When prices change.
    #[must_use]
    pub fn quarters(&self) -> Vec<Quarter> {
        self.quarters.clone()
    }

    /// From each change of prices to the end of its UTC month, where the change is not that month's beginning: what was billed there
    /// must be told apart from what the month's totals have in all.
    #[must_use]
    fn tails(&self) -> Vec<(Quarter, u32)> {
        let mut tails: Vec<(Quarter, u32)> = Vec::new();
        for change in &self.quarters {
            let month = month_of(change * QUARTER_MS);
            let known = tails.last().is_some_and(|(from, _)| month_of(from * QUARTER_MS) == month);
            if !known && change * QUARTER_MS != month_start(month) {
                tails.push(span(change * QUARTER_MS, month_start(month + 1)));
            }
        }
        tails
    }

    /// What the totals need beside them to be priced: the tails, by what was billed in them. None, if prices change with months.
    #[must_use]
    pub fn cut(&self, by: By) -> Option<Cut> {
        let spans = self.tails();
        (!spans.is_empty()).then(|| Cut { spans, by, prices: self.quarters() })
    }

    /// What messages cost ever: the totals by month, of which the tails are known by stretch. `sum` has them, by [`Self::cut`].
    #[must_use]
    pub fn cost_ever(&self, totals: &Numbers, sum: &Book, step: Option<&str>) -> Cost {
        let mut billed = Billed::new();
        let mut by_month = totals.billed_in.clone();
        for (no, (from, _)) in (0..).zip(self.tails()) {
            for ((stretch, usage), n) in Numbers::in_span(sum, no, step).billed {
                *billed.entry((stretch, usage)).or_default() += n;
                let month = by_month.entry((month_of(from * QUARTER_MS), usage)).or_default();
                *month = month.wrapping_sub(n);
            }
        }
        for ((month, usage), n) in by_month.into_iter().filter(|(_, n)| *n > 0) {
            let start = month_start(month).div_euclid(QUARTER_MS);
            let stretch = self.quarters.partition_point(|change| *change <= start) as u16;
            *billed.entry((stretch, usage)).or_default() += n;
        }
        self.cost(&totals.own_cost, &billed)
    }

    /// What these messages cost, with the prices that dispatches named.
    #[must_use]
    pub fn cost(&self, own: &Money, billed: &Billed) -> Cost {
        let (mut total, mut unpriced, mut priced) = (own.clone(), 0, 0);
        for ((stretch, usage), n) in billed {
            let (category, country) = usage_parts(*usage);
            let date = usize::from(*stretch).checked_sub(1).and_then(|no| self.dates.get(no));
            match date.and_then(|date| self.card.price(country.as_deref(), category, *date)) {
                Some((currency, price)) => {
                    total.add(currency, price.times(i64::try_from(*n).unwrap_or(i64::MAX)));
                    priced += n;
                }
                None => unpriced += n,
            }
        }
        let basis = [("dispatch", !own.is_zero()), ("rate_card", priced > 0)];
        Cost { total, unpriced, basis: basis.into_iter().filter(|(_, used)| *used).map(|(name, _)| name).collect() }
    }
}
