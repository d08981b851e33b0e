//! Lists beside the numbers that they stand behind: the same things, named; the same totals; in pages of any size.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use bluetick::ledger::{List, Listed, Of, Position, Read};
use bluetick::segment::{Segment, WORDS};
use bluetick::timeline::Span;
use serde_json::Value;

use super::workspace::{Workspace, campaigns};
use crate::model::answers::{Numbers, SEGMENTS, Scope};
use crate::model::{Answers, Definitions, QUARTER_MS};

/// How long a list is said to be, and its rows.
struct Whole {
    total: i64,
    rows: Vec<Value>,
}

/// The whole list, in pages of `most` rows.
fn whole(workspace: &mut Workspace, list: &List, most: u32) -> Whole {
    let mut whole = Whole { total: 0, rows: Vec::new() };
    for ledger in &mut workspace.ledgers {
        let mut read = |read: Read| -> Listed { serde_json::from_str(&ledger.read(&read).unwrap()).unwrap() };
        let mut after: Option<Position> = None;
        loop {
            let tally = read(Read::Tally { list: list.clone(), after });
            assert_eq!(tally.counts.is_some(), list.is_counted(), "{list:?}");
            whole.total += tally.counts.map_or(tally.found as i64, |[live, _, _]| live);
            after = tally.next;
            if after.is_none() {
                break;
            }
        }
        let mut last = after;
        loop {
            let page = read(Read::List { list: list.clone(), after: last, most, in_clear: true });
            assert!(page.rows.len() <= most as usize);
            whole.rows.extend(page.rows.iter().map(|(_, _, row)| serde_json::from_str::<Value>(row.get()).unwrap()));
            last = page.next;
            if last.is_none() {
                break;
            }
        }
    }
    whole
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_default()
}

/// A row under the model's name for what it shows, without the provider.
fn item(of: Of, campaign: &str, row: &Value) -> String {
    let contact = text(row, "contact");
    match of {
        Of::Contacts => contact.to_owned(),
        Of::Messages if row["attempt"].is_string() => {
            format!("error {campaign}:{}:{}@{contact}", text(row, "step"), text(row, "attempt"))
        }
        Of::Messages => format!("{}@{contact}", text(row, "message_id")),
        Of::Conversions => format!("{}/{}", text(row, "goal"), text(row, "id")),
    }
}

/// The same of an item of the model: `provider/id@contact`.
fn without_provider(of: Of, item: &str) -> String {
    match of {
        Of::Messages if !item.starts_with("error ") => item.split_once('/').unwrap().1.to_owned(),
        _ => item.to_owned(),
    }
}

fn bit(word: &str) -> u32 {
    1 << WORDS.iter().position(|known| known.name == word).unwrap()
}

fn of_campaign(of: Of, campaign: u32, step: Option<&str>) -> List {
    let step = step.map(str::to_owned);
    List { of, campaign: Some(campaign), step, segment: Segment::default(), link: None, error: None, span: None }
}

/// The metrics of the model that are lists, with the list and word of each.
fn metrics() -> impl Iterator<Item = (String, Of, &'static str)> {
    let contacts = [
        "attempted",
        "submitted",
        "dispatch_error",
        "sent",
        "delivered",
        "opened",
        "read",
        "failed",
        "failed_total",
        "in_flight",
        "clicked",
        "quick_replied",
        "replied",
        "interacted",
        "converted",
        "skipped",
        "control",
        "contaminated",
    ];
    let messages = [
        "attempted",
        "sent",
        "delivered",
        "delivered_inferred",
        "opened",
        "read",
        "failed",
        "in_flight",
        "clicked",
        "replied",
        "quick_replied",
        "interacted",
        "converted",
        "billable",
        "after_stop",
        "error_then_sent",
    ];
    let contacts = contacts.into_iter().map(|word| (format!("contacts.{word}"), Of::Contacts, word));
    let messages = messages.into_iter().map(|word| (format!("messages.{word}"), Of::Messages, word));
    contacts.chain(messages).chain([("messages.dispatch_errors".to_owned(), Of::Messages, "dispatch_error")])
}

/// How many of the model's combinations have one word and not another.
fn combined(combinations: &Numbers, has: &str, not: &str) -> u64 {
    let holds = |combination: &str, word: &str| combination.split(',').any(|known| known == word);
    combinations.iter().filter(|(words, _)| holds(words, has) && !holds(words, not)).map(|(_, n)| n).sum()
}

/// Every list of every campaign and step is what the model lists; numbers of quarter hours are totals of their lists.
pub fn check_lists(context: &str, seed: u64, workspace: &mut Workspace, definitions: &Definitions, expected: &Answers) {
    for (id, no) in campaigns(definitions) {
        let campaign = &expected.campaigns[&id];
        let steps = campaign.steps.iter().map(|(step, scope)| (Some(step.as_str()), scope));
        // One step of each seed.
        let one = usize::try_from(seed).unwrap() % campaign.steps.len().max(1);
        for (step, scope) in [(None, &campaign.all)].into_iter().chain(steps.skip(one).take(1)) {
            check_scope(&format!("{context}, campaign {id}, step {step:?}"), seed, workspace, (&id, no, step), scope);
        }
    }
    let everywhere = List { campaign: None, ..of_campaign(Of::Conversions, 0, None) };
    let got = whole(workspace, &everywhere, 1_000);
    let conversions: u64 = expected.campaigns.values().map(|campaign| campaign.all.number("conversions.total")).sum();
    assert_eq!((got.total as u64, got.rows.len() as u64), (conversions, conversions), "{context}: conversions of all campaigns");
}

fn check_scope(context: &str, seed: u64, workspace: &mut Workspace, at: (&str, u32, Option<&str>), scope: &Scope) {
    let (id, no, step) = at;
    let mut same = |list: &List, most: u32, expected: &BTreeSet<String>| {
        let got = whole(workspace, list, most);
        let mut names: Vec<String> = got.rows.iter().map(|row| item(list.of, id, row)).collect();
        // Two providers may have a message of one id.
        let mut wanted: Vec<String> = expected.iter().map(|item| without_provider(list.of, item)).collect();
        names.sort();
        wanted.sort();
        // Below an undeclared campaign an error keeps the name that it came under.
        if no != 0 || list.of != Of::Messages {
            assert_eq!(names, wanted, "{context}: {list:?}");
        }
        assert_eq!((got.total, got.rows.len()), (wanted.len() as i64, wanted.len()), "{context}: {list:?}");
    };
    for (place, (metric, of, word)) in metrics().enumerate() {
        let list = List { segment: Segment { has: bit(word), not: 0 }, ..of_campaign(of, no, step) };
        let most = if (place as u64 + seed).is_multiple_of(5) { 3 } else { 1_000 };
        same(&list, most, &scope.list(&metric));
    }
    same(&of_campaign(Of::Conversions, no, step), 2, &scope.list("conversions.total"));
    for (metric, items) in &scope.lists {
        let Some((kind, code)) = metric.strip_prefix("errors.").and_then(|rest| rest.split_once('.')) else { continue };
        let word = if kind == "dispatch" { "dispatch_error" } else { "failed" };
        // A code that has no words is asked for by none.
        if !code.is_empty() {
            let segment = Segment { has: bit(word), not: 0 };
            same(&List { segment, error: Some(code.to_owned()), ..of_campaign(Of::Messages, no, step) }, 1_000, items);
        }
    }

    let mut counts = |list: &List, expected: u64| {
        let got = whole(workspace, list, 7);
        assert_eq!((got.total as u64, got.rows.len() as u64), (expected, expected), "{context}: {list:?}");
    };
    counts(&of_campaign(Of::Contacts, no, step), scope.contact_combinations.values().sum());
    counts(&of_campaign(Of::Messages, no, step), scope.number("messages.attempted"));
    let word = |n: u64| SEGMENTS[usize::try_from((seed.wrapping_mul(31) + n) % 15).unwrap()];
    for n in 0..4 {
        let (has, not) = (word(n * 4), word(n * 7 + 1));
        for (of, combinations) in [(Of::Contacts, &scope.contact_combinations), (Of::Messages, &scope.message_combinations)] {
            let segment = Segment { has: bit(has), not: bit(not) };
            counts(&List { segment, ..of_campaign(of, no, step) }, combined(combinations, has, not));
        }
    }
    for link in scope.links.keys().take(2) {
        let list = List { link: Some(link.clone()), ..of_campaign(Of::Contacts, no, step) };
        let got = whole(workspace, &list, 5);
        assert_eq!(got.total as usize, got.rows.len(), "{context}: {list:?}");
        // Each is a step, the link and the contact; who clicked in several steps is one person.
        let clicked = scope.list("clicks.unique");
        let people: BTreeSet<&str> = clicked
            .iter()
            .filter_map(|item| {
                let (of, contact) = item.rsplit_once(' ')?;
                of.strip_suffix(link.as_str())?.ends_with(' ').then_some(contact)
            })
            .collect();
        assert_eq!(got.rows.len(), people.len(), "{context}: {list:?}");
    }
    let quarters = [(&scope.by_sent, false), (&scope.by_event, true)];
    for (numbers, by_event) in quarters {
        let Some((from_ms, quarter)) = numbers.iter().nth(usize::try_from(seed).unwrap() % numbers.len().max(1)) else {
            continue;
        };
        let span = Some(Span { from_ms: *from_ms, to_ms: from_ms + QUARTER_MS, by_event });
        for (metric, of, word) in metrics().filter(|(_, of, _)| *of == Of::Messages) {
            let list = List { segment: Segment { has: bit(word), not: 0 }, span, ..of_campaign(of, no, step) };
            let expected = quarter.get(&metric).copied().unwrap_or_default();
            let got = whole(workspace, &list, 1_000);
            assert_eq!((got.total as u64, got.rows.len() as u64), (expected, expected), "{context}: {list:?}");
        }
        let list = List { span, ..of_campaign(Of::Conversions, no, step) };
        let got = whole(workspace, &list, 1_000);
        let expected = quarter.get("conversions.total").copied().unwrap_or_default();
        assert_eq!((got.total as u64, got.rows.len() as u64), (expected, expected), "{context}: {list:?}");
    }
}
