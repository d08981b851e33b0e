//! How a channel is: its operational counts, and a verdict in words.
//!
//! The counts are for the operator's eye, beside the numbers of campaigns, which are exact. Each isolate gathers them and hands
//! them on together; one that dies takes at most half a second of them with it, and a hand-over whose answer was lost may count
//! twice. Exact are `bad_signature` and the letters (counted where they are kept), `unattributed` and `unmatched` (what is there now).

use serde::{Deserialize, Serialize};

use crate::event::Ms;
use crate::policy::HOUR_MS;
use crate::provider::{Mapping, Provider, Signing};

/// A channel from which nothing came for so long is silent.
pub const SILENT_MS: Ms = 24 * HOUR_MS;

/// What happened on a channel since it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Items of callbacks that were the provider's own: events, others and what was not understood.
    pub received: u64,
    /// Callbacks whose signature was wrong.
    pub bad_signature: u64,
    /// Items that were not understood.
    pub malformed: u64,
    /// Items that were understood and change no state.
    pub other: u64,
    /// Events that changed nothing: they were known.
    pub duplicate: u64,
    /// Statuses that came after one that follows them.
    pub out_of_order: u64,
    /// Events that were older than anything is kept when they came.
    pub expired: u64,
    /// Events of before their contact's erasure that came after it.
    pub after_erasure: u64,
    /// Second claims on one message.
    pub conflict: u64,
    pub last_received_ms: Option<Ms>,
    pub last_bad_signature_ms: Option<Ms>,
    pub last_understood_ms: Option<Ms>,
}

impl Counts {
    pub fn add(&mut self, more: &Self) {
        self.received += more.received;
        self.bad_signature += more.bad_signature;
        self.malformed += more.malformed;
        self.other += more.other;
        self.duplicate += more.duplicate;
        self.out_of_order += more.out_of_order;
        self.expired += more.expired;
        self.after_erasure += more.after_erasure;
        self.conflict += more.conflict;
        self.last_received_ms = self.last_received_ms.max(more.last_received_ms);
        self.last_bad_signature_ms = self.last_bad_signature_ms.max(more.last_bad_signature_ms);
        self.last_understood_ms = self.last_understood_ms.max(more.last_understood_ms);
    }
}

/// What shows that a callback is the provider's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    Signed,
    UrlOnly,
}

/// One word for how a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Healthy,
    Silent,
    Misconfigured,
    Unprotected,
}

/// How the callbacks of a channel are protected.
#[must_use]
pub fn protection(provider: Provider, mapping: Option<&Mapping>, has_secret: bool) -> Protection {
    if has_secret && provider.signing(mapping) != Signing::Never { Protection::Signed } else { Protection::UrlOnly }
}

/// The verdict, and why.
#[must_use]
pub fn verdict(signing: Signing, protection: Protection, counts: &Counts, now_ms: Ms) -> (Verdict, &'static str) {
    if counts.last_bad_signature_ms > counts.last_received_ms {
        let reason = if counts.last_received_ms.is_none() {
            "Callbacks come, and none is signed with the channel's secret: the secret here is not the provider's."
        } else {
            "The latest callback was not signed with the channel's secret: was the secret changed at the provider?"
        };
        return (Verdict::Misconfigured, reason);
    }
    let Some(last_ms) = counts.last_received_ms else {
        let reason = "Nothing has come yet: is the callback URL set at the provider? Until then, numbers are too low.";
        return (Verdict::Silent, reason);
    };
    if counts.last_understood_ms.is_none() {
        let reason = "Callbacks come, and nothing in them is understood: is the provider (or the mapping) the right one?";
        return (Verdict::Misconfigured, reason);
    }
    if now_ms - last_ms >= SILENT_MS {
        let reason = "Nothing has come for 24 hours: if messages were sent, their callbacks are missing and numbers are too low.";
        return (Verdict::Silent, reason);
    }
    match (protection, signing) {
        (Protection::Signed, _) => (Verdict::Healthy, "Signed callbacks come and are understood."),
        (Protection::UrlOnly, Signing::Never) => (
            Verdict::Healthy,
            "Callbacks come and are understood. The provider signs nothing: the secret callback URL is all that protects them.",
        ),
        (Protection::UrlOnly, _) => (
            Verdict::Unprotected,
            "Callbacks come and are understood, but the channel has no secret: whoever learns its URL can forge them.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(signing: Signing, protection: Protection, at: [Option<Ms>; 3], expected: Verdict) {
        let [last_received_ms, last_bad_signature_ms, last_understood_ms] = at;
        let counts = Counts { last_received_ms, last_bad_signature_ms, last_understood_ms, ..Counts::default() };
        let (verdict, reason) = verdict(signing, protection, &counts, SILENT_MS + 100);
        assert_eq!(verdict, expected, "{at:?}: {reason}");
        assert!(reason.ends_with(['.', '?']));
    }

    #[test]
    fn verdicts() {
        use Protection::{Signed, UrlOnly};
        use Signing::{Always, Never, Optional};
        check(Always, Signed, [None, None, None], Verdict::Silent);
        check(Always, UrlOnly, [None, None, None], Verdict::Silent);
        check(Always, Signed, [None, Some(200), None], Verdict::Misconfigured);
        check(Always, Signed, [Some(150), Some(200), Some(150)], Verdict::Misconfigured);
        check(Always, Signed, [Some(200), Some(150), Some(200)], Verdict::Healthy);
        check(Always, Signed, [Some(200), None, None], Verdict::Misconfigured);
        check(Always, Signed, [Some(100), None, Some(100)], Verdict::Silent);
        check(Always, Signed, [Some(101), None, Some(101)], Verdict::Healthy);
        check(Always, UrlOnly, [Some(200), None, Some(200)], Verdict::Unprotected);
        check(Optional, UrlOnly, [Some(200), None, Some(200)], Verdict::Unprotected);
        check(Never, UrlOnly, [Some(200), None, Some(200)], Verdict::Healthy);
    }
}
