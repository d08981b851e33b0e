//! Checking what signs a callback: keyed hashes in constant time, under each of a channel's secrets, and the JWTs made of them.
//!
//! What is signed, and where the signature stands, is each provider's own affair.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use super::json::{Text, lenient, object};

pub type HmacSha256 = Hmac<Sha256>;
pub type HmacSha1 = Hmac<Sha1>;

lenient! {
    struct Header<'a> {
        algorithm: Text<'a> = "alg",
    }
}

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Whether `signature` is the keyed hash of the parts, one after the other, under any of the secrets. An empty secret is none:
/// everybody could sign with it.
pub fn signed<M: Mac + KeyInit>(secrets: &[String], parts: &[&[u8]], signature: &[u8]) -> bool {
    let mut good = false;
    for secret in secrets.iter().filter(|s| !s.is_empty()) {
        if let Ok(mut mac) = <M as Mac>::new_from_slice(secret.as_bytes()) {
            for part in parts {
                mac.update(part);
            }
            good |= mac.verify_slice(signature).is_ok();
        }
    }
    good
}

/// The keyed hash of the parts, one after the other: what [`signed`] finds good.
pub fn sign<M: Mac + KeyInit>(secret: &str, parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = <M as Mac>::new_from_slice(secret.as_bytes()) else {
        return Vec::new();
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// Whether any of the secrets can check a signature at all.
pub fn usable(secrets: &[String]) -> bool {
    secrets.iter().any(|s| !s.is_empty())
}

/// Equality of two secrets' texts that tells nothing of where they differ.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// Whether a header's value is one of the secrets itself.
pub fn is_secret(secrets: &[String], text: &str) -> bool {
    secrets.iter().filter(|s| !s.is_empty()).fold(false, |good, s| good | equal(s.as_bytes(), text.as_bytes()))
}

/// Whether an `Authorization` header is `Basic` with one of the secrets as `user:password`.
pub fn is_basic(secrets: &[String], header: &str) -> bool {
    let Some((scheme, rest)) = header.split_once(' ') else {
        return false;
    };
    let credentials = from_base64(rest.trim()).and_then(|bytes| String::from_utf8(bytes).ok());
    scheme.eq_ignore_ascii_case("basic") && credentials.is_some_and(|text| is_secret(secrets, &text))
}

/// An id made of what makes a thing this one and no other. What it is made of may not change: it is stored.
pub fn made_hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    format!("made-{}", to_hex(&hash.finalize()))
}

/// Bytes of hexadecimal digits in either case.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).filter_map(|d| char::from_digit(u32::from(d), 16)).collect()
}

/// Bytes of base64, padded or not.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A compact JWT of these claims, signed with HS256.
pub fn jwt(claims: &str, secret: &str) -> String {
    let unpadded = |text: &str| URL_SAFE.encode(text).trim_end_matches('=').to_owned();
    let text = format!("{}.{}", unpadded(r#"{"alg":"HS256","typ":"JWT"}"#), unpadded(claims));
    let signature = URL_SAFE.encode(sign::<HmacSha256>(secret, &[text.as_bytes()]));
    format!("{text}.{}", signature.trim_end_matches('='))
}

/// The SHA-256 of a body as lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

/// The claims of a compact JWT that is signed with HS256 under any of the secrets. Every other algorithm, `none` above all, is
/// refused; what the claims mean is the caller's affair.
pub fn jwt_claims(token: &str, secrets: &[String]) -> Option<String> {
    // Header and claims of webhooks are a few hundred bytes.
    if token.len() > 8192 {
        return None;
    }
    let (signed_part, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed_part.split_once('.')?;
    let header = String::from_utf8(URL_SAFE.decode(header).ok()?).ok()?;
    if object::<Header>(&header).ok()?.algorithm.get() != Some("HS256") {
        return None;
    }
    let signature = URL_SAFE.decode(signature).ok()?;
    if !signed::<HmacSha256>(secrets, &[signed_part.as_bytes()], &signature) {
        return None;
    }
    String::from_utf8(URL_SAFE.decode(claims).ok()?).ok()
}
