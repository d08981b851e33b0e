//! What a contact has in each campaign and step: the things that stand there, and how many of them are in each state.

use std::rc::Rc;

use super::order::ByTime;
use crate::contributions::{CountedContact, Nanos, Place};
use crate::event::Ms;
use crate::sorted::SortedMap;

/// Where a contact counts: in a whole campaign, or in one of its steps.
pub(super) type Audience = (u32, Option<Rc<str>>);

/// By campaign.
#[derive(Clone, Debug, Default)]
pub(super) struct Campaigns(SortedMap<u32, InCampaign>);

/// What a contact has in one campaign.
#[derive(Clone, Debug, Default)]
pub(super) struct InCampaign {
    pub(super) whole: Tally,
    pub(super) steps: SortedMap<Rc<str>, InStep>,
}

/// What a contact has in one place.
#[derive(Clone, Debug)]
pub(super) struct InStep {
    pub(super) place: Place,
    pub(super) tally: Tally,
    /// Messages by (sent, id).
    pub(super) messages: ByTime,
    pub(super) clicks: ByTime,
}

/// How many of a contact's things in a campaign or a step are in each state; a contact's own states follow.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// By the bit numbers of [`crate::contributions::person`], up to `CONVERTED`; `FAILED` holds failed messages.
    pub(super) things: [u32; 13],
    /// What was last found in the window of an experiment.
    pub(super) window: Window,
    pub(super) counted: Option<CountedContact>,
}

/// A contact's window in an experiment, and what its conversions in there are worth.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Window {
    pub(super) from_ms: Ms,
    pub(super) until_ms: Ms,
    /// The state of the conversions that it was made of.
    pub(super) version: u64,
    pub(super) converted: bool,
    /// One sum per currency.
    pub(super) worth: Vec<Nanos>,
}

impl Tally {
    /// One thing more in some states, and one less in others. Says whether a state has its first thing now, or has lost its last:
    /// else the contact is in the states that it was in.
    pub(super) fn change(&mut self, more: u32, less: u32) -> bool {
        let mut turned = false;
        for (bit, n) in (0..).zip(&mut self.things) {
            let before = *n;
            *n = (before + (more >> bit & 1)).saturating_sub(less >> bit & 1);
            turned |= (before == 0) != (*n == 0);
        }
        turned
    }
}

impl Campaigns {
    pub(super) fn get(&self, campaign: u32) -> Option<&InCampaign> {
        self.0.get(&campaign)
    }

    /// What is in a place, if anything ever was.
    pub(super) fn at(&self, campaign: u32, step: &str) -> Option<&InStep> {
        self.get(campaign)?.steps.get(step)
    }

    /// What is in a place.
    pub(super) fn at_mut(&mut self, place: &Place) -> &mut InStep {
        let new =
            || InStep { place: place.clone(), tally: Tally::default(), messages: ByTime::default(), clicks: ByTime::default() };
        self.0.entry(place.campaign).or_default().steps.entry(Rc::clone(&place.step)).or_insert_with(new)
    }

    /// How the contact stands in a campaign or a step.
    pub(super) fn tally_mut(&mut self, (campaign, step): &Audience) -> &mut Tally {
        match step {
            Some(step) => &mut self.at_mut(&Place { campaign: *campaign, step: Rc::clone(step) }).tally,
            None => &mut self.0.entry(*campaign).or_default().whole,
        }
    }

    pub(super) fn tallies_mut(&mut self) -> impl Iterator<Item = &mut Tally> {
        self.0.values_mut().flat_map(|campaign| {
            let steps = campaign.steps.values_mut().map(|step| &mut step.tally);
            core::iter::once(&mut campaign.whole).chain(steps)
        })
    }

    /// All the campaigns as wholes.
    pub(super) fn wholes(&self) -> impl Iterator<Item = Audience> + '_ {
        self.0.keys().map(|campaign| (*campaign, None))
    }
}
