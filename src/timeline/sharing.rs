//! Things that several sources told of: how a part comes and goes, and how everything is made anew when facts were taken away.
//!
//! What adds to the facts changes the timeline as an event does. What takes away from them is rare (a claim was lost, a person
//! turned out to be another), so then the whole timeline is counted off and on again.

use std::rc::Rc;

use super::{Put, Ref, Slot, Timeline};
use crate::contributions::{CountedConflicts, Delta, recount};
use crate::event::{Event, Ms};
use crate::facts::{Facts, Shared, Word, entry_id, time_of};

impl Timeline {
    /// Takes a stored entry in parts in, before the first [`Timeline::settle`].
    pub fn load_shared(&mut self, id: Rc<str>, shared: Shared, campaign: u32) {
        self.settle_in(Slot { id, stored_in: Some(campaign), shared: Some(Box::new(shared)) });
    }

    /// Puts an event in that named a message and nobody, which is this person's for all that is known.
    pub fn put_nameless(&mut self, event: &Event, provider: char, received_ms: Ms) -> Put {
        let at_ms = time_of(event, received_ms);
        let Some(id) = entry_id(event, provider) else { return Put::default() };
        let news = self.share(&id, &mut |shared| shared.put(false, event, provider, at_ms));
        Put { news, ..Put::default() }
    }

    /// Adds what the Ledger of another key of the same person knows of a thing.
    pub fn absorb(&mut self, id: &str, source: &str, facts: &Facts) {
        self.share(id, &mut |shared| {
            shared.absorb(source, facts);
            true
        });
    }

    /// Takes away what came from the Ledger of another key.
    pub fn drop_guest(&mut self, source: &str) {
        let mut slots: Vec<&mut Slot> = Vec::new();
        slots.extend(self.messages.iter_mut().map(|m| &mut m.slot));
        slots.extend(self.attempts.iter_mut().map(|a| &mut a.slot));
        slots.extend(self.standings.iter_mut().map(|s| &mut s.slot));
        slots.extend(self.inbounds.iter_mut().map(|i| &mut i.slot));
        slots.extend(self.clicks.iter_mut().map(|c| &mut c.slot));
        slots.extend(self.conversions.iter_mut().map(|c| &mut c.slot));
        slots.extend(self.opt_outs.iter_mut().map(|o| &mut o.slot));
        slots.extend(self.aside.values_mut());
        for shared in slots.into_iter().filter_map(|slot| slot.shared.as_mut()) {
            self.stale |= shared.retract(source);
        }
    }

    /// Takes out what this key's own events told, of everything or of conversions alone: it is another person's.
    pub fn leave(&mut self, conversions_alone: bool) -> Vec<(String, Facts)> {
        let known = self.ids.keys().map(|id| &**id).chain(self.aside.keys().map(String::as_str));
        let ids: Vec<String> = known.filter(|id| !conversions_alone || id.starts_with('v')).map(str::to_owned).collect();
        let mut left = Vec::new();
        for id in ids {
            let known = self.ids.get(id.as_str()).copied();
            let unshared = known.filter(|entry| self.slot(*entry).shared.is_none()).map(|entry| self.facts_of(entry));
            let slot = match known {
                Some(entry) => self.slot_mut(entry),
                None => match self.aside.get_mut(&id) {
                    Some(slot) => slot,
                    None => continue,
                },
            };
            let shared = slot.shared.get_or_insert_default();
            if let Some(own) = unshared.or_else(|| shared.take_own()) {
                left.push((id, own));
            }
        }
        self.stale |= !left.is_empty();
        left
    }

    /// Learns the verdict on a claim, whether the thing is known yet or not. Says whether it was news.
    pub fn judge(&mut self, id: &str, version: u64, word: Word, now_ms: Ms) -> bool {
        self.share(id, &mut |shared| shared.judge(version, word, now_ms))
    }

    /// Whether several sources told of a thing, which is this entry if it is known.
    pub(super) fn is_shared(&self, id: &str, known: Option<Ref>) -> bool {
        match known {
            Some(entry) => self.slot(entry).shared.is_some(),
            None => !self.aside.is_empty() && self.aside.contains_key(id),
        }
    }

    pub(super) fn slot(&self, entry: Ref) -> &Slot {
        match entry {
            Ref::Message(no) => &self.messages[no].slot,
            Ref::Attempt(no) => &self.attempts[no].slot,
            Ref::Standing(no) => &self.standings[no].slot,
            Ref::Inbound(no) => &self.inbounds[no].slot,
            Ref::Click(no) => &self.clicks[no].slot,
            Ref::Conversion(no) => &self.conversions[no].slot,
            Ref::OptOut(no) => &self.opt_outs[no].slot,
        }
    }

    fn slot_mut(&mut self, entry: Ref) -> &mut Slot {
        match entry {
            Ref::Message(no) => &mut self.messages[no].slot,
            Ref::Attempt(no) => &mut self.attempts[no].slot,
            Ref::Standing(no) => &mut self.standings[no].slot,
            Ref::Inbound(no) => &mut self.inbounds[no].slot,
            Ref::Click(no) => &mut self.clicks[no].slot,
            Ref::Conversion(no) => &mut self.conversions[no].slot,
            Ref::OptOut(no) => &mut self.opt_outs[no].slot,
        }
    }

    /// Changes the parts of a thing, known or not. What it counts for follows in [`Timeline::settle`]; where facts were taken
    /// away, in [`Timeline::renew`].
    pub(super) fn share(&mut self, id: &str, change: &mut dyn FnMut(&mut Shared) -> bool) -> bool {
        let known = self.ids.get(id).copied();
        let slot = match known {
            Some(entry) => {
                let own = if self.slot(entry).shared.is_none() { Some(self.facts_of(entry)) } else { None };
                let slot = self.slot_mut(entry);
                slot.shared.get_or_insert_with(|| Box::new(Shared::of(own)));
                slot
            }
            None => {
                let new = || Slot { id: id.into(), stored_in: None, shared: Some(Box::default()) };
                self.aside.entry(id.to_owned()).or_insert_with(new)
            }
        };
        let Some(shared) = &mut slot.shared else { return false };
        if !change(shared) {
            return false;
        }
        let facts = shared.facts();
        self.dirty.lost.insert(id.to_owned());
        match (known, facts) {
            (Some(entry), Some(facts)) => {
                self.replace(entry, facts);
                self.unsaved.insert(entry);
            }
            (None, Some(facts)) => {
                if let Some(slot) = self.aside.remove(id) {
                    let entry = self.insert(slot, facts);
                    self.unsaved.insert(entry);
                }
            }
            (Some(_), None) => self.stale = true,
            (None, None) => drop(self.unsaved_aside.insert(id.to_owned())),
        }
        true
    }

    /// Takes a slot in, with what follows from its parts.
    fn settle_in(&mut self, slot: Slot) {
        let Some(shared) = &slot.shared else { return };
        self.dirty.lost.insert(slot.id.to_string());
        match shared.facts() {
            Some(facts) => drop(self.insert(slot, facts)),
            None => drop(self.aside.insert(slot.id.to_string(), slot)),
        }
    }

    /// Where facts were taken away: counts everything off, and makes the timeline anew of what is left. [`Timeline::settle`]
    /// counts it on again.
    pub fn renew(&mut self, delta: &mut Delta) {
        if !self.stale {
            return;
        }
        self.uncount(delta);
        let old = core::mem::take(self);
        (self.key, self.country, self.nobody, self.gone) = (old.key, old.country, old.nobody, old.gone);
        let mut things: Vec<(Slot, Facts)> = Vec::new();
        things.extend(old.messages.into_items().into_iter().map(|m| (m.slot, Facts::Message(m.facts))));
        things.extend(old.attempts.into_items().into_iter().map(|a| (a.slot, Facts::Attempt(a.facts))));
        things.extend(old.standings.into_items().into_iter().map(|s| (s.slot, Facts::Standing(s.facts))));
        things.extend(old.inbounds.into_items().into_iter().map(|i| (i.slot, Facts::Inbound(i.facts))));
        things.extend(old.clicks.into_items().into_iter().map(|c| (c.slot, Facts::Click(c.facts))));
        things.extend(old.conversions.into_items().into_iter().map(|c| (c.slot, Facts::Conversion(c.facts))));
        things.extend(old.opt_outs.into_items().into_iter().map(|o| (o.slot, Facts::OptOut(o.facts))));
        for (slot, facts) in things {
            if slot.shared.is_none() {
                let entry = self.insert(slot, facts);
                self.unsaved.insert(entry);
            } else {
                self.restore(slot);
            }
        }
        for slot in old.aside.into_values() {
            self.restore(slot);
        }
    }

    /// Takes a slot in parts in again, to be saved; one of which nothing is left is gone.
    pub(super) fn restore(&mut self, slot: Slot) {
        if slot.shared.as_ref().is_some_and(|shared| shared.is_empty()) {
            self.gone.extend(slot.stored_in.map(|campaign| (campaign, slot.id.to_string())));
            return;
        }
        let id = Rc::clone(&slot.id);
        self.settle_in(slot);
        match self.ids.get(&*id) {
            Some(entry) => drop(self.unsaved.insert(*entry)),
            None => drop(self.unsaved_aside.insert(id.to_string())),
        }
    }

    /// Counts everything off that was counted.
    fn uncount(&mut self, delta: &mut Delta) {
        for message in self.messages.iter_mut() {
            recount(&mut message.counted, None, delta);
            recount(&mut message.conflicts, None, delta);
            recount(&mut message.conversation, None, delta);
        }
        self.inbounds.iter_mut().for_each(|inbound| recount(&mut inbound.counted, None, delta));
        self.clicks.iter_mut().for_each(|click| recount(&mut click.counted, None, delta));
        self.conversions.iter_mut().for_each(|conversion| recount(&mut conversion.counted, None, delta));
        self.attempts.iter_mut().for_each(|attempt| recount(&mut attempt.counted, None, delta));
        self.reactions.values_mut().for_each(|reaction| recount(reaction, None, delta));
        self.campaigns.tallies_mut().for_each(|contact| recount(&mut contact.counted, None, delta));
        self.lost.values_mut().for_each(|lost| recount(lost, None, delta));
    }

    /// What a verdict struck out is a conflict.
    pub(super) fn count_lost(&mut self, id: &str, delta: &mut Delta) {
        let slot = self.ids.get(id).map(|entry| self.slot(*entry)).or_else(|| self.aside.get(id));
        let lost = slot.and_then(|slot| slot.shared.as_ref()).map_or(0, |shared| shared.lost());
        let now = (lost > 0).then_some(CountedConflicts { lost, conversion: !id.starts_with('m') });
        recount(self.lost.entry(id.to_owned()).or_default(), now, delta);
    }
}
