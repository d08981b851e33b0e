//! The list of campaigns: which of them match, in which order, and the page that begins at a cursor.
//!
//! It knows definitions and the headline numbers beside them; it asks nobody.

use core::cmp::Ordering;

use serde_json::{Map, Value, json};

use crate::campaign::{Campaign, MESSAGE_TYPES, STATES, TYPES};
use crate::cost::Prices;
use crate::counters::Book;
use crate::ledger::{Sums, Totals};
use crate::numbers::Numbers;
use crate::problem::Problem;
use crate::route::Query;
use crate::stats::{rates, row};
use crate::sums::By;
use crate::time::from_rfc3339;

/// What a list can be sorted by beside the numbers and rates of its rows.
const NAME: &str = "name";
const CREATED_AT: &str = "created_at";

/// Which campaigns, and in which order.
pub struct Wanted<'a> {
    words: Vec<(&'static str, &'a str)>,
    tag: Option<&'a str>,
    q: Option<String>,
    created_from_ms: i64,
    created_to_ms: i64,
    sort: &'a str,
    descending: bool,
}

impl<'a> Wanted<'a> {
    /// The parameters `status`, `type`, `message_type`, `tag`, `q` (a part of the name or id, in any ASCII case), `created_from`,
    /// `created_to` and `sort`.
    ///
    /// # Errors
    /// 400, for a word, a time or an order that is none.
    pub fn read(query: &'a Query) -> Result<Self, Problem> {
        let time = |name: &str, absent: i64| match query.get(name).map(from_rfc3339) {
            None => Ok(absent),
            Some(Some(ms)) => Ok(ms),
            Some(None) => Err(Problem::bad(format!("`{name}` must be an RFC 3339 time."))),
        };
        let sort = query.get("sort").unwrap_or("-created_at");
        let mut words = Vec::new();
        for (name, known) in [("status", STATES), ("type", TYPES), ("message_type", MESSAGE_TYPES)] {
            let word = query.get(name);
            if word.is_some_and(|word| !known.contains(&word)) {
                return Err(Problem::bad(format!("`{name}` must be one of {}.", known.join(", "))));
            }
            words.extend(word.map(|word| (name, word)));
        }
        let wanted = Self {
            words,
            tag: query.get("tag"),
            q: query.get("q").map(str::to_ascii_lowercase),
            created_from_ms: time("created_from", i64::MIN)?,
            created_to_ms: time("created_to", i64::MAX)?,
            sort: sort.strip_prefix('-').unwrap_or(sort),
            descending: sort.starts_with('-'),
        };
        if [NAME, CREATED_AT].contains(&wanted.sort)
            || number(&numbers_row(&Book::default(), &Prices::default()), wanted.sort).is_some()
        {
            Ok(wanted)
        } else {
            Err(Problem::bad(
                "`sort` must be created_at, name, a number such as sent, or a rate such as read_rate; descending with a - before it.",
            ))
        }
    }

    /// Whether the order needs the numbers of every campaign, not of the page alone.
    #[must_use]
    pub fn by_number(&self) -> bool {
        ![NAME, CREATED_AT].contains(&self.sort)
    }

    #[must_use]
    pub fn holds(&self, campaign: &Campaign) -> bool {
        let is = &campaign.declared;
        let created = is.created_at_ms.unwrap_or_default();
        let words = |name: &str| match name {
            "status" => json!(campaign.status),
            "type" => json!(is.r#type),
            _ => json!(is.message_type),
        };
        self.words.iter().all(|(name, word)| words(name) == *word)
            && self.tag.is_none_or(|tag| is.tags.iter().any(|own| own == tag))
            && self.q.as_ref().is_none_or(|q| [&is.name, &campaign.id].iter().any(|text| text.to_ascii_lowercase().contains(q)))
            && (self.created_from_ms..self.created_to_ms).contains(&created)
    }

    /// What a campaign is sorted by; `row` is that of its numbers, where the order needs it.
    #[must_use]
    pub fn key(&self, campaign: &Campaign, row: &Map<String, Value>) -> Value {
        match self.sort {
            NAME => json!(campaign.declared.name),
            CREATED_AT => json!(campaign.declared.created_at_ms),
            sort => number(row, sort).unwrap_or_default(),
        }
    }

    /// The order of two campaigns by key and id.
    #[must_use]
    pub fn order(&self, a: (&Value, &str), b: (&Value, &str)) -> Ordering {
        let keys = match (a.0.as_f64(), b.0.as_f64()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            // A rate of nothing is below every other.
            (a_number, b_number) => a_number.is_some().cmp(&b_number.is_some()).then(a.0.as_str().cmp(&b.0.as_str())),
        };
        (if self.descending { keys.reverse() } else { keys }).then(a.1.cmp(b.1))
    }
}

/// A place in the list, as its cursor keeps it: the bits of a number, for not every text of a rate is read as the rate that it was
/// written of; else the text; and the id.
pub type Mark = (Option<u64>, Option<String>, String);

/// The mark of the place that a campaign has by its key and id.
#[must_use]
pub fn marked(key: &Value, id: &str) -> Mark {
    (key.as_f64().map(f64::to_bits), key.as_str().map(str::to_owned), id.to_owned())
}

/// The inverse of [`marked`].
#[must_use]
pub fn unmarked((bits, text, id): Mark) -> (Value, String) {
    (bits.map_or_else(|| json!(text), |bits| json!(f64::from_bits(bits))), id)
}

/// What the Ledgers are asked for, to have the headline numbers of these campaigns (all, if none are named) and what they cost.
#[must_use]
pub fn sums(campaigns: Option<Vec<u32>>, prices: &Prices) -> Sums {
    Sums { campaigns, totals: Totals::Headline, cut: prices.cut(By::Billing), together: false }
}

/// The headline numbers of a campaign, with its rates and what it cost.
#[must_use]
pub fn numbers_row(sum: &Book, prices: &Prices) -> Map<String, Value> {
    let numbers = Numbers::default().with(sum, &sum.totals, None);
    let mut row = row(&numbers);
    row.insert("rates".to_owned(), json!(rates(&numbers)));
    row.insert("cost".to_owned(), json!(prices.cost_ever(&numbers, sum, None)));
    row
}

/// A row of the list.
#[must_use]
pub fn listed(campaign: &Campaign, mut numbers: Map<String, Value>) -> Value {
    if let Value::Object(definition) = campaign.to_json() {
        numbers.extend(definition);
    }
    Value::Object(numbers)
}

/// A number of a row by its name, or a rate by its name and `_rate`; `None` if there is none.
fn number(row: &Map<String, Value>, name: &str) -> Option<Value> {
    match name.strip_suffix("_rate") {
        Some(rate) => row.get("rates")?.get(rate).cloned(),
        None => row.get(name).filter(|value| value.is_number()).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contributions::state;
    use crate::counters::{Cell, Kind};

    fn campaign(id: &str, name: &str, created_at_ms: i64, tags: Value) -> Campaign {
        let mut campaign = json!({"no": 1, "id": id, "name": name, "type": "broadcast", "message_type": "template",
            "reply_window_hours": 72, "attribution_window_hours": 24, "touch": "delivered", "created_at_ms": created_at_ms});
        campaign["tags"] = tags;
        serde_json::from_value(campaign).unwrap()
    }

    fn ids(query: &str) -> Vec<&'static str> {
        let query = Query::lenient(query);
        let wanted = Wanted::read(&query).unwrap();
        let all =
            [("a", "Diwali", 3, json!(["x"]), 5), ("b", "spring", 2, json!(["x", "y"]), 7), ("c", "Autumn", 3, json!([]), 5)];
        let mut found: Vec<(Value, &str)> = all
            .into_iter()
            .filter_map(|(id, name, at, tags, sent)| {
                let campaign = campaign(id, name, at, tags);
                let mut sum = Book::default();
                for (state, n) in [(state::SENT, sent), (state::DELIVERED, sent - 5), (state::READ, 1)] {
                    sum.totals.add(Cell { kind: Kind::Messages, step: 0, quarter: None, a: state, b: 0 }, n);
                }
                wanted.holds(&campaign).then(|| (wanted.key(&campaign, &numbers_row(&sum, &Prices::default())), id))
            })
            .collect();
        found.sort_by(|a, b| wanted.order((&a.0, a.1), (&b.0, b.1)));
        found.into_iter().map(|(_, id)| id).collect()
    }

    #[test]
    fn a_place_is_what_its_mark_says() {
        for key in [json!(1.0 / 11.0), json!(18.0 / 19.0), json!(7), json!("Diwali"), Value::Null] {
            let mark = serde_json::to_string(&marked(&key, "a")).unwrap();
            let (same, id) = unmarked(crate::json::read(&mark).unwrap());
            let query = Query::lenient("sort=read_rate");
            let wanted = Wanted::read(&query).unwrap();
            assert!(wanted.order((&same, &id), (&key, "a")).is_eq(), "{mark}");
        }
    }

    #[test]
    fn filters_and_orders() {
        assert_eq!(ids(""), ["a", "c", "b"]);
        assert_eq!(ids("sort=created_at"), ["b", "a", "c"]);
        assert_eq!(ids("sort=name"), ["c", "a", "b"]);
        assert_eq!(ids("sort=-sent"), ["b", "a", "c"]);
        assert_eq!(ids("sort=read_rate"), ["a", "c", "b"]);
        assert_eq!(ids("sort=-read_rate"), ["b", "a", "c"]);
        assert_eq!(ids("tag=y"), ["b"]);
        assert_eq!(ids("q=IWA"), ["a"]);
        assert_eq!(ids("q=c&sort=name"), ["c"]);
        assert_eq!(ids("status=live&type=broadcast&message_type=template").len(), 3);
        assert_eq!(ids("status=paused").len(), 0);
        assert_eq!(ids("created_from=1970-01-01T00:00:00.003Z"), ["a", "c"]);
        assert_eq!(ids("created_to=1970-01-01T00:00:00.003Z"), ["b"]);
        for bad in ["sort=colour", "sort=", "sort=clicks", "sort=x_rate", "created_from=today"] {
            assert_eq!(Wanted::read(&Query::lenient(bad)).err().map(|problem| problem.status), Some(400), "{bad}");
        }
    }
}
