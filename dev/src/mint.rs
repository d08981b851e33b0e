//! Tracking links made offline: the example of what a sender does with a minting key, in any language, by `docs/tokens.md` alone.
//!
//! It knows the format of sealed tokens and nothing of the worker: no call is made, and no code is shared.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::failure::{Failure, Result};
use crate::random;

/// A sealed token, and nothing else.
const SEALED: u8 = 3;

/// A minting key: its id and its 32 bytes.
pub struct Key {
    id: u8,
    cipher: Aes256Gcm,
}

/// What a token says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Content<'a> {
    /// The number of a declared link (`l7` is 7); 0 for none.
    pub link: u32,
    /// The number of a campaign, for a token without a link; 0 for none.
    pub campaign: u32,
    /// A phone number or user id; empty for nobody.
    pub contact: &'a str,
    pub append_click_id: bool,
    pub pass_query: bool,
    /// Where it leads: a URL on one of the workspace's `link_hosts`.
    pub url: &'a str,
}

impl Key {
    /// From the text that `POST /v1/minting_keys` answered: `btm_128_…`.
    pub fn read(text: &str) -> Result<Self> {
        let read = || {
            let (id, key) = text.trim().strip_prefix("btm_")?.split_once('_')?;
            let key: [u8; 32] = URL_SAFE_NO_PAD.decode(key).ok()?.try_into().ok()?;
            Some(Self { id: id.parse().ok()?, cipher: Aes256Gcm::new(&key.into()) })
        };
        read().ok_or_else(|| Failure::new("this is no minting key", "give the whole text that POST /v1/minting_keys answered"))
    }

    /// The token of `content`; the nonce is random and used once.
    pub fn mint(&self, content: &Content<'_>) -> Result<String> {
        self.seal(random::bytes()?, content)
    }

    fn seal(&self, nonce: [u8; 12], content: &Content<'_>) -> Result<String> {
        let too_long = |_| Failure::new("the contact is too long", "a phone number or user id has at most 255 bytes");
        let mut text = vec![u8::from(content.append_click_id) | u8::from(content.pass_query) << 1];
        text.extend(content.link.to_be_bytes());
        text.extend(content.campaign.to_be_bytes());
        text.push(u8::try_from(content.contact.len()).map_err(too_long)?);
        text.extend(content.contact.as_bytes());
        text.extend(content.url.as_bytes());
        let header = [SEALED, self.id];
        let sealed = self.cipher.encrypt(Nonce::from_slice(&nonce), Payload { msg: &text, aad: &header });
        let sealed = sealed.map_err(|_| Failure::new("the token could not be sealed", "make the URL shorter"))?;
        Ok(URL_SAFE_NO_PAD.encode([header.as_slice(), &nonce, &sealed].concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_vector_of_the_format_comes_out() {
        let key = Key::read("btm_128_WlTAxlixQGd7KAdkLUGNiQCUHvP0FH7Kp5OruHvBeUA").unwrap();
        let content = Content {
            link: 7,
            campaign: 3,
            contact: "+1 (202) 555-0101",
            append_click_id: true,
            url: "https://shop.example/sale?c=1#top",
            ..Content::default()
        };
        assert_eq!(
            key.seal(*b"once and no ", &content).unwrap(),
            "A4BvbmNlIGFuZCBubyBb0IcR8Y1mflfXxnpVi_BVGvlgYmOegYja5Uw8xqJERw_ET5ZV4wUK5_KQ-GENt18UzHhn-3G_OZL5XwBxHTTJwkz7yxAbv7pn-_vu"
        );
        assert_ne!(key.mint(&content).unwrap(), key.mint(&content).unwrap(), "a nonce was used twice");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "btm_128_", "btm_300_WlTAxlixQGd7KAdkLUGNiQCUHvP0FH7Kp5OruHvBeUA", "bt_WlTA", "btm_128_WlTA"] {
            assert!(Key::read(text).is_err(), "{text}");
        }
    }
}
