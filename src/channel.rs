//! A channel: one callback URL at one provider, with its secrets.
//!
//! What is stored and copied holds the secrets sealed; they are opened where a signature is checked. It knows no storage.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use crate::body::Fields;
use crate::bounds::{DOCUMENT_BYTES, SECRETS, TEXT_BYTES};
use crate::event::Ms;
use crate::json;
use crate::keys::Key;
use crate::problem::Problem;
use crate::provider::{Mapping, Provider};
use crate::time::to_rfc3339;

/// A channel as the operator declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    pub provider: String,
    #[serde(default)]
    pub name: String,
    /// Absent: those that the channel has stay. They can be written and not read, so a declaration made from what was read
    /// lacks them.
    #[serde(default)]
    pub secrets: Option<Vec<String>>,
    #[serde(default)]
    pub verify_token: Option<String>,
    #[serde(default)]
    pub allow_unsigned: bool,
    #[serde(default)]
    pub require_dispatch: bool,
    /// For the provider `custom`: how its callbacks are read, as JSON text.
    #[serde(default)]
    pub mapping: Option<String>,
}

/// A channel as the Registry keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    pub id: String,
    pub provider: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Sealed by [`seal`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_token: Option<String>,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub allow_unsigned: bool,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub require_dispatch: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// The tokens of its callback URL: the newest first, older ones for as long as they overlap.
    pub tokens: Vec<Token>,
    pub created_at_ms: Ms,
}

/// A token that makes a callback URL unguessable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub token: String,
    /// Until when it is good; absent: until it is rotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<Ms>,
}

impl Declared {
    /// Reads a declaration; `providers` are the names of those that exist.
    ///
    /// # Errors
    /// 400, with a pointer to every field that is wrong.
    pub fn read(body: &Value, providers: &[&str]) -> Result<Self, Problem> {
        let mut fields = Fields::of(body, "");
        let provider = fields.text("provider", TEXT_BYTES);
        let provider = fields.required("provider", provider);
        if provider.is_some_and(|name| !providers.contains(&name)) {
            fields.wrong("provider", format!("must be one of {}", providers.join(", ")));
        }
        let sent = fields.value("mapping");
        let declared = Self {
            provider: provider.unwrap_or_default().to_owned(),
            name: fields.text("name", TEXT_BYTES).unwrap_or_default().to_owned(),
            secrets: fields.texts("secrets", SECRETS, |secret| {
                if (1..=TEXT_BYTES * 8).contains(&secret.len()) { Ok(()) } else { Err("must be text of 1 to 2048 bytes") }
            }),
            verify_token: fields.text("verify_token", TEXT_BYTES).map(str::to_owned),
            allow_unsigned: fields.flag("allow_unsigned").unwrap_or_default(),
            require_dispatch: fields.flag("require_dispatch").unwrap_or_default(),
            mapping: sent.map(Value::to_string),
        };
        let custom = Provider::from_id(&declared.provider) == Some(Provider::Custom);
        match &declared.mapping {
            None if custom => fields.wrong("mapping", "is needed: it says how this provider's callbacks are read"),
            None => {}
            Some(_) if !custom => fields.wrong("mapping", "is for the provider custom alone"),
            Some(text) if text.len() > DOCUMENT_BYTES => {
                fields.wrong("mapping", format!("must be at most {DOCUMENT_BYTES} bytes"))
            }
            Some(_) => {
                for (pointer, detail) in sent.map(Mapping::from_json).and_then(Result::err).unwrap_or_default() {
                    fields.wrong_within("mapping", &pointer, detail);
                }
            }
        }
        fields.done()?;
        Ok(declared)
    }
}

impl Channel {
    /// Whether `token` opens its callback URL at `now_ms`. The time that it takes does not tell how much of it is right.
    #[must_use]
    pub fn opens(&self, token: &str, now_ms: Ms) -> bool {
        self.tokens.iter().fold(false, |open, known| {
            let same: bool = known.token.as_bytes().ct_eq(token.as_bytes()).into();
            open | (same && known.until_ms.is_none_or(|until| now_ms < until))
        })
    }

    /// Its secrets in the clear. One that the key does not open is left out: then no signature under it is good.
    #[must_use]
    pub fn open_secrets(&self, key: &Key) -> Vec<String> {
        self.secrets.iter().filter_map(|sealed| unseal(key, &self.id, sealed)).collect()
    }

    /// Where its provider calls, by the newest token.
    #[must_use]
    pub fn callback_url(&self, origin: &str) -> String {
        let token = self.tokens.first().map_or("", |token| token.token.as_str());
        format!("{origin}/cb/{}/{token}", self.id)
    }

    /// As the operator sees it; `origin` is where the worker is reached. For admin alone: it shows the callback URL.
    #[must_use]
    pub fn to_json(&self, origin: &str) -> Value {
        let mut shown = json!({
            "channel": self.id,
            "provider": self.provider,
            "name": self.name,
            "secrets": self.secrets.len(),
            "verify_token": self.verify_token,
            "allow_unsigned": self.allow_unsigned,
            "require_dispatch": self.require_dispatch,
            "callback_url": self.callback_url(origin),
            "created_at": to_rfc3339(self.created_at_ms),
        });
        let mapping = self.mapping.as_deref().and_then(|text| json::read::<Value>(text).ok());
        if let (Some(mapping), Some(shown)) = (mapping, shown.as_object_mut()) {
            shown.insert("mapping".to_owned(), mapping);
        }
        shown
    }
}

/// A token of 128 random bits.
#[must_use]
pub fn token(entropy: [u8; 16]) -> String {
    URL_SAFE_NO_PAD.encode(entropy)
}

/// Seals a secret with AES-256-GCM-SIV (RFC 8452), bound to its channel: nonce, then ciphertext, in URL-safe base64. `None` if
/// the secret is longer than the cipher takes (64 GB).
#[must_use]
pub fn seal(key: &Key, channel: &str, secret: &str, nonce: [u8; 12]) -> Option<String> {
    let payload = Payload { msg: secret.as_bytes(), aad: channel.as_bytes() };
    let sealed = Aes256GcmSiv::new(key.into()).encrypt(Nonce::from_slice(&nonce), payload).ok()?;
    Some(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
}

/// Opens what [`seal`] made; `None` under another key, for another channel, or if a bit was changed.
#[must_use]
pub fn unseal(key: &Key, channel: &str, sealed: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let (nonce, sealed) = bytes.split_at_checked(12)?;
    let payload = Payload { msg: sealed, aad: channel.as_bytes() };
    let secret = Aes256GcmSiv::new(key.into()).decrypt(Nonce::from_slice(nonce), payload).ok()?;
    String::from_utf8(secret).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_under_its_key_and_channel_alone() {
        let sealed = seal(&[1; 32], "meta", "app secret", [9; 12]).unwrap();
        assert!(!sealed.contains("app"));
        assert_eq!(unseal(&[1; 32], "meta", &sealed).as_deref(), Some("app secret"));
        assert_eq!(unseal(&[2; 32], "meta", &sealed), None);
        assert_eq!(unseal(&[1; 32], "other", &sealed), None);
        assert_eq!(unseal(&[1; 32], "meta", &sealed.replacen('A', "B", 1)), None);
        assert_eq!(unseal(&[1; 32], "meta", ""), None);
    }

    #[test]
    fn sealed_secrets_are_pinned() {
        let sealed = seal(&[1; 32], "meta", "app secret", [9; 12]).unwrap();
        assert_eq!(sealed, "CQkJCQkJCQkJCQkJzNrP9OWfN8hAm18sSYwWwDqxiV-heEU80O4");
    }

    #[test]
    fn old_tokens_open_until_their_time() {
        let token = |text: &str, until_ms| Token { token: text.to_owned(), until_ms };
        let channel = Channel {
            id: "meta".to_owned(),
            provider: "meta".to_owned(),
            name: String::new(),
            secrets: Vec::new(),
            verify_token: None,
            allow_unsigned: true,
            require_dispatch: false,
            mapping: None,
            tokens: vec![token("new", None), token("old", Some(100))],
            created_at_ms: 0,
        };
        for (text, now_ms, open) in
            [("new", 0, true), ("new", 1_000, true), ("old", 99, true), ("old", 100, false), ("ne", 0, false), ("", 0, false)]
        {
            assert_eq!(channel.opens(text, now_ms), open, "{text} at {now_ms}");
        }
        assert_eq!(channel.to_json("https://host")["callback_url"], "https://host/cb/meta/new");
    }

    fn check(body: Value, wrong: &[&str]) {
        let pointers: Vec<String> = match Declared::read(&body, &["meta"]) {
            Ok(_) => Vec::new(),
            Err(problem) => problem.errors.into_iter().map(|error| error.pointer).collect(),
        };
        assert_eq!(pointers, wrong, "{body}");
    }

    #[test]
    fn declarations() {
        check(json!({"provider": "meta"}), &[]);
        check(json!({"provider": "meta", "secrets": ["a", "b"], "verify_token": "v"}), &[]);
        check(json!({"provider": "meta", "secrets": ["a", "b", "c"]}), &["/secrets"]);
        check(json!({"provider": "pigeon", "secret": "a"}), &["/provider", "/secret"]);
        check(json!({"secrets": ["", 1]}), &["/provider", "/secrets/0", "/secrets/1"]);
    }
}
