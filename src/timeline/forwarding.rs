//! Whether a contact's personal link has gone on to others.
//!
//! No address and no user agent is kept that would tell people apart, so this is a hint and no proof: one person has a telephone
//! and a computer, and travels; who taps in [`PLACES`] different pairs of country and class of device is most likely several.
//! Others with the same kind of device in the same country do not show. Nothing is counted by it.

use super::Timeline;
use crate::sorted::{SortedMap, SortedSet};

/// So many pairs of country and class of device are more than one person's.
const PLACES: usize = 3;

impl Timeline {
    /// The links of this contact that were tapped by people in too many places for one person.
    #[must_use]
    pub fn forwarded(&self) -> SortedSet<&str> {
        let mut places: SortedMap<&str, SortedSet<(&str, &str)>> = SortedMap::new();
        let clicks = self.clicks.numbers().map(|no| &self.clicks[no]);
        for click in clicks.filter(|click| click.human() && !self.nobody) {
            let tap = &click.facts.0.1;
            // No provider's click knows its country.
            if let (Some(country), Some(device)) = (&tap.country, &tap.device) {
                places.entry(&tap.link).or_default().insert((country, device));
            }
        }
        places.into_iter().filter(|(_, places)| places.len() >= PLACES).map(|(link, _)| link).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contributions::Delta;
    use crate::policy::Policies;

    fn check(handle: &str, taps: &[(&str, &str, &str, Option<&str>)], forwarded: &[&str]) {
        let mut timeline = Timeline::new(handle, None);
        for (n, (link, country, device, machine)) in taps.iter().enumerate() {
            let click = json!({"click_id": n.to_string(), "person": {}, "link": link, "country": country,
                               "device": device, "machine": machine});
            timeline.put(&serde_json::from_value(serde_json::json!({ "click": click })).unwrap(), '-', 1_000 * n as i64);
        }
        timeline.settle(&Policies::default(), &mut Delta::default());
        assert_eq!(timeline.forwarded().into_iter().collect::<Vec<_>>(), forwarded, "{taps:?}");
    }

    #[test]
    fn three_places_are_more_than_one_persons() {
        let (mobile, desktop, tablet) =
            (("l1", "IN", "mobile", None), ("l1", "IN", "desktop", None), ("l1", "IN", "tablet", None));
        let abroad = ("l1", "AE", "mobile", None);
        check("h", &[], &[]);
        check("h", &[mobile, mobile, desktop, mobile], &[]);
        check("h", &[mobile, abroad], &[]);
        check("h", &[mobile, desktop, abroad, mobile], &["l1"]);
        check("h", &[mobile, desktop, tablet], &["l1"]);
        // Places of another link, of machines and of nobody tell nothing.
        check("h", &[mobile, desktop, ("l2", "IN", "tablet", None)], &[]);
        check("h", &[mobile, desktop, ("l1", "US", "desktop", Some("crawler"))], &[]);
        check("~h", &[mobile, desktop, abroad], &[]);
    }
}
