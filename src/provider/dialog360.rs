//! 360dialog: Meta's envelope, passed through unchanged; and the flat shape of its legacy On-Premises service.
//!
//! Pages of docs.360dialog.com: "Webhooks", "Usernames and BSUID", partner part "Signature validation".
//!
//! Meta's own signature cannot be checked (it is made with 360dialog's app secret). Partners get `x-360dialog-signature`, the
//! HMAC-SHA256 of the raw body under the platform secret, as hex digits with or without `sha256=` (implementations differ); direct
//! clients get none. So a channel with a secret insists on the header, one without relies on its URL.
//! It wants its 200 within 5 seconds and retries for up to seven days.

use super::signature::{self, HmacSha256};
use super::{Request, Verdict};

pub const HEADERS: &[&str] = &["x-360dialog-signature"];

pub fn verify(request: &Request, secrets: &[String]) -> Verdict {
    let Some(header) = request.header("x-360dialog-signature") else {
        return Verdict::Bad("x-360dialog-signature is missing");
    };
    match signature::from_hex(header.strip_prefix("sha256=").unwrap_or(header)) {
        Some(hash) if signature::signed::<HmacSha256>(secrets, &[request.body], &hash) => Verdict::Verified,
        _ => Verdict::Bad("x-360dialog-signature does not match"),
    }
}

/// The headers under which [`verify`] finds the request good.
pub fn sign(request: &Request, secret: &str) -> Vec<(&'static str, String)> {
    vec![("x-360dialog-signature", signature::to_hex(&signature::sign::<HmacSha256>(secret, &[request.body])))]
}
