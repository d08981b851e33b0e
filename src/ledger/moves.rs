//! A person turns out to have another key: what was told under it moves to the person's Ledger.
//!
//! The Ledger of the person notes the key and sends word to the Ledger of the key. That one lets everything of it go from its
//! timelines, keeps it aside, and sends it on, as it will send on whatever comes under the key later; the person's Ledger keeps
//! it apart by where it came from. If it turns out to be a third person's, what was sent is taken back and sent there. All that has
//! to be told is an errand, stored with what it follows from, and told until it is done; how, the edge knows.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::load::{Cached, damaged, parse};
use super::store::batches;
use super::{Belonging, Errand, Ledger, Move, Routed, to_json};
use crate::bounds::{ERRAND_THINGS, NAMES_OF_PERSON};
use crate::contact::{canonical_key, canonical_phone, user_id};
use crate::event::{Event, Ms, Person};
use crate::facts::{Facts, First, entry_id};
use crate::identity::name_of_entry;
use crate::sorted::{SortedMap, SortedSet};
use crate::sql::{Arg, Sql, SqlError};

/// What ties a key to others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ties {
    /// Other keys of this person, and when each was first named beside this one: in pairs (first), in dispatches (second).
    #[serde(rename = "n", default, skip_serializing_if = "SortedMap::is_empty")]
    pub(super) names: SortedMap<String, [Option<Ms>; 2]>,
    /// Whose this key is: the person of its earliest pair, and that of the earliest dispatch that calls it an alias.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pair: Option<First<String>>,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    alias: Option<First<String>>,
    /// The persons of all its pairs, where there are several: the later ones move nothing, and are reported.
    #[serde(rename = "o", default, skip_serializing_if = "SortedSet::is_empty")]
    pub(super) claimed_by: SortedSet<String>,
    /// Counts the persons that it belonged to.
    #[serde(rename = "e", default, skip_serializing_if = "is_zero")]
    epoch: u64,
    /// The handles of other keys that things came from, and the epoch of each.
    #[serde(rename = "g", default, skip_serializing_if = "SortedMap::is_empty")]
    guests: SortedMap<String, u64>,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Ties {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The other keys of this person.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// Whose this key is, and whether by a pair: then everything moves, else conversions alone.
    pub(super) fn home(&self) -> Option<(&str, bool)> {
        match (&self.pair, &self.alias) {
            (Some(First(_, to)), _) => Some((to, true)),
            (None, Some(First(_, to))) => Some((to, false)),
            (None, None) => None,
        }
    }

    /// Whether an event under this key is another person's.
    pub(super) fn moves(&self, event: &Event) -> bool {
        self.home().is_some_and(|(_, pair)| pair || matches!(event, Event::Conversion(_)))
    }
}

/// What a commit has to move: events under keys of other persons, and errands.
#[derive(Default)]
pub(super) struct Moving<'a> {
    pub(super) away: Vec<(&'a Routed, Ms)>,
    pub(super) errands: Vec<Errand>,
}

/// Another key of the person whom an event is of, and whether it stands in one item with theirs.
fn other_name(routed: &Routed) -> Option<(String, bool)> {
    let key = routed.key.as_deref().filter(|key| canonical_phone(key).is_some())?;
    let beside = |person: &Person| {
        let user = person.user_id.as_deref().and_then(user_id)?;
        person.phone.is_some().then_some((user, true))
    };
    match &routed.event {
        Event::Dispatch(dispatch) => {
            dispatch.wa_id.as_ref()?;
            let person = &dispatch.person;
            let contact = person.phone.as_deref().or(person.user_id.as_deref()).and_then(canonical_key)?;
            (contact != key).then_some((contact, false))
        }
        Event::Status(status) => beside(&status.person),
        Event::Inbound(inbound) => beside(&inbound.person),
        Event::Click(click) => beside(&click.person),
        Event::OptOut(opt_out) => beside(&opt_out.person),
        Event::Conversion(_) => None,
    }
}

impl Cached {
    /// Notes another key that an event names beside the person's. Gives the errand, if that is news.
    pub(super) fn learn_name(&mut self, routed: &Routed, at_ms: Ms) -> Option<Errand> {
        let (name, pair) = other_name(routed)?;
        let names = &mut self.row.ties.names;
        if names.len() >= NAMES_OF_PERSON && !names.contains_key(&name) {
            return None;
        }
        let [paired_ms, called_ms] = names.entry(name.clone()).or_default();
        let first_ms = if pair { paired_ms } else { called_ms };
        if first_ms.is_some_and(|first_ms| first_ms <= at_ms) {
            return None;
        }
        *first_ms = Some(at_ms);
        self.tied = true;
        Some(Errand::Belong { key: name, to: routed.key.clone()?, pair, at_ms })
    }
}

impl<S: Sql> Ledger<S> {
    /// Learns that a key is another person's. If it is somebody else's than before, everything of it goes there.
    pub(super) fn belong(&mut self, belonging: &Belonging, moving: &mut Moving<'_>) -> Result<u64, SqlError> {
        let Belonging { handle, key, to, pair, at_ms } = belonging;
        let Some(cached) = self.contacts.get_mut(handle) else { return Ok(0) };
        cached.tied |= cached.timeline.learn_key(key);
        let ties = &mut cached.row.ties;
        let before = ties.home().map(|(to, pair)| (to.to_owned(), pair));
        if let Some(First(_, known)) = ties.pair.as_ref().filter(|known| *pair && known.1 != *to)
            && ties.claimed_by.len() < NAMES_OF_PERSON
        {
            cached.tied |= ties.claimed_by.insert(known.clone()) | ties.claimed_by.insert(to.clone());
        }
        let slot = if *pair { &mut ties.pair } else { &mut ties.alias };
        let word = First(*at_ms, to.clone());
        if slot.as_ref().is_some_and(|known| *known <= word) {
            return Ok(0);
        }
        *slot = Some(word);
        cached.tied = true;
        let now = ties.home().map(|(to, pair)| (to.to_owned(), pair));
        let Some((to, pair)) = now.clone().filter(|_| now != before) else { return Ok(0) };
        let left = cached.timeline.leave(!pair);
        if before.as_ref().is_none_or(|(before, _)| *before != to) {
            let ties = &mut cached.row.ties;
            ties.epoch += 1;
            if let Some((before, _)) = before {
                let (source, source_key, epoch) = (handle.clone(), key.clone(), ties.epoch);
                moving.errands.push(Errand::Move { to: before, source, source_key, epoch, things: Vec::new() });
            }
        }
        let epoch = cached.row.ties.epoch;
        let mut things = self.away(handle, None)?;
        for (id, facts) in left {
            match things.get_mut(&id) {
                Some(known) => known.merge(&facts),
                None => drop(things.insert(id, facts)),
            }
        }
        let key = key.clone();
        self.keep_away(handle, &key, &to, epoch, things, moving)
    }

    /// What of a key is kept aside, all of it or the entries named.
    fn away(&self, handle: &str, ids: Option<&[String]>) -> Result<SortedMap<String, Facts>, SqlError> {
        let (mut things, mut after, ids) = (SortedMap::new(), String::new(), to_json(&ids));
        loop {
            let stored = self.sql.text(
                "SELECT json_group_array(json_array(id, json(body))) FROM (SELECT id, body FROM away WHERE handle = ?1 AND id > ?3 \
                 AND (?2 = 'null' OR id IN (SELECT value FROM json_each(?2))) ORDER BY id LIMIT CAST(?4 AS INTEGER))",
                &[Arg::Text(handle), Arg::Text(&ids), Arg::Text(&after), Arg::Int(ERRAND_THINGS as i64)],
            )?;
            let page: Vec<(String, &RawValue)> = parse(stored.as_deref(), "away")?;
            let is_last = page.len() < ERRAND_THINGS;
            for (id, body) in page {
                let facts = Facts::decode(&id, body.get()).ok_or_else(|| damaged("away"))?;
                after.clone_from(&id);
                things.insert(id, facts);
            }
            if is_last {
                return Ok(things);
            }
        }
    }

    /// Stores what is another person's, and sends it on.
    fn keep_away(
        &mut self,
        handle: &str,
        key: &str,
        to: &str,
        epoch: u64,
        things: SortedMap<String, Facts>,
        moving: &mut Moving<'_>,
    ) -> Result<u64, SqlError> {
        let things: Vec<(String, String)> = things.into_iter().map(|(id, facts)| (id, to_json(&facts))).collect();
        let mut rows_written = 0;
        for things in things.chunks(ERRAND_THINGS) {
            let rows: Vec<(&str, &String, &String)> = things.iter().map(|(id, facts)| (handle, id, facts)).collect();
            rows_written += self.sql.exec(
                "INSERT OR REPLACE INTO away (handle, id, body) \
                 SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)",
                &[Arg::Text(&to_json(&rows))],
            )?;
            let (to, source) = (to.to_owned(), handle.to_owned());
            let claimed: Vec<String> = things.iter().filter_map(|(id, _)| name_of_entry(id)).collect();
            if !claimed.is_empty() {
                moving.errands.push(Errand::Hold { to: to.clone(), source: source.clone(), epoch, things: claimed });
            }
            let source_key = key.to_owned();
            moving.errands.push(Errand::Move { to, source, source_key, epoch, things: things.to_vec() });
        }
        Ok(rows_written)
    }

    /// Puts events under keys of other persons with what is kept aside, and stores the errands of the commit.
    pub(super) fn send_away(&mut self, mut moving: Moving<'_>) -> Result<u64, SqlError> {
        let mut rows_written = 0;
        let mut by_handle: SortedMap<&str, Vec<(&Routed, Ms)>> = SortedMap::new();
        for (routed, at_ms) in core::mem::take(&mut moving.away) {
            by_handle.entry(&routed.handle).or_default().push((routed, at_ms));
        }
        for (handle, events) in by_handle {
            let ids: Vec<String> = events.iter().filter_map(|(routed, _)| entry_id(&routed.event, routed.provider)).collect();
            let mut things = self.away(handle, Some(&ids))?;
            let mut changed: SortedMap<String, Facts> = SortedMap::new();
            for (Routed { event, provider, .. }, at_ms) in events {
                let Some(id) = entry_id(event, *provider) else { continue };
                let known = things.remove(&id);
                let new = known.is_none();
                let Some(mut facts) = known.or_else(|| Facts::new(event, *provider, at_ms)) else { continue };
                if facts.put(event, *provider, at_ms) || new {
                    changed.insert(id.clone(), facts.clone());
                }
                things.insert(id, facts);
            }
            let home = self.contacts.get(handle).and_then(|cached| {
                let (to, _) = cached.row.ties.home()?;
                Some((to.to_owned(), cached.timeline.key()?.to_owned(), cached.row.ties.epoch))
            });
            if let Some((to, key, epoch)) = home {
                rows_written += self.keep_away(handle, &key, &to, epoch, changed, &mut moving)?;
            }
        }
        self.errands_due |= !moving.errands.is_empty();
        let errands: Vec<String> = moving.errands.iter().map(|errand| to_json(&(errand.things(), to_json(errand)))).collect();
        for errands in batches(&errands) {
            let insert = "INSERT INTO errand (things, body) SELECT value ->> 0, value ->> 1 FROM json_each(?1)";
            rows_written += self.sql.exec(insert, &[Arg::Text(&errands)])?;
        }
        Ok(rows_written)
    }

    /// Takes in what was told under another key of a person.
    pub(super) fn host(&mut self, moved: &Move, cutoff_ms: Ms) {
        let Some(cached) = self.contacts.get_mut(&moved.handle) else { return };
        let known = cached.row.ties.guests.get(&moved.source).copied();
        if known.is_some_and(|known| known > moved.epoch) {
            return;
        }
        let erased_ms = cached.erased_ms;
        let kept = |facts: &Facts| facts.newest_ms() >= cutoff_ms && facts.newest_ms() >= erased_ms;
        let decoded = moved.things.iter().filter_map(|(id, facts)| Some((id, Facts::decode(id, facts)?)));
        let things: Vec<(&String, Facts)> = decoded.filter(|(_, facts)| kept(facts)).collect();
        // Nothing of the key is kept here: then it is not learned either, for the person may be erased. What takes back is noted all
        // the same: what it takes may come later.
        let takes_back = moved.things.is_empty();
        if things.is_empty() && known.is_none() && !takes_back {
            return;
        }
        if known != Some(moved.epoch) {
            if known.is_some() {
                cached.timeline.drop_guest(&moved.source);
            }
            cached.row.ties.guests.insert(moved.source.clone(), moved.epoch);
            cached.tied = true;
        }
        cached.tied |= !takes_back && cached.timeline.learn_key(&moved.key);
        for (id, facts) in things {
            cached.timeline.absorb(id, &moved.source, &facts);
            cached.due_ms = cached.due_ms.min(facts.newest_ms());
        }
    }

    /// What other objects have to be told, in the order in which they should hear it, some at a time.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn errands(&mut self) -> Result<Vec<(i64, Errand)>, SqlError> {
        if !self.errands_due {
            return Ok(Vec::new());
        }
        // No more than one text takes, and at least one.
        let stored = self.sql.text(
            "SELECT json_group_array(json_array(no, json(body))) FROM (
                SELECT no, body, sum(length(body)) OVER (ORDER BY no) - length(body) AS before FROM errand ORDER BY no LIMIT 64
             ) WHERE before < 500000",
            &[],
        )?;
        let errands: Vec<(i64, Errand)> = parse(stored.as_deref(), "errand")?;
        self.errands_due = !errands.is_empty();
        Ok(errands)
    }

    /// They have been told.
    ///
    /// # Errors
    /// If the storage refuses; then they are told again, which is harmless.
    pub fn told(&self, errands: &[i64]) -> Result<(), SqlError> {
        let gone = "DELETE FROM errand WHERE no IN (SELECT value FROM json_each(?1))";
        self.sql.exec(gone, &[Arg::Text(&to_json(&errands))]).map(|_| ())
    }

    /// How many things of one key are on their way to the person whose it is.
    pub(super) fn moving_of(&self, handle: &str) -> Result<u64, SqlError> {
        let sum = "SELECT CAST(coalesce(sum(things), 0) AS TEXT) FROM errand WHERE body ->> '$.move.source' = ?1";
        let sum = self.sql.text(sum, &[Arg::Text(handle)])?;
        Ok(sum.and_then(|sum| sum.parse().ok()).unwrap_or_default())
    }

    /// How many things are on their way to another person, and count nowhere meanwhile.
    ///
    /// # Errors
    /// If the storage refuses.
    pub fn moving(&self) -> Result<u64, SqlError> {
        if !self.errands_due {
            return Ok(0);
        }
        let sum = self.sql.text("SELECT CAST(coalesce(sum(things), 0) AS TEXT) FROM errand", &[])?;
        Ok(sum.and_then(|sum| sum.parse().ok()).unwrap_or_default())
    }
}

impl Errand {
    /// How many things move by it.
    fn things(&self) -> usize {
        match self {
            Self::Move { things, .. } => things.len(),
            Self::Belong { .. } | Self::Hold { .. } | Self::Erase { .. } => 0,
        }
    }
}
