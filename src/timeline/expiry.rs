//! What of a timeline is too old to be kept: everything that the contact has in a campaign whose newest event is.
//!
//! To a campaign belong its messages with all that belongs to them, and what it counts without a message; what belongs to no
//! campaign goes by its own time; a text that no message before it is old enough to claim goes with the latest of them. So whatever
//! stays keeps the message that it belongs to, and it makes no difference whether two campaigns go together or one after the other.
//! It does not know what time it is, nor what is done about it.

use super::{Ref, Timeline};
use crate::event::Ms;
use crate::sorted::{SortedMap, SortedSet};

/// What is too old, and what is not yet.
pub struct Expiry {
    /// The entries that go: the campaign under which each is stored, and its id.
    pub gone: Vec<(u32, String)>,
    /// The campaigns under which something stays.
    pub kept: SortedSet<u32>,
    /// Nothing more is too old before this time is, whichever campaign what stays belongs to by then.
    pub next_ms: Ms,
}

impl Timeline {
    /// What is older than `cutoff_ms`. The timeline must be settled.
    #[must_use]
    pub fn expiry(&self, cutoff_ms: Ms) -> Expiry {
        let mut newest: SortedMap<u32, Ms> = SortedMap::new();
        let mut things: Vec<(Ref, Option<u32>, Ms)> = Vec::new();
        for entry in self.ids.values() {
            let (campaign, at_ms) = self.belonging(*entry);
            if let Some(campaign) = campaign {
                let newest = newest.entry(campaign).or_insert(at_ms);
                *newest = at_ms.max(*newest);
            }
            things.push((*entry, campaign, at_ms));
        }
        let newest_of = |campaign: Option<u32>, at_ms| campaign.and_then(|c| newest.get(&c).copied()).unwrap_or(at_ms);
        let is_opt_out = |entry: &Ref| matches!(entry, Ref::OptOut(_));
        // A word about all messages to come is kept for as long as anything of the person is.
        let stays =
            |(entry, campaign, at_ms): &(Ref, Option<u32>, Ms)| newest_of(*campaign, *at_ms) >= cutoff_ms && !is_opt_out(entry);
        let asides = || self.aside.values().map(|slot| (slot, slot.shared.as_ref().map_or(Ms::MIN, |shared| shared.newest_ms())));
        let known = things.iter().any(stays) || asides().any(|(_, newest_ms)| newest_ms >= cutoff_ms);
        let mut expiry = Expiry { gone: Vec::new(), kept: SortedSet::new(), next_ms: Ms::MAX };
        for (entry, campaign, at_ms) in things {
            let newest_ms = newest_of(campaign, at_ms);
            let slot = self.slot(entry);
            let stored_in = slot.stored_in.unwrap_or_default();
            if newest_ms < cutoff_ms && !(known && is_opt_out(&entry)) {
                expiry.gone.push((stored_in, slot.id.to_string()));
                continue;
            }
            expiry.kept.insert(stored_in);
            if !(known && is_opt_out(&entry)) {
                expiry.next_ms = expiry.next_ms.min(at_ms);
            }
        }
        // What counts nowhere goes by its own time.
        for (slot, newest_ms) in asides() {
            let stored_in = slot.stored_in.unwrap_or_default();
            if newest_ms < cutoff_ms {
                expiry.gone.push((stored_in, slot.id.to_string()));
            } else {
                expiry.kept.insert(stored_in);
                expiry.next_ms = expiry.next_ms.min(newest_ms);
            }
        }
        expiry
    }

    /// The campaign that an entry belongs to, if it belongs to one, and the time of its newest event.
    fn belonging(&self, entry: Ref) -> (Option<u32>, Ms) {
        let of_message = |no: u32| self.messages[no].place.campaign;
        match entry {
            Ref::Message(no) => {
                let facts = &self.messages[no].facts;
                let statuses = facts.statuses.iter().flatten().map(|status| status.at_ms);
                (Some(of_message(no)), statuses.chain(facts.claims.iter().map(|claim| claim.at_ms)).max().unwrap_or(Ms::MIN))
            }
            Ref::Attempt(no) => {
                let attempt = &self.attempts[no];
                (attempt.counted.as_ref().map(|counted| counted.place.campaign), attempt.facts.at_ms)
            }
            Ref::Standing(no) => {
                let standing = &self.standings[no];
                (standing.place.as_ref().map(|place| place.campaign), standing.facts.at_ms)
            }
            Ref::Click(no) => (Some(self.click_place(no).campaign), self.clicks[no].at_ms()),
            Ref::Inbound(no) => {
                let inbound = &self.inbounds[no];
                // A message that came too long before it still keeps it from being the reply to an earlier one with a longer window.
                let of = inbound.owner.or(inbound.quotes).or_else(|| self.latest_before(no));
                (of.map(of_message), inbound.facts.at_ms)
            }
            Ref::Conversion(no) => {
                let conversion = &self.conversions[no];
                (conversion.owner.map(of_message), conversion.facts.at_ms)
            }
            Ref::OptOut(no) => (None, self.opt_outs[no].facts.at_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contributions::Delta;
    use crate::policy::Policies;

    #[test]
    fn a_word_about_all_messages_stays_for_as_long_as_anything_else() {
        let mut timeline = Timeline::new("h", None);
        let put = |timeline: &mut Timeline, event: serde_json::Value, at_ms: Ms| {
            timeline.put(&serde_json::from_value(event).unwrap(), '-', at_ms);
            timeline.settle(&Policies::default(), &mut Delta::default());
        };
        let said = |at_ms: Ms| json!({"opt_out": {"channel": "wa", "person": {}, "stopped": true, "at_ms": at_ms}});
        let told = |timeline: &Timeline, cutoff_ms: Ms| {
            let expiry = timeline.expiry(cutoff_ms);
            (expiry.gone.len(), expiry.next_ms)
        };
        let day = crate::counters::DAY_MS;
        let at = |days: Ms| 20_000 * day + days * day;
        for days in [1, 3] {
            put(&mut timeline, said(at(days)), at(days));
        }
        // Alone each goes by its own time.
        assert_eq!(
            [at(1), at(2), at(3), at(4)].map(|cutoff_ms| told(&timeline, cutoff_ms)),
            [(0, at(1)), (1, at(3)), (1, at(3)), (2, Ms::MAX)]
        );
        let click = json!({"click": {"click_id": "c", "person": {}, "link": "l", "at_ms": at(9)}});
        put(&mut timeline, click, at(9));
        assert_eq!([at(4), at(9), at(10)].map(|cutoff_ms| told(&timeline, cutoff_ms)), [(0, at(9)), (0, at(9)), (3, Ms::MAX)]);
    }

    #[test]
    fn what_a_later_message_keeps_from_an_earlier_one_goes_with_the_later() {
        let (hour, day) = (3_600_000, crate::counters::DAY_MS);
        let start_ms = 20_000 * day;
        let mut policies = Policies::default();
        for (no, id, window_hours) in [(1, "news", 168), (2, "flash", 72)] {
            let policy = json!({"no": no, "id": id, "message_type": "template", "reply_window_ms": window_hours * hour,
                "attribution_window_ms": day, "touch": "delivered"});
            policies.learn(serde_json::from_value(policy).unwrap());
        }
        let mut timeline = Timeline::new("h", None);
        let sent = |id: &str, campaign: &str, at_ms: Ms| json!({"status": {"channel": "wa", "message_id": id, "status": "sent", "at_ms": at_ms, "person": {}, "reference": campaign}});
        let text = json!({"inbound": {"channel": "wa", "message_id": "i", "inbound": "message", "at_ms": start_ms + 5 * day, "person": {}}});
        for (event, days) in [
            (sent("b", "news", start_ms), 0),
            (sent("a", "flash", start_ms + day), 1),
            (text, 5),
            (sent("b2", "news", start_ms + 60 * day), 60),
        ] {
            timeline.put(&serde_json::from_value(event).unwrap(), '-', start_ms + days * day);
            timeline.settle(&policies, &mut Delta::default());
        }
        // Alone the message would go first, and the text would be the reply to the one before.
        let gone = [1, 2, 5, 6].map(|days| timeline.expiry(start_ms + days * day).gone.len());
        assert_eq!(gone, [0, 0, 0, 2]);
    }
}
