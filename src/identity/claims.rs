//! Who of several contacts has a message or a conversion: their claims, the best of them, and what each of them has to be told.
//!
//! A function of the set of claims, whatever came first, and of who was erased while a thing was theirs. Pure data: no storage,
//! no time.

use serde::{Deserialize, Serialize};

use crate::event::Ms;
use crate::facts::Word;
use crate::sorted::{SortedMap, SortedSet};

/// What a claim rests on. What stands first is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Ground {
    /// A dispatch that was accepted.
    #[serde(rename = "d", alias = "dispatched")]
    Dispatched,
    /// A status that names a person.
    #[serde(rename = "t", alias = "told")]
    Told,
    /// A person quoted it, reacted to it or clicked in it.
    #[serde(rename = "q", alias = "quoted")]
    Quoted,
    /// A conversion that names its contact.
    #[serde(rename = "n", alias = "named")]
    Named,
    /// A conversion that names a click.
    #[serde(rename = "c", alias = "clicked")]
    Clicked,
    /// A conversion's withdrawal, by whomever.
    #[serde(rename = "x", alias = "cancelled")]
    Cancelled,
}

/// Somebody's word that a thing is theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// See [`super::message_name`] and [`super::conversion_name`].
    pub thing: String,
    pub handle: String,
    /// The person's key, where it is known: it decides ties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub ground: Ground,
    pub at_ms: Ms,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub campaign: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub step: String,
}

/// The person who holds what another key of theirs claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    #[serde(rename = "h")]
    pub handle: String,
    #[serde(rename = "k")]
    pub key: String,
    /// A later one replaces an earlier one.
    #[serde(rename = "e")]
    pub epoch: u64,
}

/// When, and in which campaign and step.
type When = (Ms, String, String);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Claimant {
    /// Empty once it was forgotten: a late copy of the claim does not bring it back.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The earliest on each ground.
    #[serde(rename = "g", default, skip_serializing_if = "SortedMap::is_empty")]
    grounds: SortedMap<Ground, When>,
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    holder: Option<Holder>,
}

/// A message or a conversion, and who claims it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// By the handle under which the claim came.
    #[serde(rename = "c", default)]
    claimants: SortedMap<String, Claimant>,
    #[serde(rename = "x", default, skip_serializing_if = "core::ops::Not::not")]
    cancelled: bool,
    /// The last word to each person who was ever told one, or held it once.
    #[serde(rename = "t", default, skip_serializing_if = "SortedMap::is_empty")]
    told: SortedMap<String, Word>,
    #[serde(rename = "v", default, skip_serializing_if = "is_zero")]
    version: u64,
}

fn is_zero(version: &u64) -> bool {
    *version == 0
}

/// A person's claim, all their keys together.
#[derive(Default)]
struct Held<'a> {
    key: Option<&'a str>,
    /// Who was erased while it was theirs keeps it: it was added up with the erased, where nobody can take it back.
    keeps: bool,
    grounds: SortedMap<Ground, &'a When>,
}

impl Thing {
    /// Takes a claim in. Says whether it makes two persons claim the thing where this one did not before.
    pub fn put(&mut self, claim: &Claim) -> bool {
        if claim.ground == Ground::Cancelled {
            self.cancelled = true;
            return false;
        }
        let new = !self.claimants.contains_key(&claim.handle);
        let claimant = self.claimants.entry(claim.handle.clone()).or_default();
        claimant.key = claimant.key.take().or_else(|| claim.key.clone());
        let when = (claim.at_ms, claim.campaign.clone(), claim.step.clone());
        let earliest = claimant.grounds.entry(claim.ground).or_insert_with(|| when.clone());
        if when < *earliest {
            *earliest = when;
        }
        new && self.held().len() > 1
    }

    /// The one claim that was ever made, if it is the only thing known, and nobody was ever told a word.
    #[must_use]
    pub fn alone(&self, name: &str) -> Option<Claim> {
        let (handle, Claimant { key, grounds, holder: None }) = self.claimants.first_key_value()? else { return None };
        let (ground, (at_ms, campaign, step)) = grounds.first_key_value()?;
        let claim = Claim {
            thing: name.to_owned(),
            handle: handle.clone(),
            key: key.clone(),
            ground: *ground,
            at_ms: *at_ms,
            campaign: campaign.clone(),
            step: step.clone(),
        };
        let mut alone = Self::default();
        alone.put(&claim);
        (alone == *self).then_some(claim)
    }

    /// Learns that what one key claims is another person's.
    pub fn moved(&mut self, source: &str, holder: &Holder) {
        let claimant = self.claimants.entry(source.to_owned()).or_default();
        if claimant.holder.as_ref().is_some_and(|known| known.epoch >= holder.epoch) {
            return;
        }
        let before = claimant.holder.replace(holder.clone()).map_or_else(|| source.to_owned(), |holder| holder.handle);
        // Who held it may have been given what named nobody, and has to hear that it is another's.
        self.told.entry(before).or_default();
    }

    /// The claims of each person.
    fn held(&self) -> SortedMap<&str, Held<'_>> {
        let mut held: SortedMap<&str, Held<'_>> = SortedMap::new();
        for (source, claimant) in self.claimants.iter().filter(|(_, claimant)| !claimant.grounds.is_empty()) {
            let holder = claimant.holder.as_ref();
            let handle = holder.map_or(source, |holder| &holder.handle);
            let key = holder.map(|holder| holder.key.as_str()).or(claimant.key.as_deref());
            let person = held.entry(handle).or_default();
            // Of a quote alone nothing was added up.
            let counted = claimant.grounds.keys().any(|ground| *ground != Ground::Quoted);
            person.keeps |= counted && key == Some("") && self.told.get(handle) != Some(&Word::Lost);
            person.key = person.key.or(key.filter(|key| !key.is_empty()));
            for (ground, when) in &claimant.grounds {
                let earliest = person.grounds.entry(*ground).or_insert(when);
                *earliest = when.min(earliest);
            }
        }
        held
    }

    /// Whose it is: who keeps it, then the better ground, then the earlier, then the smaller campaign, step and key. Of a
    /// conversion all copies give the time.
    #[must_use]
    pub fn winner(&self) -> Option<String> {
        let rank = |(handle, held): (&str, Held<'_>)| {
            let (ground, when) = held.grounds.first_key_value().map(|(ground, when)| (*ground, (*when).clone()))?;
            let when = match ground {
                Ground::Named | Ground::Clicked => held.grounds.values().min().map(|when| (*when).clone())?,
                _ => when,
            };
            // Where a person is known by a click alone, the handle stands for the key.
            Some((!held.keeps, ground, when, held.key.is_none(), held.key.unwrap_or(handle).to_owned(), handle.to_owned()))
        };
        self.held().into_iter().filter_map(rank).min().map(|(.., handle)| handle)
    }

    /// What has to be told to whom, since the last time: the number of the verdict, and the word.
    pub fn decide(&mut self) -> Vec<(String, u64, Word)> {
        let winner = self.winner();
        let persons: SortedSet<String> = self.held().into_keys().map(str::to_owned).chain(self.told.keys().cloned()).collect();
        let mut news = Vec::new();
        for person in persons {
            let word = match &winner {
                _ if self.cancelled => Word::Withdrawn,
                Some(winner) if *winner != person => Word::Lost,
                _ => Word::Won,
            };
            if self.told.get(&person).copied().unwrap_or_default() != word {
                self.version += 1;
                self.told.insert(person.clone(), word);
                news.push((person, self.version, word));
            }
        }
        news
    }

    /// Forgets a person's key; their claim stays, under the handle.
    pub fn forget(&mut self, handle: &str) {
        for (source, claimant) in &mut self.claimants {
            if source == handle {
                claimant.key = Some(String::new());
            }
            if let Some(holder) = claimant.holder.as_mut().filter(|holder| holder.handle == handle) {
                holder.key.clear();
            }
        }
    }
}
