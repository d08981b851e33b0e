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

use std::collections::{BTreeMap, BTreeSet};

use crate::contact::NOBODY;
use crate::contributions::{
    Bill, Category, CountedClick, CountedConflicts, CountedContact, CountedConversion, CountedInbound, CountedMessage, Delta,
    InboundCount, Nanos, Place, person, recount, state, usage_code,
};
use crate::counters::DAY_MS;
use crate::country;
use crate::event::{Event, InboundKind, Ms, StatusKind};
use crate::facts::{
    AttemptFacts, ClickFacts, ConversionFacts, Facts, First, InboundFacts, MessageFacts, OptOutFacts, StandingFacts, entry_id,
    message_entry_id, reference_parts, time_of,
};
use crate::money::Amount;
use crate::policy::{MessageType, Policies, Policy, Touch};
use crate::slab::{Slab, insert, remove};

/// The longest window of any campaign: replies and conversions look no further back.
pub const MAX_WINDOW_MS: Ms = 30 * DAY_MS;

/// Human clicks per contact, link and UTC day that count one by one; the rest are a flood.
pub const HUMAN_CLICKS_PER_DAY: usize = 20;

/// One entry of the timeline as storage sees it.
#[derive(Clone, Debug)]
pub struct Slot {
    pub id: String,
    /// The campaign under which it is stored; none if it is new.
    stored_in: Option<u32>,
}

/// Campaign and step as they were named, declared or not, and a name of the attempt.
type AttemptName = (String, String, String);

/// Who speaks in a message: the channel and the business's number, where they are named.
type Voice = (Option<String>, Option<String>);

#[derive(Clone, Debug)]
pub struct Message {
    pub slot: Slot,
    pub facts: MessageFacts,
    place: Place,
    /// The earliest fact that is no engagement.
    sent_ms: Ms,
    /// Channel and sender: which replies it fits.
    voice: Voice,
    /// Of a campaign, and not failed by its statuses alone.
    takes_replies: bool,
    /// Whether layer 1 has placed it in the lists.
    listed: bool,
    /// The names of its attempt: an error under one of them is no error.
    attempts: BTreeSet<AttemptName>,
    /// Inbounds that quote it or react to it.
    quotes: Vec<u32>,
    /// Replies that belong to it, quoting or not.
    replies: Vec<u32>,
    /// Human clicks that belong to it.
    clicks: Vec<u32>,
    conversions: Vec<u32>,
    /// The touches that it stands for in the list of touches, and the campaign whose window and goals they have.
    touches: Vec<Ms>,
    touches_for: u32,
    pub counted: Option<CountedMessage>,
    conflicts: Option<CountedConflicts>,
}

#[derive(Clone, Debug)]
pub struct Inbound {
    pub slot: Slot,
    pub facts: InboundFacts,
    /// The message that it is a reply to.
    pub owner: Option<u32>,
    /// The known message that it quotes or reacts to.
    quotes: Option<u32>,
    counted: Option<CountedInbound>,
}

#[derive(Clone, Debug)]
pub struct Click {
    pub slot: Slot,
    pub facts: ClickFacts,
    place: Place,
    pub flood: bool,
    /// The message that it belongs to.
    pub owner: Option<u32>,
    listed: bool,
    pub counted: Option<CountedClick>,
}

impl Click {
    pub fn at_ms(&self) -> Ms {
        self.facts.0.0
    }

    fn human(&self) -> bool {
        self.facts.0.1.machine.is_none() && !self.flood
    }
}

#[derive(Clone, Debug)]
pub struct Conversion {
    pub slot: Slot,
    pub facts: ConversionFacts,
    /// The message that it goes to.
    pub owner: Option<u32>,
    counted: Option<CountedConversion>,
}

#[derive(Clone, Debug)]
pub struct Attempt {
    pub slot: Slot,
    pub facts: AttemptFacts,
    pub counted: Option<CountedMessage>,
}

#[derive(Clone, Debug)]
pub struct Standing {
    pub slot: Slot,
    pub facts: StandingFacts,
    place: Option<Place>,
}

#[derive(Clone, Debug)]
pub struct OptOut {
    pub slot: Slot,
    pub facts: OptOutFacts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ref {
    Message(u32),
    Attempt(u32),
    Standing(u32),
    Inbound(u32),
    Click(u32),
    Conversion(u32),
    OptOut(u32),
}

/// How many of a contact's things in one place are in each state; a contact's own states follow.
#[derive(Clone, Debug, Default)]
struct Tally {
    /// By the bit numbers of [`person`], up to `CONVERTED`; `FAILED` holds failed messages.
    things: [u32; 13],
    counted: Option<CountedContact>,
}

/// What has to be looked at again, by layer.
#[derive(Clone, Debug, Default)]
struct Dirty {
    messages: BTreeSet<u32>,
    inbounds: BTreeSet<u32>,
    unplaced_clicks: BTreeSet<u32>,
    clicks: BTreeSet<u32>,
    states: BTreeSet<u32>,
    conversions: BTreeSet<u32>,
    reactions: BTreeSet<String>,
    attempts: BTreeSet<u32>,
    standings: BTreeSet<u32>,
    contacts: BTreeSet<(u32, Option<String>)>,
}

/// The timeline of one contact.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// The person's canonical key, where somebody has named it.
    key: Option<String>,
    /// Of no person at all: a click without a contact. It counts in click totals only.
    nobody: bool,
    pub messages: Slab<Message>,
    pub inbounds: Slab<Inbound>,
    pub clicks: Slab<Click>,
    pub conversions: Slab<Conversion>,
    pub attempts: Slab<Attempt>,
    pub standings: Slab<Standing>,
    pub opt_outs: Slab<OptOut>,
    ids: BTreeMap<String, Ref>,
    /// Messages that take replies, by (sent, step, id).
    by_sent: Vec<u32>,
    /// Messages by (place, sent, id).
    by_place: Vec<u32>,
    /// (touch, message), sorted by time, then message id.
    touches: Vec<(Ms, u32)>,
    /// Inbounds by (time, id).
    inbounds_by_time: Vec<u32>,
    /// Clicks by (place, time, id).
    clicks_by_place: Vec<u32>,
    /// Clicks by (link, time, id).
    clicks_by_link: Vec<u32>,
    /// Conversions by (time, id).
    conversions_by_time: Vec<u32>,
    /// Inbounds by the entry id of the message that they quote.
    quotes: BTreeMap<String, Vec<u32>>,
    /// What a contact's word of reaction counts for, by the entry id of the message that it names.
    reactions: BTreeMap<String, Option<CountedInbound>>,
    /// Clicks by the entry id of the message that they name.
    clicks_naming: BTreeMap<String, BTreeSet<u32>>,
    /// How many messages bear the name of an attempt.
    accepted: BTreeMap<AttemptName, u32>,
    contacts: BTreeMap<(u32, Option<String>), Tally>,
    dirty: Dirty,
    /// Entries whose stored form has to be renewed.
    unsaved: BTreeSet<Ref>,
}

/// The last word in ties between messages: the message's id, then the provider. An entry's id is tag, provider, id.
fn tie(id: &str) -> (&str, &str) {
    (id.get(2..).unwrap_or_default(), id)
}

fn sent_key<'a>(messages: &'a Slab<Message>) -> impl Fn(u32) -> (Ms, &'a str, (&'a str, &'a str)) {
    move |no| (messages[no].sent_ms, messages[no].place.step.as_str(), tie(&messages[no].slot.id))
}

fn place_key<'a>(messages: &'a Slab<Message>) -> impl Fn(u32) -> (&'a Place, Ms, (&'a str, &'a str)) {
    move |no| (&messages[no].place, messages[no].sent_ms, tie(&messages[no].slot.id))
}

fn inbound_key<'a>(inbounds: &'a Slab<Inbound>) -> impl Fn(u32) -> (Ms, &'a str) {
    move |no| (inbounds[no].facts.at_ms, inbounds[no].slot.id.as_str())
}

fn click_place_key<'a>(clicks: &'a Slab<Click>) -> impl Fn(u32) -> (&'a Place, Ms, &'a str) {
    move |no| (&clicks[no].place, clicks[no].at_ms(), clicks[no].slot.id.as_str())
}

fn click_link_key<'a>(clicks: &'a Slab<Click>) -> impl Fn(u32) -> (&'a str, Ms, &'a str) {
    move |no| (clicks[no].facts.0.1.link.as_str(), clicks[no].at_ms(), clicks[no].slot.id.as_str())
}

fn conversion_key<'a>(conversions: &'a Slab<Conversion>) -> impl Fn(u32) -> (Ms, &'a str) {
    move |no| (conversions[no].facts.at_ms, conversions[no].slot.id.as_str())
}

/// The part of a list sorted by time whose times lie in `from..to`.
fn range(list: &[u32], from: Ms, to: Ms, at: impl Fn(u32) -> Ms) -> impl Iterator<Item = u32> {
    let start = list.partition_point(|no| at(*no) < from);
    list.iter().skip(start).copied().take_while(move |no| at(*no) < to)
}

impl Timeline {
    /// An empty timeline.
    #[must_use]
    pub fn new(handle: &str, key: Option<String>) -> Self {
        Self { key, nobody: handle.starts_with(NOBODY), ..Self::default() }
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
    pub fn load(&mut self, id: String, facts: Facts, campaign: u32) {
        self.insert(Slot { id, stored_in: Some(campaign) }, facts);
    }

    /// Puts an event in. Says whether it was news; nothing is counted before [`Timeline::settle`].
    pub fn put(&mut self, event: &Event, provider: char, received_ms: Ms) -> bool {
        let at_ms = time_of(event, received_ms);
        let Some(id) = entry_id(event, provider) else { return false };
        if let Some(known) = self.ids.get(&id).copied() {
            let changed = self.put_again(known, event, provider, at_ms);
            if changed {
                self.unsaved.insert(known);
            }
            return changed;
        }
        let Some(mut facts) = Facts::new(event, provider, at_ms) else {
            return false;
        };
        facts.put(event, provider, at_ms);
        let entry = self.insert(Slot { id, stored_in: None }, facts);
        self.unsaved.insert(entry);
        true
    }

    /// The entries whose stored form differs from what it is now; they are taken for stored.
    pub fn unsaved(&mut self) -> Vec<Saved> {
        core::mem::take(&mut self.unsaved).into_iter().map(|entry| self.saved(entry)).collect()
    }

    fn saved(&mut self, entry: Ref) -> Saved {
        let name = |campaign: &str| vec![campaign.to_owned()];
        match entry {
            Ref::Message(no) => {
                let Message { slot, facts, place, counted, .. } = &mut self.messages[no];
                let mut names: Vec<String> = facts.claims.iter().map(|c| c.campaign.clone()).collect();
                names.extend(facts.reference.as_ref().map(|r| reference_parts(&r.1).0.to_owned()));
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
                let Click { slot, facts, place, .. } = &mut self.clicks[no];
                slot.saved(place.campaign, 0, facts, name(&facts.0.1.campaign))
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
        let id = slot.id.clone();
        let entry = match facts {
            Facts::Message(facts) => {
                self.dirty.inbounds.extend(self.quotes.get(&id).into_iter().flatten());
                let no = self.messages.push(Message {
                    slot,
                    facts: *facts,
                    place: Place::default(),
                    sent_ms: 0,
                    voice: Voice::default(),
                    takes_replies: false,
                    listed: false,
                    attempts: BTreeSet::new(),
                    quotes: Vec::new(),
                    replies: Vec::new(),
                    clicks: Vec::new(),
                    conversions: Vec::new(),
                    touches: Vec::new(),
                    touches_for: 0,
                    counted: None,
                    conflicts: None,
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
                let no = self.attempts.push(Attempt { slot, facts, counted: None });
                self.dirty.attempts.insert(no);
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

    /// Puts another copy of a known event in. What it is sorted by may change, so it leaves the lists meanwhile.
    fn put_again(&mut self, known: Ref, event: &Event, provider: char, at_ms: Ms) -> bool {
        match known {
            Ref::Message(no) => {
                let message = &mut self.messages[no];
                let changed = message.facts.put_event(event, at_ms);
                if changed {
                    self.dirty.messages.insert(no);
                }
                changed
            }
            Ref::Inbound(no) => {
                let mut facts = self.inbounds[no].facts.clone();
                let changed = facts.put_event(event, at_ms);
                if changed {
                    remove(&mut self.inbounds_by_time, no, inbound_key(&self.inbounds));
                    if let Some(id) = quoted_entry(&self.inbounds[no].facts) {
                        self.quotes.entry(id.clone()).or_default().retain(|other| *other != no);
                        self.dirty.reactions.insert(id);
                    }
                    let inbound = &mut self.inbounds[no];
                    inbound.facts = facts;
                    self.list_inbound(no);
                }
                changed
            }
            Ref::Click(no) => {
                let mut facts = self.clicks[no].facts.clone();
                let changed = facts.put_event(event, provider, at_ms);
                if changed {
                    self.unlist_click(no);
                    let click = &mut self.clicks[no];
                    click.facts = facts;
                    self.dirty.unplaced_clicks.insert(no);
                }
                changed
            }
            Ref::Conversion(no) => {
                let mut facts = self.conversions[no].facts.clone();
                let changed = facts.put_event(event, at_ms);
                if changed {
                    remove(&mut self.conversions_by_time, no, conversion_key(&self.conversions));
                    let conversion = &mut self.conversions[no];
                    conversion.facts = facts;
                    self.list_conversion(no);
                }
                changed
            }
            Ref::Attempt(no) => {
                let changed = self.attempts[no].facts.put_event(event, at_ms);
                self.dirty.attempts.insert(no);
                changed
            }
            Ref::Standing(no) => {
                let changed = self.standings[no].facts.put_event(event, at_ms);
                self.dirty.standings.insert(no);
                changed
            }
            Ref::OptOut(_) => false,
        }
    }

    fn list_inbound(&mut self, no: u32) {
        insert(&mut self.inbounds_by_time, no, inbound_key(&self.inbounds));
        if let Some(id) = quoted_entry(&self.inbounds[no].facts) {
            self.quotes.entry(id.clone()).or_default().push(no);
            self.dirty.reactions.insert(id);
        }
        self.dirty.inbounds.insert(no);
    }

    fn list_conversion(&mut self, no: u32) {
        insert(&mut self.conversions_by_time, no, conversion_key(&self.conversions));
        self.dirty.conversions.insert(no);
    }

    fn unlist_click(&mut self, no: u32) {
        if !self.clicks[no].listed {
            return;
        }
        remove(&mut self.clicks_by_place, no, click_place_key(&self.clicks));
        remove(&mut self.clicks_by_link, no, click_link_key(&self.clicks));
        if let Some(message) = &self.clicks[no].facts.0.1.message {
            self.clicks_naming.entry(message.clone()).or_default().remove(&no);
        }
        self.clicks[no].listed = false;
        self.dirty_link(no);
    }

    /// A click came to or left its link: the flood and the first human click of the link may be others now.
    fn dirty_link(&mut self, no: u32) {
        let link = &self.clicks[no].facts.0.1.link;
        let start = self.clicks_by_link.partition_point(|other| self.clicks[*other].facts.0.1.link < *link);
        let same =
            self.clicks_by_link.iter().skip(start).copied().take_while(|other| self.clicks[*other].facts.0.1.link == *link);
        self.dirty.clicks.extend(same);
    }

    /// Recomputes what is dirty, layer by layer, and adds what changed to `delta`.
    pub fn settle(&mut self, policies: &Policies, delta: &mut Delta) {
        while let Some(no) = self.dirty.messages.pop_first() {
            self.place_message(no, policies);
        }
        while let Some(no) = self.dirty.unplaced_clicks.pop_first() {
            self.place_click(no, policies);
        }
        while let Some(no) = self.dirty.inbounds.pop_first() {
            self.own_inbound(no, policies, delta);
        }
        while let Some(no) = self.dirty.clicks.pop_first() {
            self.own_click(no, delta);
        }
        for no in core::mem::take(&mut self.dirty.states) {
            self.dirty.states.insert(no);
            self.offer_touches(no, policies);
        }
        while let Some(no) = self.dirty.conversions.pop_first() {
            self.own_conversion(no, policies, delta);
        }
        for no in core::mem::take(&mut self.dirty.states) {
            self.count_message(no, policies, delta);
        }
        while let Some(quoted) = self.dirty.reactions.pop_first() {
            self.count_reaction(&quoted, delta);
        }
        while let Some(no) = self.dirty.attempts.pop_first() {
            self.count_attempt(no, policies, delta);
        }
        while let Some(no) = self.dirty.standings.pop_first() {
            self.place_standing(no, policies);
        }
        while let Some(at) = self.dirty.contacts.pop_first() {
            self.count_contact(at, policies, delta);
        }
    }

    // Layer 1: places.

    /// Where a message counts: its winning claim's campaign, else its reference's, if declared; else `_unattributed`.
    fn place_message(&mut self, no: u32, policies: &Policies) {
        let facts = &self.messages[no].facts;
        let claim = facts.claim();
        let reference = facts.reference.as_ref().map(|r| reference_parts(&r.1));
        let (campaign, step) =
            claim.map(|c| (c.campaign.as_str(), c.step.as_str())).or(reference.map(|(c, s, _)| (c, s))).unwrap_or_default();
        let place = policies.place(campaign, step);
        let accepted = facts.claims.iter().map(|c| c.at_ms);
        let Some(sent_ms) = facts.statuses.iter().flatten().map(|s| s.at_ms).chain(accepted).min() else {
            return;
        };
        let failed = facts.status(StatusKind::Failed).is_some();
        let seen = [StatusKind::Delivered, StatusKind::Read, StatusKind::Played].iter().any(|k| facts.status(*k).is_some());
        let takes_replies = place.campaign != 0 && (!failed || seen);
        // The entry's id is the tag, the provider and the message's id, which is an attempt's name too.
        let mut attempts: BTreeSet<String> = claim.map(|c| c.attempts.clone()).unwrap_or_default();
        attempts.extend(self.messages[no].slot.id.get(2..).map(str::to_owned));
        attempts.extend(reference.filter(|(c, s, _)| (*c, *s) == (campaign, step)).and_then(|r| r.2).map(str::to_owned));
        let attempts: BTreeSet<AttemptName> =
            attempts.into_iter().map(|attempt| (campaign.to_owned(), step.to_owned(), attempt)).collect();

        let voice: Voice = (facts.channel().map(str::to_owned), facts.sender().map(str::to_owned));

        self.dirty.states.insert(no);
        let message = &self.messages[no];
        let same = message.listed
            && (&message.place, message.sent_ms, message.takes_replies, &message.attempts, &message.voice)
                == (&place, sent_ms, takes_replies, &attempts, &voice);
        if same {
            return;
        }
        self.unlist_message(no);
        let message = &mut self.messages[no];
        message.place = place;
        message.sent_ms = sent_ms;
        message.voice = voice;
        message.takes_replies = takes_replies;
        message.attempts = attempts;
        self.list_message(no);
    }

    fn unlist_message(&mut self, no: u32) {
        if !self.messages[no].listed {
            return;
        }
        self.dirty_around(no);
        remove(&mut self.by_place, no, place_key(&self.messages));
        if self.messages[no].takes_replies {
            remove(&mut self.by_sent, no, sent_key(&self.messages));
        }
        let message = &self.messages[no];
        for attempt in &message.attempts {
            if let Some(n) = self.accepted.get_mut(attempt) {
                *n -= 1;
                if *n == 0 {
                    self.accepted.remove(attempt);
                }
            }
        }
    }

    fn list_message(&mut self, no: u32) {
        insert(&mut self.by_place, no, place_key(&self.messages));
        if self.messages[no].takes_replies {
            insert(&mut self.by_sent, no, sent_key(&self.messages));
        }
        let message = &self.messages[no];
        for attempt in &message.attempts {
            *self.accepted.entry(attempt.clone()).or_default() += 1;
        }
        self.messages[no].listed = true;
        self.dirty_around(no);
    }

    /// What a listed message can influence from where it stands: before it leaves and after it came.
    fn dirty_around(&mut self, no: u32) {
        self.dirty_replies_after(no);
        let message = &self.messages[no];
        self.dirty.inbounds.extend(message.replies.iter().chain(&message.quotes));
        self.dirty.clicks.extend(&message.clicks);
        self.dirty.conversions.extend(&message.conversions);
        if !self.attempts.is_empty() {
            self.dirty.attempts.extend(self.attempts.numbers());
        }
        for click in self.clicks_naming.get(&message.slot.id).cloned().unwrap_or_default() {
            self.dirty_link(click);
        }
        let message = &self.messages[no];
        // Its clicks: from its sent time to the next one's in the same place, or from the beginning if it is the first.
        let (place, sent_ms) = (&message.place, message.sent_ms);
        let before = self.by_place.partition_point(|m| (&self.messages[*m].place, self.messages[*m].sent_ms) < (place, sent_ms));
        let first = before.checked_sub(1).and_then(|i| self.by_place.get(i)).is_none_or(|m| self.messages[*m].place != *place);
        let after = self.by_place.partition_point(|m| (&self.messages[*m].place, self.messages[*m].sent_ms) <= (place, sent_ms));
        let until = self.by_place.get(after).filter(|m| self.messages[**m].place == *place).map(|m| self.messages[*m].sent_ms);
        let from = if first { Ms::MIN } else { sent_ms };
        let start = self.clicks_by_place.partition_point(|c| (&self.clicks[*c].place, self.clicks[*c].at_ms()) < (place, from));
        let touched = self
            .clicks_by_place
            .iter()
            .skip(start)
            .copied()
            .take_while(|c| self.clicks[*c].place == *place && until.is_none_or(|until| self.clicks[*c].at_ms() < until));
        self.dirty.clicks.extend(touched);
    }

    /// The inbounds after a message that it may own: up to the next message that fits whoever it fits.
    fn dirty_replies_after(&mut self, no: u32) {
        let message = &self.messages[no];
        if !message.listed || self.inbounds.is_empty() {
            return;
        }
        let position = self.by_sent.partition_point(|m| sent_key(&self.messages)(*m) <= sent_key(&self.messages)(no));
        let next = self
            .by_sent
            .iter()
            .skip(position)
            .map(|m| &self.messages[*m])
            .take_while(|m| m.sent_ms <= message.sent_ms + MAX_WINDOW_MS)
            .find(|m| m.voice == message.voice)
            .map_or(Ms::MAX, |m| m.sent_ms.saturating_add(1));
        let until = next.min(message.sent_ms + MAX_WINDOW_MS);
        let touched = range(&self.inbounds_by_time, message.sent_ms, until, |i| self.inbounds[i].facts.at_ms);
        self.dirty.inbounds.extend(touched);
    }

    fn place_click(&mut self, no: u32, policies: &Policies) {
        self.unlist_click(no);
        let tap = &self.clicks[no].facts.0.1;
        let place = policies.place(&tap.campaign, &tap.step);
        if self.clicks[no].place != place {
            self.unsaved.insert(Ref::Click(no));
        }
        let click = &mut self.clicks[no];
        click.place = place;
        click.listed = true;
        insert(&mut self.clicks_by_place, no, click_place_key(&self.clicks));
        insert(&mut self.clicks_by_link, no, click_link_key(&self.clicks));
        if let Some(message) = &self.clicks[no].facts.0.1.message {
            self.clicks_naming.entry(message.clone()).or_default().insert(no);
        }
        self.dirty_link(no);
    }

    fn place_standing(&mut self, no: u32, policies: &Policies) {
        let standing = &mut self.standings[no];
        let place = policies.place(&standing.facts.campaign, &standing.facts.step.1);
        let old = standing.place.replace(place.clone());
        if old.as_ref() != Some(&place) {
            self.unsaved.insert(Ref::Standing(no));
        }
        for place in old.into_iter().chain([place]) {
            self.dirty.contacts.extend([(place.campaign, Some(place.step)), (place.campaign, None)]);
        }
    }

    // Layer 2: whose a reply or a click is.

    fn own_inbound(&mut self, no: u32, policies: &Policies, delta: &mut Delta) {
        let facts = &self.inbounds[no].facts;
        let at_ms = facts.at_ms;
        let kind = facts.kind.1;
        let quotes = quoted_entry(facts).and_then(|id| match self.ids.get(&id) {
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
            let message = &mut self.messages[message];
            message.replies.retain(|r| *r != no);
            message.quotes.retain(|r| *r != no);
        }
        if let Some(message) = owner {
            self.messages[message].replies.push(no);
        }
        if let Some(message) = quotes {
            self.messages[message].quotes.push(no);
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
    fn latest_before(&self, no: u32) -> Option<u32> {
        let facts = &self.inbounds[no].facts;
        let before = self.by_sent.partition_point(|m| self.messages[*m].sent_ms < facts.at_ms);
        let candidates = self.by_sent.get(..before)?.iter().rev().copied();
        candidates.take_while(|m| self.messages[*m].sent_ms + MAX_WINDOW_MS > facts.at_ms).find(|m| {
            let Message { voice: (channel, sender), slot, .. } = &self.messages[*m];
            slot.id.chars().nth(1) == Some(facts.provider)
                && match (sender, &facts.sender) {
                    (Some(sender), Some(to)) => *sender == to.1,
                    _ => channel.as_deref() == Some(facts.channel.1.as_str()),
                }
        })
    }

    /// The message that a provider's click names, if it is known.
    fn named_by(&self, click: u32) -> Option<u32> {
        match self.ids.get(self.clicks[click].facts.0.1.message.as_ref()?) {
            Some(Ref::Message(message)) => Some(*message),
            _ => None,
        }
    }

    /// Where a click counts: with the message that it names, else where its link says.
    fn click_place(&self, click: u32) -> &Place {
        self.named_by(click).map_or(&self.clicks[click].place, |message| &self.messages[message].place)
    }

    fn own_click(&mut self, no: u32, delta: &mut Delta) {
        let click = &self.clicks[no];
        let (at_ms, machine) = (click.at_ms(), click.facts.0.1.machine.is_some());
        // The link's clicks in order of (time, id); a machine's clicks take no place among the day's.
        let tap = &click.facts.0.1;
        let human = |other: &u32| self.clicks[*other].facts.0.1.machine.is_none();
        let day = |ms: Ms| ms.div_euclid(DAY_MS);
        let mine =
            self.clicks_by_link.partition_point(|other| click_link_key(&self.clicks)(*other) < click_link_key(&self.clicks)(no));
        let earlier =
            self.clicks_by_link.iter().take(mine).rev().take_while(|other| self.clicks[**other].facts.0.1.link == tap.link);
        let today = earlier.clone().take_while(|other| day(self.clicks[**other].at_ms()) == day(at_ms));
        let flood =
            !machine && !self.nobody && today.filter(|o| human(o)).take(HUMAN_CLICKS_PER_DAY).count() == HUMAN_CLICKS_PER_DAY;
        let here = |other: &u32| self.click_place(*other) == self.click_place(no);
        let unique = !machine && !flood && !self.nobody && !earlier.clone().any(|o| human(o) && here(o));

        let owner = self.named_by(no).or_else(|| {
            let place = &click.place;
            if place.campaign == 0 {
                return None;
            }
            let sent = |m: &u32| (&self.messages[*m].place, self.messages[*m].sent_ms);
            let after = self.by_place.partition_point(|m| sent(m) <= (place, at_ms));
            let same_place = |m: &&u32| self.messages[**m].place == *place;
            let before = after.checked_sub(1).and_then(|i| self.by_place.get(i)).filter(same_place);
            before.or_else(|| self.by_place.get(after).filter(same_place)).copied()
        });
        let place = self.click_place(no).clone();
        let (link, old) = (tap.link.clone(), click.owner);
        if let Some(message) = old {
            self.messages[message].clicks.retain(|c| *c != no);
            self.dirty.states.insert(message);
        }
        if let Some(message) = owner {
            self.messages[message].clicks.push(no);
            self.dirty.states.insert(message);
        }
        let now = CountedClick {
            place,
            link,
            machine: machine || flood,
            unique,
            at_ms,
            sent_ms: owner.map_or(at_ms, |message| self.messages[message].sent_ms),
        };
        let click = &mut self.clicks[no];
        click.flood = flood;
        click.owner = owner;
        let before = click.counted.clone();
        recount(&mut click.counted, Some(now.clone()), delta);
        for (counted, sign) in before.iter().map(|c| (c, false)).chain([(&now, true)]) {
            if !counted.machine && !self.nobody {
                self.tally(&counted.place, person::CLICKED, sign);
            }
        }
    }

    // Layer 3: states and touches.

    /// The facts of engagement: (earliest of any, earliest that also proves opening).
    fn engaged(&self, no: u32) -> (Option<Ms>, Option<Ms>) {
        let message = &self.messages[no];
        let inbound_at = |i: &u32| self.inbounds[*i].facts.at_ms;
        let quotes = message.quotes.iter().filter(|i| !matches!(self.inbounds[**i].facts.kind.1, InboundKind::Other));
        let clicks = message.clicks.iter().map(|c| &self.clicks[*c]).filter(|c| c.human()).map(Click::at_ms);
        let opening = quotes.map(inbound_at).chain(clicks.filter(|at| *at >= message.sent_ms)).min();
        let replies = message.replies.iter().map(inbound_at).filter(|at| *at >= message.sent_ms).min();
        (earliest([opening, replies]), opening)
    }

    fn fact_time(&self, no: u32, kind: StatusKind) -> Option<Ms> {
        self.messages[no].facts.status(kind).map(|s| s.at_ms)
    }

    /// When a message was delivered, opened and read, if it was.
    fn progress(&self, no: u32) -> Progress {
        let (engaged, opening) = self.engaged(no);
        let read = earliest([self.fact_time(no, StatusKind::Read), self.fact_time(no, StatusKind::Played)]);
        let delivered = earliest([self.fact_time(no, StatusKind::Delivered), read, engaged]);
        Progress { delivered, opened: earliest([read, opening]), read }
    }

    /// Renews the touches that a message offers to conversions, and dirties the conversions that may follow them.
    fn offer_touches(&mut self, no: u32, policies: &Policies) {
        let message = &self.messages[no];
        let policy = policies.by_no(message.place.campaign);
        let touches: Vec<Ms> = match policy.map(|p| p.touch) {
            None => Vec::new(),
            Some(Touch::Clicked) => {
                let mut human: Vec<Ms> =
                    message.clicks.iter().map(|c| &self.clicks[*c]).filter(|c| c.human()).map(Click::at_ms).collect();
                human.sort_unstable();
                human
            }
            Some(touch) => {
                let progress = self.progress(no);
                match touch {
                    Touch::Delivered => progress.delivered,
                    Touch::Read => progress.read,
                    Touch::Opened | Touch::Clicked => progress.opened,
                }
                .into_iter()
                .collect()
            }
        };
        let campaign = message.place.campaign;
        let message = &mut self.messages[no];
        let moved = core::mem::replace(&mut message.touches_for, campaign) != campaign;
        let old = core::mem::take(&mut message.touches);
        if moved || old != touches {
            let messages = &self.messages;
            let key = |(at, m): &(Ms, u32)| (*at, tie(&messages[*m].slot.id));
            for at in &old {
                let from = self.touches.partition_point(|t| t.0 < *at);
                if let Some(position) = self.touches.iter().skip(from).position(|t| *t == (*at, no)) {
                    self.touches.remove(from + position);
                }
            }
            for at in &touches {
                let mine = key(&(*at, no));
                let position = self.touches.partition_point(|t| t.0 < *at || t.0 == *at && key(t) < mine);
                self.touches.insert(position, (*at, no));
            }
            for at in old.iter().chain(&touches) {
                let until = at.saturating_add(MAX_WINDOW_MS);
                self.dirty.conversions.extend(range(&self.conversions_by_time, *at, until, |c| self.conversions[c].facts.at_ms));
            }
        }
        self.messages[no].touches = touches;
        // A sent time or a place may have changed without a touch.
        self.dirty.conversions.extend(&self.messages[no].conversions);
    }

    // Layer 4: whose a conversion is.

    fn own_conversion(&mut self, no: u32, policies: &Policies, delta: &mut Delta) {
        let facts = &self.conversions[no].facts;
        let at_ms = facts.at_ms;
        let before = self.touches.partition_point(|t| t.0 <= at_ms);
        let latest = self.touches.get(..before).unwrap_or_default().iter().rev();
        let owner = latest
            .take_while(|(touch, _)| touch + MAX_WINDOW_MS > at_ms)
            .find(|(touch, message)| {
                policies
                    .by_no(self.messages[*message].place.campaign)
                    .is_some_and(|p| at_ms < touch + p.attribution_window_ms && p.takes_goal(&facts.goal))
            })
            .map(|(_, message)| *message)
            .filter(|_| !facts.cancelled);
        let now = owner.map(|message| CountedConversion {
            place: self.messages[message].place.clone(),
            value: facts.nanos(),
            at_ms,
            sent_ms: self.messages[message].sent_ms,
        });
        let old = self.conversions[no].owner;
        if let Some(message) = old {
            self.messages[message].conversions.retain(|c| *c != no);
        }
        if let Some(message) = owner {
            self.messages[message].conversions.push(no);
        }
        self.dirty.states.extend([old, owner].into_iter().flatten());
        let conversion = &mut self.conversions[no];
        conversion.owner = owner;
        recount(&mut conversion.counted, now, delta);
        // The experiment of every campaign of this contact may see it.
        self.dirty.contacts.extend(self.contacts.keys().filter(|(_, step)| step.is_none()).cloned());
    }

    // Layer 5: what counts.

    fn count_message(&mut self, no: u32, policies: &Policies, delta: &mut Delta) {
        let now = self.counted_message(no, policies);
        let message = &mut self.messages[no];
        let before = message.counted.clone();
        recount(&mut message.counted, Some(now.clone()), delta);
        let losers = message.facts.claims.len().saturating_sub(1) as u32;
        recount(&mut message.conflicts, (losers > 0).then_some(CountedConflicts(losers)), delta);
        let id = &self.messages[no].slot.id;
        if self.quotes.contains_key(id) {
            self.dirty.reactions.insert(id.clone());
        }
        if before.as_ref().map(|b| (&b.place, b.mask)) != Some((&now.place, now.mask)) {
            self.unsaved.insert(Ref::Message(no));
            self.tally_message(before.as_ref(), false);
            self.tally_message(Some(&now), true);
        } else if before.is_some_and(|b| b.sent_ms != now.sent_ms) {
            self.dirty.contacts.insert((now.place.campaign, None));
        }
    }

    fn counted_message(&self, no: u32, policies: &Policies) -> CountedMessage {
        let message = &self.messages[no];
        let policy = policies.by_no(message.place.campaign);
        let Progress { delivered, opened, read } = self.progress(no);
        let failed = message.facts.status(StatusKind::Failed).filter(|_| delivered.is_none());
        let claim = message.facts.claim();
        let first_of = |times: &mut dyn Iterator<Item = Ms>| times.min();
        let quick = |i: &&u32| self.inbounds[**i].facts.kind.1 == InboundKind::QuickReply;
        let inbound_at = |i: &u32| self.inbounds[*i].facts.at_ms;
        let clicked = first_of(&mut message.clicks.iter().map(|c| &self.clicks[*c]).filter(|c| c.human()).map(Click::at_ms));
        let replied = first_of(&mut message.replies.iter().map(inbound_at));
        let quick_replied = first_of(&mut message.replies.iter().filter(quick).map(inbound_at));
        let converted = first_of(&mut message.conversions.iter().map(|c| self.conversions[*c].facts.at_ms));

        let category = message.facts.category_word().map(Category::from_word).unwrap_or_else(|| match policy {
            Some(Policy { message_type: MessageType::Regular, .. }) => Category::Service,
            _ => Category::Other,
        });
        let country = claim.and_then(|c| c.country.as_ref()).map(|c| c.1.to_ascii_uppercase());
        let country = country.or_else(|| self.country().map(str::to_owned));
        let usage = usage_code(category, country.as_deref());
        let billable =
            failed.is_none() && message.facts.billable_flag().unwrap_or(delivered.is_some() && category != Category::Service);
        let billed_ms = delivered.unwrap_or(message.sent_ms);
        let own = claim.and_then(|c| c.cost.as_ref()).and_then(|c| nanos(&c.1.0, &c.1.1)).filter(|_| failed.is_none());
        let bill = own.map(Bill::Own).or(billable.then_some(Bill::Card(usage))).map(|bill| (billed_ms, bill));

        let mut mask = 0;
        let mut times_ms = [0; state::COUNT];
        let mut set = |bit: u32, at_ms: Option<Ms>| {
            if let (Some(at_ms), Some(slot)) = (at_ms, times_ms.get_mut(bit.trailing_zeros() as usize)) {
                mask |= bit;
                *slot = at_ms;
            }
        };
        set(state::SENT, Some(message.sent_ms));
        set(state::DELIVERED, delivered);
        set(state::OPENED, opened);
        set(state::READ, read);
        set(state::FAILED, failed.map(|f| f.at_ms));
        set(state::CLICKED, clicked);
        set(state::REPLIED, replied);
        set(state::QUICK_REPLIED, quick_replied);
        set(state::CONVERTED, converted);
        set(state::BILLABLE, billable.then_some(billed_ms));
        set(state::DELIVERED_INFERRED, delivered.filter(|_| message.facts.status(StatusKind::Delivered).is_none()));
        let stopped = policy.and_then(|p| p.stopped_at_ms).is_some_and(|stop| message.sent_ms >= stop);
        set(state::AFTER_STOP, stopped.then_some(message.sent_ms));
        set(state::INTERACTED, earliest([clicked, quick_replied]));
        set(state::IN_FLIGHT, (delivered.is_none() && failed.is_none()).then_some(message.sent_ms));
        CountedMessage {
            place: message.place.clone(),
            mask,
            sent_ms: message.sent_ms,
            times_ms,
            error: failed.map(|f| provider_code(&message.slot.id, f.error.as_ref())),
            usage: delivered.map(|_| usage),
            bill,
        }
    }

    /// Counts the contact's latest word of reaction on a message, known or not, if it is not taken back.
    fn count_reaction(&mut self, quoted: &str, delta: &mut Delta) {
        let reactions = self.quotes.get(quoted).into_iter().flatten().map(|i| &self.inbounds[*i]);
        let latest = reactions
            .filter(|i| matches!(i.facts.kind.1, InboundKind::Reaction { .. }))
            .max_by_key(|i| (i.facts.at_ms, i.slot.id.as_str()))
            .filter(|i| i.facts.kind.1 == InboundKind::Reaction { removed: false });
        let message = match self.ids.get(quoted) {
            Some(Ref::Message(no)) => Some(&self.messages[*no]),
            _ => None,
        };
        let now = latest.map(|latest| CountedInbound {
            place: message.map(|m| m.place.clone()).unwrap_or_default(),
            what: InboundCount::Reaction,
            at_ms: latest.facts.at_ms,
            sent_ms: message.map_or(latest.facts.at_ms, |m| m.sent_ms),
        });
        recount(self.reactions.entry(quoted.to_owned()).or_default(), now, delta);
    }

    fn count_attempt(&mut self, no: u32, policies: &Policies, delta: &mut Delta) {
        let facts = &self.attempts[no].facts;
        let place = policies.place(&facts.campaign, &facts.step);
        let named = |name: &String| self.accepted.contains_key(&(facts.campaign.clone(), facts.step.clone(), name.clone()));
        let accepted = facts.attempts.iter().chain([&facts.id]).any(named);
        let now = CountedMessage {
            place,
            mask: if accepted { state::ERROR_THEN_SENT } else { state::DISPATCH_ERROR },
            sent_ms: facts.at_ms,
            times_ms: [facts.at_ms; state::COUNT],
            error: (!accepted).then(|| provider_code("", facts.error.as_ref())),
            usage: None,
            bill: None,
        };
        let attempt = &mut self.attempts[no];
        let before = attempt.counted.clone();
        if before.as_ref() == Some(&now) {
            return;
        }
        self.unsaved.insert(Ref::Attempt(no));
        recount(&mut attempt.counted, Some(now.clone()), delta);
        // An error is an attempt, whether it is one of the tallied things or not.
        self.dirty.contacts.extend(before.iter().chain([&now]).map(|counted| (counted.place.campaign, None)));
        self.tally_message(before.as_ref(), false);
        self.tally_message(Some(&now), true);
    }

    fn tally_message(&mut self, counted: Option<&CountedMessage>, up: bool) {
        let Some(counted) = counted else { return };
        let mask = counted.mask;
        for (bit, holds) in [
            (person::ATTEMPTED, mask & (state::SENT | state::DISPATCH_ERROR) != 0),
            (person::DISPATCH_ERROR, mask & state::DISPATCH_ERROR != 0),
            (person::SENT, mask & state::SENT != 0),
            (person::DELIVERED, mask & state::DELIVERED != 0),
            (person::OPENED, mask & state::OPENED != 0),
            (person::READ, mask & state::READ != 0),
            (person::FAILED, mask & state::FAILED != 0),
            (person::IN_FLIGHT, mask & state::IN_FLIGHT != 0),
            (person::REPLIED, mask & state::REPLIED != 0),
            (person::QUICK_REPLIED, mask & state::QUICK_REPLIED != 0),
            (person::CONVERTED, mask & state::CONVERTED != 0),
        ] {
            if holds {
                self.tally(&counted.place, bit, up);
            }
        }
    }

    /// One thing of a place more (or less) in a state.
    fn tally(&mut self, place: &Place, bit: u32, up: bool) {
        for at in [(place.campaign, Some(place.step.clone())), (place.campaign, None)] {
            if let Some(n) = self.contacts.entry(at.clone()).or_default().things.get_mut(bit.trailing_zeros() as usize) {
                *n = if up { *n + 1 } else { n.saturating_sub(1) };
            }
            self.dirty.contacts.insert(at);
        }
    }

    fn count_contact(&mut self, at: (u32, Option<String>), policies: &Policies, delta: &mut Delta) {
        let (campaign, step) = at.clone();
        let things = self.contacts.get(&at).map(|t| t.things).unwrap_or_default();
        let mut mask = 0;
        for (bit, n) in (0..).zip(things) {
            if n > 0 {
                mask |= 1 << bit;
            }
        }
        let bad = mask & (person::FAILED | person::DISPATCH_ERROR) != 0;
        if mask & person::DELIVERED != 0 {
            mask &= !person::FAILED;
        } else if bad {
            mask |= person::FAILED_TOTAL;
        }
        let inside = |p: &Place| p.campaign == campaign && step.as_ref().is_none_or(|step| p.step == *step);
        let standings = || self.standings.iter().filter(|s| s.place.as_ref().is_some_and(inside)).map(|s| &s.facts);
        let control = standings().filter(|s| s.control).map(|s| s.at_ms).min();
        let skips = || standings().filter(|s| !s.control);
        let skipped_target = skips().filter(|s| s.group.as_ref().is_some_and(|group| group.1 == "target")).map(|s| s.at_ms).min();
        let attempted = mask & person::ATTEMPTED != 0;
        for (bit, holds) in [
            (person::CONTROL, control.is_some()),
            (person::SKIPPED, skips().next().is_some()),
            (person::TARGET, attempted || skipped_target.is_some()),
        ] {
            mask |= if holds { bit } else { 0 };
        }
        let mut skipped = None;
        if !attempted && control.is_none() {
            let reason = |s: &StandingFacts| s.reason.as_ref().map_or(String::new(), |r| r.1.clone());
            skipped = skips().map(|s| (s.at_ms, reason(s))).min().map(|(_, reason)| reason);
        }
        let mut in_window = Vec::new();
        if let (Some(policy), None, false) = (policies.by_no(campaign), &step, self.conversions.is_empty()) {
            let from = self.first_attempt(campaign).or(control).or(skipped_target).unwrap_or(Ms::MAX);
            let until = from.saturating_add(policy.attribution_window_ms);
            for no in range(&self.conversions_by_time, from, until, |c| self.conversions[c].facts.at_ms) {
                let facts = &self.conversions[no].facts;
                if !facts.cancelled && policy.takes_goal(&facts.goal) {
                    mask |= person::CONVERTED_IN_WINDOW;
                    in_window.extend(facts.nanos());
                }
            }
        }
        let now = (mask != 0).then(|| CountedContact { campaign, step, mask, skipped, in_window });
        let tally = self.contacts.entry(at).or_default();
        recount(&mut tally.counted, now, delta);
    }

    /// When the contact was first attempted in a campaign.
    fn first_attempt(&self, campaign: u32) -> Option<Ms> {
        let messages = self.messages.iter().filter(|m| m.listed && m.place.campaign == campaign).map(|m| m.sent_ms);
        // An error was an attempt, whether it was accepted after all or not.
        let errors = self.attempts.iter().filter_map(|a| a.counted.as_ref());
        let errors = errors.filter(|c| c.place.campaign == campaign).map(|c| c.sent_ms);
        messages.chain(errors).min()
    }

    fn country(&self) -> Option<&str> {
        country::country_of(self.key.as_deref()?)
    }
}

/// When a message reached each state.
struct Progress {
    delivered: Option<Ms>,
    opened: Option<Ms>,
    read: Option<Ms>,
}

fn earliest<const N: usize>(times: [Option<Ms>; N]) -> Option<Ms> {
    times.into_iter().flatten().min()
}

fn nanos(amount: &str, currency: &str) -> Option<Nanos> {
    Some(Nanos { currency: currency.to_owned(), nanos: Amount::parse(amount).ok()?.nanos() })
}

/// The provider's character and its code, under which an error is counted; `-` for what the sender itself met.
fn provider_code(entry_id: &str, error: Option<&First<(String, String)>>) -> String {
    let provider = entry_id.chars().nth(1).unwrap_or('-');
    format!("{provider}{}", error.map_or("", |e| e.1.0.as_str()))
}

/// The entry of the message that an inbound quotes or reacts to.
fn quoted_entry(facts: &InboundFacts) -> Option<String> {
    facts.quoted.as_ref().map(|quoted| message_entry_id(facts.provider, &quoted.1))
}

/// The new stored form of an entry.
pub struct Saved {
    pub id: String,
    /// The campaign under which it is stored from now on.
    pub campaign: u32,
    /// The campaign under which its old row stands, if that is another.
    pub moved_from: Option<u32>,
    pub mask: u32,
    /// The facts as JSON.
    pub facts: String,
    /// The campaigns that it names, declared or not.
    pub names: Vec<String>,
}

impl Slot {
    fn saved(&mut self, campaign: u32, mask: u32, facts: &impl serde::Serialize, names: Vec<String>) -> Saved {
        let moved_from = self.stored_in.replace(campaign).filter(|old| *old != campaign);
        // Plain data with string keys: serializing it cannot fail.
        let facts = serde_json::to_string(facts).unwrap_or_default();
        Saved { id: self.id.clone(), campaign, moved_from, mask, facts, names }
    }
}
