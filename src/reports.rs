//! What is read of one campaign: the sums that it needs of the Ledgers, and the answer that is made of them.
//!
//! It knows numbers and the definitions beside them; it asks nobody and knows no clock.

use serde_json::{Value, json};

use crate::contributions::{person, state};
use crate::cost::{Cost, Prices};
use crate::counters::{Book, Cell, Kind, Row};
use crate::error_class;
use crate::ids::UNATTRIBUTED;
use crate::ledger::{Sums, Totals};
use crate::link::{self, Link};
use crate::list_paths;
use crate::numbers::{LinkClicks, Numbers, steps};
use crate::order::sort;
use crate::period::Period;
use crate::problem::Problem;
use crate::rates::rate;
use crate::shares::Shares;
use crate::sorted::SortedSet;
use crate::stats::{self, error, stats};
use crate::sums::By;

/// What the numbers are of, and what they are priced and judged by.
pub struct Subject<'a> {
    pub campaign: &'a str,
    /// Its number; 0 is [`UNATTRIBUTED`].
    pub no: u32,
    /// `None`: all steps.
    pub step: Option<&'a str>,
    /// `None`: all time.
    pub period: Option<Period>,
    /// Declared size of the audience.
    pub audience_size: Option<u64>,
    /// How many contacts may be attempted.
    pub send_limit: Option<u64>,
    pub prices: Prices,
}

impl Subject<'_> {
    /// What the Ledgers are asked for.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let (totals, cut) = match self.period {
            None => (Totals::Whole, self.prices.cut(By::Event)),
            Some(period) => (Totals::None, Some(period.cut(self.prices.quarters()))),
        };
        Sums { campaigns: Some(vec![self.no]), totals, cut, together: false }
    }

    /// The stats object.
    #[must_use]
    pub fn stats(&self, shares: &Shares) -> Value {
        self.stats_of(&shares.sum(), shares, self.step)
    }

    /// The stats object of every step that has something, by name.
    #[must_use]
    pub fn steps(&self, shares: &Shares) -> Value {
        let book = &shares.sum();
        let steps: SortedSet<&str> = self.row(book).map(|row| steps(book, row)).unwrap_or_default();
        let asked = |step: &&str| self.step.is_none_or(|asked| asked == *step);
        let data: Vec<Value> = steps.into_iter().filter(asked).map(|step| self.stats_of(book, shares, Some(step))).collect();
        json!({ "campaign": self.campaign, "data": data })
    }

    /// Dispatch and delivery errors by provider code, the most frequent first.
    #[must_use]
    pub fn errors(&self, book: &Book) -> Value {
        let numbers = self.numbers(book, self.step).0;
        let mut data = Vec::new();
        for (kind, state, errors) in
            [("dispatch", "dispatch_error", &numbers.dispatch_errors), ("delivery", "failed", &numbers.delivery_errors)]
        {
            for (key, n) in errors {
                let (code, class) = error(key);
                let exact = error_class::exact(key);
                let narrowed = [("has", state), ("error", exact.as_str())];
                let list = list_paths::path(self.campaign, "messages", &narrowed, self.step, self.period);
                data.push((
                    *n,
                    json!({
                        "kind": kind, "code": code, "class": class.class.as_str(), "title": class.title,
                        "retryable": class.retryable, "count": n, "list": list,
                    }),
                ));
            }
        }
        sort(&mut data, |a, b| b.0.cmp(&a.0));
        json!({ "campaign": self.campaign, "data": data.into_iter().map(|(_, row)| row).collect::<Vec<_>>() })
    }

    /// Clicks by link, the most clicked by people first: the campaign's links, and whatever else was clicked under it.
    #[must_use]
    pub fn links(&self, book: &Book, links: &[Link]) -> Value {
        let mut clicked = self.numbers(book, self.step).0.links;
        let mut rows = Vec::new();
        for link in links.iter().filter(|link| self.step.is_none_or(|step| link.declared.step == step)) {
            let id = link::id(link.no);
            let clicks = clicked.remove(&id).unwrap_or_default();
            let declared = &link.declared;
            rows.push((clicks, json!({ "link": id, "url": declared.url, "label": declared.label, "step": declared.step })));
        }
        for (link, clicks) in clicked {
            // A provider's click names the address; a link that was deleted has none any more.
            let url = Some(&link).filter(|link| link.contains("://"));
            rows.push((clicks, json!({ "link": link, "url": url, "label": null, "step": self.step })));
        }
        let human: u64 = rows.iter().map(|(link, _)| link.clicks.human).sum();
        let clicks = |row: &(Box<LinkClicks>, Value)| (row.0.clicks.human, row.0.clicks.total);
        sort(&mut rows, |a, b| clicks(b).cmp(&clicks(a)));
        let data = rows.into_iter().map(|(link, mut row)| {
            let (clicks, list) = (&link.clicks, row.get("link").and_then(Value::as_str).unwrap_or_default().to_owned());
            // People are counted over all time.
            let list = list_paths::path(self.campaign, "contacts", &[("link", &list)], self.step, None);
            let list = self.period.is_none().then_some(list);
            if let Some(row) = row.as_object_mut() {
                for (name, value) in [
                    ("total", json!(clicks.total)),
                    ("human", json!(clicks.human)),
                    ("machine", json!(clicks.machine)),
                    ("machine_reasons", json!(link.machines)),
                    ("unique", json!(clicks.unique)),
                    ("share", json!(rate(clicks.human, human))),
                    ("list", json!(list)),
                ] {
                    row.insert(name.to_owned(), value);
                }
            }
            row
        });
        json!({ "campaign": self.campaign, "data": data.collect::<Vec<_>>() })
    }

    /// How many contacts reach each stage and every stage before it.
    ///
    /// # Errors
    /// 400, for stages that are none, or named twice.
    pub fn funnel(&self, book: &Book, stages: Option<&str>) -> Result<Value, Problem> {
        let numbers = Numbers::ever(book, self.step);
        let (mut data, mut reached, mut first, mut previous) = (Vec::new(), 0, None, None);
        let stages = stages.map_or_else(|| STAGES.map(|(name, _)| name).to_vec(), |stages| stages.split(',').collect());
        for stage in stages {
            let bit = STAGES.iter().find(|(name, _)| *name == stage).map(|(_, bit)| *bit).filter(|bit| reached & bit == 0);
            reached |= bit.ok_or_else(|| {
                Problem::bad("`stages` must be some of sent,delivered,opened,read,clicked,replied,converted, none of them twice.")
            })?;
            let contacts = numbers.people(&|mask| mask & reached == reached);
            let first = *first.get_or_insert(contacts);
            data.push(json!({
                "stage": stage, "contacts": contacts,
                "of_first": rate(contacts, first), "of_previous": previous.and_then(|previous| rate(contacts, previous)),
            }));
            previous = Some(contacts);
        }
        Ok(json!({ "campaign": self.campaign, "step": self.step, "data": data }))
    }

    /// Target against control.
    #[must_use]
    pub fn experiment(&self, book: &Book) -> Value {
        json!(stats::experiment(&Numbers::ever(book, None)))
    }

    fn stats_of(&self, book: &Book, shares: &Shares, step: Option<&str>) -> Value {
        let (numbers, cost) = self.numbers(book, step);
        let forgotten = [&shares.erased, &shares.expired].map(|share| self.attempted(share, step));
        // Nobody is the audience of what nobody sent.
        let audience_size = self.audience_size.filter(|_| self.campaign != UNATTRIBUTED);
        let send_limit = self.send_limit;
        let asked = stats::Asked { campaign: self.campaign, step, period: self.period, audience_size, send_limit };
        json!(stats(&asked, numbers, cost, forgotten, book.version))
    }

    /// The row of a book that is asked for.
    fn row<'b>(&self, book: &'b Book) -> Option<&'b Row> {
        if self.period.is_none() { Some(&book.totals) } else { book.days.get(&0) }
    }

    /// The messages attempted in a share. Signed, as its cells are.
    fn attempted(&self, share: &Book, step: Option<&str>) -> i64 {
        let attempted = state::SENT | state::DISPATCH_ERROR;
        let counts = |cell: &Cell| match cell.kind {
            Kind::Messages => cell.a & attempted != 0,
            Kind::States => attempted >> cell.a & 1 == 1,
            _ => false,
        };
        let inside = |cell: &Cell| step.is_none_or(|step| share.name_of(u32::from(cell.step)) == step);
        let cells = self.row(share).into_iter().flat_map(Row::cells);
        cells.filter(|(cell, _)| counts(cell) && inside(cell)).map(|(_, n)| n).sum()
    }

    /// The numbers of a step and what they cost.
    fn numbers(&self, book: &Book, step: Option<&str>) -> (Numbers, Cost) {
        let numbers = match self.period {
            None => Numbers::ever(book, step),
            Some(_) => Numbers::in_span(book, 0, step),
        };
        let cost = match self.period {
            None => self.prices.cost_ever(&numbers, book, step),
            Some(_) => self.prices.cost(&numbers.own_cost, &numbers.billed),
        };
        (numbers, cost)
    }
}

/// The stages of a funnel, as states of contacts.
const STAGES: [(&str, u32); 7] = [
    ("sent", person::SENT),
    ("delivered", person::DELIVERED),
    ("opened", person::OPENED),
    ("read", person::READ),
    ("clicked", person::CLICKED),
    ("replied", person::REPLIED),
    ("converted", person::CONVERTED),
];
