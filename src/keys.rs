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
    /// Tracking tokens; the key id stands in the token.
    Token(u8),
}

/// The key for `purpose`, derived from the master secret. The secret may have any length; 32 random bytes are meant.
#[must_use]
pub fn derive(master: &[u8], purpose: Purpose) -> Key {
    let text: &[u8] = match purpose {
        Purpose::Handle => b"bluetick/handle/1",
        Purpose::ChannelSecret => b"bluetick/channel-secret/1",
        Purpose::Cursor => b"bluetick/cursor/1",
        Purpose::Token(_) => b"bluetick/token/1/",
    };
    let mut info = text.to_vec();
    if let Purpose::Token(id) = purpose {
        info.push(id);
    }
    let mut key = [0u8; 32];
    // 32 bytes are far below HKDF's limit of 255 blocks, the only way in which `expand` can fail.
    let _ = Hkdf::<Sha256>::new(None, master).expand(&info, &mut key);
    key
}
