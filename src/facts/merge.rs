//! Two sets of facts of one thing put together: what comes of it is what would have come of all the events in one set.

use super::{AttemptFacts, Claim, ConversionFacts, Facts, InboundFacts, MessageFacts, StandingFacts, StatusFact};
use crate::order::sort;

impl Facts {
    /// Adds what another source knows of the same thing. Facts of another kind of thing add nothing.
    pub fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Message(mine), Self::Message(other)) => mine.merge(other),
            (Self::Attempt(mine), Self::Attempt(other)) => mine.merge(other),
            (Self::Standing(mine), Self::Standing(other)) => mine.merge(other),
            (Self::Inbound(mine), Self::Inbound(other)) => mine.merge(other),
            (Self::Click(mine), Self::Click(other)) => least(&mut mine.0, &other.0),
            (Self::Conversion(mine), Self::Conversion(other)) => mine.merge(other),
            (Self::OptOut(mine), Self::OptOut(other)) => least(&mut mine.at_ms, &other.at_ms),
            _ => {}
        }
    }
}

fn least<T: Ord + Clone>(mine: &mut T, other: &T) {
    if other < mine {
        mine.clone_from(other);
    }
}

/// The lesser of two values; one is lesser than none.
fn first<T: Ord + Clone>(mine: &mut Option<T>, other: &Option<T>) {
    if other.is_some() && (mine.is_none() || other < mine) {
        mine.clone_from(other);
    }
}

impl MessageFacts {
    fn merge(&mut self, other: &Self) {
        for (mine, other) in self.statuses.iter_mut().zip(&other.statuses) {
            match (mine, other) {
                (Some(mine), Some(other)) => mine.merge(other),
                (mine, Some(other)) => *mine = Some(other.clone()),
                (_, None) => {}
            }
        }
        for claim in &other.claims {
            let same = self.claims.iter_mut().find(|mine| (&mine.campaign, &mine.step) == (&claim.campaign, &claim.step));
            match same {
                Some(mine) => mine.merge(claim),
                None => self.claims.push(claim.clone()),
            }
        }
        sort(&mut self.claims, |a, b| (&a.campaign, &a.step).cmp(&(&b.campaign, &b.step)));
        first(&mut self.reference, &other.reference);
        first(&mut self.channel, &other.channel);
        first(&mut self.sender, &other.sender);
    }
}

impl StatusFact {
    fn merge(&mut self, other: &Self) {
        least(&mut self.at_ms, &other.at_ms);
        first(&mut self.category, &other.category);
        first(&mut self.billable, &other.billable);
        first(&mut self.error, &other.error);
    }
}

impl Claim {
    fn merge(&mut self, other: &Self) {
        least(&mut self.at_ms, &other.at_ms);
        self.attempts.extend(other.attempts.iter().cloned());
        for (mine, other) in [
            (&mut self.channel, &other.channel),
            (&mut self.sender, &other.sender),
            (&mut self.category, &other.category),
            (&mut self.template, &other.template),
            (&mut self.country, &other.country),
        ] {
            first(mine, other);
        }
        first(&mut self.cost, &other.cost);
    }
}

impl AttemptFacts {
    fn merge(&mut self, other: &Self) {
        least(&mut self.at_ms, &other.at_ms);
        self.attempts.extend(other.attempts.iter().cloned());
        first(&mut self.error, &other.error);
    }
}

impl StandingFacts {
    fn merge(&mut self, other: &Self) {
        least(&mut self.at_ms, &other.at_ms);
        least(&mut self.step, &other.step);
        first(&mut self.reason, &other.reason);
        first(&mut self.group, &other.group);
    }
}

impl InboundFacts {
    fn merge(&mut self, other: &Self) {
        least(&mut self.at_ms, &other.at_ms);
        least(&mut self.kind, &other.kind);
        least(&mut self.channel, &other.channel);
        first(&mut self.sender, &other.sender);
        first(&mut self.quoted, &other.quoted);
    }
}

impl ConversionFacts {
    fn merge(&mut self, other: &Self) {
        least(&mut self.at_ms, &other.at_ms);
        first(&mut self.value, &other.value);
        self.cancelled |= other.cancelled;
    }
}
