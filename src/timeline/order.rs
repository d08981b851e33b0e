//! The orders in which a timeline keeps its things, and how a part of one is found.

use super::{Click, Conversion, Inbound, Message};
use crate::contributions::Place;
use crate::event::Ms;
use crate::slab::Slab;

/// The last word in ties between messages: the message's id, then the provider. An entry's id is tag, provider, id.
pub(super) fn tie(id: &str) -> (&str, &str) {
    (id.get(2..).unwrap_or_default(), id)
}

pub(super) fn sent_key<'a>(messages: &'a Slab<Message>) -> impl Fn(u32) -> (Ms, &'a str, (&'a str, &'a str)) {
    move |no| (messages[no].sent_ms, &*messages[no].place.step, tie(&messages[no].slot.id))
}

pub(super) fn place_key<'a>(messages: &'a Slab<Message>) -> impl Fn(u32) -> (&'a Place, Ms, (&'a str, &'a str)) {
    move |no| (&messages[no].place, messages[no].sent_ms, tie(&messages[no].slot.id))
}

pub(super) fn inbound_key<'a>(inbounds: &'a Slab<Inbound>) -> impl Fn(u32) -> (Ms, &'a str) {
    move |no| (inbounds[no].facts.at_ms, inbounds[no].slot.id.as_str())
}

pub(super) fn click_place_key<'a>(clicks: &'a Slab<Click>) -> impl Fn(u32) -> (&'a Place, Ms, &'a str) {
    move |no| (&clicks[no].place, clicks[no].at_ms(), clicks[no].slot.id.as_str())
}

pub(super) fn click_link_key<'a>(clicks: &'a Slab<Click>) -> impl Fn(u32) -> (&'a str, Ms, &'a str) {
    move |no| (clicks[no].facts.0.1.link.as_str(), clicks[no].at_ms(), clicks[no].slot.id.as_str())
}

pub(super) fn conversion_key<'a>(conversions: &'a Slab<Conversion>) -> impl Fn(u32) -> (Ms, &'a str) {
    move |no| (conversions[no].facts.at_ms, conversions[no].slot.id.as_str())
}

/// The part of a list sorted by time whose times lie in `from..to`.
pub(super) fn range(list: &[u32], from: Ms, to: Ms, at: impl Fn(u32) -> Ms) -> impl Iterator<Item = u32> {
    let start = list.partition_point(|no| at(*no) < from);
    list.iter().skip(start).copied().take_while(move |no| at(*no) < to)
}
