//! How the entries of an exported timeline are taken in: those that are not known as they are, the others merged.

use super::{Slot, Timeline};
use crate::event::Ms;
use crate::facts::{Facts, Shared};

impl Timeline {
    /// Takes an entry of another Ledger in, unless all of it is from before a moment. `None` if it cannot be read.
    #[must_use]
    pub fn adopt(&mut self, id: String, body: &str, not_before_ms: Ms) -> Option<()> {
        let known = self.ids.get(id.as_str()).copied();
        if Shared::is_in(body) {
            let shared = Shared::decode(&id, body)?;
            // Whoever has it in parts already has the word of the Identity on it too.
            if known.is_none() && !self.is_shared(&id, known) && shared.newest_ms() >= not_before_ms {
                self.restore(Slot { id: id.into(), stored_in: None, shared: Some(Box::new(shared)) });
            }
            return Some(());
        }
        let facts = Facts::decode(&id, body)?;
        if facts.newest_ms() < not_before_ms || self.is_shared(&id, known) {
            return Some(());
        }
        match known {
            Some(entry) => {
                let mut all = self.facts_of(entry);
                let before = all.clone();
                all.merge(&facts);
                if all != before {
                    self.replace(entry, all);
                    self.unsaved.insert(entry);
                }
            }
            None => {
                let entry = self.insert(Slot { id: id.into(), stored_in: None, shared: None }, facts);
                self.unsaved.insert(entry);
            }
        }
        Some(())
    }
}
