//! The path of the list behind each number of the stats object.
//!
//! It knows how lists are asked for, and nothing of what is in them.

use form_urlencoded::Serializer;

use crate::period::Period;
use crate::sorted::SortedMap;
use crate::time::to_rfc3339;

/// Number → list and state: `contacts.submitted` is the people who were attempted.
const LISTS: [(&str, &str, &str); 32] = [
    ("contacts.submitted", "contacts", "attempted"),
    ("contacts.sent", "contacts", "sent"),
    ("contacts.delivered", "contacts", "delivered"),
    ("contacts.opened", "contacts", "opened"),
    ("contacts.read", "contacts", "read"),
    ("contacts.failed", "contacts", "failed"),
    ("contacts.failed_total", "contacts", "failed_total"),
    ("contacts.clicked", "contacts", "clicked"),
    ("contacts.replied", "contacts", "replied"),
    ("contacts.quick_replied", "contacts", "quick_replied"),
    ("contacts.interacted", "contacts", "interacted"),
    ("contacts.converted", "contacts", "converted"),
    ("contacts.skipped", "contacts", "skipped"),
    ("contacts.control", "contacts", "control"),
    ("contacts.contaminated", "contacts", "contaminated"),
    ("messages.attempted", "messages", "attempted"),
    ("messages.dispatch_errors", "messages", "dispatch_error"),
    ("messages.error_then_sent", "messages", "error_then_sent"),
    ("messages.sent", "messages", "sent"),
    ("messages.delivered", "messages", "delivered"),
    ("messages.delivered_inferred", "messages", "delivered_inferred"),
    ("messages.opened", "messages", "opened"),
    ("messages.read", "messages", "read"),
    ("messages.failed", "messages", "failed"),
    ("messages.in_flight", "messages", "in_flight"),
    ("messages.clicked", "messages", "clicked"),
    ("messages.replied", "messages", "replied"),
    ("messages.quick_replied", "messages", "quick_replied"),
    ("messages.interacted", "messages", "interacted"),
    ("messages.converted", "messages", "converted"),
    ("messages.billable", "messages", "billable"),
    ("messages.after_stop", "messages", "after_stop"),
];

/// The lists behind the numbers of a campaign, a step (none: all) and a period (none: all time, where people are counted too).
#[must_use]
pub fn of(campaign: &str, step: Option<&str>, period: Option<Period>) -> SortedMap<&'static str, String> {
    let mut paths = SortedMap::new();
    for (number, list, state) in LISTS.into_iter().filter(|(_, list, _)| period.is_none() || *list == "messages") {
        paths.insert(number, path(campaign, list, &[("has", state)], step, period));
    }
    paths.insert("conversions.total", path(campaign, "conversions", &[], step, period));
    paths
}

/// The path of one list, narrowed by these parameters, and to the step and period.
#[must_use]
pub fn path(campaign: &str, list: &str, narrowed: &[(&str, &str)], step: Option<&str>, period: Option<Period>) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(narrowed);
    if let Some(step) = step {
        query.append_pair("step", step);
    }
    if let Some(period) = period {
        query.append_pair("from", &to_rfc3339(period.from_ms)).append_pair("to", &to_rfc3339(period.to_ms));
        query.append_pair("basis", period.basis.name());
    }
    let query = query.finish();
    let between = if query.is_empty() { "" } else { "?" };
    // An id that an operator chooses needs no escape in a path.
    format!("/v1/campaigns/{campaign}/{list}{between}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::Basis;

    #[test]
    fn paths() {
        let all = of("spring", None, None);
        assert_eq!(all.get("contacts.clicked").unwrap(), "/v1/campaigns/spring/contacts?has=clicked");
        assert_eq!(all.get("conversions.total").unwrap(), "/v1/campaigns/spring/conversions");
        assert_eq!(of("spring", Some(""), None).get("messages.sent").unwrap(), "/v1/campaigns/spring/messages?has=sent&step=");
        let period = Period { from_ms: 0, to_ms: 900_000, basis: Basis::Event };
        let of_period = of("spring", None, Some(period));
        assert!(!of_period.contains_key("contacts.clicked"));
        assert_eq!(
            of_period.get("messages.read").unwrap(),
            "/v1/campaigns/spring/messages?has=read&from=1970-01-01T00%3A00%3A00.000Z&to=1970-01-01T00%3A15%3A00.000Z&basis=event"
        );
    }
}
