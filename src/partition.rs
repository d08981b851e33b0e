//! Where an event goes: to the Ledger of its contact's handle, or, if it names a message and no contact, to the Identity object of
//! that message.
//!
//! It knows no transport; a batch of events becomes one batch per Ledger.

use crate::contact::{Handle, NOBODY, canonical_phone, handle_of_click};
use crate::event::{Click, Conversion, Event, Ms, Outcome, Person};
use crate::facts::time_of;
use crate::identity::{Claim, Ground, Holder, Moved, Nameless, conversion_name, message_name, thing_handle};
use crate::keys::Key;
use crate::ledger::{Belonging, Errand, Move, Routed, Write};
use crate::sorted::SortedMap;

/// How events find their Ledger in one deployment.
#[derive(Clone, Copy, Debug)]
pub struct Partition {
    pub handle_key: Key,
    pub ledgers: u32,
}

/// Where an event of a callback goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// It names a person; or it is a click that names nothing at all, which counts as nobody's.
    Ledger(Routed),
    /// It names a message and no person.
    Identity(Nameless),
    /// It names neither.
    Nowhere,
}

/// Writes by Ledger, and things that have moved by Identity.
pub type Told = (Vec<(u32, Write)>, Vec<(u32, Vec<Moved>)>);

impl Partition {
    /// An event of a callback, of a provider with this code, received at `received_ms`.
    #[must_use]
    pub fn route(&self, event: Event, provider: char, received_ms: Ms) -> Destination {
        if let Some(key) = person_of(&event).and_then(person_key) {
            return Destination::Ledger(self.route_to(key, event, provider, received_ms));
        }
        let message_id = match &event {
            Event::Status(status) => Some(&status.message_id),
            Event::Click(click) => click.message_id.as_ref(),
            _ => None,
        };
        match message_id {
            Some(id) => {
                let nobody = match &event {
                    Event::Click(click) => Some(handle_of_click(&self.handle_key, &click.click_id, self.ledgers).0),
                    _ => None,
                };
                Destination::Identity(Nameless { message: message_name(provider, id), received_ms, nobody, event })
            }
            None => match event {
                Event::Click(click) => Destination::Ledger(self.route_click(None, None, click, received_ms)),
                _ => Destination::Nowhere,
            },
        }
    }

    /// What an event says about whose a message or a conversion is: a dispatch that was accepted, a status, a quote or a click
    /// that names both; a conversion.
    #[must_use]
    pub fn claim(&self, routed: &Routed) -> Option<Claim> {
        let message = |id: &str| message_name(routed.provider, id);
        let (thing, ground) = match &routed.event {
            Event::Dispatch(dispatch) => match dispatch.outcome {
                Outcome::Accepted => (message(dispatch.message_id.as_deref()?), Ground::Dispatched),
                _ => return None,
            },
            Event::Status(status) => (message(&status.message_id), Ground::Told),
            Event::Click(click) => (message(click.message_id.as_deref()?), Ground::Quoted),
            Event::Inbound(inbound) => (message(inbound.quoted.as_deref()?), Ground::Quoted),
            Event::Conversion(conversion) => {
                let named = if conversion.person == Person::default() { Ground::Clicked } else { Ground::Named };
                (conversion_name(conversion), if conversion.cancelled { Ground::Cancelled } else { named })
            }
            Event::OptOut(_) => return None,
        };
        let (campaign, step) = match &routed.event {
            Event::Dispatch(dispatch) => (dispatch.campaign.clone(), dispatch.step.clone()),
            _ => Default::default(),
        };
        let at_ms = time_of(&routed.event, routed.received_ms);
        Some(Claim { thing, handle: routed.handle.clone(), key: routed.key.clone(), ground, at_ms, campaign, step })
    }

    /// The withdrawal of a conversion by somebody who names no contact.
    #[must_use]
    pub fn withdrawal(&self, conversion: &Conversion) -> Claim {
        let (handle, campaign, step) = Default::default();
        Claim { thing: conversion_name(conversion), handle, key: None, ground: Ground::Cancelled, at_ms: 0, campaign, step }
    }

    /// The Identity object of a message or a conversion, by its name; there are as many as Ledgers.
    #[must_use]
    pub fn identity(&self, thing: &str) -> u32 {
        thing_handle(&self.handle_key, thing).ledger(self.ledgers)
    }

    /// An event of a person whose canonical key is known.
    #[must_use]
    pub fn route_to(&self, key: String, event: Event, provider: char, received_ms: Ms) -> Routed {
        Routed {
            handle: Handle::of(&self.handle_key, &key).to_text(),
            key: Some(key),
            provider,
            received_ms,
            nameless: false,
            event,
        }
    }

    /// A click through a link that names `who`, or nobody.
    #[must_use]
    pub fn route_click(&self, who: Option<Handle>, key: Option<String>, click: Click, received_ms: Ms) -> Routed {
        let handle = match who {
            Some(handle) => handle.to_text(),
            None => handle_of_click(&self.handle_key, &click.click_id, self.ledgers).0,
        };
        Routed { handle, key, provider: '-', received_ms, nameless: false, event: Event::Click(click) }
    }

    /// The events of each Ledger, in their order.
    #[must_use]
    pub fn by_ledger(&self, events: impl IntoIterator<Item = Routed>) -> SortedMap<u32, Vec<Routed>> {
        let mut groups: SortedMap<u32, Vec<Routed>> = SortedMap::new();
        for event in events {
            groups.entry(self.ledger(&event)).or_default().push(event);
        }
        groups
    }

    /// What a Ledger has to tell. The writes are in the order in which they have to be heard: what
    /// gives back comes before what takes in.
    #[must_use]
    pub fn errands(&self, errands: &[Errand]) -> Told {
        let (mut belongings, mut erasures) = (SortedMap::<u32, Vec<Belonging>>::new(), Vec::new());
        let mut moves: [SortedMap<u32, Vec<Move>>; 2] = Default::default();
        let mut holds: SortedMap<u32, Vec<Moved>> = SortedMap::new();
        let at = |key: &str| {
            let handle = Handle::of(&self.handle_key, key);
            (handle.ledger(self.ledgers), handle.to_text())
        };
        for errand in errands {
            match errand.clone() {
                Errand::Belong { key, to, pair, at_ms } => {
                    let (ledger, handle) = at(&key);
                    belongings.entry(ledger).or_default().push(Belonging { handle, key, to, pair, at_ms });
                }
                Errand::Erase { key, at_ms, of } => {
                    let (ledger, handle) = at(&key);
                    erasures.push((ledger, Write::Erase { handle, at_ms, of }));
                }
                Errand::Move { to: key, source, source_key, epoch, things } => {
                    let (ledger, handle) = at(&key);
                    let [back, on] = &mut moves;
                    let moves = if things.is_empty() { back } else { on };
                    moves.entry(ledger).or_default().push(Move { handle, key, source, source_key, epoch, things });
                }
                Errand::Hold { to: key, source, epoch, things } => {
                    let holder = Holder { handle: at(&key).1, key, epoch };
                    for thing in things {
                        let moved = Moved { source: source.clone(), holder: holder.clone(), thing };
                        holds.entry(self.identity(&moved.thing)).or_default().push(moved);
                    }
                }
            }
        }
        let mut writes: Vec<(u32, Write)> =
            belongings.into_iter().map(|(ledger, belongings)| (ledger, Write::Belong { belongings })).collect();
        writes.extend(erasures);
        writes.extend(moves.into_iter().flatten().map(|(ledger, moves)| (ledger, Write::Host { moves })));
        (writes, holds.into_iter().collect())
    }

    /// The Ledger of an event.
    #[must_use]
    pub fn ledger(&self, event: &Routed) -> u32 {
        self.ledger_of(&event.handle)
    }

    /// The Ledger of a handle as text.
    #[must_use]
    pub fn ledger_of(&self, handle: &str) -> u32 {
        let handle = handle.strip_prefix(NOBODY).unwrap_or(handle);
        Handle::from_text(handle).map_or(0, |handle| handle.ledger(self.ledgers))
    }
}

/// The canonical key of a person: the phone, else the user id.
fn person_key(person: &Person) -> Option<String> {
    let phone = person.phone.as_deref().and_then(canonical_phone);
    phone.or_else(|| person.user_id.clone())
}

fn person_of(event: &Event) -> Option<&Person> {
    Some(match event {
        Event::Dispatch(dispatch) => &dispatch.person,
        Event::Status(status) => &status.person,
        Event::Inbound(inbound) => &inbound.person,
        Event::Click(click) => &click.person,
        Event::Conversion(conversion) => &conversion.person,
        Event::OptOut(opt_out) => &opt_out.person,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Status, StatusKind};

    const PARTITION: Partition = Partition { handle_key: [7; 32], ledgers: 16 };

    fn status(message_id: &str, phone: Option<&str>, user_id: Option<&str>) -> Event {
        Event::Status(Status {
            channel: "wa".to_owned(),
            message_id: message_id.to_owned(),
            participant: String::new(),
            status: StatusKind::Sent,
            at_ms: None,
            person: Person { phone: phone.map(str::to_owned), user_id: user_id.map(str::to_owned) },
            sender: None,
            reference: None,
            category: None,
            billable: None,
            error: None,
        })
    }

    fn route(event: Event) -> Routed {
        match PARTITION.route(event, 'm', 0) {
            Destination::Ledger(routed) => routed,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_forms_of_a_person_meet() {
        let home = route(status("a", Some("5215512345678"), None));
        assert_eq!(home.key.as_deref(), Some("525512345678"));
        for other in [
            route(status("b", Some("525512345678"), None)),
            route(status("c", Some("525512345678"), Some("MX.1"))),
            PARTITION.route_to("525512345678".to_owned(), status("d", None, None), '-', 0),
        ] {
            assert_eq!(other.handle, home.handle);
        }
        assert_eq!(route(status("a", None, Some("MX.1"))).key.as_deref(), Some("MX.1"));
    }

    #[test]
    fn what_names_nobody_asks_by_message() {
        let ask = |message_id: &str, provider: char| match PARTITION.route(status(message_id, None, None), provider, 0) {
            Destination::Identity(nameless) => nameless.message,
            other => panic!("{other:?}"),
        };
        assert_eq!((ask("a", 'c'), ask("a", 'g'), ask("b", 'c')), ("ca".to_owned(), "ga".to_owned(), "cb".to_owned()));
        // Who tells asks the same.
        let told = PARTITION.route_to("12025550101".to_owned(), status("a", None, None), 'c', 0);
        let claim = PARTITION.claim(&told).unwrap();
        assert_eq!((claim.thing, claim.handle, claim.ground), (ask("a", 'c'), told.handle, Ground::Told));
        let opt_out = Event::OptOut(crate::event::OptOut {
            channel: "wa".to_owned(),
            person: Person::default(),
            stopped: true,
            at_ms: None,
        });
        assert_eq!(PARTITION.route(opt_out, 'c', 0), Destination::Nowhere);
    }

    #[test]
    fn a_click_of_nobody_goes_where_the_core_says() {
        for n in 0..50 {
            let click_id = n.to_string();
            let click = serde_json::json!({"click": {"click_id": click_id, "person": {}}});
            let Ok(Event::Click(click)) = serde_json::from_value(click) else { panic!("not a click") };
            let routed = PARTITION.route_click(None, None, click, 0);
            let (handle, ledger) = handle_of_click(&PARTITION.handle_key, &click_id, PARTITION.ledgers);
            assert_eq!((routed.handle.as_str(), PARTITION.ledger(&routed)), (handle.as_str(), ledger));
        }
    }

    #[test]
    fn groups_keep_order_and_lose_nothing() {
        let events: Vec<Routed> =
            (0..500).map(|n| route(status(&n.to_string(), Some(&format!("120255501{n:02}")), None))).collect();
        let groups = PARTITION.by_ledger(events.clone());
        assert_eq!(groups.values().map(Vec::len).sum::<usize>(), events.len());
        assert_eq!(groups.len(), 16);
        for (ledger, group) in groups {
            let alone: Vec<Routed> = events.iter().filter(|event| PARTITION.ledger(event) == ledger).cloned().collect();
            assert_eq!(group, alone);
        }
    }
}
