//! Tickets for the live stream: what a page puts into a URL instead of its key, for one minute, for one campaign and once.
//!
//! A ticket says whose it is and until when, sealed like a cursor; that it is used once is seen to by the Registry.

use crate::access;
use crate::bounds::TICKET_MS;
use crate::cursor;
use crate::event::Ms;
use crate::keys::Key;
use crate::problem::Problem;

/// A ticket that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The id of the key that it was given for; empty for the deployment's own.
    pub key: String,
    pub until_ms: Ms,
    /// What tells it from every other.
    pub id: String,
}

/// A ticket for the campaign's stream, for the one minute from now; fresh random bytes tell it from others.
#[must_use]
pub fn seal(key: &Key, campaign: &str, holder: &str, entropy: &[u8; 32], now_ms: Ms) -> Option<String> {
    let nonce = access::secret("", entropy);
    cursor::seal(key, &bound_to(campaign), &format!("{} {holder} {nonce}", now_ms + TICKET_MS))
}

/// Opens a ticket.
///
/// # Errors
/// 401, if it is none of ours, for another campaign, or too old.
pub fn open(key: &Key, campaign: &str, ticket: &str, now_ms: Ms) -> Result<Ticket, Problem> {
    let opened = cursor::open(key, &bound_to(campaign), ticket).ok();
    let mut parts = opened.as_deref().unwrap_or_default().split(' ');
    let until_ms = parts.next().and_then(|until_ms| until_ms.parse().ok()).filter(|until_ms| now_ms < *until_ms);
    match (until_ms, parts.next()) {
        (Some(until_ms), Some(holder)) => Ok(Ticket { key: holder.to_owned(), until_ms, id: access::id(ticket) }),
        _ => Err(Problem::unauthorized()),
    }
}

/// No list's cursors are bound to a text of this form.
fn bound_to(campaign: &str) -> String {
    format!("live ticket\n{campaign}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_for_its_campaign_for_a_minute() {
        let ticket = seal(&[1; 32], "spring", "k", &[2; 32], 1_000).unwrap();
        for (key, campaign, text, now_ms, good) in [
            (1, "spring", ticket.as_str(), 1_000, true),
            (1, "spring", &ticket, 60_999, true),
            (1, "spring", &ticket, 61_000, false),
            (1, "summer", &ticket, 1_000, false),
            (2, "spring", &ticket, 1_000, false),
            (1, "spring", "", 1_000, false),
        ] {
            match open(&[key; 32], campaign, text, now_ms) {
                Ok(opened) => assert!(good && opened.key == "k" && opened.until_ms == 61_000),
                Err(problem) => assert!(!good && problem.status == 401),
            }
        }
        let another = seal(&[1; 32], "spring", "", &[3; 32], 1_000).unwrap();
        let opened = open(&[1; 32], "spring", &another, 1_000).unwrap();
        assert_eq!(opened.key, "");
        assert_ne!(opened.id, open(&[1; 32], "spring", &ticket, 1_000).unwrap().id);
    }

    #[test]
    fn a_cursor_is_no_ticket() {
        let cursor = cursor::seal(&[1; 32], "spring", "99999 k x").unwrap();
        assert!(open(&[1; 32], "spring", &cursor, 0).is_err());
    }
}
