//! The timeline of one contact: its facts, what follows from them, and what changes when an event comes.
//!
//! The facts ([`crate::facts`]) are the truth and the only thing stored. Everything else in here is derived from them, layer
//! over layer, none looking up:
//!
//! 1. a message's place (campaign and step), its sent time, whether it can take replies: from its own facts;
//! 2. whose message a reply or a click is, and whether a click is human: from layer 1;
//! 3. a message's states and their times, the touches they offer: from layers 1 and 2;
//! 4. whose a conversion is: from layer 3;
//! 5. what each thing counts for ([`crate::contributions`]), and the contact in each campaign and step: from all.
//!
//! An event dirties what it touches; [`Timeline::settle`] recomputes the dirty part of each layer and dirties what it can have
//! influenced in the next, found by the sorted lists below: never the whole timeline, so an event costs about the same beside
//! ten messages as beside ten thousand. Loading a timeline is the same with everything dirty; so the two cannot disagree.
//! It knows nothing of storage.

mod adopting;
mod campaigns;
mod counting;
mod entries;
mod expiry;
mod forwarding;
mod listing;
mod order;
mod owners;
mod places;
mod sharing;
mod states;
mod threads;

use std::rc::Rc;

use crate::contact::NOBODY;
use crate::contributions::{CountedConflicts, CountedInbound, Delta, Place};
use crate::counters::DAY_MS;
use crate::country::country_of;
use crate::event::{Event, Ms};
use crate::facts::{Facts, InboundFacts, entry_id, message_entry_id, reference_parts, time_of};
use crate::policy::Policies;
use crate::slab::{Slab, remove};
use crate::sorted::{SortedMap, SortedSet};

use campaigns::{Audience, Campaigns};
pub use entries::{Attempt, Click, Conversion, Inbound, Message, OptOut, Saved, Slot, Standing};
use entries::{AttemptName, Ref, Voice};
pub use expiry::Expiry;
pub use listing::{Filter, Span};
use order::{ByTime, click_link_key};
use threads::{Changed, Talk};

/// The longest window of any campaign: replies and conversions look no further back.
pub const MAX_WINDOW_MS: Ms = 30 * DAY_MS;

/// Human clicks per contact, link and UTC day that count one by one; the rest are a flood.
pub const HUMAN_CLICKS_PER_DAY: usize = 20;

/// What has to be looked at again, by layer.
#[derive(Clone, Debug, Default)]
struct Dirty {
    messages: SortedSet<u32>,
    inbounds: SortedSet<u32>,
    unplaced_clicks: SortedSet<u32>,
    clicks: SortedSet<u32>,
    states: SortedSet<u32>,
    conversions: SortedSet<u32>,
    reactions: SortedSet<String>,
    attempts: SortedSet<u32>,
    standings: SortedSet<u32>,
    contacts: SortedSet<Audience>,
    lines: Changed,
    lost: SortedSet<String>,
}

/// What became of an event that was put into a timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Put {
    /// It changed something.
    pub news: bool,
    /// A status that was new and came after one that follows it.
    pub out_of_order: bool,
    /// A second campaign or step claims the message.
    pub conflict: bool,
}

/// The timeline of one contact.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// The person's canonical key, where somebody has named it, and the country that it tells.
    key: Option<String>,
    country: Option<&'static str>,
    /// Of no person at all: a click without a contact. It counts in click totals only.
    nobody: bool,
    pub messages: Slab<Message>,
    pub inbounds: Slab<Inbound>,
    pub clicks: Slab<Click>,
    pub conversions: Slab<Conversion>,
    pub attempts: Slab<Attempt>,
    pub standings: Slab<Standing>,
    pub opt_outs: Slab<OptOut>,
    ids: SortedMap<Rc<str>, Ref>,
    /// Messages that take replies, by (sent, step, id).
    by_sent: ByTime,
    /// Messages by (touch, id).
    touches: ByTime,
    inbounds_by_time: ByTime,
    conversions_by_time: ByTime,
    /// Clicks by (link, time, id).
    clicks_by_link: Vec<u32>,
    /// Inbounds by the entry id of the message that they quote.
    quotes: SortedMap<String, Vec<u32>>,
    /// What a contact's word of reaction counts for, by the entry id of the message that it names.
    reactions: SortedMap<String, Option<CountedInbound>>,
    /// Clicks by the entry id of the message that they name.
    clicks_naming: SortedMap<String, SortedSet<u32>>,
    /// The attempts that met an error, by each of their names.
    tries: SortedMap<AttemptName, SortedSet<u32>>,
    /// How many messages bear the name of an attempt; kept only where an attempt met an error.
    accepted: SortedMap<AttemptName, u32>,
    /// How many things were attempted in a campaign at a time.
    attempted: SortedMap<(u32, Ms), u32>,
    campaigns: Campaigns,
    /// The conversations of every line of the business.
    talks: Slab<Talk>,
    /// Changes whenever a conversion does: what was found among them is to be looked for again.
    conversions_version: u64,
    dirty: Dirty,
    /// Entries whose stored form has to be renewed.
    unsaved: SortedSet<Ref>,
    /// Things of which nothing counts: their claim is lost, or only a verdict is known.
    aside: SortedMap<String, Slot>,
    unsaved_aside: SortedSet<String>,
    /// What counts for claims that were lost to other contacts, by entry.
    lost: SortedMap<String, Option<CountedConflicts>>,
    /// Facts were taken away: everything has to be made anew of what is left.
    stale: bool,
    /// Rows of entries that are no more: the campaign and the id.
    gone: Vec<(u32, String)>,
}
impl Timeline {
    /// An empty timeline.
    #[must_use]
    pub fn new(handle: &str, key: Option<String>) -> Self {
        let country = key.as_deref().and_then(country_of);
        Self { key, country, nobody: handle.starts_with(NOBODY), ..Self::default() }
    }

    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Learns the person's key; it decides the country of messages that name none. Says whether it was news.
    pub fn learn_key(&mut self, key: &str) -> bool {
        let news = self.key.is_none();
        if news {
            self.key = Some(key.to_owned());
            self.country = country_of(key);
            self.dirty.states.extend(self.messages.numbers());
        }
        news
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Takes a stored entry in, before the first [`Timeline::settle`].
    pub fn load(&mut self, id: Rc<str>, facts: Facts, campaign: u32) {
        self.insert(Slot { id, stored_in: Some(campaign), shared: None }, facts);
    }

    /// Puts an event in; nothing is counted before [`Timeline::settle`].
    pub fn put(&mut self, event: &Event, provider: char, received_ms: Ms) -> Put {
        let at_ms = time_of(event, received_ms);
        let Some(id) = entry_id(event, provider) else { return Put::default() };
        let known = self.ids.get(id.as_str()).copied();
        if self.is_shared(&id, known) {
            let news = self.share(&id, &mut |shared| shared.put(true, event, provider, at_ms));
            return Put { news, ..Put::default() };
        }
        if let Some(known) = known {
            let message = |timeline: &Self| match known {
                Ref::Message(no) => Some((timeline.messages[no].facts.claims.len(), timeline.messages[no].facts.follows(event))),
                _ => None,
            };
            let before = message(self);
            let news = self.put_again(known, event, provider, at_ms);
            if news {
                self.unsaved.insert(known);
            }
            let conflict = before.is_some_and(|(claims, _)| claims == 1) && message(self).is_some_and(|(claims, _)| claims == 2);
            return Put { news, out_of_order: before.is_some_and(|(_, follows)| follows), conflict };
        }
        let Some(mut facts) = Facts::new(event, provider, at_ms) else {
            return Put::default();
        };
        facts.put(event, provider, at_ms);
        let entry = self.insert(Slot { id: id.into(), stored_in: None, shared: None }, facts);
        self.unsaved.insert(entry);
        Put { news: true, ..Put::default() }
    }

    /// The entries whose stored form differs from what it is now; they are taken for stored.
    pub fn unsaved(&mut self) -> Vec<Saved> {
        let mut saved: Vec<Saved> = core::mem::take(&mut self.unsaved).into_iter().map(|entry| self.saved(entry)).collect();
        for id in core::mem::take(&mut self.unsaved_aside) {
            saved.extend(self.aside.get_mut(&id).map(|slot| slot.saved(0, 0, &(), Vec::new())));
        }
        saved
    }

    /// The rows of entries that are no more, by campaign and id.
    pub fn gone(&mut self) -> Vec<(u32, String)> {
        core::mem::take(&mut self.gone)
    }

    /// Takes nothing for stored.
    pub fn unsave(&mut self) {
        self.unsaved.extend(self.ids.values());
        self.unsaved_aside.extend(self.aside.keys().cloned());
    }

    /// After a load: what it was made of is what is stored. A click that an older release stored elsewhere than where it counts
    /// stays to be saved.
    pub fn loaded(&mut self) {
        self.unsaved = core::mem::take(&mut self.unsaved)
            .into_iter()
            .filter(|entry| match entry {
                Ref::Click(no) => self.clicks[*no].slot.stored_in != Some(self.click_place(*no).campaign),
                _ => false,
            })
            .collect();
    }

    fn saved(&mut self, entry: Ref) -> Saved {
        let name = |campaign: &str| vec![campaign.to_owned()];
        match entry {
            Ref::Message(no) => {
                let Message { slot, facts, place, counted, .. } = &mut self.messages[no];
                let mut names = Vec::new();
                if place.campaign == 0 {
                    names.extend(facts.claims.iter().map(|c| c.campaign.to_string()));
                    names.extend(facts.reference.as_ref().map(|r| reference_parts(&r.1).0.to_owned()));
                }
                slot.saved(place.campaign, counted.as_ref().map_or(0, |c| c.mask), facts, names)
            }
            Ref::Attempt(no) => {
                let Attempt { slot, facts, counted } = &mut self.attempts[no];
                let (campaign, mask) = counted.as_ref().map_or((0, 0), |c| (c.place.campaign, c.mask));
                slot.saved(campaign, mask, facts, name(&facts.campaign))
            }
            Ref::Standing(no) => {
                let Standing { slot, facts, place } = &mut self.standings[no];
                slot.saved(place.as_ref().map_or(0, |p| p.campaign), 0, facts, name(&facts.campaign))
            }
            Ref::Click(no) => {
                let place = self.click_place(no).campaign;
                let Click { slot, facts, .. } = &mut self.clicks[no];
                slot.saved(place, 0, facts, name(&facts.0.1.campaign))
            }
            Ref::Inbound(no) => {
                let Inbound { slot, facts, .. } = &mut self.inbounds[no];
                slot.saved(0, 0, facts, Vec::new())
            }
            Ref::Conversion(no) => {
                let Conversion { slot, facts, .. } = &mut self.conversions[no];
                slot.saved(0, 0, facts, Vec::new())
            }
            Ref::OptOut(no) => {
                let OptOut { slot, facts } = &mut self.opt_outs[no];
                slot.saved(0, 0, facts, Vec::new())
            }
        }
    }

    /// Looks at everything again under other policies: a campaign was declared, or stopped.
    pub fn reconsider(&mut self) {
        self.dirty.messages.extend(self.messages.numbers());
        self.dirty.unplaced_clicks.extend(self.clicks.numbers());
        self.dirty.inbounds.extend(self.inbounds.numbers());
        self.dirty.conversions.extend(self.conversions.numbers());
        self.dirty.attempts.extend(self.attempts.numbers());
        self.dirty.standings.extend(self.standings.numbers());
    }

    fn insert(&mut self, slot: Slot, facts: Facts) -> Ref {
        let id = Rc::clone(&slot.id);
        let entry = match facts {
            Facts::Message(facts) => {
                self.dirty.inbounds.extend(self.quotes.get(&*id).into_iter().flatten());
                let no = self.messages.push(Message {
                    slot,
                    facts,
                    place: Place::default(),
                    sent_ms: 0,
                    voice: Voice::default(),
                    takes_replies: false,
                    listed: false,
                    belongings: None,
                    touches: Vec::new(),
                    touches_for: 0,
                    counted: None,
                    conflicts: None,
                    turn: None,
                    conversation: None,
                });
                self.dirty.messages.insert(no);
                Ref::Message(no)
            }
            Facts::Inbound(facts) => {
                let no = self.inbounds.push(Inbound { slot, facts, owner: None, quotes: None, counted: None });
                self.list_inbound(no);
                Ref::Inbound(no)
            }
            Facts::Click(facts) => {
                let no = self.clicks.push(Click {
                    slot,
                    facts,
                    place: Place::default(),
                    flood: false,
                    owner: None,
                    listed: false,
                    counted: None,
                });
                self.dirty.unplaced_clicks.insert(no);
                Ref::Click(no)
            }
            Facts::Conversion(facts) => {
                let no = self.conversions.push(Conversion { slot, facts, owner: None, counted: None });
                self.list_conversion(no);
                Ref::Conversion(no)
            }
            Facts::Attempt(facts) => {
                if self.attempts.is_empty() {
                    // From now on every message has to say which attempts it was.
                    self.dirty.messages.extend(self.messages.numbers());
                }
                let no = self.attempts.push(Attempt { slot, facts, counted: None });
                self.name_attempt(no);
                Ref::Attempt(no)
            }
            Facts::Standing(facts) => {
                let no = self.standings.push(Standing { slot, facts, place: None });
                self.dirty.standings.insert(no);
                Ref::Standing(no)
            }
            Facts::OptOut(facts) => Ref::OptOut(self.opt_outs.push(OptOut { slot, facts })),
        };
        self.ids.insert(id, entry);
        entry
    }

    /// Puts another copy of a known event in.
    fn put_again(&mut self, known: Ref, event: &Event, provider: char, at_ms: Ms) -> bool {
        match known {
            Ref::Message(no) => {
                let changed = self.messages[no].facts.put_event(event, at_ms);
                if changed {
                    self.dirty.messages.insert(no);
                }
                changed
            }
            Ref::Attempt(no) => {
                let changed = self.attempts[no].facts.put_event(event, at_ms);
                if changed {
                    self.name_attempt(no);
                }
                changed
            }
            Ref::Standing(no) => {
                let changed = self.standings[no].facts.put_event(event, at_ms);
                self.dirty.standings.insert(no);
                changed
            }
            Ref::Inbound(_) | Ref::Click(_) | Ref::Conversion(_) | Ref::OptOut(_) => {
                let mut facts = self.facts_of(known);
                let changed = facts.put(event, provider, at_ms);
                if changed {
                    self.replace(known, facts);
                }
                changed
            }
        }
    }

    /// The facts of an entry.
    fn facts_of(&self, entry: Ref) -> Facts {
        match entry {
            Ref::Message(no) => Facts::Message(self.messages[no].facts.clone()),
            Ref::Attempt(no) => Facts::Attempt(self.attempts[no].facts.clone()),
            Ref::Standing(no) => Facts::Standing(self.standings[no].facts.clone()),
            Ref::Inbound(no) => Facts::Inbound(self.inbounds[no].facts.clone()),
            Ref::Click(no) => Facts::Click(self.clicks[no].facts.clone()),
            Ref::Conversion(no) => Facts::Conversion(self.conversions[no].facts.clone()),
            Ref::OptOut(no) => Facts::OptOut(self.opt_outs[no].facts.clone()),
        }
    }

    /// Gives an entry other facts of its kind, which say more. What it is sorted by may change, so it leaves the lists meanwhile.
    fn replace(&mut self, known: Ref, facts: Facts) {
        match (known, facts) {
            (Ref::Message(no), Facts::Message(facts)) => {
                self.messages[no].facts = facts;
                self.dirty.messages.insert(no);
            }
            (Ref::Attempt(no), Facts::Attempt(facts)) => {
                self.attempts[no].facts = facts;
                self.name_attempt(no);
            }
            (Ref::Standing(no), Facts::Standing(facts)) => {
                self.standings[no].facts = facts;
                self.dirty.standings.insert(no);
            }
            (Ref::Inbound(no), Facts::Inbound(facts)) => {
                let at_ms = self.inbounds[no].facts.at_ms;
                self.changed_window(at_ms);
                self.inbounds_by_time.remove(at_ms, no);
                if let Some(id) = quoted_entry(&self.inbounds[no].facts) {
                    self.quotes.entry(id.clone()).or_default().retain(|other| *other != no);
                    self.dirty.reactions.insert(id);
                }
                self.inbounds[no].facts = facts;
                self.list_inbound(no);
            }
            (Ref::Click(no), Facts::Click(facts)) => {
                self.unlist_click(no);
                self.clicks[no].facts = facts;
                self.dirty.unplaced_clicks.insert(no);
            }
            (Ref::Conversion(no), Facts::Conversion(facts)) => {
                self.conversions_by_time.remove(self.conversions[no].facts.at_ms, no);
                self.conversions[no].facts = facts;
                self.list_conversion(no);
            }
            (Ref::OptOut(no), Facts::OptOut(facts)) => self.opt_outs[no].facts = facts,
            _ => {}
        }
    }

    /// Finds an attempt that met an error by each of its names.
    fn name_attempt(&mut self, no: u32) {
        let facts = &self.attempts[no].facts;
        for name in facts.attempts.iter().chain([&facts.id]) {
            let name = (facts.campaign.clone(), facts.step.clone(), name.clone());
            self.tries.entry(name).or_default().insert(no);
        }
        self.dirty.attempts.insert(no);
    }

    fn list_inbound(&mut self, no: u32) {
        let at_ms = self.inbounds[no].facts.at_ms;
        self.changed_window(at_ms);
        self.inbounds_by_time.insert(at_ms, no, |no| no);
        if let Some(id) = quoted_entry(&self.inbounds[no].facts) {
            self.quotes.entry(id.clone()).or_default().push(no);
            self.dirty.reactions.insert(id);
        }
        self.dirty.inbounds.insert(no);
    }

    fn list_conversion(&mut self, no: u32) {
        self.conversions_by_time.insert(self.conversions[no].facts.at_ms, no, |no| no);
        self.dirty.conversions.insert(no);
    }

    fn unlist_click(&mut self, no: u32) {
        if !self.clicks[no].listed {
            return;
        }
        let Click { place, facts, .. } = &self.clicks[no];
        self.campaigns.at_mut(place).clicks.remove(facts.0.0, no);
        remove(&mut self.clicks_by_link, no, click_link_key(&self.clicks));
        if let Some(message) = &self.clicks[no].facts.0.1.message {
            self.clicks_naming.entry(message.clone()).or_default().remove(&no);
        }
        self.clicks[no].listed = false;
        self.dirty_link(no);
    }

    /// A click came to or left its link or its place: the flood of its day and the first human click in its place may be
    /// others now.
    fn dirty_link(&mut self, no: u32) {
        let click = &self.clicks[no];
        let link = click.facts.0.1.link.as_str();
        let day = click.at_ms().div_euclid(DAY_MS);
        let human = |other: &u32| self.clicks[*other].facts.0.1.machine.is_none();
        let from = |key: (&str, Ms, &str)| {
            let start = self.clicks_by_link.partition_point(|other| click_link_key(&self.clicks)(*other) < key);
            let rest = self.clicks_by_link.iter().skip(start).copied();
            rest.take_while(|other| self.clicks[*other].facts.0.1.link == link).filter(human)
        };
        // Only the last that counts one by one can change places with the first of the flood.
        let today = from((link, day * DAY_MS, "")).take_while(|other| self.clicks[*other].at_ms().div_euclid(DAY_MS) == day);
        let edge = today.skip(HUMAN_CLICKS_PER_DAY - 1).zip([false, true]);
        let edge = edge.filter(|(other, flood)| self.clicks[*other].flood != *flood).map(|(other, _)| other);
        let changed: Vec<u32> = edge.chain([no]).collect();
        let mut touched = changed.clone();
        for of in changed {
            // The next one in its place that is no flood may be the first human one there, or no more.
            let mut later = from((link, self.clicks[of].at_ms(), &self.clicks[of].slot.id));
            let here =
                |other: &u32| *other != of && !self.clicks[*other].flood && self.click_place(*other) == self.click_place(of);
            touched.extend(later.find(here));
        }
        self.dirty.clicks.extend(touched);
    }

    /// Recomputes what is dirty, layer by layer, and adds what changed to `delta`.
    pub fn settle(&mut self, policies: &Policies, delta: &mut Delta) {
        for no in core::mem::take(&mut self.dirty.messages) {
            self.place_message(no, policies);
        }
        for no in core::mem::take(&mut self.dirty.unplaced_clicks) {
            self.place_click(no, policies);
        }
        for no in core::mem::take(&mut self.dirty.inbounds) {
            self.own_inbound(no, policies, delta);
        }
        for no in core::mem::take(&mut self.dirty.clicks) {
            self.own_click(no, delta);
        }
        for no in core::mem::take(&mut self.dirty.states) {
            self.dirty.states.insert(no);
            self.offer_touches(no, policies);
        }
        for no in core::mem::take(&mut self.dirty.conversions) {
            self.own_conversion(no, policies, delta);
        }
        for no in core::mem::take(&mut self.dirty.states) {
            self.count_message(no, policies, delta);
        }
        for quoted in core::mem::take(&mut self.dirty.reactions) {
            self.count_reaction(&quoted, delta);
        }
        for no in core::mem::take(&mut self.dirty.attempts) {
            self.count_attempt(no, policies, delta);
        }
        for no in core::mem::take(&mut self.dirty.standings) {
            self.place_standing(no, policies);
        }
        for id in core::mem::take(&mut self.dirty.lost) {
            self.count_lost(&id, delta);
        }
        for (line, (from_ms, to_ms)) in core::mem::take(&mut self.dirty.lines) {
            self.count_line(line, from_ms, to_ms, delta);
        }
        for at in core::mem::take(&mut self.dirty.contacts) {
            self.count_contact(at, policies, delta);
        }
    }
}

fn earliest<const N: usize>(times: [Option<Ms>; N]) -> Option<Ms> {
    times.into_iter().flatten().min()
}

/// The entry of the message that an inbound quotes or reacts to.
fn quoted_entry(facts: &InboundFacts) -> Option<String> {
    facts.quoted.as_ref().map(|quoted| message_entry_id(facts.provider, &quoted.1))
}
