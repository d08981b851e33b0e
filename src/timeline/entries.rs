//! The things of a timeline: each with its facts, how it is stored, and what was derived of it.

use std::rc::Rc;

use super::threads::{Line, Turn};
use crate::contributions::{
    CountedClick, CountedConflicts, CountedConversation, CountedConversion, CountedInbound, CountedMessage, Place,
};
use crate::event::Ms;
use crate::facts::{AttemptFacts, ClickFacts, ConversionFacts, InboundFacts, MessageFacts, OptOutFacts, Shared, StandingFacts};
use crate::name::Name;
use crate::sorted::SortedSet;

/// One entry of the timeline as storage sees it.
#[derive(Clone, Debug)]
pub struct Slot {
    pub id: Rc<str>,
    /// The campaign under which it is stored; none if it is new.
    pub(super) stored_in: Option<u32>,
    /// What it is made of, where several sources told of it: then its facts are what follows from these.
    pub(super) shared: Option<Box<Shared>>,
}

/// Campaign and step as they were named, declared or not, and a name of the attempt.
pub(super) type AttemptName = (String, String, String);

/// Who speaks in a message: the channel and the business's number, where they are named.
pub(super) type Voice = (Option<Name>, Option<Name>);

/// What belongs to a message that people answered, or that was tried again: most have nothing of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Belongings {
    /// Inbounds that quote it or react to it.
    pub(super) quotes: Vec<u32>,
    /// Replies that belong to it, quoting or not.
    pub(super) replies: Vec<u32>,
    /// Clicks that belong to it, machines' among them.
    pub(super) clicks: Vec<u32>,
    pub(super) conversions: Vec<u32>,
    /// The names of its attempt: an error under one of them is no error.
    pub(super) attempts: SortedSet<AttemptName>,
}

static NOTHING: Belongings = Belongings {
    quotes: Vec::new(),
    replies: Vec::new(),
    clicks: Vec::new(),
    conversions: Vec::new(),
    attempts: SortedSet::new(),
};

#[derive(Clone, Debug)]
pub struct Message {
    pub slot: Slot,
    pub facts: Box<MessageFacts>,
    pub(super) place: Place,
    /// The earliest fact that is no engagement.
    pub(super) sent_ms: Ms,
    /// Channel and sender: which replies it fits.
    pub(super) voice: Voice,
    /// Of a campaign, and not failed by its statuses alone.
    pub(super) takes_replies: bool,
    /// Whether layer 1 has placed it in the lists.
    pub(super) listed: bool,
    pub(super) belongings: Option<Box<Belongings>>,
    /// The touches that it stands for in the list of touches, and the campaign whose window and goals they have.
    pub(super) touches: Vec<Ms>,
    pub(super) touches_for: u32,
    pub counted: Option<CountedMessage>,
    pub(super) conflicts: Option<CountedConflicts>,
    /// Its turn among the delivered messages of its line, and the conversation that it opens.
    pub(super) turn: Option<Turn>,
    pub(super) conversation: Option<CountedConversation>,
}

impl Message {
    pub(super) fn belongings(&self) -> &Belongings {
        self.belongings.as_deref().unwrap_or(&NOTHING)
    }

    pub(super) fn belongings_mut(&mut self) -> &mut Belongings {
        self.belongings.get_or_insert_default()
    }

    pub(super) fn provider(&self) -> char {
        self.slot.id.chars().nth(1).unwrap_or('-')
    }

    /// Whether an inbound was sent to the number that this message came from; where either names none, to its channel.
    pub(super) fn fits(&self, inbound: &InboundFacts) -> bool {
        let (channel, sender) = &self.voice;
        self.provider() == inbound.provider
            && match (sender, &inbound.sender) {
                (Some(sender), Some(to)) => **sender == *to.1,
                _ => channel.as_deref() == Some(inbound.channel.1.as_str()),
            }
    }

    /// Whether this is its line: see [`Message::line`].
    pub(super) fn speaks_on(&self, (provider, number): &Line) -> bool {
        let (channel, sender) = &self.voice;
        *provider == self.provider()
            && match sender {
                Some(sender) => **sender == **number,
                None => number.strip_prefix('@') == Some(channel.as_deref().unwrap_or_default()),
            }
    }

    pub(super) fn line(&self) -> Line {
        let (channel, sender) = &self.voice;
        let number =
            sender.as_deref().map(str::to_owned).unwrap_or_else(|| format!("@{}", channel.as_deref().unwrap_or_default()));
        (self.provider(), number)
    }
}

#[derive(Clone, Debug)]
pub struct Inbound {
    pub slot: Slot,
    pub facts: InboundFacts,
    /// The message that it is a reply to.
    pub owner: Option<u32>,
    /// The known message that it quotes or reacts to.
    pub(super) quotes: Option<u32>,
    pub(super) counted: Option<CountedInbound>,
}

#[derive(Clone, Debug)]
pub struct Click {
    pub slot: Slot,
    pub facts: ClickFacts,
    pub(super) place: Place,
    pub flood: bool,
    /// The message that it belongs to.
    pub owner: Option<u32>,
    pub(super) listed: bool,
    pub counted: Option<CountedClick>,
}

impl Click {
    pub fn at_ms(&self) -> Ms {
        self.facts.0.0
    }

    pub(super) fn human(&self) -> bool {
        self.facts.0.1.machine.is_none() && !self.flood
    }
}

#[derive(Clone, Debug)]
pub struct Conversion {
    pub slot: Slot,
    pub facts: ConversionFacts,
    /// The message that it goes to.
    pub owner: Option<u32>,
    pub(super) counted: Option<CountedConversion>,
}

#[derive(Clone, Debug)]
pub struct Attempt {
    pub slot: Slot,
    pub facts: AttemptFacts,
    pub counted: Option<CountedMessage>,
}

#[derive(Clone, Debug)]
pub struct Standing {
    pub slot: Slot,
    pub facts: StandingFacts,
    pub(super) place: Option<Place>,
}

#[derive(Clone, Debug)]
pub struct OptOut {
    pub slot: Slot,
    pub facts: OptOutFacts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ref {
    Message(u32),
    Attempt(u32),
    Standing(u32),
    Inbound(u32),
    Click(u32),
    Conversion(u32),
    OptOut(u32),
}

/// The new stored form of an entry.
pub struct Saved {
    pub id: Rc<str>,
    /// The campaign under which it is stored from now on.
    pub campaign: u32,
    /// The campaign under which its old row stands, if that is another.
    pub moved_from: Option<u32>,
    pub mask: u32,
    /// The facts as JSON.
    pub facts: String,
    /// The campaigns that it names, declared or not.
    pub names: Vec<String>,
}

impl Slot {
    pub(super) fn saved(&mut self, campaign: u32, mask: u32, facts: &impl serde::Serialize, names: Vec<String>) -> Saved {
        let moved_from = self.stored_in.replace(campaign).filter(|old| *old != campaign);
        // Plain data with string keys: serializing it cannot fail.
        let whole = || serde_json::to_string(facts).unwrap_or_default();
        let facts = self.shared.as_ref().map_or_else(whole, |shared| shared.encode());
        Saved { id: Rc::clone(&self.id), campaign, moved_from, mask, facts, names }
    }
}
