//! What may be an id: those that the operator chooses, and those that come from elsewhere.
//!
//! It checks their form alone and knows none of them. Each check gives the reason in words that may be shown to the caller.

use crate::bounds::{FOREIGN_ID_BYTES, OPERATOR_ID_BYTES};

/// The id of the campaign that what nobody claims is counted under.
pub const UNATTRIBUTED: &str = "_unattributed";

/// Checks an id chosen by the operator: channel, campaign, step, link, goal, attempt.
///
/// # Errors
/// In words, if it is not 1 to 64 of `A-Z a-z 0-9 _ - .`, or is `.` or `..`, or begins with the reserved `_`.
pub fn operator_id(text: &str) -> Result<(), &'static str> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if text.is_empty() || text.len() > OPERATOR_ID_BYTES || !text.bytes().all(allowed) || matches!(text, "." | "..") {
        Err("must be 1 to 64 characters of A-Z a-z 0-9 _ - . and neither . nor ..")
    } else if text.starts_with('_') {
        Err("must not begin with _, which is reserved")
    } else {
        Ok(())
    }
}

/// Checks an id from elsewhere: message, conversion, user id. They are compared byte for byte.
///
/// # Errors
/// In words, if it is not 1 to 512 bytes without control characters.
pub fn foreign_id(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > FOREIGN_ID_BYTES {
        Err("must be 1 to 512 bytes")
    } else if text.chars().any(char::is_control) {
        Err("must not contain control characters")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operator_ids() {
        let longest = "x".repeat(64);
        for good in ["a", "Diwali-2026", "A.b_c-9", "...", "-", &longest] {
            assert_eq!(operator_id(good), Ok(()), "{good}");
        }
        let too_long = "x".repeat(65);
        for bad in ["", ".", "..", "_a", "_unattributed", "a b", "a/b", "é", "a:b", "a\n", &too_long] {
            assert!(operator_id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn foreign_ids() {
        let longest = "é".repeat(256);
        for good in ["wamid.HBgL==", "order #17", "_", "zażółć", &longest] {
            assert_eq!(foreign_id(good), Ok(()), "{good}");
        }
        let too_long = "é".repeat(257);
        for bad in ["", "a\u{0}", "a\n", "\u{7f}", "\u{85}", &too_long] {
            assert!(foreign_id(bad).is_err(), "{bad:?}");
        }
    }
}
