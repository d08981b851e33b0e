//! The id of a click: who and which, so that a shop can name a click without naming a person, and we find the Ledger that
//! holds it without a look-up.
//!
//! 12 bytes of the contact's handle (random where the link names nobody), then 8 random bytes, in URL-safe base64. It proves
//! nothing: one that was made up names a click that no Ledger has.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::contact::Handle;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClickId {
    handle: Handle,
    random: [u8; 8],
}

impl ClickId {
    #[must_use]
    pub fn new(handle: Handle, random: [u8; 8]) -> Self {
        Self { handle, random }
    }

    /// 27 characters.
    #[must_use]
    pub fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode([&self.handle.0[..], &self.random].concat())
    }

    /// The handle by which a click id is routed; `None` if it has not the form of one.
    #[must_use]
    pub fn handle_in(text: &str) -> Option<Handle> {
        let bytes: [u8; 20] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        bytes.first_chunk().copied().map(Handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_pinned() {
        let id = ClickId::new(Handle([7; 12]), [1; 8]);
        assert_eq!(id.to_text(), "BwcHBwcHBwcHBwcHAQEBAQEBAQE");
        assert_eq!(ClickId::handle_in(&id.to_text()), Some(Handle([7; 12])));
        for other in ["", "BwcHBwcHBwcHBwcHAQEBAQEBAQ", "BwcHBwcHBwcHBwcHAQEBAQEBAQE=", "BwcHBwcHBwcHBwcHAQEBAQEBAQEA"] {
            assert_eq!(ClickId::handle_in(other), None, "{other}");
        }
    }
}
