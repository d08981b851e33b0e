//! Minting keys: what a sender outside the deployment is given so that it can make sealed tokens by itself.
//!
//! A record says which ids were given out and which are revoked. The key itself is stored nowhere: it is derived from the master
//! secret (see `token`), and written out once, when it is given.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::body::Fields;
use crate::bounds::TEXT_BYTES;
use crate::event::Ms;
use crate::keys::{Purpose, derive};
use crate::problem::Problem;
use crate::time::to_rfc3339;

/// A minting key that was given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MintingKey {
    /// Its key id, 128 to 255.
    pub no: u8,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub created_at_ms: Ms,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at_ms: Option<Ms>,
}

impl MintingKey {
    /// The name that a body gives a key.
    ///
    /// # Errors
    /// 400, with a pointer to every field that is wrong.
    pub fn read_name(body: &Value) -> Result<String, Problem> {
        let mut fields = Fields::of(body, "");
        let name = fields.text("name", TEXT_BYTES).unwrap_or_default().to_owned();
        fields.done()?;
        Ok(name)
    }

    /// As it is shown: without the key.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.no,
            "name": self.name,
            "created_at": to_rfc3339(self.created_at_ms),
            "revoked_at": self.revoked_at_ms.map(to_rfc3339),
        })
    }

    /// The key as its holder keeps it: `btm_`, the id, `_`, and the 32 bytes in URL-safe base64.
    #[must_use]
    pub fn key(&self, master: &[u8]) -> String {
        format!("btm_{}_{}", self.no, URL_SAFE_NO_PAD.encode(derive(master, Purpose::TokenSeal(self.no))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_key_is_the_token_key_of_its_id() {
        let key = MintingKey { no: 128, name: String::new(), created_at_ms: 0, revoked_at_ms: None };
        let master: Vec<u8> = (0..32).collect();
        assert_eq!(key.key(&master), "btm_128_WlTAxlixQGd7KAdkLUGNiQCUHvP0FH7Kp5OruHvBeUA");
        assert!(!key.to_json().to_string().contains("WlTA"));
    }

    #[test]
    fn a_name_is_all_that_is_asked() {
        assert_eq!(MintingKey::read_name(&json!({"name": "CRM"})).unwrap(), "CRM");
        assert_eq!(MintingKey::read_name(&json!({})).unwrap(), "");
        assert_eq!(MintingKey::read_name(&json!({"id": 1})).unwrap_err().status, 400);
    }
}
