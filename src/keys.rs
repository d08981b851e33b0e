//! The keys of one deployment, all derived from one master secret.
//!
//! HKDF-SHA256 (RFC 5869) with a label per purpose, so that no two purposes share a key and the operator keeps one secret.
//! It does not know where the master secret is stored.

use hkdf::Hkdf;
use sha2::Sha256;

/// A symmetric key of 32 bytes.
pub type Key = [u8; 32];

/// What a sub-key is for. The label is part of every stored handle and token: never change one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Handles of contacts.
    Handle,
    /// Encryption of channel secrets at rest.
    ChannelSecret,
    /// Sealing of cursors.
    Cursor,
    /// Encryption of short and shared tracking tokens; the key id stands in the token.
    TokenBlock(u8),
    /// Authentication of short and shared tracking tokens, and the nonces of sealed ones that we mint.
    TokenMac(u8),
    /// Sealed tracking tokens. The one sub-key that leaves the deployment: a minting key is this key of an outside id.
    TokenSeal(u8),
}

/// The key for `purpose`, derived from the master secret. The secret may have any length; 32 random bytes are meant.
#[must_use]
pub fn derive(master: &[u8], purpose: Purpose) -> Key {
    let (text, id): (&[u8], Option<u8>) = match purpose {
        Purpose::Handle => (b"bluetick/handle/1", None),
        Purpose::ChannelSecret => (b"bluetick/channel-secret/1", None),
        Purpose::Cursor => (b"bluetick/cursor/1", None),
        Purpose::TokenBlock(id) => (b"bluetick/token-block/1/", Some(id)),
        Purpose::TokenMac(id) => (b"bluetick/token-mac/1/", Some(id)),
        Purpose::TokenSeal(id) => (b"bluetick/token-seal/1/", Some(id)),
    };
    let mut info = text.to_vec();
    info.extend(id);
    let mut key = [0u8; 32];
    // 32 bytes are far below HKDF's limit of 255 blocks, the only way in which `expand` can fail.
    let _ = Hkdf::<Sha256>::new(None, master).expand(&info, &mut key);
    key
}
