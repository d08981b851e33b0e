//! Some Ledgers over rusqlite, spoken to as the edge speaks to them: events go to the Ledger of their contact's handle, numbers
//! are asked of all Ledgers and added up.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use bluetick::contact::{Handle, canonical_key, handle_of_click};
use bluetick::counters::Book;
use bluetick::event::{Event, Person};
use bluetick::ledger::{BookRows, Ledger, Read, Remarks, Routed, Sums, Totals, Write};
use bluetick::numbers::Numbers;
use bluetick::period::Period;
use bluetick::policy::Policy;
use bluetick::shares::Shares;
use bluetick::sums::Cut;

use super::invariants::query;
use super::rusqlite_sql::RusqliteSql;
use crate::model::{Definitions, Received, UNATTRIBUTED};

const HANDLE_KEY: [u8; 32] = [42; 32];

pub struct Workspace {
    pub storage: Vec<RusqliteSql>,
    pub ledgers: Vec<Ledger<RusqliteSql>>,
    /// One character for every provider of the definitions.
    providers: BTreeMap<String, char>,
    channels: BTreeMap<String, String>,
    /// The clock of the Ledgers: at 0 nothing is old.
    pub now_ms: i64,
}

impl Workspace {
    pub fn new(ledgers: usize, definitions: &Definitions) -> Self {
        let storage: Vec<RusqliteSql> = (0..ledgers).map(|_| RusqliteSql::default()).collect();
        let names: std::collections::BTreeSet<&String> = definitions.channels.values().collect();
        let mut workspace = Self {
            ledgers: storage.iter().map(|sql| Ledger::open(sql.clone()).unwrap()).collect(),
            storage,
            providers: names.into_iter().cloned().zip('a'..='z').collect(),
            channels: definitions.channels.clone(),
            now_ms: 0,
        };
        workspace.declare(definitions);
        workspace
    }

    /// Every object is lost and wakes again on its storage.
    pub fn restart(&mut self) {
        self.ledgers = self.storage.iter().map(|sql| Ledger::open(sql.clone()).unwrap()).collect();
    }

    pub fn policies(definitions: &Definitions) -> Vec<Policy> {
        definitions.campaigns.iter().map(|json| serde_json::from_value(json.clone()).unwrap()).collect()
    }

    pub fn declare(&mut self, definitions: &Definitions) {
        for ledger in &mut self.ledgers {
            for answer in ledger.commit(&[Write::Declare { campaigns: Self::policies(definitions) }], self.now_ms) {
                answer.unwrap();
            }
        }
    }

    /// The Ledger and the routed form of an event; none if it names nobody.
    pub fn route(&self, received: &Received) -> Option<(usize, Routed)> {
        // The model names an event's kind in a field, the core around it.
        let mut event = received.event.clone();
        let kind = event.as_object_mut().unwrap().remove("kind").unwrap();
        let event: Event = serde_json::from_value(serde_json::json!({ kind.as_str().unwrap(): event })).unwrap();
        let (person, channel) = match &event {
            Event::Dispatch(e) => (&e.person, e.channel.as_ref()),
            Event::Status(e) => (&e.person, Some(&e.channel)),
            Event::Inbound(e) => (&e.person, Some(&e.channel)),
            Event::Click(e) => (&e.person, e.channel.as_ref()),
            Event::Conversion(e) => (&e.person, None),
            Event::OptOut(e) => (&e.person, Some(&e.channel)),
        };
        let ledgers = self.ledgers.len() as u32;
        let key = key_of(person);
        let (handle, ledger) = match (&key, &event) {
            (Some(key), _) => {
                let handle = Handle::of(&HANDLE_KEY, key);
                (handle.to_text(), handle.ledger(ledgers))
            }
            (None, Event::Click(click)) => handle_of_click(&HANDLE_KEY, &click.click_id, ledgers),
            _ => return None,
        };
        let provider = channel.and_then(|c| self.channels.get(c)).and_then(|p| self.providers.get(p)).copied().unwrap_or('-');
        Some((ledger as usize, Routed { handle, key, provider, received_ms: received.received_ms, event }))
    }

    /// Records one batch, one write per Ledger.
    pub fn record(&mut self, batch: &[Received]) {
        self.record_all(batch);
    }

    /// The same; gives what was remarkable on all channels together.
    pub fn record_all(&mut self, batch: &[Received]) -> Remarks {
        let mut remarks = Remarks::default();
        let mut writes: BTreeMap<usize, Vec<Routed>> = BTreeMap::new();
        for (ledger, routed) in batch.iter().filter_map(|received| self.route(received)) {
            writes.entry(ledger).or_default().push(routed);
        }
        for (ledger, events) in writes {
            for answer in self.ledgers[ledger].commit(&[Write::Record { events }], self.now_ms) {
                answer.unwrap().remarks.values().for_each(|more| remarks.add(more));
            }
        }
        remarks
    }

    /// The Ledger of a person and their handle, by any form of their key.
    pub fn whereabouts(&self, written: &str) -> (usize, String) {
        let handle = Handle::of(&HANDLE_KEY, &canonical_key(written).unwrap());
        (handle.ledger(self.ledgers.len() as u32) as usize, handle.to_text())
    }

    /// The shares of a campaign's counters, of all Ledgers, as they are stored.
    pub fn shares(&mut self, campaign: u32) -> Shares {
        let mut sum = Shares::default();
        for (storage, ledger) in self.storage.iter().zip(&self.ledgers) {
            let rows = BookRows(query(
                storage,
                &format!(
                    "SELECT json_group_array(json_array(campaign, share, origin, day, json(body))) FROM (\
                       SELECT campaign, 0 AS share, '' AS origin, day, body FROM counter WHERE rules = {} \
                       UNION ALL SELECT campaign, share, origin, day, body FROM sealed) WHERE campaign = {campaign}",
                    ledger.rules()
                ),
            ));
            rows.into_shares().values().for_each(|shares| sum.merge(shares));
        }
        sum
    }

    /// The counters of a campaign by its number, of all Ledgers and shares.
    pub fn book(&mut self, campaign: u32) -> Book {
        self.shares(campaign).into_sum()
    }

    /// The sums of all Ledgers, as the edge asks for them, by campaign.
    pub fn sums(&mut self, sums: &Sums) -> BTreeMap<u32, Book> {
        let mut books: BTreeMap<u32, Book> = BTreeMap::new();
        for ledger in &mut self.ledgers {
            let rows: BookRows = serde_json::from_str(&ledger.read(&Read::Sums(sums.clone())).unwrap()).unwrap();
            for (campaign, other) in rows.into_books() {
                books.entry(campaign).or_default().merge(&other);
            }
        }
        books
    }

    /// The sums of one campaign.
    pub fn sum(&mut self, campaign: u32, totals: Totals, cut: Option<Cut>) -> Book {
        self.sums(&Sums { campaigns: Some(vec![campaign]), totals, cut, together: false }).remove(&campaign).unwrap_or_default()
    }

    pub fn numbers(&mut self, campaign: u32, step: Option<&str>, period: Option<Period>) -> Numbers {
        match period {
            None => Numbers::ever(&self.sum(campaign, Totals::Whole, None), step),
            Some(period) => Numbers::in_span(&self.sum(campaign, Totals::None, Some(period.cut(Vec::new()))), 0, step),
        }
    }
}

pub fn campaigns(definitions: &Definitions) -> Vec<(String, u32)> {
    let declared = Workspace::policies(definitions).into_iter().map(|p| (p.id, p.no));
    declared.chain([(UNATTRIBUTED.to_owned(), 0)]).collect()
}

fn key_of(person: &Person) -> Option<String> {
    let key = |text: &Option<String>| text.as_deref().and_then(canonical_key);
    key(&person.phone).or_else(|| key(&person.user_id))
}
