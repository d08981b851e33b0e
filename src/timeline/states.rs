//! Layers 3 and 4: how far a message came, the touches that it offers, and whose a conversion is.

use super::order::{numbers, tie_key};
use super::{Click, MAX_WINDOW_MS, Timeline, earliest};
use crate::contributions::{CountedConversion, Delta, recount};
use crate::event::{InboundKind, Ms, StatusKind};
use crate::order::sort;
use crate::policy::{Policies, Touch};

impl Timeline {
    /// The facts of engagement: (earliest of any, earliest that also proves opening).
    pub(super) fn engaged(&self, no: u32) -> (Option<Ms>, Option<Ms>) {
        let message = &self.messages[no];
        let belongings = message.belongings();
        let inbound_at = |i: &u32| self.inbounds[*i].facts.at_ms;
        let quotes = belongings.quotes.iter().filter(|i| !matches!(self.inbounds[**i].facts.kind.1, InboundKind::Other));
        let clicks = belongings.clicks.iter().map(|c| &self.clicks[*c]).filter(|c| c.human()).map(Click::at_ms);
        let opening = quotes.map(inbound_at).chain(clicks.filter(|at| *at >= message.sent_ms)).min();
        let replies = belongings.replies.iter().map(inbound_at).filter(|at| *at >= message.sent_ms).min();
        (earliest([opening, replies]), opening)
    }

    pub(super) fn fact_time(&self, no: u32, kind: StatusKind) -> Option<Ms> {
        self.messages[no].facts.status(kind).map(|s| s.at_ms)
    }

    /// When a message was delivered, opened and read, if it was.
    pub(super) fn progress(&self, no: u32) -> Progress {
        let (engaged, opening) = self.engaged(no);
        let read = earliest([self.fact_time(no, StatusKind::Read), self.fact_time(no, StatusKind::Played)]);
        let delivered = earliest([self.fact_time(no, StatusKind::Delivered), read, engaged]);
        Progress { delivered, opened: earliest([read, opening]), read }
    }

    /// Renews the touches that a message offers to conversions, and dirties the conversions that may follow them.
    pub(super) fn offer_touches(&mut self, no: u32, policies: &Policies) {
        let message = &self.messages[no];
        let policy = policies.by_no(message.place.campaign);
        let touches: Vec<Ms> = match policy.map(|p| p.touch) {
            None => Vec::new(),
            Some(Touch::Clicked) => {
                let clicks = message.belongings().clicks.iter().map(|c| &self.clicks[*c]);
                let mut human: Vec<Ms> = clicks.filter(|c| c.human()).map(Click::at_ms).collect();
                sort(&mut human, Ord::cmp);
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
            for at in &old {
                self.touches.remove(*at, no);
            }
            for at in &touches {
                self.touches.insert(*at, no, tie_key(&self.messages));
            }
            // What it owned is dirtied below. Nothing after the campaign's next touch can become its own.
            for at in &touches {
                let mut later = self.touches.behind(*at, no, tie_key(&self.messages)).iter();
                let next = later.find(|(_, m)| *m != no && self.messages[*m].touches_for == campaign).map_or(Ms::MAX, |t| t.0);
                let until = next.min(at.saturating_add(MAX_WINDOW_MS));
                self.dirty.conversions.extend(numbers(self.conversions_by_time.between(*at, until)));
            }
        }
        self.messages[no].touches = touches;
        // A sent time or a place may have changed without a touch.
        self.dirty.conversions.extend(&self.messages[no].belongings().conversions);
    }

    pub(super) fn own_conversion(&mut self, no: u32, policies: &Policies, delta: &mut Delta) {
        let facts = &self.conversions[no].facts;
        let at_ms = facts.at_ms;
        let mut latest = self.touches.between(at_ms - MAX_WINDOW_MS + 1, at_ms + 1).iter().rev();
        let owner = latest
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
            self.messages[message].belongings_mut().conversions.retain(|c| *c != no);
        }
        if let Some(message) = owner {
            self.messages[message].belongings_mut().conversions.push(no);
        }
        self.dirty.states.extend([old, owner].into_iter().flatten());
        let conversion = &mut self.conversions[no];
        conversion.owner = owner;
        recount(&mut conversion.counted, now, delta);
        self.conversions_version += 1;
        // The experiment of every campaign of this contact may see it.
        self.dirty.contacts.extend(self.campaigns.wholes());
    }
}

/// When a message reached each state.
pub(super) struct Progress {
    pub(super) delivered: Option<Ms>,
    pub(super) opened: Option<Ms>,
    pub(super) read: Option<Ms>,
}
