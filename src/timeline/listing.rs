//! What is shown of a person: the rows of lists, and the whole timeline in order of time.
//!
//! Rows are made of what was counted, so that what is listed is what was counted. Nothing here changes a timeline; which rows
//! belong to a list is asked of [`Filter`], who may see a key is decided by the caller.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Conversion, Slot, Timeline};
use crate::contact::masked;
use crate::contributions::{CountedConversion, CountedMessage, Nanos, Place, person, state, usage_parts};
use crate::error_class::{self, counted};
use crate::event::{InboundKind, Ms, StatusKind};
use crate::facts::First;
use crate::ids::UNATTRIBUTED;
use crate::money::{Amount, Currency};
use crate::order::sort;
use crate::policy::Policies;
use crate::segment::{Segment, WORDS, words_of_contact};
use crate::time::to_rfc3339;

/// What a list holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter<'a> {
    pub campaign: u32,
    /// `None`: all steps.
    pub step: Option<&'a str>,
    pub segment: Segment,
    /// Human clicks on this link (or URL of a provider's click).
    pub link: Option<&'a str>,
    /// A provider's code, or the word of its class.
    pub error: Option<&'a str>,
    pub span: Option<Span>,
}

/// A time from and until which things are listed: by sent time, or each state by its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub from_ms: Ms,
    pub to_ms: Ms,
    pub by_event: bool,
}

impl Span {
    #[must_use]
    pub fn holds(&self, at_ms: Ms) -> bool {
        (self.from_ms..self.to_ms).contains(&at_ms)
    }
}

impl Filter<'_> {
    fn inside(&self, place: &Place) -> bool {
        place.campaign == self.campaign && self.step.is_none_or(|step| *step == *place.step)
    }

    /// A message or a dispatch error, by what it counts as. By event, a state is one whose own time lies in the span.
    fn takes_counted(&self, counted: &CountedMessage) -> bool {
        let mask = match self.span {
            Some(span) if span.by_event => {
                counted.times().filter(|(_, at_ms)| span.holds(*at_ms)).fold(0, |mask, (bit, _)| mask | bit)
            }
            Some(span) if !span.holds(counted.sent_ms) => return false,
            _ => counted.mask,
        };
        self.inside(&counted.place) && self.segment.takes_message(mask) && self.takes_error(counted)
    }

    fn takes_error(&self, counted: &CountedMessage) -> bool {
        self.error.is_none_or(|asked| counted.error.as_ref().is_some_and(|key| error_class::is(key, asked)))
    }
}

/// One thing that is listed among messages.
enum Thing<'a> {
    Message(u32, &'a CountedMessage),
    Attempt(u32, &'a CountedMessage),
}

/// One thing of a story: its time, the place of its kind among [`KINDS`], the id of its entry, and what is told.
type Told<'a> = ((Ms, usize, &'a str), Map<String, Value>);

/// What a story tells of, in the order in which one thing can lead to another.
const KINDS: [&str; 9] = ["dispatch", "status", "inbound", "reply", "quick_reply", "reaction", "click", "conversion", "opt_out"];

impl Timeline {
    /// The contact's row, if it belongs to the list.
    #[must_use]
    pub fn contact_row(&self, filter: &Filter<'_>) -> Option<Value> {
        let campaign = self.campaigns.get(filter.campaign)?;
        let tally = filter.step.map_or(Some(&campaign.whole), |step| Some(&campaign.steps.get(step)?.tally));
        let counted = tally?.counted.as_ref()?;
        let mask = counted.mask;
        if self.nobody || !filter.segment.takes_contact(mask) {
            return None;
        }
        let things: Vec<&CountedMessage> = self.things(filter).into_iter().map(|(_, thing)| thing.counted()).collect();
        let clicks = || {
            let counted = self.clicks.iter().filter_map(|click| click.counted.as_ref());
            counted.filter(|click| click.machine == 0 && filter.inside(&click.place))
        };
        if filter.link.is_some_and(|link| !clicks().any(|click| click.link == link))
            || filter.error.is_some() && !things.iter().any(|counted| filter.takes_error(counted))
        {
            return None;
        }
        let earliest = |bit: u32| things.iter().filter_map(|counted| counted.time_of(bit)).min();
        let standing = |control: bool| {
            let of = self.standings.iter().filter(|s| s.place.as_ref().is_some_and(|place| filter.inside(place)));
            of.filter(|s| s.facts.control == control).map(|s| s.facts.at_ms).min()
        };
        let words = words_of_contact(mask);
        let stands = |name: &str| (0..).zip(&WORDS).any(|(bit, word)| word.name == name && words >> bit & 1 == 1);
        let mut states = Map::new();
        for (name, at_ms) in [
            ("dispatch_error_at", earliest(state::DISPATCH_ERROR)),
            ("sent_at", earliest(state::SENT)),
            ("delivered_at", earliest(state::DELIVERED)),
            ("opened_at", earliest(state::OPENED)),
            ("read_at", earliest(state::READ)),
            ("failed_at", earliest(state::FAILED).filter(|_| mask & person::FAILED != 0)),
            ("in_flight_at", earliest(state::IN_FLIGHT)),
            ("clicked_at", clicks().map(|click| click.at_ms).min()),
            ("quick_replied_at", earliest(state::QUICK_REPLIED)),
            ("replied_at", earliest(state::REPLIED)),
            ("converted_at", earliest(state::CONVERTED)),
            ("skipped_at", standing(false).filter(|_| stands("skipped"))),
            ("control_at", standing(true)),
        ] {
            put(&mut states, name, at_ms.map(to_rfc3339));
        }
        let messages = self.messages.iter().filter(|m| filter.inside(&m.place));
        let steps = campaign.steps.values().filter(|step| step.tally.counted.is_some());
        let with_errors = things.iter().filter(|counted| filter.takes_error(counted));
        let latest = with_errors.max_by(|a, b| (a.sent_ms, &a.error).cmp(&(b.sent_ms, &b.error)));
        Some(json!({
            "steps": steps.map(|step| &*step.place.step).collect::<Vec<_>>(),
            "states": states,
            "clicks": clicks().map(|click| click.taps).sum::<u32>(),
            "replies": messages.map(|message| message.belongings().replies.len()).sum::<usize>(),
            "error": latest.and_then(|counted| self.error_of(counted)),
            "reason": counted.skipped,
        }))
    }

    /// The rows of messages and dispatch errors that belong to the list, by entry id, from behind `after`.
    #[must_use]
    pub fn message_rows(&self, filter: &Filter<'_>, after: &str, most: usize) -> Vec<(String, Value)> {
        let mut things = self.things(filter);
        things.retain(|(id, thing)| {
            let clicked = |link: &str| match thing {
                Thing::Message(no, _) => {
                    let mut clicks = self.messages[*no].belongings().clicks.iter().map(|click| &self.clicks[*click]);
                    clicks.any(|click| click.human() && click.facts.0.1.link == link)
                }
                Thing::Attempt(..) => false,
            };
            *id > after && filter.takes_counted(thing.counted()) && filter.link.is_none_or(clicked)
        });
        sort(&mut things, |a, b| a.0.cmp(b.0));
        things.into_iter().take(most).map(|(id, thing)| (id.to_owned(), self.message_row(id, &thing))).collect()
    }

    fn message_row(&self, id: &str, thing: &Thing<'_>) -> Value {
        let counted = thing.counted();
        let mut states = Map::new();
        for (name, bit) in [
            ("dispatch_error_at", state::DISPATCH_ERROR),
            ("sent_at", state::SENT),
            ("delivered_at", state::DELIVERED),
            ("opened_at", state::OPENED),
            ("read_at", state::READ),
            ("failed_at", state::FAILED),
            ("in_flight_at", state::IN_FLIGHT),
            ("clicked_at", state::CLICKED),
            ("quick_replied_at", state::QUICK_REPLIED),
            ("replied_at", state::REPLIED),
            ("converted_at", state::CONVERTED),
        ] {
            put(&mut states, name, counted.time_of(bit).map(to_rfc3339));
        }
        let (step, error) = (&*counted.place.step, self.error_of(counted));
        match thing {
            Thing::Message(no, _) => {
                let message = &self.messages[*no];
                let (category, country) = usage_parts(counted.usage);
                let human = message.belongings().clicks.iter().map(|click| &self.clicks[*click]).filter(|click| click.human());
                json!({
                    "message_id": message_id(id), "attempt": null, "channel": message.facts.channel(), "step": step,
                    "category": category.name(), "country": country, "states": states,
                    "clicks": human.map(|click| u64::from(click.facts.0.1.more) + 1).sum::<u64>(),
                    "replies": message.belongings().replies.len(), "error": error,
                })
            }
            Thing::Attempt(no, _) => json!({
                "message_id": null, "attempt": self.attempts[*no].facts.id, "channel": null, "step": step,
                "category": null, "country": null, "states": states, "clicks": 0, "replies": 0, "error": error,
            }),
        }
    }

    /// The rows of conversions that go to a message of the list's campaign (of any, if it is `None`), by entry id.
    #[must_use]
    pub fn conversion_rows(
        &self,
        campaign: Option<u32>,
        filter: &Filter<'_>,
        policies: &Policies,
        after: &str,
        most: usize,
    ) -> Vec<(String, Value)> {
        let mut rows: Vec<_> = self
            .conversions
            .iter()
            .filter_map(|conversion| Some((&*conversion.slot.id, conversion, conversion.counted.as_ref()?)))
            .filter(|(id, _, counted)| {
                *id > after
                    && campaign.is_none_or(|campaign| counted.place.campaign == campaign)
                    && filter.step.is_none_or(|step| *counted.place.step == *step)
                    && filter.span.is_none_or(|span| span.holds(if span.by_event { counted.at_ms } else { counted.sent_ms }))
            })
            .collect();
        sort(&mut rows, |a, b| a.0.cmp(b.0));
        let row = |(id, conversion, counted): (&str, &Conversion, &CountedConversion)| {
            let owner = conversion.owner.map(|no| message_id(&self.messages[no].slot.id));
            let row = json!({
                "id": conversion.facts.id, "goal": conversion.facts.goal, "at": to_rfc3339(counted.at_ms),
                "value": value_of(counted.value.as_ref()), "currency": counted.value.as_ref().map(|value| &value.currency),
                "campaign": campaign_name(policies, counted.place.campaign), "step": &*counted.place.step, "message_id": owner,
            });
            (id.to_owned(), row)
        };
        rows.into_iter().take(most).map(row).collect()
    }

    /// Whether what the contact is in one campaign can depend on entries of others: a word goes to the latest message of all, a
    /// conversion to the latest touch, a click may be one of too many of a day. Whoever has none of these is in a campaign what its
    /// own entries say.
    #[must_use]
    pub fn ties_campaigns(&self) -> bool {
        !(self.inbounds.is_empty() && self.conversions.is_empty() && self.clicks.is_empty())
    }

    /// The key, if it may be shown, and how the contact is shown to everybody.
    #[must_use]
    pub fn name_of(&self, in_clear: bool) -> (Value, Value) {
        let key = self.key.as_deref();
        (json!(key.filter(|_| in_clear)), json!(key.map(masked)))
    }

    /// Messages and errors that count in the list's campaign and step, with their entries' ids.
    fn things(&self, filter: &Filter<'_>) -> Vec<(&str, Thing<'_>)> {
        let steps = self.campaigns.get(filter.campaign).into_iter().flat_map(|campaign| campaign.steps.values());
        let messages = steps.filter(|step| filter.inside(&step.place)).flat_map(|step| step.messages.numbers());
        let messages = messages.filter_map(|no| {
            let message = &self.messages[no];
            Some((&*message.slot.id, Thing::Message(no, message.counted.as_ref()?)))
        });
        let attempts = self.attempts.numbers().filter_map(|no| {
            let attempt = &self.attempts[no];
            let counted = attempt.counted.as_ref().filter(|counted| filter.inside(&counted.place))?;
            Some((&*attempt.slot.id, Thing::Attempt(no, counted)))
        });
        messages.chain(attempts).collect()
    }

    fn error_of(&self, counted: &CountedMessage) -> Option<Value> {
        let (code, class) = error_class::counted(counted.error.as_ref()?);
        Some(json!({ "code": code, "class": class.class.as_str(), "title": class.title, "retryable": class.retryable }))
    }

    /// Whether the contact has stopped the business's marketing: its latest word.
    #[must_use]
    pub fn opted_out(&self) -> bool {
        self.opt_outs.iter().max_by_key(|word| (word.facts.at_ms, word.facts.stopped)).is_some_and(|word| word.facts.stopped)
    }

    /// Everything that happened with the contact, in order of time; what happened at one time, in the order of [`KINDS`], then
    /// by the ids of the entries.
    #[must_use]
    pub fn story<'a>(&'a self, policies: &Policies) -> Vec<Value> {
        let mut story: Vec<Told<'a>> = Vec::new();
        let mut tell = |at_ms: Ms, kind: &str, of: &'a Slot, what: Value| {
            let mut told = Map::new();
            told.insert("at".to_owned(), json!(to_rfc3339(at_ms)));
            told.insert("kind".to_owned(), json!(kind));
            if let Value::Object(fields) = what {
                told.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
            }
            let rank = KINDS.iter().position(|known| *known == kind).unwrap_or_default();
            story.push(((at_ms, rank, &of.id), told));
        };
        let place = |place: &Place| (campaign_name(policies, place.campaign), place.step.to_string());
        let failure = |provider: char, error: Option<&First<(String, String)>>| match error {
            None => (Value::Null, Value::Null),
            Some(First(_, (code, title))) => {
                let (_, known) = counted(&format!("{provider}{code}"));
                let title = if title.is_empty() { known.title } else { title };
                (json!({ "code": code, "title": title }), json!(known.class.as_str()))
            }
        };
        for message in self.messages.iter() {
            let (facts, id) = (&message.facts, message_id(&message.slot.id));
            for claim in &facts.claims {
                let lost = facts.claim().is_some_and(|winner| (&winner.campaign, &winner.step) != (&claim.campaign, &claim.step));
                tell(
                    claim.at_ms,
                    "dispatch",
                    &message.slot,
                    json!({
                        "outcome": "accepted", "campaign": claim.campaign, "step": claim.step, "message_id": id,
                        "channel": claim.channel.as_ref().map(|c| &c.1), "template": claim.template.as_ref().map(|t| &t.1),
                        "conflict": lost.then_some(true),
                    }),
                );
            }
            let (campaign, step) = place(&message.place);
            for (status, word) in [
                (StatusKind::Sent, "sent"),
                (StatusKind::Delivered, "delivered"),
                (StatusKind::Read, "read"),
                (StatusKind::Played, "played"),
                (StatusKind::Failed, "failed"),
            ] {
                let Some(fact) = facts.status(status) else { continue };
                let (error, class) = failure(message.provider(), fact.error.as_ref());
                tell(
                    fact.at_ms,
                    "status",
                    &message.slot,
                    json!({ "status": word, "message_id": id, "channel": facts.channel(), "campaign": campaign, "step": step,
                        "error": error, "class": class }),
                );
            }
        }
        for attempt in self.attempts.iter() {
            let (facts, counted) = (&attempt.facts, attempt.counted.as_ref());
            let (error, class) = failure('-', facts.error.as_ref());
            let sent_after_all = counted.is_some_and(|counted| counted.mask & state::ERROR_THEN_SENT != 0);
            tell(
                facts.at_ms,
                "dispatch",
                &attempt.slot,
                json!({ "outcome": "error", "campaign": facts.campaign, "step": facts.step, "attempt": facts.id,
                    "error": error, "class": class, "error_then_sent": sent_after_all.then_some(true) }),
            );
        }
        for standing in self.standings.iter() {
            let facts = &standing.facts;
            tell(
                facts.at_ms,
                "dispatch",
                &standing.slot,
                json!({ "outcome": if facts.control { "control" } else { "skipped" }, "campaign": facts.campaign,
                    "step": facts.step.1, "reason": facts.reason.as_ref().map(|r| &r.1),
                    "group": facts.group.as_ref().map(|g| &g.1) }),
            );
        }
        for inbound in self.inbounds.iter() {
            let facts = &inbound.facts;
            let message = inbound.owner.or(inbound.quotes).map(|no| &self.messages[no]);
            let (kind, removed) = match facts.kind.1 {
                InboundKind::Reaction { removed } => ("reaction", removed),
                InboundKind::Message if inbound.owner.is_some() => ("reply", false),
                InboundKind::QuickReply if inbound.owner.is_some() => ("quick_reply", false),
                _ => ("inbound", false),
            };
            let (campaign, step) = message.map(|message| place(&message.place)).unzip();
            tell(
                facts.at_ms,
                kind,
                &inbound.slot,
                json!({ "id": message_id(&inbound.slot.id), "channel": facts.channel.1, "campaign": campaign, "step": step,
                    "message_id": message.map(|message| message_id(&message.slot.id)), "removed": removed.then_some(true) }),
            );
        }
        let forwarded = self.forwarded();
        for click in self.clicks.iter() {
            let tap = &click.facts.0.1;
            let (campaign, step) = click.counted.as_ref().map(|counted| place(&counted.place)).unzip();
            let reason = tap.machine.as_deref().or(click.flood.then_some("flood"));
            tell(
                click.at_ms(),
                "click",
                &click.slot,
                json!({ "link": tap.link, "campaign": campaign, "step": step, "human": click.human(), "reason": reason,
                    "message_id": click.owner.map(|no| message_id(&self.messages[no].slot.id)),
                    "count": (tap.more > 0).then_some(u64::from(tap.more) + 1), "country": tap.country, "device": tap.device,
                    "forwarded": forwarded.contains(tap.link.as_str()).then_some(true) }),
            );
        }
        for conversion in self.conversions.iter() {
            let facts = &conversion.facts;
            let worth = facts.nanos();
            let message = conversion.owner.map(|no| &self.messages[no]);
            let (campaign, step) = message.map(|message| place(&message.place)).unzip();
            tell(
                facts.at_ms,
                "conversion",
                &conversion.slot,
                json!({ "id": facts.id, "goal": facts.goal, "value": value_of(worth.as_ref()),
                    "currency": worth.as_ref().map(|worth| &worth.currency), "cancelled": facts.cancelled.then_some(true),
                    "campaign": campaign, "step": step, "message_id": message.map(|message| message_id(&message.slot.id)) }),
            );
        }
        for word in self.opt_outs.iter() {
            tell(word.facts.at_ms, "opt_out", &word.slot, json!({ "stopped": word.facts.stopped }));
        }
        // What several facts of one entry tell at one time stays in the order of telling.
        sort(&mut story, |a, b| a.0.cmp(&b.0));
        story.into_iter().map(|(_, told)| Value::Object(told)).collect()
    }
}

impl<'a> Thing<'a> {
    fn counted(&self) -> &'a CountedMessage {
        match self {
            Self::Message(_, counted) | Self::Attempt(_, counted) => counted,
        }
    }
}

fn put(states: &mut Map<String, Value>, name: &str, at: Option<String>) {
    if let Some(at) = at {
        states.insert(name.to_owned(), Value::String(at));
    }
}

/// The id that the provider gave: behind the tag and the provider's character of an entry's id.
fn message_id(entry_id: &str) -> &str {
    entry_id.get(2..).unwrap_or_default()
}

fn value_of(worth: Option<&Nanos>) -> Option<String> {
    let Nanos { currency, nanos } = worth?;
    let amount = Amount::from_nanos(*nanos);
    Some(currency.parse::<Currency>().map_or_else(|_| amount.to_string(), |currency| amount.to_text(currency)))
}

fn campaign_name(policies: &Policies, no: u32) -> String {
    policies.by_no(no).map_or(UNATTRIBUTED, |policy| &policy.id).to_owned()
}
