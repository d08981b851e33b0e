//! What happens in the demo: 200 contacts and their fates, drawn from a fixed seed, so that the numbers are the same each time.
//!
//! Pure: it knows neither the clock nor the server. Times are milliseconds since the campaign's start.

/// People in the audience.
pub const CONTACTS: u32 = 200;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// The whole campaign, from the first dispatch to the last order.
pub const LENGTH_MS: i64 = 6 * HOUR;

/// One contact's story.
#[derive(Clone, Debug)]
pub struct Fate {
    pub contact: String,
    pub audience: Audience,
    /// When the message was handed to the provider.
    pub at_ms: i64,
    /// What became of it; empty unless it was accepted.
    pub statuses: Vec<(&'static str, i64)>,
    /// Code and title of the failure, if it failed.
    pub failure: Option<(u32, &'static str)>,
    pub taps: u32,
    /// A machine looks at the link as well.
    pub preview: bool,
    pub answer: Option<(Answer, i64)>,
    /// An order: its amount in cents, and when.
    pub order: Option<(u32, i64)>,
}

/// What the sender did with the contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    Accepted,
    /// Time-out at first, accepted when tried again.
    AcceptedAfterError,
    Error,
    Skipped(&'static str),
    Control,
}

impl Audience {
    /// Whether the provider took the message.
    #[must_use]
    pub fn accepted(self) -> bool {
        matches!(self, Self::Accepted | Self::AcceptedAfterError)
    }
}

/// What the person wrote back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Button,
    QuotedText,
    Text,
}

/// The plan of one run. `run` picks the telephone numbers, all of the kind that is reserved for fiction (555-0100 to 555-0199 of
/// every North American area), so that runs do not meet in one person; the fates are the same in every run.
#[must_use]
pub fn fates(run: u32) -> Vec<Fate> {
    let mut dice = Dice::new();
    (0..CONTACTS).map(|index| fate(index, run, &mut dice)).collect()
}

fn fate(index: u32, run: u32, dice: &mut Dice) -> Fate {
    let area = 200 + (run.wrapping_mul(2) + index / 100) % 800;
    let audience = match dice.percent() {
        0..5 => Audience::Control,
        5..7 => Audience::Skipped("opt_out"),
        7..9 => Audience::Skipped("frequency_cap"),
        9..12 => Audience::Error,
        12..14 => Audience::AcceptedAfterError,
        _ => Audience::Accepted,
    };
    let mut fate = Fate {
        contact: format!("1{area}55501{:02}", index % 100),
        audience,
        at_ms: i64::from(index) * 300,
        statuses: Vec::new(),
        failure: None,
        taps: 0,
        preview: false,
        answer: None,
        order: None,
    };
    if audience.accepted() {
        after_acceptance(&mut fate, dice);
    }
    // People buy without a message too: what the control group is for.
    let (chance, from_ms) = match (audience, fate.taps) {
        (Audience::Control, _) => (10, 2 * HOUR),
        (_, 1..) => (40, 4 * HOUR),
        _ => (2, 4 * HOUR),
    };
    if dice.percent() < chance {
        fate.order = Some((1990 + 500 * (dice.percent() / 10), from_ms + i64::from(dice.percent()) * MINUTE));
    }
    fate
}

fn after_acceptance(fate: &mut Fate, dice: &mut Dice) {
    let sent = fate.at_ms + 2 * SECOND;
    fate.statuses.push(("sent", sent));
    match dice.percent() {
        // Still on its way.
        0..4 => return,
        4..10 => {
            fate.statuses.push(("failed", sent + 3 * SECOND));
            fate.failure = Some(match dice.percent() {
                0..50 => (131_026, "Message undeliverable"),
                50..85 => (131_049, "Not delivered to keep the ecosystem healthy"),
                _ => (131_050, "User stopped marketing messages"),
            });
            return;
        }
        // The chat was open: `read` alone.
        10..14 => fate.statuses.push(("read", sent + 5 * SECOND)),
        _ => {
            let delivered = sent + SECOND + i64::from(dice.percent()) * SECOND;
            fate.statuses.push(("delivered", delivered));
            if dice.percent() < 64 {
                fate.statuses.push(("read", delivered + i64::from(dice.percent()) * MINUTE));
            }
        }
    }
    let read = fate.statuses.iter().any(|(status, _)| *status == "read");
    fate.preview = dice.percent() < 6;
    if read && dice.percent() < 35 {
        fate.taps = 1 + dice.percent() / 70;
    }
    let answered = 2 * HOUR + i64::from(dice.percent()) * MINUTE;
    fate.answer = match dice.percent() {
        0..8 if read => Some((Answer::Button, answered)),
        8..12 if read => Some((Answer::QuotedText, answered)),
        12..16 => Some((Answer::Text, answered)),
        _ => None,
    };
}

/// Xorshift64 from a fixed seed: the same throws in every run.
pub struct Dice(u64);

impl Dice {
    #[expect(clippy::new_without_default, reason = "a default would hide that all dice are equal")]
    #[must_use]
    pub fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// 0 to 99.
    pub fn percent(&mut self) -> u32 {
        self.below(100)
    }

    /// 0 to `end` − 1.
    pub fn below(&mut self, end: u32) -> u32 {
        u32::try_from((self.next() >> 11) % u64::from(end.max(1))).unwrap_or_default()
    }

    /// Puts a list into another order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            let other = self.below(u32::try_from(at + 1).unwrap_or(u32::MAX));
            list.swap(at, other as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn fates_are_the_same_in_every_run_and_people_are_not() {
        let (one, two) = (fates(7), fates(8));
        let told =
            |fates: &[Fate]| fates.iter().map(|f| format!("{:?} {:?} {:?}", f.audience, f.statuses, f.order)).collect::<Vec<_>>();
        assert_eq!(told(&one), told(&two));
        let people: HashSet<&str> = one.iter().chain(&two).map(|fate| fate.contact.as_str()).collect();
        assert_eq!(people.len(), 2 * CONTACTS as usize);
    }

    #[test]
    fn everything_that_can_happen_happens() {
        let fates = fates(0);
        let any = |what: &dyn Fn(&Fate) -> bool| fates.iter().any(what);
        assert!(any(&|f| f.audience == Audience::Control) && any(&|f| f.audience == Audience::Error));
        assert!(any(&|f| f.audience == Audience::AcceptedAfterError));
        assert!(any(&|f| matches!(f.audience, Audience::Skipped(_))));
        assert!(any(&|f| f.failure.is_some()) && any(&|f| f.taps > 1) && any(&|f| f.preview) && any(&|f| f.order.is_some()));
        for answer in [Answer::Button, Answer::QuotedText, Answer::Text] {
            assert!(any(&|f| f.answer.is_some_and(|(given, _)| given == answer)), "{answer:?}");
        }
        let latest = |f: &Fate| {
            f.statuses.iter().map(|(_, at)| *at).chain(f.answer.map(|(_, at)| at)).chain(f.order.map(|(_, at)| at)).max()
        };
        assert!(fates.iter().filter_map(latest).max() < Some(LENGTH_MS));
    }
}
