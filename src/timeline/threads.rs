//! Layer 5, beside the counting: the 24-hour conversations of a contact with each of the business's numbers.
//!
//! Which message opens a conversation depends on those that opened one in the 24 hours before it. So what changes at one moment
//! is replayed from there, and only until the threads that are open are the same as they were before the change.

use super::order::{numbers, tie};
use super::{Message, Timeline};
use crate::contributions::{Category, CountedConversation, Delta, recount};
use crate::event::Ms;
use crate::slab::{Slab, insert, remove};
use crate::sorted::{SortedMap, SortedSet};
use crate::usage::{CONVERSATION_MS, Threads};

/// A provider, and the business's number; `@` and the channel where the message names none.
pub(super) type Line = (char, String);

/// A delivered message in its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// The number of its line's [`Talk`].
    pub(super) line: u32,
    pub(super) at_ms: Ms,
    pub(super) category: Category,
    pub(super) usage: u32,
}

/// The conversations of one line.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    pub(super) line: Line,
    /// Delivered messages, in the order in which they are taken.
    messages: Vec<u32>,
    /// Those that open a conversation, by time, with the category that they had.
    openings: SortedMap<(Ms, u32), Category>,
}

/// Times between which something changed in a line.
pub(super) type Changed = SortedMap<u32, (Ms, Ms)>;

/// Messages are taken by delivered time, templates before service, then by message id.
fn turn_key<'a>(messages: &'a Slab<Message>) -> impl Fn(u32) -> (Ms, bool, (&'a str, &'a str)) {
    move |no| {
        let message = &messages[no];
        let (at_ms, category) = message.turn.as_ref().map_or((Ms::MAX, Category::Other), |turn| (turn.at_ms, turn.category));
        (at_ms, category == Category::Service, tie(&message.slot.id))
    }
}

impl Timeline {
    /// Where a message stands among the delivered ones of its line, or that it does not.
    pub(super) fn take_turn(&mut self, no: u32, turn: Option<Turn>, delta: &mut Delta) {
        if self.messages[no].turn == turn {
            return;
        }
        // Whether it opens one where it stands now is its line's to say.
        recount(&mut self.messages[no].conversation, None, delta);
        if let Some(Turn { line, at_ms, .. }) = self.messages[no].turn {
            remove(&mut self.talks[line].messages, no, turn_key(&self.messages));
            self.changed_line(line, at_ms, at_ms);
        }
        self.messages[no].turn = turn;
        if let Some(Turn { line, at_ms, .. }) = turn {
            insert(&mut self.talks[line].messages, no, turn_key(&self.messages));
            self.changed_line(line, at_ms, at_ms);
        }
    }

    /// The number of a message's line.
    pub(super) fn line_of(&mut self, no: u32) -> u32 {
        let message = &self.messages[no];
        let here = |line: &u32| message.speaks_on(&self.talks[*line].line);
        let known = message.turn.map(|turn| turn.line).filter(here);
        known.or_else(|| self.talks.numbers().find(here)).unwrap_or_else(|| {
            let line = message.line();
            self.talks.push(Talk { line, messages: Vec::new(), openings: SortedMap::new() })
        })
    }

    /// Something else about a message that opens a conversation changed: where it counts.
    pub(super) fn changed_turn(&mut self, no: u32) {
        if let Some(Turn { line, at_ms, .. }) = self.messages[no].turn {
            self.changed_line(line, at_ms, at_ms);
        }
    }

    fn changed_line(&mut self, line: u32, from_ms: Ms, to_ms: Ms) {
        let changed = self.dirty.lines.entry(line).or_insert((from_ms, to_ms));
        *changed = (changed.0.min(from_ms), changed.1.max(to_ms));
    }

    /// An inbound came to or left `at_ms`: the service windows that it opens may be seen now, or no longer.
    pub(super) fn changed_window(&mut self, at_ms: Ms) {
        for line in self.talks.numbers() {
            self.changed_line(line, at_ms, at_ms.saturating_add(CONVERSATION_MS));
        }
    }

    /// Replays a line from the first change until nothing differs any more.
    pub(super) fn count_line(&mut self, line: u32, from_ms: Ms, to_ms: Ms, delta: &mut Delta) {
        let talk = &self.talks[line];
        let since_ms = from_ms.saturating_sub(CONVERSATION_MS);
        let mut now = Threads::default();
        for ((at_ms, _), category) in talk.openings.range((since_ms, 0)..(from_ms, 0)) {
            now.opened(*at_ms, *category);
        }
        let mut before = now;
        let start = talk.messages.partition_point(|m| self.messages[*m].turn.as_ref().is_some_and(|turn| turn.at_ms < from_ms));
        let mut opening: SortedMap<(Ms, u32), Category> = SortedMap::new();
        let mut until_ms = Ms::MAX;
        // What opened a conversation before the change and has left the line since still tells what was open then.
        let mut gone = talk.openings.range((from_ms, 0)..).peekable();
        for no in talk.messages.iter().skip(start).copied() {
            let Some(Turn { at_ms, category, .. }) = self.messages[no].turn else { continue };
            while let Some(((opened_ms, _), category)) = gone.next_if(|((opened_ms, _), _)| *opened_ms < at_ms) {
                before.opened(*opened_ms, *category);
            }
            // Between two messages of one instant the two are equal only if they were so before the first: what it opened now, `before`
            // does not know.
            if at_ms > to_ms && now.open_at(at_ms) == before.open_at(at_ms) {
                until_ms = at_ms;
                break;
            }
            if now.open(at_ms, category) {
                opening.insert((at_ms, no), category);
            }
        }
        let old: SortedSet<(Ms, u32)> = talk.openings.range((from_ms, 0)..(until_ms, 0)).map(|(at, _)| *at).collect();
        for (_, no) in old.iter().filter(|at| !opening.contains_key(at)) {
            // One that moved to another line is that line's; it was taken away when it moved.
            if self.messages[*no].turn.as_ref().is_some_and(|turn| turn.line == line) {
                recount(&mut self.messages[*no].conversation, None, delta);
            }
        }
        for (at_ms, no) in opening.keys() {
            let message = &self.messages[*no];
            let Some(turn) = &message.turn else { continue };
            let service = turn.category == Category::Service;
            let conversation = CountedConversation {
                place: message.place.clone(),
                at_ms: *at_ms,
                usage: turn.usage,
                window_unseen: service && !self.window_seen(message, *at_ms),
            };
            recount(&mut self.messages[*no].conversation, Some(conversation), delta);
        }
        let talk = &mut self.talks[line];
        talk.openings.retain(|opening, _| !old.contains(opening));
        talk.openings.extend(opening);
    }

    /// Whether the contact wrote to the sender of a message in the 24 hours before.
    fn window_seen(&self, message: &Message, at_ms: Ms) -> bool {
        let after_ms = at_ms.saturating_sub(CONVERSATION_MS);
        let inbounds = self.inbounds_by_time.between(after_ms.saturating_add(1), at_ms.saturating_add(1));
        numbers(inbounds).rev().any(|i| message.fits(&self.inbounds[i].facts))
    }
}
