//! Layer 2: whose a reply or a click is, and whether a click is human.

use super::order::{click_link_key, numbers};
use super::{HUMAN_CLICKS_PER_DAY, MAX_WINDOW_MS, Ref, Timeline, quoted_entry};
use crate::click::machine_no;
use crate::contributions::{CountedClick, CountedInbound, Delta, InboundCount, Place, change, person, recount};
use crate::counters::DAY_MS;
use crate::event::{InboundKind, Ms};
use crate::flood::FLOOD;
use crate::policy::Policies;

impl Timeline {
    pub(super) fn own_inbound(&mut self, no: u32, policies: &Policies, delta: &mut Delta) {
        let facts = &self.inbounds[no].facts;
        let at_ms = facts.at_ms;
        let kind = facts.kind.1;
        let quotes = quoted_entry(facts).and_then(|id| match self.ids.get(id.as_str()) {
            Some(Ref::Message(message)) => Some(*message),
            _ => None,
        });
        let reply = matches!(kind, InboundKind::Message | InboundKind::QuickReply);
        let candidate = if reply { quotes.or_else(|| self.latest_before(no)) } else { None };
        let owner = candidate.filter(|m| {
            let message = &self.messages[*m];
            let window_ms =
                policies.by_no(message.place.campaign).map_or(policies.default_reply_window_ms(), |p| p.reply_window_ms);
            (message.sent_ms..message.sent_ms.saturating_add(window_ms)).contains(&at_ms)
        });
        let old = (self.inbounds[no].owner, self.inbounds[no].quotes);
        for message in [old.0, old.1].into_iter().flatten() {
            let belongings = self.messages[message].belongings_mut();
            belongings.replies.retain(|r| *r != no);
            belongings.quotes.retain(|r| *r != no);
        }
        if let Some(message) = owner {
            self.messages[message].belongings_mut().replies.push(no);
        }
        if let Some(message) = quotes {
            self.messages[message].belongings_mut().quotes.push(no);
        }
        self.dirty.states.extend([old.0, old.1, owner, quotes].into_iter().flatten());
        let now = match (kind, owner) {
            (InboundKind::Message | InboundKind::QuickReply, Some(message)) => {
                let message = &self.messages[message];
                Some(CountedInbound {
                    place: message.place.clone(),
                    what: InboundCount::Reply { quick: kind == InboundKind::QuickReply },
                    at_ms,
                    sent_ms: message.sent_ms,
                })
            }
            (InboundKind::Reaction { .. }, _) => None,
            _ => Some(CountedInbound { place: Place::default(), what: InboundCount::Nobody, at_ms, sent_ms: at_ms }),
        };
        let inbound = &mut self.inbounds[no];
        inbound.owner = owner;
        inbound.quotes = quotes;
        recount(&mut inbound.counted, now, delta);
    }

    /// The latest message of a campaign, from the sender that an inbound was sent to, that was sent strictly before it.
    pub(super) fn latest_before(&self, no: u32) -> Option<u32> {
        let facts = &self.inbounds[no].facts;
        let candidates = self.by_sent.between(facts.at_ms - MAX_WINDOW_MS + 1, facts.at_ms);
        numbers(candidates).rev().find(|m| self.messages[*m].fits(facts))
    }

    /// The message that a provider's click names, if it is known and placed.
    pub(super) fn named_by(&self, click: u32) -> Option<u32> {
        match self.ids.get(self.clicks[click].facts.0.1.message.as_deref()?) {
            Some(Ref::Message(message)) => Some(*message).filter(|message| self.messages[*message].listed),
            _ => None,
        }
    }

    /// Where a click counts: with the message that it names, else where its link says.
    pub(super) fn click_place(&self, click: u32) -> &Place {
        self.named_by(click).map_or(&self.clicks[click].place, |message| &self.messages[message].place)
    }

    pub(super) fn own_click(&mut self, no: u32, delta: &mut Delta) {
        let click = &self.clicks[no];
        let (at_ms, machine) = (click.at_ms(), click.facts.0.1.machine.is_some());
        // The link's clicks in order of (time, id); a machine's clicks take no place among the day's.
        let tap = &click.facts.0.1;
        let human = |other: &u32| self.clicks[*other].facts.0.1.machine.is_none();
        let day = |ms: Ms| ms.div_euclid(DAY_MS);
        let mine =
            self.clicks_by_link.partition_point(|other| click_link_key(&self.clicks)(*other) < click_link_key(&self.clicks)(no));
        let before = |place: usize| {
            let all = self.clicks_by_link.iter().take(place).rev();
            all.take_while(|other| self.clicks[**other].facts.0.1.link == tap.link).filter(|other| human(other))
        };
        let floods = |place: usize, at_ms: Ms| {
            let today = before(place).take_while(|other| day(self.clicks[**other].at_ms()) == day(at_ms));
            today.take(HUMAN_CLICKS_PER_DAY).count() == HUMAN_CLICKS_PER_DAY
        };
        let flood = !machine && !self.nobody && floods(mine, at_ms);
        let counts = |other: &u32| {
            let (key, at_ms) = (click_link_key(&self.clicks)(*other), self.clicks[*other].at_ms());
            self.click_place(*other) == self.click_place(no)
                && !floods(self.clicks_by_link.partition_point(|o| click_link_key(&self.clicks)(*o) < key), at_ms)
        };
        let unique = !machine && !flood && !self.nobody && !before(mine).any(counts);

        let owner = self.named_by(no).or_else(|| {
            let place = &click.place;
            if place.campaign == 0 {
                return None;
            }
            let messages = &self.campaigns.at(place.campaign, &place.step)?.messages;
            let before = messages.between(Ms::MIN, at_ms + 1).last();
            before.or_else(|| messages.between(at_ms + 1, Ms::MAX).first()).map(|(_, message)| *message)
        });
        let place = self.click_place(no).clone();
        let (link, old) = (tap.link.clone(), click.owner);
        if old != owner {
            if let Some(message) = old {
                self.messages[message].belongings_mut().clicks.retain(|c| *c != no);
            }
            if let Some(message) = owner {
                self.messages[message].belongings_mut().clicks.push(no);
            }
        }
        let now = CountedClick {
            place,
            link,
            machine: machine_no(tap.machine.as_deref().or(flood.then_some(FLOOD))),
            unique,
            taps: tap.more.saturating_add(1),
            at_ms,
            sent_ms: owner.map_or(at_ms, |message| self.messages[message].sent_ms),
        };
        let click = &mut self.clicks[no];
        click.flood = flood;
        click.owner = owner;
        if click.slot.stored_in != Some(now.place.campaign) {
            self.unsaved.insert(Ref::Click(no));
        }
        let counted = &mut self.clicks[no].counted;
        if old == owner && counted.as_ref() == Some(&now) {
            return;
        }
        let before = counted.replace(now.clone());
        self.dirty.states.extend([old, owner].into_iter().flatten());
        change(before.as_ref(), Some(&now), delta);
        let clicked = |click: &CountedClick| if click.machine != 0 || self.nobody { 0 } else { person::CLICKED };
        let (old, new) = (before.as_ref().map_or(0, clicked), clicked(&now));
        if let Some(before) = before {
            self.tally(&before.place, 0, old);
        }
        self.tally(&now.place, new, 0);
    }
}
