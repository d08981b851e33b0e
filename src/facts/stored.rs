//! A message's facts as they are stored: a row of this is most of what a workspace takes.
//!
//! Times count from the earliest of all, and a value has none of its own where it came with what it is said of; where several
//! statuses say the same, it stands there once, and a word that most say is a number. Nothing is lost by it.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Claim, First, MessageFacts, StatusFact};
use crate::event::{Ms, StatusKind};
use crate::json;
use crate::name::Name;
use crate::sorted::SortedSet;

type Text<'a> = Cow<'a, str>;
type Pair<'a> = (Text<'a>, Text<'a>);

/// A message. `t`, `e` and `d` are looked for in SQL ([`crate::ledger`]), and so is `h`.
#[derive(Serialize, Deserialize)]
struct Message<'a> {
    /// The earliest time of all; every other counts from it.
    t: Ms,
    /// When each status came, in their order; the missing ones at the end are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    s: Vec<Option<Ms>>,
    /// Words for the category, and who says it.
    #[serde(default, skip_serializing_if = "Said::is_empty")]
    c: Said<Name>,
    /// Whether it is billed, likewise.
    #[serde(default, skip_serializing_if = "Said::is_empty")]
    b: Said<bool>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    e: Option<First<Pair<'a>>>,
    /// Errors of other statuses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    y: Vec<(u8, First<Pair<'a>>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    h: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    f: Option<Name>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    d: Vec<Dispatched<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    z: Times,
}

/// A claim.
#[derive(Serialize, Deserialize)]
struct Dispatched<'a> {
    #[serde(default, skip_serializing_if = "is_zero")]
    t: Ms,
    c: Name,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    s: Name,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    a: Vec<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    h: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    f: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    k: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    l: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p: Option<Pair<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    z: Times,
}

fn is_zero(ms: &Ms) -> bool {
    *ms == 0
}

/// Values, each with a bit for every status that says it, and [`CLAIMED`]. Stored as a list of such pairs; but one value alone that
/// is a [`Common`] one as a number: the bits, and above them ([`COMMON`]) which it is.
#[derive(Default)]
struct Said<T>(Vec<(u8, T)>);

/// The bit of the first claim.
const CLAIMED: u8 = 5;
/// The bit where the number of a common value begins.
const COMMON: u32 = 6;

/// A value that is stored as a number where it can be.
trait Common: Sized + PartialEq {
    /// The one with this number, if there is one. Stored: it is never another's.
    fn common(no: u64) -> Option<Self>;

    fn no(&self) -> Option<u64> {
        Some((0..).map_while(Self::common).position(|common| common == *self)? as u64)
    }
}

impl Common for bool {
    fn common(no: u64) -> Option<Self> {
        [true, false].get(usize::try_from(no).ok()?).copied()
    }
}

/// The common words.
const WORDS: [&str; 6] = ["marketing", "utility", "authentication", "service", "marketing_lite", "authentication_international"];

impl Common for Name {
    fn common(no: u64) -> Option<Self> {
        WORDS.get(usize::try_from(no).ok()?).map(|word| Name::of(word))
    }

    fn no(&self) -> Option<u64> {
        Some(WORDS.iter().position(|word| **word == **self)? as u64)
    }
}

impl<T: Common> Said<T> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn by(&self, no: u8) -> Option<&T> {
        self.0.iter().find(|(mask, _)| mask >> no & 1 == 1).map(|(_, value)| value)
    }

    /// Lets somebody say a value.
    fn say(&mut self, no: u8, value: T) {
        match self.0.iter_mut().find(|(_, said)| *said == value) {
            Some((mask, _)) => *mask |= 1 << no,
            None => self.0.push((1 << no, value)),
        }
    }

    /// The one value that is said, as a number.
    fn number(&self) -> Option<u64> {
        let [(mask, value)] = self.0.as_slice() else { return None };
        Some(u64::from(*mask) | value.no()? << COMMON)
    }
}

impl<T: Common + Serialize> Serialize for Said<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.number() {
            Some(number) => serializer.serialize_u64(number),
            None => self.0.serialize(serializer),
        }
    }
}

impl<'de, T: Common + Deserialize<'de>> Deserialize<'de> for Said<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let said = <&RawValue>::deserialize(deserializer)?.get();
        let read = || {
            let Ok(number) = said.parse::<u64>() else { return json::read(said).ok() };
            Some(vec![(number as u8 & ((1 << COMMON) - 1), T::common(number >> COMMON)?)])
        };
        read().map(Self).ok_or_else(|| D::Error::custom("no such value"))
    }
}

/// The times of values that came later than what they are said of, by the number of the value.
type Times = Vec<(u8, Ms)>;

/// The numbers: a category's is its status's.
const BILLED: u8 = 5;
const REFERENCE: u8 = 10;
const CHANNEL: u8 = 11;
const SENDER: u8 = 12;

/// Takes times away from values, and gives them back.
struct Clock<'a> {
    start_ms: Ms,
    times: Cow<'a, Times>,
}

impl Clock<'_> {
    fn take<'v, T>(&mut self, value: &'v First<T>, no: u8, own_ms: Ms) -> &'v T {
        if value.0 != own_ms {
            self.times.to_mut().push((no, value.0 - self.start_ms));
        }
        &value.1
    }

    fn take_name(&mut self, value: Option<&First<Name>>, no: u8, own_ms: Ms) -> Option<Name> {
        Some(self.take(value?, no, own_ms).clone())
    }

    fn give<T>(&self, value: T, no: u8, own_ms: Ms) -> First<T> {
        let other = self.times.iter().find(|(of, _)| *of == no);
        First(other.map_or(own_ms, |(_, ms)| self.start_ms + ms), value)
    }
}

fn pair<'a>(First(at_ms, (a, b)): &'a First<(String, String)>) -> First<Pair<'a>> {
    First(*at_ms, (Cow::from(a), Cow::from(b)))
}

fn owned(First(at_ms, (a, b)): First<Pair<'_>>) -> First<(String, String)> {
    First(at_ms, (a.into_owned(), b.into_owned()))
}

impl Serialize for MessageFacts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let said_ms = self.statuses.iter().flatten().map(|status| status.at_ms).min();
        let start_ms = said_ms.into_iter().chain(self.claims.iter().map(|claim| claim.at_ms)).min().unwrap_or_default();
        let said_ms = said_ms.unwrap_or(start_ms);
        let mut clock = Clock { start_ms, times: Cow::Owned(Vec::new()) };
        let last = self.statuses.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let s = self.statuses.iter().take(last).map(|status| Some(status.as_ref()?.at_ms - start_ms)).collect();
        let (mut c, mut b) = (Said::default(), Said::default());
        let (mut e, mut y) = (None, Vec::new());
        for (no, status) in (0..).zip(&self.statuses) {
            let Some(status) = status else { continue };
            if let Some(word) = &status.category {
                c.say(no, clock.take(word, no, status.at_ms).clone());
            }
            if let Some(flag) = &status.billable {
                b.say(no, *clock.take(flag, BILLED + no, status.at_ms));
            }
            match status.error.as_ref().map(pair) {
                Some(error) if no == StatusKind::Failed as u8 => e = Some(error),
                Some(error) => y.push((no, error)),
                None => {}
            }
        }
        let r = clock.take_name(self.reference.as_ref(), REFERENCE, said_ms);
        let h = clock.take_name(self.channel.as_ref(), CHANNEL, said_ms);
        let f = clock.take_name(self.sender.as_ref(), SENDER, said_ms);
        let mut d: Vec<Dispatched<'_>> = self.claims.iter().map(|claim| Dispatched::of(claim, start_ms)).collect();
        if let Some(claimed) = d.first_mut()
            && let Some(word) = claimed.k.take_if(|word| word.no().is_some() && c.0.iter().all(|(_, said)| said == word))
        {
            c.say(CLAIMED, word);
        }
        Message { t: start_ms, s, c, b, e, y, r, h, f, d, z: clock.times.into_owned() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MessageFacts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Message { t: start_ms, s, c, b, e, y, r, h, f, mut d, z } = Message::deserialize(deserializer)?;
        let clock = Clock { start_ms, times: Cow::Borrowed(&z) };
        let mut facts = Self::default();
        for (slot, after_ms) in facts.statuses.iter_mut().zip(s) {
            *slot = after_ms.map(|ms| StatusFact::at(start_ms + ms));
        }
        for (no, status) in (0..).zip(&mut facts.statuses) {
            let Some(status) = status else { continue };
            status.category = c.by(no).map(|word| clock.give(word.clone(), no, status.at_ms));
            status.billable = b.by(no).map(|flag| clock.give(*flag, BILLED + no, status.at_ms));
        }
        let errors = y.into_iter().chain(e.map(|error| (StatusKind::Failed as u8, error)));
        for (no, error) in errors {
            if let Some(Some(status)) = facts.statuses.get_mut(usize::from(no)) {
                status.error = Some(owned(error));
            }
        }
        let said_ms = facts.statuses.iter().flatten().map(|status| status.at_ms).min().unwrap_or(start_ms);
        let name = |value: Option<Name>, no| value.map(|name| clock.give(name, no, said_ms));
        (facts.reference, facts.channel, facts.sender) = (name(r, REFERENCE), name(h, CHANNEL), name(f, SENDER));
        if let (Some(claimed), Some(word)) = (d.first_mut(), c.by(CLAIMED)) {
            claimed.k = Some(word.clone());
        }
        facts.claims = d.into_iter().map(|claim| claim.claim(start_ms)).collect();
        Ok(facts)
    }
}

impl<'a> Dispatched<'a> {
    fn of(claim: &'a Claim, start_ms: Ms) -> Self {
        let mut clock = Clock { start_ms, times: Cow::Owned(Vec::new()) };
        let values = [&claim.channel, &claim.sender, &claim.category, &claim.template, &claim.country];
        let mut texts = [const { None }; 5];
        for (no, (value, text)) in (0..).zip(values.into_iter().zip(&mut texts)) {
            *text = clock.take_name(value.as_ref(), no, claim.at_ms);
        }
        let [h, f, k, l, n] = texts;
        let p = claim.cost.as_ref().map(|cost| {
            let (amount, currency) = clock.take(cost, 5, claim.at_ms);
            (Cow::from(amount), Cow::from(currency))
        });
        let (t, c, s) = (claim.at_ms - start_ms, claim.campaign.clone(), claim.step.clone());
        let a = claim.attempts.iter().map(Cow::from).collect();
        Self { t, c, s, a, h, f, k, l, n, p, z: clock.times.into_owned() }
    }

    fn claim(self, start_ms: Ms) -> Claim {
        let clock = Clock { start_ms, times: Cow::Borrowed(&self.z) };
        let at_ms = start_ms + self.t;
        let name = |value: Option<Name>, no| value.map(|name| clock.give(name, no, at_ms));
        let attempts: SortedSet<String> = self.a.into_iter().map(Cow::into_owned).collect();
        Claim {
            at_ms,
            campaign: self.c,
            step: self.s,
            attempts,
            channel: name(self.h, 0),
            sender: name(self.f, 1),
            category: name(self.k, 2),
            template: name(self.l, 3),
            country: name(self.n, 4),
            cost: self.p.map(|(amount, currency)| clock.give((amount.into_owned(), currency.into_owned()), 5, at_ms)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at<T>(ms: Ms, value: T) -> Option<First<T>> {
        Some(First(ms, value))
    }

    fn text(ms: Ms, text: &str) -> Option<First<Name>> {
        at(ms, Name::of(text))
    }

    fn status(at_ms: Ms, word: Option<First<Name>>, flag: Option<First<bool>>) -> Option<Box<StatusFact>> {
        Some(Box::new(StatusFact { at_ms, category: word, billable: flag, error: None }))
    }

    fn claim(at_ms: Ms, campaign: &str) -> Claim {
        Claim {
            at_ms,
            campaign: Name::of(campaign),
            step: Name::default(),
            attempts: SortedSet::default(),
            channel: text(at_ms, "main"),
            sender: None,
            category: text(at_ms, "marketing"),
            template: None,
            country: None,
            cost: None,
        }
    }

    fn check(facts: &MessageFacts, stored: Option<&str>) {
        let text = serde_json::to_string(facts).unwrap();
        assert_eq!(serde_json::from_str::<MessageFacts>(&text).unwrap(), *facts, "{text}");
        if let Some(stored) = stored {
            assert_eq!(text, stored);
        }
    }

    #[test]
    fn a_message_as_most_are_is_short() {
        let told = |at_ms| status(at_ms, text(at_ms, "marketing"), at(at_ms, true));
        let facts = MessageFacts {
            statuses: [told(1_700_000_002_000), told(1_700_000_004_000), told(1_700_000_090_000), None, None],
            claims: vec![claim(1_700_000_000_000, "spring")],
            reference: None,
            channel: text(1_700_000_002_000, "main"),
            sender: text(1_700_000_002_000, "100000000000010"),
        };
        let stored = r#"{"t":1700000000000,"s":[2000,4000,90000],"c":39,"b":7,"h":"main","f":"100000000000010","d":[{"c":"spring","h":"main"}]}"#;
        check(&facts, Some(stored));
        let older = r#"{"t":1700000000000,"s":[2000,4000,90000],"c":[[7,"marketing"]],"b":[[7,true]],"h":"main","f":"100000000000010","d":[{"c":"spring","h":"main","k":"marketing"}]}"#;
        assert_eq!(serde_json::from_str::<MessageFacts>(older).unwrap(), facts);
    }

    /// Each word with each, of statuses and of a claim: what cannot be a number is a list.
    #[test]
    fn words_and_flags_come_back() {
        let words = [None, Some("marketing"), Some("utility"), Some("authentication_international"), Some("7"), Some("")];
        for (first, second, claimed) in words.iter().flat_map(|a| words.iter().flat_map(move |b| words.map(|c| (*a, *b, c)))) {
            for flags in [[None, None], [Some(true), Some(false)], [Some(false), Some(false)], [None, Some(false)]] {
                let told = |at_ms, word: Option<&str>, flag: Option<bool>| {
                    status(at_ms, word.and_then(|word| text(at_ms, word)), flag.and_then(|flag| at(at_ms, flag)))
                };
                let mut claim = claim(1, "spring");
                claim.category = claimed.and_then(|word| text(1, word));
                let statuses = [told(2, first, flags[0]), None, None, None, told(3, second, flags[1])];
                check(&MessageFacts { statuses, claims: vec![claim], ..MessageFacts::default() }, None);
            }
        }
    }

    #[test]
    fn nothing_is_lost() {
        check(&MessageFacts::default(), Some(r#"{"t":0}"#));
        let mut odd = claim(50, "autumn");
        odd.step = Name::of("second");
        odd.attempts = ["b".to_owned(), "a".to_owned()].into_iter().collect();
        (odd.channel, odd.sender, odd.category) = (text(51, "other"), text(52, "1"), None);
        (odd.template, odd.country) = (text(53, "t"), text(50, "IN"));
        odd.cost = at(54, ("0.1".to_owned(), "EUR".to_owned()));
        let error = |code: &str| (code.to_owned(), "title".to_owned());
        let mut facts = MessageFacts {
            statuses: [
                status(70, text(75, "utility"), at(70, false)),
                None,
                status(71, text(71, "service"), at(99, true)),
                status(60, text(61, "utility"), None),
                status(72, None, None),
            ],
            claims: vec![odd, claim(40, "spring")],
            reference: text(70, "spring:x"),
            channel: text(60, "main"),
            sender: text(71, "2"),
        };
        for (no, code) in [(0, "130"), (4, "131")] {
            facts.statuses[no].as_mut().unwrap().error = at(80, error(code));
        }
        check(&facts, None);
        let stored = serde_json::to_value(&facts).unwrap();
        assert_eq!(stored.pointer("/e/1/0").unwrap(), "131", "lists look for it there");
        assert_eq!(stored.pointer("/t").unwrap(), 40, "and for the time when it was sent there");
    }
}
