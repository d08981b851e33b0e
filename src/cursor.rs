//! Cursors of lists: where the next page begins, sealed, and good for the query that they were made for alone.
//!
//! AES-256-GCM-SIV (RFC 8452) with a fixed nonce, which that construction is made for: equal positions of one query give equal
//! cursors, and nothing else shows. It knows nothing of what a position means.

use aes_gcm_siv::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::keys::Key;
use crate::problem::Problem;

/// The cursor of a position in the answer to `query`: everything that decides what the list holds and how it is sorted.
#[must_use]
pub fn seal(key: &Key, query: &str, position: &str) -> Option<String> {
    let payload = Payload { msg: position.as_bytes(), aad: query.as_bytes() };
    let sealed = Aes256GcmSiv::new(key.into()).encrypt(&Nonce::default(), payload).ok()?;
    Some(URL_SAFE_NO_PAD.encode(sealed))
}

/// The position in a cursor.
///
/// # Errors
/// 400, if it was not made for this query, or not by us.
pub fn open(key: &Key, query: &str, cursor: &str) -> Result<String, Problem> {
    let opened = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|sealed| {
        let payload = Payload { msg: &sealed, aad: query.as_bytes() };
        Aes256GcmSiv::new(key.into()).decrypt(&Nonce::default(), payload).ok()
    });
    opened
        .and_then(|position| String::from_utf8(position).ok())
        .ok_or_else(|| Problem::bad("The query parameter cursor is not one of this list."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_query_alone() {
        let cursor = seal(&[1; 32], "campaigns?tag=a", "c17").unwrap();
        assert!(!cursor.contains("c17"));
        assert_eq!(open(&[1; 32], "campaigns?tag=a", &cursor).unwrap(), "c17");
        for (key, query, cursor) in [
            (1, "campaigns?tag=b", cursor.as_str()),
            (2, "campaigns?tag=a", &cursor),
            (1, "campaigns?tag=a", "c17"),
            (1, "campaigns?tag=a", ""),
            (1, "campaigns?tag=a", &format!("{cursor}AAAA")),
        ] {
            assert_eq!(open(&[key; 32], query, cursor).unwrap_err().status, 400);
        }
    }
}
