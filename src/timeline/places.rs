//! Layer 1: where a message, a click, a standing counts, and what its coming or going can have influenced.

use super::entries::{Belongings, Message};
use super::order::{click_link_key, numbers, step_key, tie_key};
use super::{AttemptName, MAX_WINDOW_MS, Ref, Timeline, Voice};
use crate::contributions::Place;
use crate::event::{Ms, StatusKind};
use crate::facts::reference_parts;
use crate::policy::Policies;
use crate::slab::insert;
use crate::sorted::SortedSet;

impl Timeline {
    /// Where something counts that names a campaign and a step: there if it is declared, else in `_unattributed`.
    pub(super) fn place(&self, policies: &Policies, campaign: &str, step: &str) -> Place {
        let (campaign, step) = policies.number(campaign).map_or((0, ""), |no| (no, step));
        let known = self.campaigns.at(campaign, step);
        known.map_or_else(|| Place { campaign, step: step.into() }, |known| known.place.clone())
    }

    /// Where a message counts: its winning claim's campaign, else its reference's, if declared; else `_unattributed`.
    pub(super) fn place_message(&mut self, no: u32, policies: &Policies) {
        let facts = &self.messages[no].facts;
        let claim = facts.claim();
        let reference = facts.reference.as_ref().map(|r| reference_parts(&r.1));
        let (campaign, step) = claim.map(|c| (&*c.campaign, &*c.step)).or(reference.map(|(c, s, _)| (c, s))).unwrap_or_default();
        let place = self.place(policies, campaign, step);
        let accepted = facts.claims.iter().map(|c| c.at_ms);
        let Some(sent_ms) = facts.statuses.iter().flatten().map(|s| s.at_ms).chain(accepted).min() else {
            return;
        };
        let failed = facts.status(StatusKind::Failed).is_some();
        let seen = [StatusKind::Delivered, StatusKind::Read, StatusKind::Played].iter().any(|k| facts.status(*k).is_some());
        let takes_replies = place.campaign != 0 && (!failed || seen);
        let mut attempts: SortedSet<AttemptName> = SortedSet::new();
        if !self.attempts.is_empty() {
            // The entry's id is the tag, the provider and the message's id, which is an attempt's name too.
            let own = self.messages[no].slot.id.get(2..);
            let referred = reference.filter(|(c, s, _)| (*c, *s) == (campaign, step)).and_then(|r| r.2);
            let claimed = claim.iter().flat_map(|c| &c.attempts).map(String::as_str);
            let name = |attempt: &str| (campaign.to_owned(), step.to_owned(), attempt.to_owned());
            attempts.extend(claimed.chain(own).chain(referred).map(name));
        }
        let voice: Voice = (facts.channel().cloned(), facts.sender().cloned());

        self.dirty.states.insert(no);
        let message = &self.messages[no];
        let same_voice = message.voice == voice;
        let same = message.listed
            && same_voice
            && (&message.place, message.sent_ms, message.takes_replies, &message.belongings().attempts)
                == (&place, sent_ms, takes_replies, &attempts);
        if same {
            return;
        }
        if !same_voice {
            // Which inbounds opened its service window depends on it.
            self.changed_turn(no);
        }
        self.unlist_message(no);
        let message = &mut self.messages[no];
        message.place = place;
        message.sent_ms = sent_ms;
        message.voice = voice;
        message.takes_replies = takes_replies;
        if message.belongings().attempts != attempts {
            message.belongings_mut().attempts = attempts;
        }
        self.list_message(no);
    }

    pub(super) fn unlist_message(&mut self, no: u32) {
        if !self.messages[no].listed {
            return;
        }
        self.dirty_around(no);
        let Message { place, sent_ms, .. } = &self.messages[no];
        self.campaigns.at_mut(place).messages.remove(*sent_ms, no);
        self.by_sent.remove(*sent_ms, no);
        let message = &self.messages[no];
        for attempt in &message.belongings().attempts {
            self.dirty.attempts.extend(self.tries.get(attempt).into_iter().flatten());
            if let Some(n) = self.accepted.get_mut(attempt) {
                *n -= 1;
                if *n == 0 {
                    self.accepted.remove(attempt);
                }
            }
        }
    }

    pub(super) fn list_message(&mut self, no: u32) {
        let Message { place, sent_ms, takes_replies, .. } = &self.messages[no];
        self.campaigns.at_mut(place).messages.insert(*sent_ms, no, tie_key(&self.messages));
        if *takes_replies {
            self.by_sent.insert(*sent_ms, no, step_key(&self.messages));
        }
        let message = &self.messages[no];
        for attempt in &message.belongings().attempts {
            self.dirty.attempts.extend(self.tries.get(attempt).into_iter().flatten());
            *self.accepted.entry(attempt.clone()).or_default() += 1;
        }
        // What named it before it was known leaves its own place.
        self.dirty_naming(no);
        self.messages[no].listed = true;
        self.dirty_around(no);
    }

    /// What a listed message can influence from where it stands: before it leaves and after it came.
    pub(super) fn dirty_around(&mut self, no: u32) {
        self.dirty_replies_after(no);
        let message = &self.messages[no];
        let Belongings { replies, quotes, clicks, conversions, .. } = message.belongings();
        self.dirty.inbounds.extend(replies.iter().chain(quotes));
        self.dirty.clicks.extend(clicks);
        self.dirty.conversions.extend(conversions);
        self.dirty_naming(no);
        let message = &self.messages[no];
        // Its clicks: from its sent time to the next one's in the same place, or from the beginning if it is the first.
        let (place, sent_ms) = (&message.place, message.sent_ms);
        let Some(here) = self.campaigns.at(place.campaign, &place.step) else { return };
        let first = here.messages.between(Ms::MIN, sent_ms).is_empty();
        let next_ms = here.messages.between(sent_ms + 1, Ms::MAX).first().map_or(Ms::MAX, |(ms, _)| *ms);
        let touched = here.clicks.between(if first { Ms::MIN } else { sent_ms }, next_ms);
        self.dirty.clicks.extend(numbers(touched));
    }

    /// The clicks that name a message count where it does.
    fn dirty_naming(&mut self, no: u32) {
        for click in self.clicks_naming.get(&*self.messages[no].slot.id).cloned().unwrap_or_default() {
            self.dirty_link(click);
        }
    }

    /// The inbounds after a message that it may own: up to the next message that fits whoever it fits.
    pub(super) fn dirty_replies_after(&mut self, no: u32) {
        let message = &self.messages[no];
        if !message.listed || self.inbounds.is_empty() {
            return;
        }
        let last_ms = message.sent_ms + MAX_WINDOW_MS;
        let behind = self.by_sent.behind(message.sent_ms, no, step_key(&self.messages)).iter();
        let next = behind.take_while(|(ms, _)| *ms <= last_ms).find(|(_, m)| {
            let next = &self.messages[*m];
            next.voice == message.voice && next.provider() == message.provider()
        });
        let until = next.map_or(last_ms, |(ms, _)| last_ms.min(ms + 1));
        self.dirty.inbounds.extend(numbers(self.inbounds_by_time.between(message.sent_ms, until)));
    }

    pub(super) fn place_click(&mut self, no: u32, policies: &Policies) {
        self.unlist_click(no);
        let tap = &self.clicks[no].facts.0.1;
        let place = self.place(policies, &tap.campaign, &tap.step);
        self.campaigns.at_mut(&place).clicks.insert(self.clicks[no].at_ms(), no, |no| no);
        if self.clicks[no].place != place {
            self.unsaved.insert(Ref::Click(no));
        }
        let click = &mut self.clicks[no];
        click.place = place;
        click.listed = true;
        insert(&mut self.clicks_by_link, no, click_link_key(&self.clicks));
        if let Some(message) = &self.clicks[no].facts.0.1.message {
            self.clicks_naming.entry(message.clone()).or_default().insert(no);
        }
        self.dirty_link(no);
    }

    pub(super) fn place_standing(&mut self, no: u32, policies: &Policies) {
        let facts = &self.standings[no].facts;
        let place = self.place(policies, &facts.campaign, &facts.step.1);
        let standing = &mut self.standings[no];
        let old = standing.place.replace(place.clone());
        if old.as_ref() != Some(&place) {
            self.unsaved.insert(Ref::Standing(no));
        }
        for place in old.into_iter().chain([place]) {
            self.dirty.contacts.extend([(place.campaign, Some(place.step)), (place.campaign, None)]);
        }
    }
}
