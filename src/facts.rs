//! What is remembered of a contact: the entries of a timeline, as sets of facts, and how an event is put into them.
//!
//! Putting in is commutative, associative and idempotent: for each thing the earliest time counts, and what a first copy lacked
//! a later one may bring; the earliest copy that has a value gives it, ties go to the smaller value. So the facts are a
//! function of the set of events. What they add up to is not known here.

mod merge;
mod shared;
mod stored;

use serde::{Deserialize, Serialize};

use crate::contact::canonical_key;
use crate::contributions::Nanos;
use crate::event::{self, Event, InboundKind, Ms, Outcome, Price, StatusKind};
use crate::json;
use crate::money::Amount;
use crate::name::Name;
use crate::sorted::SortedSet;

pub use shared::{Shared, Word};

/// A value with the time of the copy that gave it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct First<T>(pub Ms, pub T);

/// Keeps the earlier of two copies, ties to the smaller value. Says whether anything changed.
fn keep<T: Ord + Clone>(slot: &mut Option<First<T>>, at: Ms, value: Option<&T>) -> bool {
    let Some(value) = value else { return false };
    if slot.as_ref().is_some_and(|old| (old.0, &old.1) <= (at, value)) {
        return false;
    }
    *slot = Some(First(at, value.clone()));
    true
}

/// The same of a text that many things have in common.
fn keep_name(slot: &mut Option<First<Name>>, at: Ms, value: Option<&String>) -> bool {
    keep(slot, at, value.map(|value| Name::of(value)).as_ref())
}

fn earlier(slot: &mut Ms, at: Ms) -> bool {
    let earlier = at < *slot;
    if earlier {
        *slot = at;
    }
    earlier
}

/// One status of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusFact {
    pub at_ms: Ms,
    /// The provider's own word.
    pub category: Option<First<Name>>,
    pub billable: Option<First<bool>>,
    /// Code and title.
    pub error: Option<First<(String, String)>>,
}

impl StatusFact {
    /// A status of which nothing but its time is known.
    fn at(at_ms: Ms) -> Box<Self> {
        Box::new(Self { at_ms, category: None, billable: None, error: None })
    }
}

/// A dispatch that says "accepted" about a message: a claim of its campaign and step on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub at_ms: Ms,
    pub campaign: Name,
    pub step: Name,
    /// Every name that copies gave the attempt.
    pub attempts: SortedSet<String>,
    pub channel: Option<First<Name>>,
    pub sender: Option<First<Name>>,
    pub category: Option<First<Name>>,
    pub template: Option<First<Name>>,
    pub country: Option<First<Name>>,
    /// Amount and currency.
    pub cost: Option<First<(String, String)>>,
}

/// Everything told about one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFacts {
    /// By [`StatusKind`], in its order.
    pub statuses: [Option<Box<StatusFact>>; 5],
    pub claims: Vec<Claim>,
    pub reference: Option<First<Name>>,
    /// As its statuses name them; see [`MessageFacts::channel`] and [`MessageFacts::sender`].
    channel: Option<First<Name>>,
    sender: Option<First<Name>>,
}

impl MessageFacts {
    /// The channel, by the earliest status that names one, else by the claim.
    #[must_use]
    pub fn channel(&self) -> Option<&Name> {
        self.channel.as_ref().or_else(|| self.claim()?.channel.as_ref()).map(|c| &c.1)
    }

    /// The business's number, likewise.
    #[must_use]
    pub fn sender(&self) -> Option<&Name> {
        self.sender.as_ref().or_else(|| self.claim()?.sender.as_ref()).map(|s| &s.1)
    }

    #[must_use]
    pub fn status(&self, kind: StatusKind) -> Option<&StatusFact> {
        self.statuses.get(kind as usize)?.as_deref()
    }

    /// The claim that holds: the earlier, then the smaller campaign id, then the smaller step.
    #[must_use]
    pub fn claim(&self) -> Option<&Claim> {
        self.claims.iter().min_by(|a, b| (a.at_ms, &a.campaign, &a.step).cmp(&(b.at_ms, &b.campaign, &b.step)))
    }

    /// Whether an event is a status that is new and comes after one that follows it.
    #[must_use]
    pub fn follows(&self, event: &Event) -> bool {
        let Event::Status(status) = event else { return false };
        self.status(status.status).is_none() && self.statuses.iter().skip(status.status as usize + 1).any(Option::is_some)
    }

    /// The provider's word for the category: the highest status's that carries one, else the claim's.
    #[must_use]
    pub fn category_word(&self) -> Option<&str> {
        let claimed = || self.claim().and_then(|c| c.category.as_ref());
        self.highest_first().find_map(|s| s.category.as_ref()).or_else(claimed).map(|c| &*c.1)
    }

    /// The billable flag of the highest status that carries one.
    #[must_use]
    pub fn billable_flag(&self) -> Option<bool> {
        self.highest_first().find_map(|s| s.billable.as_ref()).map(|b| b.1)
    }

    fn highest_first(&self) -> impl Iterator<Item = &StatusFact> {
        use StatusKind::{Delivered, Failed, Played, Read, Sent};
        [Played, Read, Delivered, Sent, Failed].into_iter().filter_map(|kind| self.status(kind))
    }

    pub(crate) fn put_event(&mut self, event: &Event, at: Ms) -> bool {
        match event {
            Event::Status(status) => self.put_status(status, at),
            Event::Dispatch(dispatch) => self.put_claim(dispatch, at),
            _ => false,
        }
    }

    fn put_status(&mut self, status: &event::Status, at: Ms) -> bool {
        let mut changed = keep_name(&mut self.reference, at, status.reference.as_ref().filter(|r| !r.is_empty()));
        changed |= keep_name(&mut self.channel, at, Some(&status.channel));
        changed |= keep_name(&mut self.sender, at, status.sender.as_ref());
        let Some(slot) = self.statuses.get_mut(status.status as usize) else {
            return changed;
        };
        changed |= slot.is_none();
        let fact = slot.get_or_insert_with(|| StatusFact::at(at));
        changed |= earlier(&mut fact.at_ms, at);
        changed |= keep_name(&mut fact.category, at, status.category.as_ref());
        changed |= keep(&mut fact.billable, at, status.billable.as_ref());
        let error = status.error.as_ref().map(|e| (e.code.clone(), e.title.clone()));
        changed | keep(&mut fact.error, at, error.as_ref())
    }

    fn put_claim(&mut self, dispatch: &event::Dispatch, at: Ms) -> bool {
        // The order of arrival must not show in what is stored.
        let mine = (dispatch.campaign.as_str(), dispatch.step.as_str());
        let known = self.claims.iter().position(|c| (&*c.campaign, &*c.step) == mine);
        let mut changed = known.is_none();
        let place = known.unwrap_or_else(|| {
            let new = Claim {
                at_ms: at,
                campaign: Name::of(mine.0),
                step: Name::of(mine.1),
                attempts: SortedSet::new(),
                channel: None,
                sender: None,
                category: None,
                template: None,
                country: None,
                cost: None,
            };
            let place = self.claims.partition_point(|c| (&*c.campaign, &*c.step) < mine);
            self.claims.insert(place, new);
            place
        });
        let Some(claim) = self.claims.get_mut(place) else { return changed };
        changed |= earlier(&mut claim.at_ms, at);
        changed |= dispatch.attempt.clone().is_some_and(|attempt| claim.attempts.insert(attempt));
        changed |= keep_name(&mut claim.channel, at, dispatch.channel.as_ref());
        changed |= keep_name(&mut claim.sender, at, dispatch.sender.as_ref());
        changed |= keep_name(&mut claim.category, at, dispatch.category.as_ref());
        changed |= keep_name(&mut claim.template, at, dispatch.template.as_ref());
        changed |= keep_name(&mut claim.country, at, dispatch.country.as_ref());
        let cost = dispatch.cost.clone().map(|p| (p.amount, p.currency));
        changed | keep(&mut claim.cost, at, cost.as_ref())
    }
}

/// A dispatch that says "error": a try that never reached acceptance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptFacts {
    #[serde(rename = "t")]
    pub at_ms: Ms,
    #[serde(rename = "c")]
    pub campaign: String,
    #[serde(rename = "s", default, skip_serializing_if = "String::is_empty")]
    pub step: String,
    /// Its identity: the message id where there is one, else the attempt's.
    #[serde(rename = "i")]
    pub id: String,
    /// Every name that copies gave the attempt.
    #[serde(rename = "a", default, skip_serializing_if = "SortedSet::is_empty")]
    pub attempts: SortedSet<String>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub error: Option<First<(String, String)>>,
}

/// A dispatch that says "skipped" or "control": where the contact stands in the audience without being messaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingFacts {
    #[serde(rename = "t")]
    pub at_ms: Ms,
    #[serde(rename = "c")]
    pub campaign: String,
    #[serde(rename = "s")]
    pub step: First<String>,
    /// Control, else skipped.
    #[serde(rename = "o")]
    pub control: bool,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<First<String>>,
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub group: Option<First<String>>,
}

/// Something that the person sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundFacts {
    #[serde(rename = "t")]
    pub at_ms: Ms,
    #[serde(rename = "k")]
    pub kind: First<InboundKind>,
    #[serde(rename = "h")]
    pub channel: First<String>,
    /// The provider's code: quoted ids are its.
    #[serde(rename = "p")]
    pub provider: char,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<First<String>>,
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub quoted: Option<First<String>>,
}

/// A tap on a link: the earliest copy's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClickFacts(pub First<Tap>);

/// What was tapped, by what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tap {
    #[serde(rename = "l")]
    pub link: String,
    #[serde(rename = "c")]
    pub campaign: String,
    #[serde(rename = "s", default, skip_serializing_if = "String::is_empty")]
    pub step: String,
    /// The entry of the message that a provider's click names.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why a machine made it; absent for a human.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// How many taps it stands for, less one.
    #[serde(rename = "k", default, skip_serializing_if = "is_zero")]
    pub more: u32,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Something worth money, or its withdrawal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionFacts {
    #[serde(rename = "t")]
    pub at_ms: Ms,
    #[serde(rename = "g", default, skip_serializing_if = "String::is_empty")]
    pub goal: String,
    #[serde(rename = "i")]
    pub id: String,
    /// Amount and currency.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<First<(String, String)>>,
    #[serde(rename = "x", default)]
    pub cancelled: bool,
}

/// The business's marketing stopped (true) or resumed, by time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptOutFacts {
    #[serde(rename = "t")]
    pub at_ms: Ms,
    #[serde(rename = "o")]
    pub stopped: bool,
}

/// One thing in a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Facts {
    Message(Box<MessageFacts>),
    Attempt(AttemptFacts),
    Standing(StandingFacts),
    Inbound(InboundFacts),
    Click(ClickFacts),
    Conversion(ConversionFacts),
    OptOut(OptOutFacts),
}

/// The first character of an entry's id says its kind; the rest is the identity of the event.
mod tag {
    pub const MESSAGE: char = 'm';
    pub const ATTEMPT: char = 'e';
    pub const SKIPPED: char = 's';
    pub const CONTROL: char = 'k';
    pub const INBOUND: char = 'i';
    pub const CLICK: char = 'c';
    pub const CONVERSION: char = 'v';
    pub const OPT_OUT: char = 'o';
}

/// Between the parts of an id; no id may contain a control character.
const SEP: char = '\u{1f}';

/// The id of the entry of a message of one provider. A timeline is one person's, so a group's participant is not part of it.
#[must_use]
pub fn message_entry_id(provider: char, message_id: &str) -> String {
    tagged(tag::MESSAGE, provider, message_id)
}

fn tagged(tag: char, provider: char, id: &str) -> String {
    let mut tagged = String::with_capacity(id.len() + 2);
    tagged.extend([tag, provider]);
    tagged.push_str(id);
    tagged
}

/// The id of the entry of a conversion.
#[must_use]
pub fn conversion_entry_id(goal: &str, id: &str) -> String {
    format!("{}{goal}{SEP}{id}", tag::CONVERSION)
}

/// Which entry an event belongs to. `None` for an event that lacks what its identity needs; the edge refuses those before.
#[must_use]
pub fn entry_id(event: &Event, provider: char) -> Option<String> {
    Some(match event {
        Event::Status(s) => message_entry_id(provider, &s.message_id),
        Event::Dispatch(d) => match d.outcome {
            Outcome::Accepted => message_entry_id(provider, d.message_id.as_deref()?),
            Outcome::Error => format!("{}{}{SEP}{}{SEP}{}", tag::ATTEMPT, d.campaign, d.step, attempt_id(d)?),
            Outcome::Skipped => format!("{}{}", tag::SKIPPED, d.campaign),
            Outcome::Control => format!("{}{}", tag::CONTROL, d.campaign),
        },
        Event::Inbound(i) => tagged(tag::INBOUND, provider, &i.message_id),
        Event::Click(c) => format!("{}{}", tag::CLICK, c.click_id),
        Event::Conversion(c) => conversion_entry_id(&c.goal, &c.id),
        Event::OptOut(o) => format!("{}{}{SEP}{}", tag::OPT_OUT, o.at_ms.unwrap_or_default(), u8::from(o.stopped)),
    })
}

fn attempt_id(dispatch: &event::Dispatch) -> Option<&str> {
    dispatch.message_id.as_deref().or(dispatch.attempt.as_deref())
}

fn tap(click: &event::Click, provider: char) -> Option<Tap> {
    Some(Tap {
        link: click.link.clone().or_else(|| click.url.clone())?,
        campaign: click.campaign.clone().unwrap_or_default(),
        step: click.step.clone(),
        message: click.message_id.as_deref().map(|id| message_entry_id(provider, id)),
        machine: click.machine.clone(),
        country: click.country.clone(),
        device: click.device.clone(),
        more: click.count.saturating_sub(1),
    })
}

impl Facts {
    /// The inverse of serializing: the id says the kind. `None` for what this release does not know, and for an entry in parts
    /// of which none counts.
    #[must_use]
    pub fn decode(id: &str, json: &str) -> Option<Self> {
        if Shared::is_in(json) {
            return Shared::decode(id, json)?.facts();
        }
        Some(match id.chars().next()? {
            tag::MESSAGE => Facts::Message(json::read(json).ok()?),
            tag::ATTEMPT => Facts::Attempt(json::read(json).ok()?),
            tag::SKIPPED | tag::CONTROL => Facts::Standing(json::read(json).ok()?),
            tag::INBOUND => Facts::Inbound(json::read(json).ok()?),
            tag::CLICK => Facts::Click(json::read(json).ok()?),
            tag::CONVERSION => Facts::Conversion(json::read(json).ok()?),
            tag::OPT_OUT => Facts::OptOut(json::read(json).ok()?),
            _ => return None,
        })
    }

    /// The facts of an entry that nothing is known of yet, for [`Facts::put`] to fill. `None` as for [`entry_id`].
    #[must_use]
    pub fn new(event: &Event, provider: char, at_ms: Ms) -> Option<Self> {
        Some(match event {
            Event::Status(_) => Facts::Message(Box::default()),
            Event::Dispatch(d) => match d.outcome {
                Outcome::Accepted => Facts::Message(Box::default()),
                Outcome::Error => Facts::Attempt(AttemptFacts {
                    at_ms,
                    campaign: d.campaign.clone(),
                    step: d.step.clone(),
                    id: attempt_id(d)?.to_owned(),
                    attempts: SortedSet::new(),
                    error: None,
                }),
                Outcome::Skipped | Outcome::Control => Facts::Standing(StandingFacts {
                    at_ms,
                    campaign: d.campaign.clone(),
                    step: First(at_ms, d.step.clone()),
                    control: d.outcome == Outcome::Control,
                    reason: None,
                    group: None,
                }),
            },
            Event::Inbound(i) => Facts::Inbound(InboundFacts {
                at_ms,
                kind: First(at_ms, i.inbound),
                channel: First(at_ms, i.channel.clone()),
                provider,
                sender: None,
                quoted: None,
            }),
            Event::Click(c) => Facts::Click(ClickFacts(First(at_ms, tap(c, provider)?))),
            Event::Conversion(c) => Facts::Conversion(ConversionFacts {
                at_ms,
                goal: c.goal.clone(),
                id: c.id.clone(),
                value: None,
                cancelled: c.cancelled,
            }),
            Event::OptOut(o) => Facts::OptOut(OptOutFacts { at_ms, stopped: o.stopped }),
        })
    }

    /// The time of the newest of its events.
    #[must_use]
    pub fn newest_ms(&self) -> Ms {
        match self {
            Self::Message(facts) => {
                let statuses = facts.statuses.iter().flatten().map(|status| status.at_ms);
                statuses.chain(facts.claims.iter().map(|claim| claim.at_ms)).max().unwrap_or(Ms::MIN)
            }
            Self::Attempt(facts) => facts.at_ms,
            Self::Standing(facts) => facts.at_ms,
            Self::Inbound(facts) => facts.at_ms,
            Self::Click(facts) => facts.0.0,
            Self::Conversion(facts) => facts.at_ms,
            Self::OptOut(facts) => facts.at_ms,
        }
    }

    /// Puts an event, whose time is `at_ms`, into its entry. Says whether anything changed.
    pub fn put(&mut self, event: &Event, provider: char, at_ms: Ms) -> bool {
        match self {
            Facts::Message(facts) => facts.put_event(event, at_ms),
            Facts::Attempt(facts) => facts.put_event(event, at_ms),
            Facts::Standing(facts) => facts.put_event(event, at_ms),
            Facts::Inbound(facts) => facts.put_event(event, at_ms),
            Facts::Click(facts) => facts.put_event(event, provider, at_ms),
            Facts::Conversion(facts) => facts.put_event(event, at_ms),
            // Told again without a time of its own: what was received first says when it was.
            Facts::OptOut(facts) => earlier(&mut facts.at_ms, at_ms),
        }
    }
}

impl AttemptFacts {
    pub(crate) fn put_event(&mut self, event: &Event, at: Ms) -> bool {
        let Event::Dispatch(dispatch) = event else { return false };
        let error = dispatch.error.as_ref().map(|e| (e.code.clone(), e.title.clone()));
        earlier(&mut self.at_ms, at)
            | dispatch.attempt.clone().is_some_and(|attempt| self.attempts.insert(attempt))
            | keep(&mut self.error, at, error.as_ref())
    }
}

impl StandingFacts {
    pub(crate) fn put_event(&mut self, event: &Event, at: Ms) -> bool {
        let Event::Dispatch(dispatch) = event else { return false };
        earlier(&mut self.at_ms, at)
            | replace_if_smaller(&mut self.step, First(at, dispatch.step.clone()))
            | keep(&mut self.reason, at, dispatch.reason.as_ref())
            | keep(&mut self.group, at, dispatch.group.as_ref())
    }
}

impl InboundFacts {
    pub(crate) fn put_event(&mut self, event: &Event, at: Ms) -> bool {
        let Event::Inbound(inbound) = event else { return false };
        replace_if_smaller(&mut self.kind, First(at, inbound.inbound))
            | replace_if_smaller(&mut self.channel, First(at, inbound.channel.clone()))
            | earlier(&mut self.at_ms, at)
            | keep(&mut self.sender, at, inbound.sender.as_ref())
            | keep(&mut self.quoted, at, inbound.quoted.as_ref())
    }
}

impl ClickFacts {
    pub(crate) fn put_event(&mut self, event: &Event, provider: char, at: Ms) -> bool {
        let Event::Click(click) = event else { return false };
        tap(click, provider).is_some_and(|tap| replace_if_smaller(&mut self.0, First(at, tap)))
    }
}

impl ConversionFacts {
    pub(crate) fn put_event(&mut self, event: &Event, at: Ms) -> bool {
        let Event::Conversion(conversion) = event else { return false };
        let withdrawn = conversion.cancelled && !self.cancelled;
        self.cancelled |= conversion.cancelled;
        let value = conversion.value.clone().map(|Price { amount, currency }| (amount, currency));
        withdrawn | earlier(&mut self.at_ms, at) | keep(&mut self.value, at, value.as_ref())
    }

    /// Its value, if it has one.
    #[must_use]
    pub fn nanos(&self) -> Option<Nanos> {
        let First(_, (amount, currency)) = self.value.as_ref()?;
        Some(Nanos { currency: currency.clone(), nanos: Amount::parse(amount).ok()?.nanos() })
    }
}

fn replace_if_smaller<T: Ord>(slot: &mut T, new: T) -> bool {
    let smaller = new < *slot;
    if smaller {
        *slot = new;
    }
    smaller
}

/// The time that an event counts at: its own, or the time of receipt where it has none or an insane one (more than 24 h ahead
/// of receipt, or before 2009).
#[must_use]
pub fn time_of(event: &Event, received_ms: Ms) -> Ms {
    const YEAR_2009_MS: Ms = 1_230_768_000_000;
    const AHEAD_MS: Ms = 24 * 3_600_000;
    let at = match event {
        Event::Dispatch(e) => e.at_ms,
        Event::Status(e) => e.at_ms,
        Event::Inbound(e) => e.at_ms,
        Event::Click(e) => e.at_ms,
        Event::Conversion(e) => e.at_ms,
        Event::OptOut(e) => e.at_ms,
    };
    at.filter(|at| (YEAR_2009_MS..=received_ms + AHEAD_MS).contains(at)).unwrap_or(received_ms)
}

/// The parts of an opaque reference: `campaign`, `campaign:step` or `campaign:step:attempt`.
#[must_use]
pub fn reference_parts(reference: &str) -> (&str, &str, Option<&str>) {
    let mut parts = reference.splitn(3, ':');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next())
}

/// The person's key that an event names, canonical.
#[must_use]
pub fn person_key(person: &event::Person) -> Option<String> {
    person.phone.as_deref().and_then(canonical_key).or_else(|| person.user_id.as_deref().and_then(canonical_key))
}
