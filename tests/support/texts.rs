//! What is answered, letter by letter: the same events make the same bytes, however they came.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bluetick::cost::Prices;
use bluetick::ledger::{List, Listed, Of, Position, Read, Totals};
use bluetick::month::Month;
use bluetick::performance::GroupBy;
use bluetick::period::Basis;
use bluetick::rate_card::RateCard;
use bluetick::reports::Subject;
use bluetick::route::Query;
use bluetick::segment::Segment;
use bluetick::trend::Trend;
use chrono_tz::Tz;
use serde_json::Value;

use super::compare::Place;
use super::invariants::query;
use super::overviews::performance;
use super::workspace::{Workspace, campaigns};
use crate::model::generate::START_MS;
use crate::model::{DAY_MS, Definitions, cost};

/// An answer but for its version, which counts commits.
fn text(mut answer: Value) -> String {
    fn unversioned(answer: &mut Value) {
        match answer {
            Value::Object(members) => {
                members.remove("version");
                members.values_mut().for_each(unversioned);
            }
            Value::Array(rows) => rows.iter_mut().for_each(unversioned),
            _ => {}
        }
    }
    unversioned(&mut answer);
    answer.to_string()
}

/// The answers about every campaign and across them, the rows of every list in one order for any number of Ledgers, and the story of
/// every person.
pub fn texts(workspace: &mut Workspace, definitions: &Definitions) -> Vec<String> {
    let mut texts = Vec::new();
    let zone = Tz::Asia__Kathmandu;
    let first = START_MS.div_euclid(DAY_MS) as i32;
    let query = Query::lenient("granularity=day");
    let trend = Trend::read(&query, &Place(zone), Some((first - 2, first + 10)), START_MS + 10 * DAY_MS).unwrap();
    for (id, no) in campaigns(definitions) {
        let prices = Prices::new(RateCard::read(&cost::card(), "").unwrap(), &Place(zone));
        let subject = Subject { campaign: &id, no, step: None, period: None, audience_size: Some(7), send_limit: None, prices };
        let shares = workspace.sums_by_share(&subject.sums()).remove(&no).unwrap_or_default();
        let book = shares.sum();
        texts.extend([
            text(subject.stats(&shares)),
            text(subject.steps(&shares)),
            text(subject.links(&book, &[])),
            text(subject.errors(&book)),
            text(subject.experiment(&book)),
            text(subject.funnel(&book, None).unwrap()),
            extent(workspace, no),
            text(trend.answer(&id, None, zone.name(), &workspace.sum(no, Totals::None, Some(trend.cut())))),
        ]);
        for of in [Of::Contacts, Of::Messages, Of::Conversions] {
            let list =
                List { of, campaign: Some(no), step: None, segment: Segment::default(), link: None, error: None, span: None };
            texts.push(rows(workspace, &list).join("\n"));
        }
    }
    let month = Month::read(Some("2026-03"), &Place(zone), START_MS + 3 * DAY_MS).unwrap();
    let sum = workspace.sums(&month.sums()).remove(&0).unwrap_or_default();
    texts.extend([text(month.usage(&sum, None)), text(month.overall(&sum))]);
    for group_by in [GroupBy::Campaign, GroupBy::Step, GroupBy::Day, GroupBy::Tag] {
        let performance = performance(definitions, group_by, Basis::Event);
        texts.push(text(performance.answer(&workspace.sums(&performance.sums()))));
    }
    texts.extend(stories(workspace));
    texts
}

/// The first and the last day of a campaign.
fn extent(workspace: &mut Workspace, no: u32) -> String {
    let answers = workspace.ledgers.iter_mut().map(|ledger| ledger.read(&Read::Extent { campaign: no }).unwrap());
    let days: Vec<i32> = answers.flat_map(|days| serde_json::from_str::<Vec<Option<i32>>>(&days).unwrap()).flatten().collect();
    format!("{:?} {:?}", days.iter().min(), days.iter().max())
}

/// Everything that is known of each person, in the order of their handles. A click of nobody is no person's, and its handle is made for
/// the number of Ledgers.
fn stories(workspace: &mut Workspace) -> Vec<String> {
    let mut stories = Vec::new();
    for (storage, ledger) in workspace.storage.iter().zip(&mut workspace.ledgers) {
        for handle in query::<String>(storage, "SELECT json_group_array(handle) FROM contact WHERE handle < '~'") {
            stories.push((handle.clone(), ledger.read(&Read::Person { handle }).unwrap()));
        }
    }
    stories.sort();
    stories.into_iter().map(|(handle, story)| format!("{handle} {story}")).collect()
}

fn rows(workspace: &mut Workspace, list: &List) -> Vec<String> {
    let mut rows = Vec::new();
    for ledger in &mut workspace.ledgers {
        let (mut after, mut last): (Option<Position>, Option<Position>) = (None, None);
        loop {
            let read = Read::List { list: list.clone(), after, most: 1_000, in_clear: true };
            let page: Listed = serde_json::from_str(&ledger.read(&read).unwrap()).unwrap();
            for (handle, id, row) in page.rows {
                let place = (handle, id);
                // A Ledger's rows stand by what they are of, and never by what came first.
                assert!(last.as_ref().is_none_or(|last| *last < place), "{list:?}");
                rows.push(row.get().to_owned());
                last = Some(place);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    rows.sort();
    rows
}
