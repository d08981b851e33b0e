//! Some Ledgers and Identities over rusqlite, spoken to as the edge speaks to them: events go to the Ledger of their contact's
//! handle, claims and what names nobody to the Identity of the thing, numbers are asked of all Ledgers and added up.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use bluetick::contact::Handle;
use bluetick::counters::Book;
use bluetick::event::{Event, Ms};
use bluetick::identity::{Claim, Ground, Identity, Nameless};
use bluetick::ledger::{BookRows, Errand, Ledger, Read, Remarks, Routed, Sums, Totals, Write, Written};
use bluetick::numbers::Numbers;
use bluetick::partition::{Destination, Partition};
use bluetick::period::Period;
use bluetick::policy::Policy;
use bluetick::shares::Shares;
use bluetick::sorted::SortedMap;
use bluetick::sums::Cut;
use serde_json::json;

use super::invariants::query;
use super::rusqlite_sql::RusqliteSql;
use crate::model::{Definitions, Received, UNATTRIBUTED, people};

const HANDLE_KEY: [u8; 32] = [42; 32];

pub struct Workspace {
    pub storage: Vec<RusqliteSql>,
    pub ledgers: Vec<Ledger<RusqliteSql>>,
    pub identity_storage: Vec<RusqliteSql>,
    pub identities: Vec<Identity<RusqliteSql>>,
    pub partition: Partition,
    /// One character for every provider of the definitions.
    providers: BTreeMap<String, char>,
    channels: BTreeMap<String, String>,
    /// Whose click an id is: our own ids say it themselves.
    clicks: BTreeMap<String, Option<String>>,
    /// The clock of the Ledgers: at 0 nothing is old.
    pub now_ms: Ms,
}

/// What the edge makes of some events.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    pub events: Vec<Routed>,
    pub nameless: Vec<Nameless>,
    pub claims: Vec<Claim>,
}

impl Workspace {
    pub fn new(ledgers: usize, definitions: &Definitions) -> Self {
        let storage: Vec<RusqliteSql> = (0..ledgers).map(|_| RusqliteSql::default()).collect();
        let identity_storage: Vec<RusqliteSql> = (0..ledgers).map(|_| RusqliteSql::default()).collect();
        let names: std::collections::BTreeSet<&String> = definitions.channels.values().collect();
        let mut workspace = Self {
            ledgers: storage.iter().map(|sql| Ledger::open(sql.clone()).unwrap()).collect(),
            storage,
            identities: identity_storage.iter().map(|sql| Identity::open(sql.clone(), HANDLE_KEY).unwrap()).collect(),
            identity_storage,
            partition: Partition { handle_key: HANDLE_KEY, ledgers: ledgers as u32 },
            providers: names.into_iter().cloned().zip('a'..='z').collect(),
            channels: definitions.channels.clone(),
            clicks: BTreeMap::new(),
            now_ms: 0,
        };
        workspace.declare(definitions);
        workspace
    }

    /// Every object is lost and wakes again on its storage.
    pub fn restart(&mut self) {
        self.ledgers = self.storage.iter().map(|sql| Ledger::open(sql.clone()).unwrap()).collect();
        self.identities = self.identity_storage.iter().map(|sql| Identity::open(sql.clone(), HANDLE_KEY).unwrap()).collect();
    }

    /// Looks at everybody while the storage gives out, sooner or later.
    pub fn look_in_vain(&mut self) {
        for (ledger, storage) in self.ledgers.iter_mut().zip(&self.storage) {
            for handle in query::<String>(storage, "SELECT json_group_array(handle) FROM contact") {
                for statements in 0..3 {
                    for read in [Read::Person { handle: handle.clone() }, Read::Traces { handle: handle.clone() }] {
                        storage.give_out_after(Some(statements));
                        let _ = ledger.read(&read);
                        storage.give_out_after(None);
                    }
                }
            }
        }
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

    /// Learns whose the clicks are that conversions may name, before these events are sent.
    pub fn know_clicks(&mut self, all: &[Received]) {
        for Received { event, .. } in all.iter().filter(|received| received.event["kind"] == "click") {
            let id = event["click_id"].as_str().unwrap().to_owned();
            self.clicks.entry(id).or_insert_with(|| people::person(event));
        }
    }

    /// The Ledger of a handle.
    pub fn ledger_of(&self, handle: &str) -> usize {
        self.partition.ledger_of(handle) as usize
    }

    /// The Identity of a message or a conversion.
    pub fn identity_of(&self, thing: &str) -> usize {
        self.partition.identity(thing) as usize
    }

    /// The Ledger and the routed form of an event of a person.
    pub fn route(&self, received: &Received) -> Option<(usize, Routed)> {
        let mut parts = self.parts(std::slice::from_ref(received));
        parts.events.pop().map(|routed| (self.ledger_of(&routed.handle), routed))
    }

    /// What the edge makes of events.
    pub fn parts(&self, batch: &[Received]) -> Parts {
        let mut parts = Parts::default();
        for received in batch {
            // The model names an event's kind in a field, the core around it.
            let mut event = received.event.clone();
            let kind = event.as_object_mut().unwrap().remove("kind").unwrap();
            let event: Event = serde_json::from_value(json!({ kind.as_str().unwrap(): event })).unwrap();
            let provider = event.channel().and_then(|c| self.channels.get(c)).and_then(|p| self.providers.get(p));
            let provider = provider.copied().unwrap_or('-');
            let received_ms = received.received_ms;
            let routed = match &event {
                Event::Dispatch(dispatch) if dispatch.wa_id.is_some() => {
                    let key = people::canonical_phone(dispatch.wa_id.as_ref().unwrap()).unwrap();
                    self.partition.route_to(key, event, provider, received_ms)
                }
                Event::Conversion(conversion) if conversion.person == Default::default() => {
                    let known = conversion.click_id.as_ref().and_then(|id| self.clicks.get(id)).cloned().flatten();
                    match known {
                        Some(key) => self.partition.route_to(key, event, provider, received_ms),
                        None if conversion.cancelled => {
                            parts.claims.push(self.partition.withdrawal(conversion));
                            continue;
                        }
                        None => continue,
                    }
                }
                Event::Click(click) if click.person == Default::default() && click.message_id.is_none() => {
                    self.partition.route_click(None, None, click.clone(), received_ms)
                }
                _ => match self.partition.route(event, provider, received_ms) {
                    Destination::Ledger(routed) => routed,
                    Destination::Identity(nameless) => {
                        parts.nameless.push(nameless);
                        continue;
                    }
                    Destination::Nowhere => continue,
                },
            };
            // Every provider of the generator leaves persons out now and then.
            parts.claims.extend(self.partition.claim(&routed).filter(|claim| claim.ground != Ground::Quoted));
            parts.events.push(routed);
        }
        parts
    }

    /// Records one batch, as the edge does where nothing goes wrong.
    pub fn record(&mut self, batch: &[Received]) {
        self.record_all(batch);
    }

    /// The same; gives what was remarkable on all channels together.
    pub fn record_all(&mut self, batch: &[Received]) -> Remarks {
        let Parts { mut events, nameless, claims } = self.parts(batch);
        for event in nameless {
            let identity = self.identity_of(&event.message);
            let handle = self.identities[identity].resolve(std::slice::from_ref(&event)).unwrap().remove(0);
            events.extend(handle.or_else(|| event.nobody.clone()).map(|handle| event.of_person(handle)));
        }
        let remarks = self.write_events(events);
        for claim in claims {
            let identity = self.identity_of(&claim.thing);
            self.identities[identity].claim(&[claim], 0).unwrap();
            self.tell(identity);
        }
        remarks
    }

    fn write_events(&mut self, events: Vec<Routed>) -> Remarks {
        let mut remarks = Remarks::default();
        let mut writes: BTreeMap<usize, Vec<Routed>> = BTreeMap::new();
        for routed in events {
            writes.entry(self.ledger_of(&routed.handle)).or_default().push(routed);
        }
        for (ledger, events) in writes {
            let written = self.write(ledger, Write::Record { events });
            written.remarks.values().for_each(|more| remarks.add(more));
        }
        remarks
    }

    /// The Ledger of a person and their handle, by any form of their key.
    pub fn whereabouts(&self, written: &str) -> (usize, String) {
        let handle = Handle::of(&HANDLE_KEY, &people::key(written).unwrap());
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

    fn write(&mut self, ledger: usize, write: Write) -> Written {
        let written = self.ledgers[ledger].commit(&[write], self.now_ms).remove(0).unwrap();
        self.run_errands(ledger);
        written
    }

    /// A Ledger tells everything that it has to.
    fn run_errands(&mut self, ledger: usize) {
        loop {
            let errands = self.ledgers[ledger].errands().unwrap();
            if errands.is_empty() {
                return;
            }
            let (nos, errands): (Vec<i64>, Vec<Errand>) = errands.into_iter().unzip();
            let (writes, moved) = self.partition.errands(&errands);
            self.ledgers[ledger].told(&nos).unwrap();
            for (to, write) in writes {
                self.write(to as usize, write);
            }
            for (identity, moved) in moved {
                self.identities[identity as usize].moved(&moved, 0).unwrap();
                self.tell(identity as usize);
            }
        }
    }

    /// An Identity tells everything that is due.
    fn tell(&mut self, identity: usize) {
        loop {
            let due = self.identities[identity].due(0).unwrap();
            if due.is_empty() {
                return;
            }
            for verdict in &due.verdicts {
                self.write(self.ledger_of(&verdict.handle), Write::Judge { verdicts: vec![verdict.clone()] });
            }
            self.write_events(due.events.iter().map(|(_, routed)| routed.clone()).collect());
            self.identities[identity].done(&due).unwrap();
        }
    }

    /// How many statuses wait for a name.
    pub fn unmatched(&self) -> u64 {
        let count = "SELECT CAST(count(DISTINCT json_array(message, event ->> '$.status.status')) AS TEXT) FROM waiting
                     WHERE event LIKE '{\"status\"%'";
        let counts = self.identity_storage.iter().map(|sql| bluetick::sql::Sql::text(sql, count, &[]).unwrap().unwrap());
        counts.map(|count| count.parse::<u64>().unwrap()).sum()
    }

    /// The counters of a campaign by its number, of all Ledgers and shares.
    pub fn book(&mut self, campaign: u32) -> Book {
        self.shares(campaign).into_sum()
    }

    /// How many messages stand under no campaign, of all channels.
    pub fn unattributed(&mut self) -> u64 {
        let of = |ledger: &mut Ledger<_>| -> BTreeMap<String, u64> {
            serde_json::from_str(&ledger.read(&Read::Unattributed).unwrap()).unwrap()
        };
        self.ledgers.iter_mut().flat_map(|ledger| of(ledger).into_values()).sum()
    }

    /// The sums of all Ledgers, as the edge asks for them, by campaign, all shares together.
    pub fn sums(&mut self, sums: &Sums) -> SortedMap<u32, Book> {
        self.sums_by_share(sums).into_iter().map(|(campaign, shares)| (campaign, shares.into_sum())).collect()
    }

    pub fn sums_by_share(&mut self, sums: &Sums) -> BTreeMap<u32, Shares> {
        let mut all: BTreeMap<u32, Shares> = BTreeMap::new();
        for ledger in &mut self.ledgers {
            let rows: BookRows = serde_json::from_str(&ledger.read(&Read::Sums(sums.clone())).unwrap()).unwrap();
            for (campaign, other) in rows.into_shares() {
                all.entry(campaign).or_default().merge(&other);
            }
        }
        all
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
