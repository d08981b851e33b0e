//! The orders in which a timeline keeps its things, and how a part of one is found.

use super::{Click, Message};
use crate::event::Ms;
use crate::slab::{Slab, insert_at};

/// Numbers of things by time. The time stands beside the number, so that a search looks at the things of one time alone.
#[derive(Clone, Debug, Default)]
pub(super) struct ByTime(Vec<(Ms, u32)>);

impl ByTime {
    /// Puts a thing in; among those of its time it stands by its key.
    pub(super) fn insert<K: Ord>(&mut self, at_ms: Ms, no: u32, key: impl Fn(u32) -> K) {
        let at = self.0.partition_point(|(ms, other)| *ms < at_ms || *ms == at_ms && key(*other) < key(no));
        insert_at(&mut self.0, at, (at_ms, no));
    }

    pub(super) fn remove(&mut self, at_ms: Ms, no: u32) {
        let from = self.0.partition_point(|(ms, _)| *ms < at_ms);
        if let Some(at) = self.0.iter().skip(from).position(|thing| *thing == (at_ms, no)) {
            self.0.remove(from + at);
        }
    }

    /// Those whose times lie in `from_ms..to_ms`.
    pub(super) fn between(&self, from_ms: Ms, to_ms: Ms) -> &[(Ms, u32)] {
        let from = self.0.partition_point(|(ms, _)| *ms < from_ms);
        let to = self.0.partition_point(|(ms, _)| *ms < to_ms);
        self.0.get(from..to).unwrap_or_default()
    }

    /// Those behind a thing, whether it is among them or not.
    pub(super) fn behind<K: Ord>(&self, at_ms: Ms, no: u32, key: impl Fn(u32) -> K) -> &[(Ms, u32)] {
        let from = self.0.partition_point(|(ms, other)| *ms < at_ms || *ms == at_ms && key(*other) <= key(no));
        self.0.get(from..).unwrap_or_default()
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        numbers(&self.0)
    }
}

/// The numbers of a part.
pub(super) fn numbers(part: &[(Ms, u32)]) -> impl DoubleEndedIterator<Item = u32> + '_ {
    part.iter().map(|(_, no)| *no)
}

/// The last word in ties between messages: the message's id, then the provider. An entry's id is tag, provider, id.
pub(super) fn tie(id: &str) -> (&str, &str) {
    (id.get(2..).unwrap_or_default(), id)
}

/// The order of messages of one time.
pub(super) fn tie_key<'a>(messages: &'a Slab<Message>) -> impl Fn(u32) -> (&'a str, &'a str) {
    move |no| tie(&messages[no].slot.id)
}

/// The order in which messages of one time take replies.
pub(super) fn step_key<'a>(messages: &'a Slab<Message>) -> impl Fn(u32) -> (&'a str, (&'a str, &'a str)) {
    move |no| (&messages[no].place.step, tie(&messages[no].slot.id))
}

pub(super) fn click_link_key<'a>(clicks: &'a Slab<Click>) -> impl Fn(u32) -> (&'a str, Ms, &'a str) {
    move |no| (clicks[no].facts.0.1.link.as_str(), clicks[no].at_ms(), &*clicks[no].slot.id)
}
