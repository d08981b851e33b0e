//! Entity tags: short texts that differ when what an answer depends on differs (RFC 9110, section 8.8.3).
//!
//! It knows nothing of what the answers are.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The tag of an answer to `question` that depends on `state`: 96 bits of a hash, in quotes.
#[must_use]
pub fn of(question: &str, state: &str) -> String {
    // The length keeps the two apart.
    let digest = Sha256::new().chain_update((question.len() as u64).to_le_bytes()).chain_update(question).chain_update(state);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest.finalize().get(..12).unwrap_or_default()))
}

/// Whether an `If-None-Match` names the tag: in a list, weakly, or as `*`.
#[must_use]
pub fn named_by(if_none_match: &str, etag: &str) -> bool {
    if_none_match.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_tells_questions_and_states_apart() {
        let tags = [("a", "b"), ("ab", ""), ("", "ab"), ("a", "c"), ("b", "b")].map(|(question, state)| of(question, state));
        for (n, tag) in tags.iter().enumerate() {
            assert!(tag.len() == 18 && tag.starts_with('"') && tag.ends_with('"'));
            assert!(!tags[..n].contains(tag));
        }
        assert_eq!(of("a", "b"), tags[0]);
    }

    #[test]
    fn a_reader_names_tags_in_many_ways() {
        for (header, known) in [
            (r#""x""#, true),
            (r#"W/"x""#, true),
            (r#""a", "x""#, true),
            (r#""a",W/"x" , "b""#, true),
            ("*", true),
            ("", false),
            ("x", false),
            (r#""a""#, false),
        ] {
            assert_eq!(named_by(header, r#""x""#), known, "{header}");
        }
    }
}
