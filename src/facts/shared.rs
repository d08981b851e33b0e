//! What several sources told of one thing, kept apart, so that what one of them told can be taken away again: the person's own
//! events, those of other keys that belong to the person, those that named nobody, and the verdict on the claims.
//!
//! Only things that need it are kept so. It knows nothing of who decides and of who moves.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Facts;
use crate::event::{Event, Ms};
use crate::json;
use crate::sorted::SortedMap;

/// What an Identity decided about a person's claim on a message or a conversion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// It holds: as if nothing had ever been said.
    #[default]
    #[serde(rename = "w")]
    Won,
    /// Another person's claim is better: this one counts nowhere.
    #[serde(rename = "l")]
    Lost,
    /// The conversion was cancelled, by whomever.
    #[serde(rename = "x")]
    Withdrawn,
}

/// The stored form begins so.
const MARK: &str = "{\"shared\":";

/// The parts of one thing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Shared {
    #[serde(rename = "o", skip_serializing_if = "Option::is_none")]
    own: Option<Facts>,
    /// By the handle that they came from.
    #[serde(rename = "g", skip_serializing_if = "SortedMap::is_empty")]
    guests: SortedMap<String, Facts>,
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    nameless: Option<Facts>,
    /// The number of the latest verdict, what it says, and when it came.
    #[serde(rename = "v", skip_serializing_if = "Option::is_none")]
    verdict: Option<(u64, Word, Ms)>,
}

#[derive(Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    shared: StoredParts<'a>,
}

#[derive(Deserialize)]
struct StoredParts<'a> {
    #[serde(borrow, default)]
    o: Option<&'a RawValue>,
    #[serde(borrow, default)]
    g: SortedMap<String, &'a RawValue>,
    #[serde(borrow, default)]
    n: Option<&'a RawValue>,
    #[serde(default)]
    v: Option<(u64, Word, Ms)>,
}

impl Shared {
    /// Of a thing of which only the person's own events have told so far.
    #[must_use]
    pub fn of(own: Option<Facts>) -> Self {
        Self { own, ..Self::default() }
    }

    /// Whether a stored entry is kept in parts.
    #[must_use]
    pub fn is_in(json: &str) -> bool {
        json.starts_with(MARK)
    }

    /// The inverse of [`Shared::encode`]. `None` for what this release does not know.
    #[must_use]
    pub fn decode(id: &str, json: &str) -> Option<Self> {
        let Stored { shared } = json::read(json).ok()?;
        let facts = |part: &RawValue| Facts::decode(id, part.get());
        let mut guests = SortedMap::new();
        for (source, part) in shared.g {
            guests.insert(source, facts(part)?);
        }
        let part = |part: Option<&RawValue>| part.map_or(Some(None), |part| facts(part).map(Some));
        Some(Self { own: part(shared.o)?, guests, nameless: part(shared.n)?, verdict: shared.v })
    }

    /// As it is stored.
    #[must_use]
    pub fn encode(&self) -> String {
        // Plain data with string keys: serializing it cannot fail.
        format!("{MARK}{}}}", serde_json::to_string(self).unwrap_or_default())
    }

    /// Puts an event in, of the person's own or of those that name nobody. Says whether anything changed.
    pub fn put(&mut self, named: bool, event: &Event, provider: char, at_ms: Ms) -> bool {
        let part = if named { &mut self.own } else { &mut self.nameless };
        let new = part.is_none();
        if new {
            *part = Facts::new(event, provider, at_ms);
        }
        part.as_mut().is_some_and(|part| part.put(event, provider, at_ms)) || new
    }

    /// Adds what another key's Ledger knows.
    pub fn absorb(&mut self, source: &str, facts: &Facts) {
        match self.guests.get_mut(source) {
            Some(part) => part.merge(facts),
            None => drop(self.guests.insert(source.to_owned(), facts.clone())),
        }
    }

    /// Takes away what came from there. Says whether anything did.
    pub fn retract(&mut self, source: &str) -> bool {
        self.guests.remove(source).is_some()
    }

    /// Takes the person's own part out. What named nobody goes to whoever holds the claim then.
    pub fn take_own(&mut self) -> Option<Facts> {
        self.nameless = None;
        self.own.take()
    }

    /// Learns a verdict. Says whether it is newer than what was known.
    pub fn judge(&mut self, version: u64, word: Word, now_ms: Ms) -> bool {
        let newer = self.verdict.is_none_or(|(known, ..)| known < version);
        if newer {
            self.verdict = Some((version, word, now_ms));
        }
        newer
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The word that holds.
    #[must_use]
    pub fn word(&self) -> Word {
        self.verdict.map_or(Word::Won, |(_, word, _)| word)
    }

    /// The time of the newest thing that is known of it.
    #[must_use]
    pub fn newest_ms(&self) -> Ms {
        let parts = self.guests.values().chain(&self.own).chain(&self.nameless).map(Facts::newest_ms);
        parts.chain(self.verdict.map(|(.., told_ms)| told_ms)).max().unwrap_or(Ms::MIN)
    }

    fn claimed(&self) -> Option<Facts> {
        let mut parts = self.guests.values().chain(&self.own);
        let mut all = parts.next()?.clone();
        parts.for_each(|part| all.merge(part));
        Some(all)
    }

    /// All parts that count, put together; `None` if nothing does.
    #[must_use]
    pub fn facts(&self) -> Option<Facts> {
        let lost = self.word() != Word::Won;
        let mut all = self.claimed();
        match &mut all {
            Some(Facts::Message(facts)) if lost => facts.claims.clear(),
            Some(Facts::Conversion(_)) if lost => return None,
            _ => {}
        }
        if let Some(nameless) = self.nameless.as_ref().filter(|_| !lost) {
            match &mut all {
                Some(all) => all.merge(nameless),
                None => all = Some(nameless.clone()),
            }
        }
        // A message is known by a claim or a status.
        all.filter(|facts| match facts {
            Facts::Message(facts) => !facts.claims.is_empty() || facts.statuses.iter().any(Option::is_some),
            _ => true,
        })
    }

    /// How many claims the verdict strikes out: dispatches of the message, or the conversion.
    #[must_use]
    pub fn lost(&self) -> u32 {
        match self.claimed().filter(|_| self.word() == Word::Lost) {
            Some(Facts::Message(facts)) => facts.claims.len() as u32,
            Some(Facts::Conversion(_)) => 1,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_with_the_highest_number_holds_whatever_came_last() {
        let verdicts = [(1, Word::Lost), (3, Word::Withdrawn), (2, Word::Won), (3, Word::Withdrawn)];
        let mut shared = Shared::default();
        let news = verdicts.map(|(version, word)| shared.judge(version, word, 0));
        assert_eq!((news, shared.word()), ([true, true, false, false], Word::Withdrawn));
    }
}
