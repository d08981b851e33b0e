//! Floods: which taps are written one by one, and which are only added up because their link is being hammered.
//!
//! A link that somebody hammers, or that goes around the world, must neither overload a Ledger nor fill a timeline with rows. Up
//! to a rate each tap is an event of its own; beyond it the taps of one link, contact and reason are added up, and go as one event
//! with a count. So the totals stay exact. It knows one isolate's taps alone, and nothing of how they are sent.

use std::collections::HashMap;

use crate::bounds::{FLOOD_LINKS, FLOOD_SUM_MS};
use crate::event::{Ms, Person};
use crate::ledger::Routed;
use crate::{bounds, event};

/// Why the edge holds a contact's tap for no single tap of a person: more of them came in a minute than count one by one in a day.
pub const FLOOD: &str = "flood";

/// What is bounded together: the taps of one contact (or of nobody) on one link, by one kind of machine (or people).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    handle: Option<String>,
    link: Option<String>,
    machine: Option<String>,
}

struct Meter {
    /// When the link would be at rest again if no tap came: each tap that is written by itself moves it on by the rate's interval
    /// (the generic cell rate algorithm, ITU-T I.371).
    rests_ms: Ms,
    sum: Option<Sum>,
}

struct Sum {
    since_ms: Ms,
    /// The first of those that it stands for: its click id makes the sum's repeats harmless.
    first: Routed,
    taps: u32,
}

/// The taps of one isolate.
#[derive(Default)]
pub struct Floods {
    meters: HashMap<Key, Meter>,
    sums: usize,
    /// There are more links than can be watched: until then nothing new is.
    full_until_ms: Ms,
}

impl Floods {
    /// A tap to be written by itself; `None` if it was added to a sum.
    pub fn take(&mut self, tap: Routed, of_nobody: bool) -> Option<Routed> {
        let now_ms = tap.received_ms;
        let event::Event::Click(click) = &tap.event else { return Some(tap) };
        let key = Key {
            handle: (!of_nobody).then(|| tap.handle.clone()),
            link: click.link.clone().or_else(|| click.url.clone()),
            machine: click.machine.clone(),
        };
        let (interval_ms, burst) =
            if of_nobody { (bounds::SHARED_TAP_MS, bounds::SHARED_TAPS) } else { (bounds::OWN_TAP_MS, bounds::OWN_TAPS) };
        if !self.meters.contains_key(&key) && !self.has_place(now_ms) {
            return Some(tap);
        }
        let meter = self.meters.entry(key).or_insert(Meter { rests_ms: now_ms, sum: None });
        let rests_ms = meter.rests_ms.max(now_ms) + interval_ms;
        if let Some(sum) = &mut meter.sum {
            sum.taps = sum.taps.saturating_add(1);
            return None;
        }
        if rests_ms - now_ms <= interval_ms * burst {
            meter.rests_ms = rests_ms;
            return Some(tap);
        }
        meter.sum = Some(Sum { since_ms: now_ms, first: tap, taps: 1 });
        self.sums += 1;
        None
    }

    /// The sums that are to be sent now, or `all`: each as one event, taken out.
    pub fn due(&mut self, now_ms: Ms, all: bool) -> Vec<Routed> {
        if self.sums == 0 {
            return Vec::new();
        }
        let is_due = |sum: &Sum| all || sum.since_ms + FLOOD_SUM_MS <= now_ms;
        let due = self.meters.iter_mut().filter(|(_, meter)| meter.sum.as_ref().is_some_and(is_due));
        let due: Vec<Routed> = due.filter_map(|(key, meter)| Some(event_of(key, meter.sum.take()?))).collect();
        self.sums -= due.len();
        due
    }

    /// Whether nothing is being added up.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sums == 0
    }

    /// Whether one more link can be watched; forgets those that were hardly tapped.
    fn has_place(&mut self, now_ms: Ms) -> bool {
        if self.meters.len() < FLOOD_LINKS {
            return true;
        }
        if now_ms < self.full_until_ms {
            return false;
        }
        self.full_until_ms = now_ms + 1_000;
        self.meters.retain(|key, meter| {
            let (interval_ms, burst) = match key.handle {
                None => (bounds::SHARED_TAP_MS, bounds::SHARED_TAPS),
                Some(_) => (bounds::OWN_TAP_MS, bounds::OWN_TAPS),
            };
            meter.sum.is_some() || meter.rests_ms - now_ms > interval_ms * burst / 2
        });
        self.meters.len() < FLOOD_LINKS
    }
}

/// The event that stands for a sum. Where and on what each of its taps was made is not kept.
fn event_of(key: &Key, sum: Sum) -> Routed {
    let mut tap = sum.first;
    if let event::Event::Click(click) = &mut tap.event {
        click.count = sum.taps;
        click.country = None;
        click.device = None;
        click.person = Person::default();
        // Nobody's taps are no one person's flood: who made them stays human.
        if key.handle.is_some() {
            click.machine.get_or_insert_with(|| FLOOD.to_owned());
        }
    }
    tap
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::contributions::Delta;
    use crate::counters::Kind;
    use crate::policy::Policies;
    use crate::timeline::Timeline;

    fn tap(n: usize, handle: &str, link: &str, machine: Option<&str>, received_ms: Ms) -> Routed {
        let click = json!({"click_id": format!("c{n}"), "person": {}, "link": link, "machine": machine, "country": "IN"});
        Routed {
            handle: handle.to_owned(),
            key: None,
            provider: '-',
            received_ms,
            nameless: false,
            event: serde_json::from_value(serde_json::json!({ "click": click })).unwrap(),
        }
    }

    fn count(tap: &Routed) -> u32 {
        let event::Event::Click(click) = &tap.event else { panic!("no click") };
        click.count
    }

    fn machine(tap: &Routed) -> Option<&str> {
        let event::Event::Click(click) = &tap.event else { panic!("no click") };
        click.machine.as_deref()
    }

    #[test]
    fn a_persons_taps_beyond_the_burst_are_one_event() {
        let mut floods = Floods::default();
        let burst = bounds::OWN_TAPS as usize;
        let alone = (0..burst + 500).filter_map(|n| floods.take(tap(n, "h", "l1", None, n as Ms), false)).count();
        assert_eq!(alone, burst);
        // Another contact, another link and another reason have their own.
        assert!(floods.take(tap(0, "other", "l1", None, 600), false).is_some());
        assert!(floods.take(tap(0, "h", "l2", None, 600), false).is_some());
        assert!(floods.take(tap(0, "h", "l1", Some("crawler"), 600), false).is_some());
        assert!(floods.due(burst as Ms + FLOOD_SUM_MS - 1, false).is_empty() && !floods.is_empty());
        let due = floods.due(burst as Ms + FLOOD_SUM_MS, false);
        assert_eq!((due.len(), count(&due[0]), machine(&due[0])), (1, 500, Some(FLOOD)));
        assert!(floods.is_empty() && floods.due(0, true).is_empty());
    }

    #[test]
    fn a_days_human_taps_come_before_the_flood() {
        // The Ledger takes as many of a day for human (`timeline`): what is a flood here is one there.
        assert!(bounds::OWN_TAPS as usize > crate::timeline::HUMAN_CLICKS_PER_DAY);
    }

    #[test]
    fn a_shared_link_stays_human() {
        let mut floods = Floods::default();
        let burst = bounds::SHARED_TAPS as usize;
        let alone = (0..burst + 7).filter_map(|n| floods.take(tap(n, &format!("~{n}"), "l1", None, 0), true)).count();
        let due = floods.due(0, true);
        assert_eq!((alone, due.len(), count(&due[0]), machine(&due[0])), (burst, 1, 7, None));
    }

    proptest! {
        /// Whatever comes when: every tap is in one event, and a contact has few rows.
        #[test]
        fn nothing_is_lost_and_rows_are_few(gaps in prop::collection::vec((0i64..20_000, 0usize..3, any::<bool>()), 1..400)) {
            let (mut floods, mut now_ms) = (Floods::default(), 0);
            let mut events: Vec<Routed> = Vec::new();
            for (n, (gap_ms, who, crawler)) in gaps.iter().enumerate() {
                now_ms += gap_ms;
                events.extend(floods.due(now_ms, false));
                let machine = crawler.then_some("crawler");
                events.extend(floods.take(tap(n, &format!("h{who}"), "l1", machine, now_ms), false));
            }
            events.extend(floods.due(now_ms, true));
            prop_assert_eq!(events.iter().map(count).sum::<u32>() as usize, gaps.len());
            for who in 0..3 {
                let rows = events.iter().filter(|e| e.handle == format!("h{who}") && machine(e) != Some("crawler")).count() as i64;
                prop_assert!(rows <= bounds::OWN_TAPS + now_ms / bounds::OWN_TAP_MS + now_ms / FLOOD_SUM_MS + 1);
            }
            let ids: std::collections::BTreeSet<String> = events.iter().map(|e| serde_json::to_value(&e.event).unwrap()["click"]["click_id"].to_string()).collect();
            prop_assert_eq!(ids.len(), events.len(), "two events under one id");
        }
    }

    #[test]
    fn a_sum_counts_its_taps_once() {
        let (mut timeline, mut delta) = (Timeline::new("h", None), Delta::default());
        let mut sum = tap(0, "h", "l1", Some(FLOOD), 5);
        if let event::Event::Click(click) = &mut sum.event {
            click.count = 500;
        }
        for event in [&sum, &tap(1, "h", "l1", None, 1), &sum, &sum] {
            timeline.put(&event.event, '-', event.received_ms);
            timeline.settle(&Policies::default(), &mut delta);
        }
        let book = delta.get(&0).unwrap();
        let cells = |kind: Kind| {
            book.totals.cells().filter(|(cell, _)| cell.kind == kind).map(|(cell, n)| (cell.b, n)).collect::<Vec<_>>()
        };
        assert_eq!(cells(Kind::Clicks), [(0, 1), (crate::click::machine_no(Some(FLOOD)), 500)]);
        assert_eq!(cells(Kind::UniqueClicks), [(0, 1)]);
    }

    #[test]
    fn what_is_watched_is_bounded() {
        let mut floods = Floods::default();
        for n in 0..FLOOD_LINKS * 3 {
            floods.take(tap(n, &n.to_string(), "l1", None, n as Ms), false);
        }
        assert!(floods.meters.len() <= FLOOD_LINKS);
    }
}
