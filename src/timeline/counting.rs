//! Layer 5: what each thing counts for, and the contact in each campaign and step.

use std::rc::Rc;

use super::campaigns::{Audience, Tally, Window};
use super::order::numbers;
use super::states::Progress;
use super::threads::Turn;
use super::{Click, Ref, Timeline, earliest};
use crate::contributions::{
    Bill, Category, CountedConflicts, CountedContact, CountedInbound, CountedMessage, Delta, InboundCount, Nanos, Place,
    category_of, change, person, recount, state, usage_code,
};
use crate::event::{InboundKind, Ms, StatusKind};
use crate::facts::{First, StandingFacts};
use crate::money::Amount;
use crate::policy::{MessageType, Policies, Policy};

impl Timeline {
    pub(super) fn count_message(&mut self, no: u32, policies: &Policies, delta: &mut Delta) {
        let now = self.counted_message(no, policies);
        let message = &mut self.messages[no];
        let before = message.counted.take();
        change(before.as_ref(), Some(&now), delta);
        let losers = message.facts.claims.len().saturating_sub(1) as u32;
        let conflicts = (losers > 0).then_some(CountedConflicts { lost: losers, conversion: false });
        recount(&mut message.conflicts, conflicts, delta);
        let turn = now.time_of(state::DELIVERED).map(|at_ms| Turn {
            line: self.line_of(no),
            at_ms,
            category: category_of(now.usage),
            usage: now.usage,
        });
        self.take_turn(no, turn, delta);
        if self.messages[no].conversation.as_ref().is_some_and(|c| c.place != now.place) {
            self.changed_turn(no);
        }
        let id = &self.messages[no].slot.id;
        if self.quotes.contains_key(&**id) {
            self.dirty.reactions.insert(id.to_string());
        }
        self.attempt(before.as_ref(), &now);
        if before.as_ref().map(|b| (&b.place, b.mask)) != Some((&now.place, now.mask)) {
            self.unsaved.insert(Ref::Message(no));
            self.tally_message(before.as_ref(), &now);
        }
        self.messages[no].counted = Some(now);
    }

    pub(super) fn counted_message(&self, no: u32, policies: &Policies) -> CountedMessage {
        let message = &self.messages[no];
        let policy = policies.by_no(message.place.campaign);
        let Progress { delivered, opened, read } = self.progress(no);
        let failed = message.facts.status(StatusKind::Failed).filter(|_| delivered.is_none());
        let claim = message.facts.claim();
        let belongings = message.belongings();
        let first_of = |times: &mut dyn Iterator<Item = Ms>| times.min();
        let quick = |i: &&u32| self.inbounds[**i].facts.kind.1 == InboundKind::QuickReply;
        let inbound_at = |i: &u32| self.inbounds[*i].facts.at_ms;
        let clicked = first_of(&mut belongings.clicks.iter().map(|c| &self.clicks[*c]).filter(|c| c.human()).map(Click::at_ms));
        let replied = first_of(&mut belongings.replies.iter().map(inbound_at));
        let quick_replied = first_of(&mut belongings.replies.iter().filter(quick).map(inbound_at));
        let converted = first_of(&mut belongings.conversions.iter().map(|c| self.conversions[*c].facts.at_ms));

        let category = message.facts.category_word().map(Category::from_word).unwrap_or_else(|| match policy {
            Some(Policy { message_type: MessageType::Regular, .. }) => Category::Service,
            _ => Category::Other,
        });
        let country = claim.and_then(|c| c.country.as_ref()).map(|c| c.1.to_ascii_uppercase());
        let usage = usage_code(category, country.as_deref().or(self.country));
        let billable =
            failed.is_none() && message.facts.billable_flag().unwrap_or(delivered.is_some() && category != Category::Service);
        let billed_ms = delivered.unwrap_or(message.sent_ms);
        let own = claim.and_then(|c| c.cost.as_ref()).and_then(|c| nanos(&c.1.0, &c.1.1)).filter(|_| failed.is_none());
        let bill =
            own.map(|own| Bill::Own(Box::new(own))).or(billable.then_some(Bill::Card(usage))).map(|bill| (billed_ms, bill));

        let stopped = policy.and_then(|p| p.stopped_at_ms).is_some_and(|stop| message.sent_ms >= stop);
        // In the order of their bits.
        let states = [
            (state::SENT, Some(message.sent_ms)),
            (state::DELIVERED, delivered),
            (state::OPENED, opened),
            (state::READ, read),
            (state::FAILED, failed.map(|f| f.at_ms)),
            (state::CLICKED, clicked),
            (state::REPLIED, replied),
            (state::QUICK_REPLIED, quick_replied),
            (state::CONVERTED, converted),
            (state::BILLABLE, billable.then_some(billed_ms)),
            (state::DELIVERED_INFERRED, delivered.filter(|_| message.facts.status(StatusKind::Delivered).is_none())),
            (state::AFTER_STOP, stopped.then_some(message.sent_ms)),
            (state::INTERACTED, earliest([clicked, quick_replied])),
            (state::IN_FLIGHT, (delivered.is_none() && failed.is_none()).then_some(message.sent_ms)),
        ];
        let mask = states.iter().filter(|(_, at_ms)| at_ms.is_some()).fold(0, |mask, (bit, _)| mask | bit);
        let mut times_ms = Vec::with_capacity(mask.count_ones() as usize);
        times_ms.extend(states.iter().filter_map(|(_, at_ms)| *at_ms));
        CountedMessage {
            place: message.place.clone(),
            mask,
            sent_ms: message.sent_ms,
            times_ms: times_ms.into(),
            error: failed.map(|f| provider_code(&message.slot.id, f.error.as_ref())),
            usage,
            bill,
        }
    }

    /// Counts the contact's latest word of reaction on a message, known or not, if it is not taken back.
    pub(super) fn count_reaction(&mut self, quoted: &str, delta: &mut Delta) {
        let reactions = self.quotes.get(quoted).into_iter().flatten().map(|i| &self.inbounds[*i]);
        let latest = reactions
            .filter(|i| matches!(i.facts.kind.1, InboundKind::Reaction { .. }))
            .max_by_key(|i| (i.facts.at_ms, &*i.slot.id))
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

    pub(super) fn count_attempt(&mut self, no: u32, policies: &Policies, delta: &mut Delta) {
        let facts = &self.attempts[no].facts;
        let place = self.place(policies, &facts.campaign, &facts.step);
        let named = |name: &String| self.accepted.contains_key(&(facts.campaign.clone(), facts.step.clone(), name.clone()));
        let accepted = facts.attempts.iter().chain([&facts.id]).any(named);
        let now = CountedMessage {
            place,
            mask: if accepted { state::ERROR_THEN_SENT } else { state::DISPATCH_ERROR },
            sent_ms: facts.at_ms,
            times_ms: Box::new([facts.at_ms]),
            error: (!accepted).then(|| provider_code("", facts.error.as_ref())),
            usage: 0,
            bill: None,
        };
        let attempt = &mut self.attempts[no];
        if attempt.counted.as_ref() == Some(&now) {
            return;
        }
        let before = attempt.counted.replace(now.clone());
        change(before.as_ref(), Some(&now), delta);
        self.unsaved.insert(Ref::Attempt(no));
        self.attempt(before.as_ref(), &now);
        self.tally_message(before.as_ref(), &now);
    }

    /// A message, or an error, is in other states than before, or elsewhere.
    fn tally_message(&mut self, before: Option<&CountedMessage>, now: &CountedMessage) {
        let after = person_bits(now.mask);
        match before {
            Some(before) if before.place == now.place => {
                let old = person_bits(before.mask);
                self.tally(&now.place, after & !old, old & !after);
            }
            _ => {
                if let Some(before) = before {
                    self.tally(&before.place, 0, person_bits(before.mask));
                }
                self.tally(&now.place, after, 0);
            }
        }
    }

    /// One thing of a place more in some states of a person, and one less in others.
    pub(super) fn tally(&mut self, place: &Place, more: u32, less: u32) {
        if more | less == 0 {
            return;
        }
        for at in [(place.campaign, Some(Rc::clone(&place.step))), (place.campaign, None)] {
            if self.campaigns.tally_mut(&at).change(more, less) {
                self.dirty.contacts.insert(at);
            }
        }
    }

    pub(super) fn count_contact(&mut self, at: Audience, policies: &Policies, delta: &mut Delta) {
        let (campaign, step) = at.clone();
        let Tally { things, window, .. } = self.campaigns.tally_mut(&at);
        let (things, mut window) = (*things, core::mem::take(window));
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
        if let (Some(policy), None, false) = (policies.by_no(campaign), &step, self.conversions.is_empty()) {
            let from_ms = self.first_attempt(campaign).or(control).or(skipped_target).unwrap_or(Ms::MAX);
            let until_ms = from_ms.saturating_add(policy.attribution_window_ms);
            if (window.from_ms, window.until_ms, window.version) != (from_ms, until_ms, self.conversions_version) {
                window = self.look_into(from_ms, until_ms, policy);
            }
            mask |= if window.converted { person::CONVERTED_IN_WINDOW } else { 0 };
        }
        let in_window = window.worth.clone();
        let now = (mask != 0).then_some(CountedContact { campaign, step, mask, skipped, in_window });
        let tally = self.campaigns.tally_mut(&at);
        tally.window = window;
        recount(&mut tally.counted, now, delta);
    }

    /// When the contact was first attempted in a campaign.
    pub(super) fn first_attempt(&self, campaign: u32) -> Option<Ms> {
        self.attempted.range((campaign, Ms::MIN)..=(campaign, Ms::MAX)).next().map(|((_, at_ms), _)| *at_ms)
    }

    /// A message or an error was an attempt, whether it was accepted after all or not.
    fn attempt(&mut self, before: Option<&CountedMessage>, now: &CountedMessage) {
        let key = |counted: &CountedMessage| (counted.place.campaign, counted.sent_ms);
        if before.map(key) == Some(key(now)) {
            return;
        }
        if let Some(n) = before.and_then(|before| self.attempted.get_mut(&key(before))) {
            *n -= 1;
            if *n == 0 {
                before.map(|before| self.attempted.remove(&key(before)));
            }
        }
        *self.attempted.entry(key(now)).or_default() += 1;
        // The first attempt in a campaign opens the contact's window, whatever became of it.
        self.dirty.contacts.extend(before.into_iter().chain([now]).map(|counted| (counted.place.campaign, None)));
    }

    /// The conversions in a window that an experiment of this campaign counts.
    fn look_into(&self, from_ms: Ms, until_ms: Ms, policy: &Policy) -> Window {
        let mut window = Window { from_ms, until_ms, version: self.conversions_version, ..Window::default() };
        for no in numbers(self.conversions_by_time.between(from_ms, until_ms)) {
            let facts = &self.conversions[no].facts;
            if facts.cancelled || !policy.takes_goal(&facts.goal) {
                continue;
            }
            window.converted = true;
            let Some(value) = facts.nanos() else { continue };
            match window.worth.iter_mut().find(|sum| sum.currency == value.currency) {
                Some(sum) => sum.nanos += value.nanos,
                None => window.worth.push(value),
            }
        }
        window
    }
}

/// The states of a person that a message, or an error, in these states makes.
fn person_bits(mask: u32) -> u32 {
    let bit = |states: u32, bit: u32| if mask & states == 0 { 0 } else { bit };
    bit(state::SENT | state::DISPATCH_ERROR, person::ATTEMPTED)
        | bit(state::DISPATCH_ERROR, person::DISPATCH_ERROR)
        | bit(state::SENT, person::SENT)
        | bit(state::DELIVERED, person::DELIVERED)
        | bit(state::OPENED, person::OPENED)
        | bit(state::READ, person::READ)
        | bit(state::FAILED, person::FAILED)
        | bit(state::IN_FLIGHT, person::IN_FLIGHT)
        | bit(state::REPLIED, person::REPLIED)
        | bit(state::QUICK_REPLIED, person::QUICK_REPLIED)
        | bit(state::CONVERTED, person::CONVERTED)
}

fn nanos(amount: &str, currency: &str) -> Option<Nanos> {
    Some(Nanos { currency: currency.to_owned(), nanos: Amount::parse(amount).ok()?.nanos() })
}

/// The provider's character and its code, under which an error is counted; `-` for what the sender itself met.
fn provider_code(entry_id: &str, error: Option<&First<(String, String)>>) -> String {
    let provider = entry_id.chars().nth(1).unwrap_or('-');
    format!("{provider}{}", error.map_or("", |e| e.1.0.as_str()))
}
