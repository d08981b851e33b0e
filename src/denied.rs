//! The deny list: links that lead nowhere any more, and minting keys whose tokens open nothing any more.
//!
//! It is one small record that every isolate holds, because a sealed token is answered without a look-up. It does not know where
//! it is kept, nor what becomes of a tap while it cannot be read.

use serde::{Deserialize, Serialize};

use crate::token::Opened;

/// What is denied, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denied {
    /// Numbers of links that are disabled or deleted.
    #[serde(default)]
    pub links: Vec<u32>,
    /// Ids of minting keys that are revoked.
    #[serde(default)]
    pub keys: Vec<u8>,
}

impl Denied {
    /// Whether an authentic token opens nothing all the same.
    #[must_use]
    pub fn denies(&self, token: &Opened) -> bool {
        self.keys.binary_search(&token.key_id).is_ok() || self.links.binary_search(&token.link_no).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Who;

    #[test]
    fn a_link_or_a_key_is_enough() {
        let denied = Denied { links: vec![3, 7], keys: vec![128] };
        let denies = |key_id, link_no| denied.denies(&Opened { key_id, link_no, who: Who::Nobody, sealed: None });
        assert!(denies(1, 3) && denies(1, 7) && denies(128, 0) && denies(128, 7));
        assert!(!denies(1, 0) && !denies(129, 4) && !denies(7, 128));
        assert!(!Denied::default().denies(&Opened { key_id: 0, link_no: 0, who: Who::Nobody, sealed: None }));
    }
}
