//! Segments: the words by which people and messages are listed (`has`, `not`), and what they mean for a mask of states.
//!
//! The numbers are sums over the same masks, so a list and its number cannot disagree. It knows neither where masks are stored
//! nor how lists are read.

use serde::{Deserialize, Serialize};

use crate::contributions::{person, state};
use crate::problem::Problem;

/// One word: it holds for a contact if its mask has one of the bits `contact` (and, for the places of the audience, as
/// [`words_of_contact`] says), for a message if its mask has one of `message`.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    pub name: &'static str,
    pub contact: u32,
    pub message: u32,
}

const fn word(name: &'static str, contact: u32, message: u32) -> Word {
    Word { name, contact, message }
}

/// A mask without bits: the word is never said of such a thing.
const NEVER: u32 = 0;

/// Every word; its place is its bit in a [`Segment`].
pub const WORDS: [Word; 22] = [
    word("attempted", person::ATTEMPTED, state::SENT | state::DISPATCH_ERROR),
    word("submitted", person::ATTEMPTED, state::SENT | state::DISPATCH_ERROR),
    word("dispatch_error", person::DISPATCH_ERROR, state::DISPATCH_ERROR),
    word("sent", person::SENT, state::SENT),
    word("delivered", person::DELIVERED, state::DELIVERED),
    word("opened", person::OPENED, state::OPENED),
    word("read", person::READ, state::READ),
    word("failed", person::FAILED, state::FAILED),
    word("failed_total", person::FAILED_TOTAL, state::FAILED | state::DISPATCH_ERROR),
    word("in_flight", person::IN_FLIGHT, state::IN_FLIGHT),
    word("clicked", person::CLICKED, state::CLICKED),
    word("quick_replied", person::QUICK_REPLIED, state::QUICK_REPLIED),
    word("replied", person::REPLIED, state::REPLIED),
    word("interacted", person::CLICKED | person::QUICK_REPLIED, state::INTERACTED),
    word("converted", person::CONVERTED, state::CONVERTED),
    word("skipped", person::SKIPPED, NEVER),
    word("control", person::CONTROL, NEVER),
    word("contaminated", person::CONTROL, NEVER),
    word("delivered_inferred", NEVER, state::DELIVERED_INFERRED),
    word("billable", NEVER, state::BILLABLE),
    word("after_stop", NEVER, state::AFTER_STOP),
    word("error_then_sent", NEVER, state::ERROR_THEN_SENT),
];

/// What is asked of people or messages: words that must hold, and words that must not. Bits are the places in [`WORDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub has: u32,
    pub not: u32,
}

impl Segment {
    /// The parameters `has` and `not`: words, separated by commas.
    ///
    /// # Errors
    /// 400, for another word.
    pub fn read(has: Option<&str>, not: Option<&str>) -> Result<Self, Problem> {
        Ok(Self { has: bits("has", has)?, not: bits("not", not)? })
    }

    /// Whether a contact with this mask is in it. Without `has`: everybody who was seen.
    #[must_use]
    pub fn takes_contact(self, mask: u32) -> bool {
        mask != 0 && self.takes(words_of_contact(mask))
    }

    /// Whether a message, or a dispatch error, with this mask is in it. Without `has`: everything attempted.
    #[must_use]
    pub fn takes_message(self, mask: u32) -> bool {
        self.or_attempted().takes(words_of_message(mask))
    }

    /// Without `has`: what was attempted.
    #[must_use]
    pub fn or_attempted(self) -> Self {
        Self { has: if self.has == 0 { 1 } else { self.has }, ..self }
    }

    fn takes(self, words: u32) -> bool {
        words & self.has == self.has && words & self.not == 0
    }

    /// The words that must hold, and those that must not.
    #[must_use]
    pub fn words(self) -> (Vec<Word>, Vec<Word>) {
        let of = |bits: u32| (0..).zip(WORDS).filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, word)| word).collect();
        (of(self.has), of(self.not))
    }
}

fn bits(parameter: &str, words: Option<&str>) -> Result<u32, Problem> {
    let mut bits = 0;
    for name in words.into_iter().flat_map(|words| words.split(',')) {
        let place = WORDS.iter().position(|word| word.name == name);
        bits |= 1
            << place.ok_or_else(|| {
                let known: Vec<&str> = WORDS.iter().map(|word| word.name).collect();
                Problem::bad(format!("The query parameter {parameter} takes words of: {}.", known.join(", ")))
            })?;
    }
    Ok(bits)
}

/// The words that hold for a contact with this mask. A contact stands in one place of the audience: attempted, else control, else
/// skipped.
#[must_use]
pub fn words_of_contact(mask: u32) -> u32 {
    let attempted = mask & person::ATTEMPTED != 0;
    words(|word| match word.name {
        "skipped" => !attempted && mask & (person::CONTROL | person::SKIPPED) == person::SKIPPED,
        "control" => !attempted && mask & person::CONTROL != 0,
        "contaminated" => mask & (person::CONTROL | person::TARGET) == person::CONTROL | person::TARGET,
        _ => mask & word.contact != 0,
    })
}

fn words_of_message(mask: u32) -> u32 {
    words(|word| mask & word.message != 0)
}

fn words(holds: impl Fn(&Word) -> bool) -> u32 {
    (0..).zip(&WORDS).filter(|(_, word)| holds(word)).fold(0, |bits, (bit, _)| bits | 1 << bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(has: &str, not: &str) -> Segment {
        let some = |words: &'static str| Some(words).filter(|words| !words.is_empty());
        Segment::read(some(Box::leak(has.into())), some(Box::leak(not.into()))).unwrap()
    }

    fn check_contact(mask: u32, has: &str, not: &str, takes: bool) {
        assert_eq!(segment(has, not).takes_contact(mask), takes, "{mask:#b} has={has} not={not}");
    }

    fn check_message(mask: u32, has: &str, not: &str, takes: bool) {
        assert_eq!(segment(has, not).takes_message(mask), takes, "{mask:#b} has={has} not={not}");
    }

    #[test]
    fn a_contact_stands_in_one_place_of_the_audience() {
        use person::{ATTEMPTED, CONTROL, SKIPPED, TARGET};
        check_contact(0, "", "", false);
        check_contact(SKIPPED, "", "", true);
        check_contact(SKIPPED, "skipped", "control", true);
        check_contact(SKIPPED | CONTROL, "skipped", "", false);
        check_contact(SKIPPED | CONTROL, "control", "skipped,contaminated", true);
        check_contact(SKIPPED | CONTROL | TARGET, "control,contaminated", "", true);
        check_contact(ATTEMPTED | TARGET | CONTROL, "control", "", false);
        check_contact(ATTEMPTED | TARGET | CONTROL, "contaminated,submitted", "", true);
        check_contact(ATTEMPTED | TARGET, "", "attempted", false);
    }

    #[test]
    fn words_combine() {
        let read = state::SENT | state::DELIVERED | state::OPENED | state::READ;
        check_message(read, "", "", true);
        check_message(read, "delivered,read", "clicked", true);
        check_message(read, "delivered", "read", false);
        check_message(read, "skipped", "", false);
        check_message(read, "sent", "skipped", true);
        check_message(state::DISPATCH_ERROR, "", "sent", true);
        check_message(state::DISPATCH_ERROR, "failed_total", "failed", true);
        check_message(state::ERROR_THEN_SENT, "", "", false);
        check_message(state::ERROR_THEN_SENT, "error_then_sent", "", true);
        check_contact(person::QUICK_REPLIED | person::REPLIED, "interacted", "clicked", true);
        check_contact(person::SENT, "billable", "", false);
    }

    #[test]
    fn other_words_are_told() {
        for bad in ["seen", "", "sent,", "Sent"] {
            let problem = Segment::read(None, Some(bad)).unwrap_err();
            assert_eq!(problem.status, 400);
            assert!(problem.detail.contains("not takes words of: attempted, "));
        }
    }
}
