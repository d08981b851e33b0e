//! Reading an event back from the JSON that its derived form writes.
//!
//! By hand, over fields of one kind: the derived readers of all events would be compiled again for every reader of JSON, and
//! weigh 25 KB in the worker each time. What is written stays derived; a test holds the two together.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Click, Conversion, Dispatch, ErrorInfo, Event, Inbound, InboundKind, Ms, OptOut, Outcome, Person, Price};
use super::{Status, StatusKind};

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        event(Word::deserialize(from)?).ok_or_else(|| D::Error::custom("not an event"))
    }
}

fn event(word: Word) -> Option<Event> {
    let Word::Fields(Said(mut fields)) = word else { return None };
    let (kind, Word::Fields(mut said)) = fields.pop()? else { return None };
    Some(match kind {
        "dispatch" => Event::Dispatch(dispatch(&mut said)?),
        "status" => Event::Status(status(&mut said)?),
        "inbound" => Event::Inbound(inbound(&mut said)?),
        "click" => Event::Click(click(&mut said)?),
        "conversion" => Event::Conversion(conversion(&mut said)?),
        "opt_out" => Event::OptOut(OptOut {
            channel: said.text("channel")?,
            person: said.person()?,
            stopped: said.flag("stopped")?,
            at_ms: said.ms("at_ms"),
        }),
        _ => return None,
    })
}

fn dispatch(said: &mut Said) -> Option<Dispatch> {
    Some(Dispatch {
        campaign: said.text("campaign")?,
        step: said.text("step").unwrap_or_default(),
        outcome: match said.text("outcome")?.as_str() {
            "accepted" => Outcome::Accepted,
            "error" => Outcome::Error,
            "skipped" => Outcome::Skipped,
            "control" => Outcome::Control,
            _ => return None,
        },
        person: said.person()?,
        wa_id: said.text("wa_id"),
        channel: said.text("channel"),
        message_id: said.text("message_id"),
        attempt: said.text("attempt"),
        at_ms: said.ms("at_ms"),
        sender: said.text("sender"),
        category: said.text("category"),
        template: said.text("template"),
        country: said.text("country"),
        cost: said.price("cost"),
        error: said.error(),
        reason: said.text("reason"),
        group: said.text("group"),
    })
}

fn status(said: &mut Said) -> Option<Status> {
    Some(Status {
        channel: said.text("channel")?,
        message_id: said.text("message_id")?,
        participant: said.text("participant").unwrap_or_default(),
        status: StatusKind::from_word(&said.text("status")?)?,
        at_ms: said.ms("at_ms"),
        person: said.person()?,
        sender: said.text("sender"),
        reference: said.text("reference"),
        category: said.text("category"),
        billable: said.flag("billable"),
        error: said.error(),
    })
}

fn inbound(said: &mut Said) -> Option<Inbound> {
    Some(Inbound {
        channel: said.text("channel")?,
        message_id: said.text("message_id")?,
        inbound: match said.take("inbound")? {
            Word::Text(word) if word == "message" => InboundKind::Message,
            Word::Text(word) if word == "quick_reply" => InboundKind::QuickReply,
            Word::Text(word) if word == "other" => InboundKind::Other,
            Word::Fields(mut said) => InboundKind::Reaction { removed: said.within("reaction")?.flag("removed")? },
            _ => return None,
        },
        at_ms: said.ms("at_ms"),
        person: said.person()?,
        sender: said.text("sender"),
        quoted: said.text("quoted"),
    })
}

fn click(said: &mut Said) -> Option<Click> {
    Some(Click {
        click_id: said.text("click_id")?,
        at_ms: said.ms("at_ms"),
        person: said.person()?,
        link: said.text("link"),
        campaign: said.text("campaign"),
        step: said.text("step").unwrap_or_default(),
        machine: said.text("machine"),
        channel: said.text("channel"),
        message_id: said.text("message_id"),
        url: said.text("url"),
        country: said.text("country"),
        device: said.text("device"),
        count: said.ms("count").map_or(Some(1), |count| u32::try_from(count).ok())?,
    })
}

fn conversion(said: &mut Said) -> Option<Conversion> {
    Some(Conversion {
        id: said.text("id")?,
        goal: said.text("goal").unwrap_or_default(),
        person: said.person()?,
        click_id: said.text("click_id"),
        value: said.price("value"),
        at_ms: said.ms("at_ms"),
        cancelled: said.flag("cancelled").unwrap_or_default(),
    })
}

/// The fields of one thing, each taken out once. What is absent, or of another type, is `None`.
struct Said(Vec<(&'static str, Word)>);

/// What stands in a field.
enum Word {
    Text(String),
    Number(i64),
    Flag(bool),
    Fields(Said),
    /// Nothing that an event says.
    Other,
}

impl Said {
    fn take(&mut self, name: &str) -> Option<Word> {
        let at = self.0.iter().position(|(own, _)| *own == name)?;
        Some(self.0.swap_remove(at).1)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Word::Text(text) => Some(text),
            _ => None,
        }
    }

    fn ms(&mut self, name: &str) -> Option<Ms> {
        match self.take(name)? {
            Word::Number(number) => Some(number),
            _ => None,
        }
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Word::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    fn within(&mut self, name: &str) -> Option<Self> {
        match self.take(name)? {
            Word::Fields(said) => Some(said),
            _ => None,
        }
    }

    fn person(&mut self) -> Option<Person> {
        self.within("person").map(|mut said| Person { phone: said.text("phone"), user_id: said.text("user_id") })
    }

    fn error(&mut self) -> Option<ErrorInfo> {
        let mut said = self.within("error")?;
        Some(ErrorInfo { code: said.text("code")?, title: said.text("title").unwrap_or_default() })
    }

    fn price(&mut self, name: &str) -> Option<Price> {
        let mut said = self.within(name)?;
        Some(Price { amount: said.text("amount")?, currency: said.text("currency")? })
    }
}

/// Every name of a field, and of an event: a field under no such name is left out.
const NAMES: &[&str] = &[
    "status",
    "click",
    "dispatch",
    "inbound",
    "conversion",
    "opt_out",
    "channel",
    "message_id",
    "at_ms",
    "person",
    "phone",
    "user_id",
    "participant",
    "sender",
    "reference",
    "category",
    "billable",
    "error",
    "code",
    "title",
    "campaign",
    "step",
    "outcome",
    "wa_id",
    "attempt",
    "template",
    "country",
    "cost",
    "reason",
    "group",
    "amount",
    "currency",
    "quoted",
    "reaction",
    "removed",
    "click_id",
    "link",
    "machine",
    "url",
    "device",
    "count",
    "id",
    "goal",
    "value",
    "cancelled",
    "stopped",
];

struct Name(Option<&'static str>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_identifier(Naming)
    }
}

struct Naming;

impl Visitor<'_> for Naming {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Name, E> {
        Ok(Name(NAMES.iter().copied().find(|name| *name == text)))
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Word;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field of an event")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Word, E> {
        Ok(Word::Text(text.to_owned()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Word, E> {
        Ok(Word::Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Word, E> {
        Ok(i64::try_from(number).map_or(Word::Other, Word::Number))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Word, E> {
        Ok(Word::Other)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Word, E> {
        Ok(Word::Flag(flag))
    }

    fn visit_unit<E: Error>(self) -> Result<Word, E> {
        Ok(Word::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Word, A::Error> {
        while from.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Word::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Word, A::Error> {
        let mut fields = Vec::new();
        while let Some((Name(name), word)) = from.next_entry::<Name, Word>()? {
            fields.extend(name.map(|name| (name, word)));
        }
        Ok(Word::Fields(Said(fields)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person() -> Person {
        Person { phone: Some("12025550123".to_owned()), user_id: Some("US.1".to_owned()) }
    }

    /// Everything that an event can say, and as little as it may.
    fn events() -> Vec<Event> {
        let some = |text: &str| Some(text.to_owned());
        let price = || Some(Price { amount: "9.90".to_owned(), currency: "EUR".to_owned() });
        let error = |title: &str| Some(ErrorInfo { code: "131026".to_owned(), title: title.to_owned() });
        let kinds = [StatusKind::Sent, StatusKind::Delivered, StatusKind::Read, StatusKind::Played, StatusKind::Failed];
        let statuses = kinds.map(|status| Status {
            channel: "c".to_owned(),
            message_id: "m".to_owned(),
            participant: "p".to_owned(),
            status,
            at_ms: Some(-1),
            person: person(),
            sender: some("s"),
            reference: some("r"),
            category: some("k"),
            billable: Some(false),
            error: error("title"),
        });
        let bare = Status {
            participant: String::new(),
            at_ms: None,
            person: Person::default(),
            sender: None,
            reference: None,
            category: None,
            billable: None,
            error: error(""),
            ..statuses[0].clone()
        };
        let kinds = [InboundKind::Message, InboundKind::QuickReply, InboundKind::Reaction { removed: true }, InboundKind::Other];
        let inbounds = kinds.map(|inbound| Inbound {
            channel: "c".to_owned(),
            message_id: "m".to_owned(),
            inbound,
            at_ms: Some(1),
            person: person(),
            sender: some("s"),
            quoted: some("q"),
        });
        let click = Click {
            click_id: "k".to_owned(),
            at_ms: Some(1),
            person: person(),
            link: some("l"),
            campaign: some("c"),
            step: "s".to_owned(),
            machine: some("head"),
            channel: some("h"),
            message_id: some("m"),
            url: some("u"),
            country: some("DE"),
            device: some("phone"),
            count: 7,
        };
        let outcomes = [Outcome::Accepted, Outcome::Error, Outcome::Skipped, Outcome::Control];
        let dispatches = outcomes.map(|outcome| Dispatch {
            campaign: "c".to_owned(),
            step: "s".to_owned(),
            outcome,
            person: person(),
            wa_id: some("w"),
            channel: some("h"),
            message_id: some("m"),
            attempt: some("a"),
            at_ms: Some(1),
            sender: some("f"),
            category: some("k"),
            template: some("t"),
            country: some("DE"),
            cost: price(),
            error: error("title"),
            reason: some("r"),
            group: some("g"),
        });
        let conversion = Conversion {
            id: "i".to_owned(),
            goal: "g".to_owned(),
            person: person(),
            click_id: some("k"),
            value: price(),
            at_ms: Some(1),
            cancelled: true,
        };
        let opt_out = OptOut { channel: "c".to_owned(), person: person(), stopped: true, at_ms: Some(1) };
        let mut events = vec![
            Event::Click(Click { count: 1, step: String::new(), link: None, ..click.clone() }),
            Event::Click(click),
            Event::Conversion(Conversion { goal: String::new(), cancelled: false, value: None, ..conversion.clone() }),
            Event::Conversion(conversion),
            Event::OptOut(opt_out),
            Event::Status(bare),
        ];
        events.extend(statuses.map(Event::Status));
        events.extend(inbounds.map(Event::Inbound));
        events.extend(dispatches.map(Event::Dispatch));
        events
    }

    #[test]
    fn what_is_written_is_read_back() {
        for event in events() {
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&text).ok(), Some(event), "{text}");
        }
    }

    #[test]
    fn what_lacks_its_identity_is_no_event() {
        for text in ["{}", "[]", r#"{"status":{}}"#, r#"{"click":{"person":{}}}"#, r#"{"other":{"channel":"c"}}"#] {
            assert!(serde_json::from_str::<Event>(text).is_err(), "{text}");
        }
    }
}
