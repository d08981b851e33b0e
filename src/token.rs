//! Tracking tokens: what stands after `/c/`. Opaque, unforgeable, and readable without any look-up.
//!
//! Standard parts only, from RustCrypto: AES-256 on one block (FIPS 197), HMAC-SHA256 cut to 96 bits (RFC 2104, section 5) over
//! the encrypted block (encrypt-then-MAC), AES-256-GCM (NIST SP 800-38D), HKDF-SHA256 (RFC 5869) in `keys`. This file does not
//! know which links exist, which are disabled, and which key ids are revoked.
//!
//! # Format
//!
//! A token is bytes in URL-safe base64 (RFC 4648, section 5) without padding, in its one canonical spelling. Numbers are
//! big-endian. The first byte is the kind, the second the key id.
//!
//! ## Short (kind 1) and shared (kind 2): 30 bytes, 40 characters
//!
//! | bytes | meaning |
//! |---|---|
//! | 1 | kind |
//! | 1 | key id |
//! | 16 | AES-256, key `token-block`, of one block: 4 bytes link number, 12 bytes handle (shared: zeros) |
//! | 12 | the first 12 bytes of HMAC-SHA256, key `token-mac`, over the 18 bytes before |
//!
//! One encrypted block is a pseudo-random permutation of (link, handle): equal pairs give equal tokens, nothing else shows.
//! A guess is right with a chance of 2^-96. (RFC 2104 advises half of the hash, 128 bits, and at least 80: 40 characters hold 96,
//! as many as IPsec's tags in RFC 2404; and every guess costs a request.)
//!
//! ## Sealed (kind 3): no look-up at all
//!
//! | bytes | meaning |
//! |---|---|
//! | 1 | kind |
//! | 1 | key id |
//! | 12 | nonce |
//! | n | AES-256-GCM, key `token-seal`, of the content; the additional data are the 2 bytes kind and key id |
//! | 16 | its tag |
//!
//! The content:
//!
//! | bytes | meaning |
//! |---|---|
//! | 1 | flags: 1 `append_click_id`, 2 `pass_query`, 4 the contact is a handle; the others are 0 |
//! | 4 | link number, 0 if no link was declared |
//! | 4 | campaign number, 0 for none |
//! | 1 | length of the contact: 0 for nobody, 12 for a handle |
//! | … | the contact: a handle, or in UTF-8 a phone number or user id as the sender writes it |
//! | … | the target in UTF-8, to the end |
//!
//! Tokens that we mint carry a handle and a nonce made of the content: the first 12 bytes of HMAC-SHA256, key `token-mac`, over
//! kind, key id and content. So the same content gives the same token, and two contents share a nonce no more often than with
//! random nonces.
//!
//! ## Keys
//!
//! Key ids 0–127 are ours. 128–255 are *minting keys*: whoever holds `token-seal` of such an id mints sealed tokens offline, with
//! 12 random bytes as the nonce, never two tokens under one nonce, and at most 2^32 tokens with one key (SP 800-38D, section
//! 8.3). A minting key names contacts by phone number or user id, since it cannot make handles; targets only on `link_hosts`.
//! Each sub-key is HKDF-SHA256 without salt, the master secret as input, info `bluetick/<name>/1/` and the byte of the key id.
//!
//! ## Test vectors
//!
//! The master secret is the 32 bytes 00 01 … 1f; the handle is a0 a1 … ab; link 7, campaign 3, `append_click_id`, target
//! `https://shop.example/sale?c=1#top`.
//!
//! ```text
//! token-block, id 1    4289424bdbc70d650bd3d5254d96c9f198b61a8fab099258c5736433941fa062
//! token-mac,   id 1    724bb7de8eb3119f8e22c1fef2263ae3a4bd06dfd268a733ae1d0eb9f868a064
//! token-seal,  id 1    f4fed2ad3c99bb4a11ea4598165973a24de52db9f9e8f1be27ece1de78484b58
//! token-seal,  id 128  5a54c0c658b140677b2807642d418d8900941ef3f4147ecaa793abb87bc17940
//!
//! short, id 1          AQHEWR1h4XaiLpy1L-K5N1jpqN85WPr0iCfqlyt0
//! shared, id 1         AgFbUfBSLQEuLw3NoSV-nxzOX5rG4tWziK8396j4
//! sealed, id 1, to the handle
//!   content            0500000007000000030ca0a1a2a3a4a5a6a7a8a9aaab
//!                      68747470733a2f2f73686f702e6578616d706c652f73616c653f633d3123746f70
//!   token              AwFXDnjS2RFcaAuEzpX34aB0ehp6v87Bmzy3sCMW0Up0dI3eyccKNDoRKQm6OBM_JYWprqXzU8gw97I-
//!                      R8rDuz36KlxIEDyXsUbQQ8_hIiB6-pNjGw
//! minted outside, id 128, nonce `once and no `, to `+1 (202) 555-0101`
//!   content            010000000700000003112b31202832303229203535352d30313031
//!                      68747470733a2f2f73686f702e6578616d706c652f73616c653f633d3123746f70
//!   token              A4BvbmNlIGFuZCBubyBb0IcR8Y1mflfXxnpVi_BVGvlgYmOegYja5Uw8xqJERw_ET5ZV4wUK5_KQ-GEN
//!                      t18UzHhn-3G_OZL5XwBxHTTJwkz7yxAbv7pn-_vu
//! ```

use core::cell::OnceCell;

use aes::Aes256;
use aes::cipher::{BlockDecrypt as _, BlockEncrypt as _};
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInPlace as _, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::contact::{Handle, canonical_key};
use crate::keys::{self, Key, Purpose};
use crate::target::{TARGET_MAX_CHARS, Target};

/// The first key id of minting keys, which are outside the deployment; those below are ours.
pub const FIRST_MINTING_ID: u8 = 128;

/// No token is longer: the header, nonce and tag of a sealed one (30 bytes), 10 bytes of fields, 255 of contact and the longest
/// target, in base64.
pub const TOKEN_MAX_CHARS: usize = (30 + 10 + 255 + TARGET_MAX_CHARS).div_ceil(3) * 4;

const SHORT: u8 = 1;
const SHARED: u8 = 2;
const SEALED: u8 = 3;

const APPEND_CLICK_ID: u8 = 1;
const PASS_QUERY: u8 = 2;
const IS_HANDLE: u8 = 4;

/// What an authentic token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The key that minted it: to be looked up among the revoked.
    pub key_id: u8,
    /// The link's number; 0 in a sealed token whose target was never declared.
    pub link_no: u32,
    pub who: Who,
    /// What a sealed token carries itself; a short or shared one needs the link's definition.
    pub sealed: Option<Sealed>,
}

/// Whom a token was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    Nobody,
    Handle(Handle),
    /// The canonical key of a person, from a token minted outside.
    Key(String),
}

/// Everything that a redirect needs, inside a sealed token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The campaign's number; 0 for none.
    pub campaign_no: u32,
    pub append_click_id: bool,
    pub pass_query: bool,
    pub target: Target,
}

/// Why a token opens nothing. Every one but [`TokenError::HostsUnknown`] is a 404 to the person who tapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// No token of ours by its shape, or an authentic one with a content that says nothing valid.
    Malformed,
    /// The tag does not match: tampered, invented, or of another deployment.
    Forged,
    /// A minting key named a target that is not on `link_hosts`.
    HostNotAllowed,
    /// A minting key's token, and the caller has no list of hosts yet: fetch it and ask again.
    HostsUnknown,
}

/// The keys of one id, expanded: cheap to use, dear to make.
pub struct TokenKey {
    id: u8,
    block: Aes256,
    mac: Hmac<Sha256>,
    seal: Seal,
}

impl TokenKey {
    /// The keys of `id` under the deployment's master secret.
    #[must_use]
    pub fn new(master: &[u8], id: u8) -> Self {
        let derive = |purpose: fn(u8) -> Purpose| keys::derive(master, purpose(id));
        Self {
            id,
            block: Aes256::new(&derive(Purpose::TokenBlock).into()),
            mac: hmac(&derive(Purpose::TokenMac)),
            seal: Seal::new(id, &derive(Purpose::TokenSeal)),
        }
    }

    /// The token of a link and a contact.
    #[must_use]
    pub fn mint_short(&self, link_no: u32, contact: Handle) -> String {
        self.mint_block(SHORT, link_no, contact.0)
    }

    /// The token of a link without a contact: the same for everybody.
    #[must_use]
    pub fn mint_shared(&self, link_no: u32) -> String {
        self.mint_block(SHARED, link_no, [0; 12])
    }

    /// The token that carries its target.
    #[must_use]
    pub fn mint_sealed(&self, link_no: u32, contact: Option<Handle>, sealed: &Sealed) -> String {
        let (flag, contact) = match &contact {
            Some(handle) => (IS_HANDLE, handle.0.as_slice()),
            None => (0, [].as_slice()),
        };
        let content = content(flag, link_no, contact, sealed);
        let nonce = self.tag(&[&[SEALED, self.id], content.as_slice()]);
        self.seal.seal(nonce, content)
    }

    fn mint_block(&self, kind: u8, link_no: u32, contact: [u8; 12]) -> String {
        let mut block = aes::Block::default();
        for (to, from) in block.iter_mut().zip(link_no.to_be_bytes().into_iter().chain(contact)) {
            *to = from;
        }
        self.block.encrypt_block(&mut block);
        let header = [kind, self.id];
        let tag = self.tag(&[&header, &block]);
        URL_SAFE_NO_PAD.encode([&header, block.as_slice(), &tag].concat())
    }

    fn tag(&self, parts: &[&[u8]]) -> [u8; 12] {
        let mut mac = self.mac.clone();
        for part in parts {
            mac.update(part);
        }
        let mut tag = [0; 12];
        for (to, from) in tag.iter_mut().zip(mac.finalize().into_bytes()) {
            *to = from;
        }
        tag
    }

    /// What follows the header of a short or shared token.
    fn open_block(&self, kind: u8, rest: &[u8]) -> Result<Opened, TokenError> {
        let (block, tag) = rest.split_first_chunk::<16>().ok_or(TokenError::Malformed)?;
        let tag: [u8; 12] = tag.try_into().map_err(|_| TokenError::Malformed)?;
        if !bool::from(self.tag(&[&[kind, self.id], block]).ct_eq(&tag)) {
            return Err(TokenError::Forged);
        }
        let mut block = aes::Block::from(*block);
        self.block.decrypt_block(&mut block);
        let [a, b, c, d, handle @ ..] = <[u8; 16]>::from(block);
        let who = if kind == SHORT { Who::Handle(Handle(handle)) } else { Who::Nobody };
        Ok(Opened { key_id: self.id, link_no: u32::from_be_bytes([a, b, c, d]), who, sealed: None })
    }
}

/// Every key of a deployment: made when a token first names it, so that rotation needs no list.
pub struct TokenKeys {
    master: Vec<u8>,
    keys: [OnceCell<Box<TokenKey>>; 256],
}

impl TokenKeys {
    #[must_use]
    pub fn new(master: &[u8]) -> Self {
        Self { master: master.to_vec(), keys: [const { OnceCell::new() }; 256] }
    }

    /// The keys of `id`.
    #[must_use]
    pub fn key(&self, id: u8) -> Option<&TokenKey> {
        let cell = self.keys.get(usize::from(id))?;
        Some(cell.get_or_init(|| Box::new(TokenKey::new(&self.master, id))))
    }
}

/// What holds a minting key and nothing else: mints sealed tokens anywhere, opens none here.
pub struct MintingKey(Seal);

impl MintingKey {
    /// From the id and the secret, as the deployment gave them out (`keys::derive` with `Purpose::TokenSeal(id)`).
    #[must_use]
    pub fn new(id: u8, key: &Key) -> Self {
        Self(Seal::new(id, key))
    }

    /// The token of one contact (a phone number or user id; empty for nobody). The nonce is random and never used again.
    pub fn mint(&self, nonce: [u8; 12], link_no: u32, contact: &str, sealed: &Sealed) -> Result<String, TokenError> {
        if contact.len() > 255 {
            return Err(TokenError::Malformed);
        }
        Ok(self.0.seal(nonce, content(0, link_no, contact.as_bytes(), sealed)))
    }
}

/// What a token says, if it is authentic. `link_hosts` are the hosts (lower case, no port) that minting keys may name.
pub fn open(token: &str, keys: &TokenKeys, link_hosts: Option<&[String]>) -> Result<Opened, TokenError> {
    if token.len() > TOKEN_MAX_CHARS {
        return Err(TokenError::Malformed);
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| TokenError::Malformed)?;
    let (header, rest) = bytes.split_first_chunk::<2>().ok_or(TokenError::Malformed)?;
    let [kind, id] = *header;
    let key = keys.key(id).ok_or(TokenError::Malformed)?;
    match kind {
        SHORT | SHARED => key.open_block(kind, rest),
        SEALED => {
            let opened = parse_content(id, &key.seal.open(rest)?).ok_or(TokenError::Malformed)?;
            if id >= FIRST_MINTING_ID {
                let host = opened.sealed.as_ref().map_or("", |sealed| sealed.target.host());
                if !link_hosts.ok_or(TokenError::HostsUnknown)?.iter().any(|allowed| allowed == host) {
                    return Err(TokenError::HostNotAllowed);
                }
            }
            Ok(opened)
        }
        _ => Err(TokenError::Malformed),
    }
}

/// Whether a URL is one of ours by its token, on whichever host: a provider that tracks clicks itself names the target, which may be
/// our redirect; that tap counts when it arrives here.
#[must_use]
pub fn is_tracking_url(url: &str, keys: &TokenKeys) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let token = path.rsplit_once("/c/").map_or("", |(_, token)| token);
    matches!(open(token, keys, None), Ok(_) | Err(TokenError::HostsUnknown))
}

/// HMAC-SHA256 under a key, which HMAC itself fills up with zeros to a block (RFC 2104, section 2).
fn hmac(key: &Key) -> Hmac<Sha256> {
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block)
}

/// The sealed form's encryption under one key id.
struct Seal {
    id: u8,
    cipher: Aes256Gcm,
}

impl Seal {
    fn new(id: u8, key: &Key) -> Self {
        Self { id, cipher: Aes256Gcm::new(key.into()) }
    }

    fn seal(&self, nonce: [u8; 12], content: Vec<u8>) -> String {
        let header = [SEALED, self.id];
        let mut encrypted = content;
        // Fails only beyond 64 GB.
        let Ok(tag) = self.cipher.encrypt_in_place_detached(&nonce.into(), &header, &mut encrypted) else {
            return String::new();
        };
        URL_SAFE_NO_PAD.encode([header.as_slice(), &nonce, &encrypted, &tag].concat())
    }

    /// The content of what follows the header.
    fn open(&self, rest: &[u8]) -> Result<Vec<u8>, TokenError> {
        let (nonce, rest) = rest.split_first_chunk::<12>().ok_or(TokenError::Malformed)?;
        let (encrypted, tag) = rest.split_last_chunk::<16>().ok_or(TokenError::Malformed)?;
        let mut content = encrypted.to_vec();
        self.cipher
            .decrypt_in_place_detached(&(*nonce).into(), &[SEALED, self.id], &mut content, &(*tag).into())
            .map_err(|_| TokenError::Forged)?;
        Ok(content)
    }
}

fn content(contact_flag: u8, link_no: u32, contact: &[u8], sealed: &Sealed) -> Vec<u8> {
    let click_id = if sealed.append_click_id { APPEND_CLICK_ID } else { 0 };
    let query = if sealed.pass_query { PASS_QUERY } else { 0 };
    let mut out = vec![contact_flag | click_id | query];
    out.extend(link_no.to_be_bytes());
    out.extend(sealed.campaign_no.to_be_bytes());
    out.extend(u8::try_from(contact.len()));
    out.extend(contact);
    out.extend(sealed.target.as_str().as_bytes());
    out
}

/// The inverse of [`content`]; `None` for what no minter may write.
fn parse_content(key_id: u8, content: &[u8]) -> Option<Opened> {
    let (&[flags], rest) = content.split_first_chunk()?;
    let (link_no, rest) = rest.split_first_chunk()?;
    let (campaign_no, rest) = rest.split_first_chunk()?;
    let (&[length], rest) = rest.split_first_chunk()?;
    let (contact, target) = rest.split_at_checked(usize::from(length))?;
    let who = match (flags & IS_HANDLE != 0, contact) {
        (true, _) => Who::Handle(Handle(contact.try_into().ok()?)),
        (false, []) => Who::Nobody,
        (false, _) => Who::Key(canonical_key(core::str::from_utf8(contact).ok()?)?),
    };
    if flags & !(APPEND_CLICK_ID | PASS_QUERY | IS_HANDLE) != 0 {
        return None;
    }
    let sealed = Sealed {
        campaign_no: u32::from_be_bytes(*campaign_no),
        append_click_id: flags & APPEND_CLICK_ID != 0,
        pass_query: flags & PASS_QUERY != 0,
        target: Target::parse(core::str::from_utf8(target).ok()?).ok()?,
    };
    Some(Opened { key_id, link_no: u32::from_be_bytes(*link_no), who, sealed: Some(sealed) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn master() -> Vec<u8> {
        (0..32).collect()
    }

    fn handle() -> Handle {
        Handle(core::array::from_fn(|i| 0xa0 + i as u8))
    }

    fn sealed(target: &str) -> Sealed {
        Sealed { campaign_no: 3, append_click_id: true, pass_query: false, target: Target::parse(target).unwrap() }
    }

    fn hosts() -> Vec<String> {
        vec!["shop.example".to_owned()]
    }

    /// The token is the pinned one and opens to what it was made of.
    fn check(token: &str, pinned: &str, opened: Opened) {
        assert_eq!(token, pinned);
        assert_eq!(open(token, &TokenKeys::new(&master()), Some(&hosts())), Ok(opened));
    }

    #[test]
    fn vectors_are_pinned() {
        for (purpose, pinned) in [
            (Purpose::TokenBlock(1), "4289424bdbc70d650bd3d5254d96c9f198b61a8fab099258c5736433941fa062"),
            (Purpose::TokenMac(1), "724bb7de8eb3119f8e22c1fef2263ae3a4bd06dfd268a733ae1d0eb9f868a064"),
            (Purpose::TokenSeal(1), "f4fed2ad3c99bb4a11ea4598165973a24de52db9f9e8f1be27ece1de78484b58"),
            (Purpose::TokenSeal(128), "5a54c0c658b140677b2807642d418d8900941ef3f4147ecaa793abb87bc17940"),
        ] {
            let key: String = keys::derive(&master(), purpose).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(key, pinned, "{purpose:?}");
        }
        let keys = TokenKeys::new(&master());
        let key = keys.key(1).unwrap();
        let content = sealed("https://shop.example/sale?c=1#top");
        let opened = |who, sealed| Opened { key_id: 1, link_no: 7, who, sealed };
        check(&key.mint_short(7, handle()), "AQHEWR1h4XaiLpy1L-K5N1jpqN85WPr0iCfqlyt0", opened(Who::Handle(handle()), None));
        check(&key.mint_shared(7), "AgFbUfBSLQEuLw3NoSV-nxzOX5rG4tWziK8396j4", opened(Who::Nobody, None));
        check(
            &key.mint_sealed(7, Some(handle()), &content),
            "AwFXDnjS2RFcaAuEzpX34aB0ehp6v87Bmzy3sCMW0Up0dI3eyccKNDoRKQm6OBM_JYWprqXzU8gw97I-R8rDuz36KlxIEDyXsUbQQ8_hIiB6-pNjGw",
            opened(Who::Handle(handle()), Some(content.clone())),
        );
        let minting = MintingKey::new(128, &keys::derive(&master(), Purpose::TokenSeal(128)));
        check(
            &minting.mint(*b"once and no ", 7, "+1 (202) 555-0101", &content).unwrap(),
            "A4BvbmNlIGFuZCBubyBb0IcR8Y1mflfXxnpVi_BVGvlgYmOegYja5Uw8xqJERw_ET5ZV4wUK5_KQ-GENt18UzHhn-3G_OZL5XwBxHTTJwkz7yxAbv7pn-_vu",
            Opened { key_id: 128, link_no: 7, who: Who::Key("12025550101".to_owned()), sealed: Some(content) },
        );
    }

    #[test]
    fn our_own_urls_are_known_by_their_tokens() {
        let keys = TokenKeys::new(&master());
        for token in tokens() {
            for url in [format!("https://go.shop.example/c/{token}"), format!("http://127.0.0.1:8787/c/{token}?a=/c/b#c")] {
                assert!(is_tracking_url(&url, &keys), "{url}");
            }
            for url in [format!("https://shop.example/{token}"), format!("https://go.shop.example/c/{token}A"), token] {
                assert!(!is_tracking_url(&url, &keys), "{url}");
            }
        }
        assert!(!is_tracking_url("https://shop.example/c/winter", &keys));
    }

    /// One token of every form, all about the same link.
    fn tokens() -> Vec<String> {
        let key = TokenKey::new(&master(), 1);
        let content = sealed("https://shop.example/");
        let minting = MintingKey::new(200, &keys::derive(&master(), Purpose::TokenSeal(200)));
        vec![
            key.mint_short(7, handle()),
            key.mint_shared(7),
            key.mint_sealed(7, Some(handle()), &content),
            key.mint_sealed(7, None, &content),
            minting.mint([9; 12], 7, "12025550101", &content).unwrap(),
        ]
    }

    fn reopen(bytes: &[u8]) -> Result<Opened, TokenError> {
        open(&URL_SAFE_NO_PAD.encode(bytes), &TokenKeys::new(&master()), Some(&hosts()))
    }

    #[test]
    fn short_and_shared_have_forty_characters() {
        let key = TokenKey::new(&master(), 1);
        for link_no in [0, 1, u32::MAX] {
            assert_eq!(key.mint_short(link_no, handle()).len(), 40);
            assert_eq!(key.mint_shared(link_no).len(), 40);
        }
    }

    #[test]
    fn a_flipped_bit_is_refused() {
        let keys = TokenKeys::new(&master());
        for token in tokens() {
            let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            assert!(reopen(&bytes).is_ok());
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let token = URL_SAFE_NO_PAD.encode(&flipped);
                assert!(open(&token, &keys, Some(&hosts())).is_err(), "bit {bit} of {token}");
            }
        }
    }

    #[test]
    fn a_changed_cut_or_longer_text_is_refused() {
        let keys = TokenKeys::new(&master());
        let refused = |text: &str| assert!(open(text, &keys, Some(&hosts())).is_err(), "{text}");
        for token in tokens() {
            for at in 0..token.len() {
                refused(&token[..at]);
                for other in ["A", "B", "Q", "g", "-", "_", "=", "+", "/", " ", "%", "é"] {
                    if token[at..=at] != *other {
                        refused(&format!("{}{other}{}", &token[..at], &token[at + 1..]));
                    }
                }
            }
            for more in ["A", "AA", "AAAA", "=", "==", " ", "\n", "/"] {
                refused(&format!("{token}{more}"));
            }
        }
        refused(&"A".repeat(TOKEN_MAX_CHARS));
        refused(&"A".repeat(TOKEN_MAX_CHARS + 4));
    }

    #[test]
    fn a_token_is_good_under_its_own_key_alone() {
        let elsewhere = TokenKeys::new(b"another deployment");
        for token in tokens() {
            assert_eq!(open(&token, &elsewhere, Some(&hosts())), Err(TokenError::Forged));
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            let own = bytes[1];
            for id in (0..=255).filter(|id| *id != own) {
                bytes[1] = id;
                assert_eq!(reopen(&bytes), Err(TokenError::Forged), "{own} as {id}");
            }
        }
    }

    #[test]
    fn nothing_inside_shows() {
        for token in tokens() {
            let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            for inside in [handle().0.get(..4).unwrap(), &7u32.to_be_bytes(), b"2025", b"shop"] {
                assert!(!bytes.windows(4).any(|w| w == inside), "{inside:?} in {token}");
            }
        }
    }

    #[test]
    fn a_minting_key_names_allowed_hosts_alone() {
        let keys = TokenKeys::new(&master());
        let minting = MintingKey::new(128, &keys::derive(&master(), Purpose::TokenSeal(128)));
        let mint = |target: &str| minting.mint([1; 12], 0, "", &sealed(target)).unwrap();
        assert!(open(&mint("https://shop.example:8443/a"), &keys, Some(&hosts())).is_ok());
        assert_eq!(open(&mint("https://shop.example/"), &keys, None), Err(TokenError::HostsUnknown));
        for target in ["https://evil.example/", "https://shop.example.evil.example/", "https://evil.example/shop.example"] {
            assert_eq!(open(&mint(target), &keys, Some(&hosts())), Err(TokenError::HostNotAllowed), "{target}");
            assert_eq!(open(&mint(target), &keys, Some(&[])), Err(TokenError::HostNotAllowed), "{target}");
            // Our own keys name what the operator declared.
            assert!(open(&keys.key(127).unwrap().mint_sealed(1, None, &sealed(target)), &keys, None).is_ok());
        }
        // A minting key makes no short tokens: those have keys of their own.
        assert_eq!(minting.mint([1; 12], 0, &"1".repeat(256), &sealed("https://shop.example/")), Err(TokenError::Malformed));
    }

    #[test]
    fn an_authentic_token_must_still_make_sense() {
        let keys = TokenKeys::new(&master());
        let seal = Seal::new(128, &keys::derive(&master(), Purpose::TokenSeal(128)));
        let opens = |flags: u8, contact: &[u8], length: u8, target: &[u8]| {
            let content = [&[flags, 0, 0, 0, 0, 0, 0, 0, 0, length], contact, target].concat();
            open(&seal.seal([2; 12], content), &keys, Some(&hosts())).map(|opened| opened.who)
        };
        let target = b"https://shop.example/".as_slice();
        assert_eq!(opens(0, b"", 0, target), Ok(Who::Nobody));
        assert_eq!(opens(0, b"5215512345678", 13, target), Ok(Who::Key("525512345678".to_owned())));
        assert_eq!(opens(4, &handle().0, 12, target), Ok(Who::Handle(handle())));
        for (flags, contact, length, target) in [
            (8, b"".as_slice(), 0, target),
            (128, b"", 0, target),
            (4, b"", 0, target),
            (4, b"elevenbytes", 11, target),
            (0, b"nobody's number", 15, target),
            (0, b"\xff\xff\xff\xff\xff", 5, target),
            (0, b"", 255, target),
            (0, b"", 0, b""),
            (0, b"", 0, b"javascript:alert(1)"),
            (0, b"", 0, b"https://a@shop.example/"),
            (0, b"", 0, b"https://shop.example/\xff"),
        ] {
            assert_eq!(opens(flags, contact, length, target), Err(TokenError::Malformed), "{flags} {contact:?} {target:?}");
        }
    }

    proptest! {
        /// Opening is the inverse of minting; so any two different (link, handle) have different tokens.
        #[test]
        fn short_and_shared_open_to_what_they_were_made_of(id: u8, link_no: u32, bytes: [u8; 12]) {
            let keys = TokenKeys::new(&master());
            let key = keys.key(id).unwrap();
            let opened = |who| Ok(Opened { key_id: id, link_no, who, sealed: None });
            prop_assert_eq!(open(&key.mint_short(link_no, Handle(bytes)), &keys, None), opened(Who::Handle(Handle(bytes))));
            prop_assert_eq!(open(&key.mint_shared(link_no), &keys, None), opened(Who::Nobody));
        }

        #[test]
        fn sealed_open_to_what_they_were_made_of(
            id in 0u8..128, link_no: u32, campaign_no: u32, append_click_id: bool, pass_query: bool,
            contact in proptest::option::of(proptest::array::uniform12(0u8..)), path in "[!-~]{0,300}",
        ) {
            let Ok(target) = Target::parse(&format!("https://shop.example/{path}")) else { return Ok(()) };
            let keys = TokenKeys::new(&master());
            let sealed = Sealed { campaign_no, append_click_id, pass_query, target };
            let token = keys.key(id).unwrap().mint_sealed(link_no, contact.map(Handle), &sealed);
            let who = contact.map_or(Who::Nobody, |bytes| Who::Handle(Handle(bytes)));
            prop_assert_eq!(open(&token, &keys, None), Ok(Opened { key_id: id, link_no, who, sealed: Some(sealed) }));
        }

        /// Whatever stands after `/c/`, the answer is an answer.
        #[test]
        fn noise_opens_nothing(text in "\\PC{0,120}", bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let keys = TokenKeys::new(&master());
            prop_assert!(open(&text, &keys, Some(&hosts())).is_err());
            prop_assert!(open(&URL_SAFE_NO_PAD.encode(&bytes), &keys, Some(&hosts())).is_err());
        }
    }
}
