//! What a month's messages come to: conversations as 24-hour threads, and the day on which a quota runs out.
//!
//! The threads are those of one business number and one contact, by the plain definition of `metrics.md`, section 7. It
//! knows no storage, no months and no countries: a conversation is counted where and when its opening message is.

use chrono::{Days, Months, NaiveDate};

use crate::contributions::Category;
use crate::event::Ms;
use crate::order::sort;
use crate::sorted::SortedSet;

/// How long a thread stays open, and how long an inbound message keeps the service window open.
pub const CONVERSATION_MS: Ms = 24 * 3_600_000;

/// A mean of fewer whole days says too little to project from.
const LEAST_ELAPSED_DAYS: usize = 3;

/// A business message that was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered<'a> {
    pub at_ms: Ms,
    pub category: Category,
    pub message_id: &'a str,
}

impl<'a> Delivered<'a> {
    /// The order in which messages are taken: by time, templates before service, by id.
    #[must_use]
    pub fn turn(&self) -> (Ms, bool, &'a str) {
        (self.at_ms, self.category == Category::Service, self.message_id)
    }
}

/// A thread: open for [`CONVERSATION_MS`] from the delivery of the message that opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversation<'a> {
    pub opened_by: Delivered<'a>,
    /// A service thread without an inbound message in the 24 hours before it.
    pub window_unseen: bool,
}

/// The conversations of one sender and contact, by the order in which they open. The order of the arguments does not matter.
#[must_use]
pub fn conversations<'a>(messages: &[Delivered<'a>], inbound_ms: &[Ms]) -> Vec<Conversation<'a>> {
    let inbound_ms: SortedSet<Ms> = inbound_ms.iter().copied().collect();
    let mut messages = messages.to_vec();
    sort(&mut messages, |a, b| a.turn().cmp(&b.turn()));
    let mut threads = Threads::default();
    let opening = messages.into_iter().filter(|message| threads.open(message.at_ms, message.category));
    let conversation = |opened_by: Delivered<'a>| {
        let at_ms = opened_by.at_ms;
        let seen = || inbound_ms.range(..=at_ms).next_back().is_some_and(|inbound_ms| at_ms < inbound_ms + CONVERSATION_MS);
        Conversation { opened_by, window_unseen: opened_by.category == Category::Service && !seen() }
    };
    opening.map(conversation).collect()
}

/// The threads of one sender and contact at a moment: all that a later message needs to know of the earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Threads {
    /// When the last thread of each category opened, in the order of [`Category::ALL`].
    opened_ms: [Option<Ms>; Category::ALL.len()],
}

impl Threads {
    /// Takes the next message in turn; whether it opens a thread. A template opens one unless one of its own category is
    /// open, a service message one unless any is.
    pub fn open(&mut self, at_ms: Ms, category: Category) -> bool {
        let is_open = |opened_ms: &Option<Ms>| opened_ms.is_some_and(|opened_ms| at_ms < opened_ms + CONVERSATION_MS);
        let any_open = self.opened_ms.iter().any(is_open);
        let Some(own) = self.opened_ms.get_mut(category as usize) else {
            return false;
        };
        let opens = if category == Category::Service { !any_open } else { !is_open(own) };
        if opens {
            *own = Some(at_ms);
        }
        opens
    }

    /// Notes a thread that is known to have opened.
    pub fn opened(&mut self, at_ms: Ms, category: Category) {
        if let Some(own) = self.opened_ms.get_mut(category as usize) {
            *own = Some(at_ms);
        }
    }

    /// What still matters to a message at `at_ms`: the threads that are open then.
    #[must_use]
    pub fn open_at(mut self, at_ms: Ms) -> Self {
        for opened_ms in &mut self.opened_ms {
            *opened_ms = opened_ms.filter(|opened_ms| at_ms < opened_ms + CONVERSATION_MS);
        }
        self
    }
}

/// The date on which a month's quota runs out: the date it did, else, at the mean of the whole days behind us, the date it
/// will. `None` if that is after the month, or fewer than three whole days are behind.
///
/// `elapsed` is what was used on each whole day from the `first` of the month; `today` what was used so far on the day after
/// them, `None` when the month is over. Today is projected to bring at least the mean.
#[must_use]
pub fn runs_out_on(quota: u64, first: NaiveDate, elapsed: &[u64], today: Option<u64>) -> Option<NaiveDate> {
    let quota = u128::from(quota);
    let mut used = 0;
    for (day, count) in (0u64..).zip(elapsed.iter().chain(&today)) {
        used += u128::from(*count);
        if used >= quota {
            return first.checked_add_days(Days::new(day));
        }
    }
    let today = u128::from(today?);
    let before_today = used - today;
    if elapsed.len() < LEAST_ELAPSED_DAYS || before_today == 0 {
        return None;
    }
    // In parts of a day's mean, so that nothing is rounded: the mean is `before_today` of them, a message is `days`.
    let days = elapsed.len() as u128;
    let by_tonight = days * before_today + (days * today).max(before_today);
    let more_days = (days * quota).saturating_sub(by_tonight).div_ceil(before_today);
    let date = first.checked_add_days(Days::new(u64::try_from(days + more_days).ok()?))?;
    Some(date).filter(|date| first.checked_add_months(Months::new(1)).is_some_and(|end| *date < end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Ms = 3_600_000;

    fn category(letter: char) -> Category {
        match letter {
            'M' => Category::Marketing,
            'U' => Category::Utility,
            'A' => Category::Authentication,
            'S' => Category::Service,
            'O' => Category::Other,
            _ => panic!("{letter}"),
        }
    }

    /// Messages as `M0 S5 …`: category and hour of delivery, `i3` an inbound at hour 3. Of the conversations: the messages
    /// that opened them, with `?` where the window was unseen.
    fn check(story: &str, opened: &str) {
        let hour = |word: &str| word[1..].parse::<Ms>().unwrap() * HOUR;
        let (inbound, messages): (Vec<_>, Vec<_>) = story.split(' ').partition(|word| word.starts_with('i'));
        let messages: Vec<_> = messages
            .iter()
            .map(|word| Delivered { at_ms: hour(word), category: category(word.chars().next().unwrap()), message_id: word })
            .collect();
        let inbound: Vec<_> = inbound.iter().map(|word| hour(word)).collect();
        let conversations = conversations(&messages, &inbound);
        let got = conversations.iter().map(|c| format!("{}{}", c.opened_by.message_id, if c.window_unseen { "?" } else { "" }));
        assert_eq!(got.collect::<Vec<_>>().join(" "), opened, "{story}");
    }

    #[test]
    fn threads_of_one_sender_and_contact() {
        // One thread of a category lasts 24 hours, to the millisecond; later messages do not lengthen it.
        check("M0", "M0");
        check("M0 M23", "M0");
        check("M0 M24", "M0 M24");
        check("M0 M20 M30", "M0 M30");
        // Categories do not mind each other.
        check("M0 U1 A2 O3 M4 U5 A6 O7", "M0 U1 A2 O3");
        check("U0 M23 U24", "U0 M23 U24");
        // Service opens only where nothing is open.
        check("i0 S1", "S1");
        check("i0 M0 S1", "M0");
        check("i0 O0 S1", "O0");
        check("i0 S1 S20 i24 S25", "S1 S25");
        check("i0 M0 U20 i30 S30 S43 i43 S44", "M0 U20 S44");
        // An open service thread holds no template back.
        check("i0 S1 M2 S3", "S1 M2");
        // At one instant templates come first, so the service message finds their thread open.
        check("i0 S5 M5", "M5");
        // Its window: an inbound up to 24 hours before, the same instant included, the 24th hour not.
        check("S1", "S1?");
        check("i1 S1", "S1");
        check("i0 S23", "S23");
        check("i0 S24", "S24?");
        check("S0 i1", "S0?");
        check("i0 S1 S26", "S1 S26?");
        // Who opens nothing needs no window.
        check("M0 S1", "M0");
    }

    #[test]
    fn of_two_at_one_instant_the_smaller_id_opens() {
        let of = |message_id| Delivered { at_ms: 0, category: Category::Utility, message_id };
        assert_eq!(conversations(&[of("b"), of("a")], &[])[0].opened_by.message_id, "a");
    }

    fn stories() -> impl Strategy<Value = Vec<(Ms, Category)>> {
        prop::collection::vec((0..100i64, prop::sample::select(&Category::ALL[..])), 0..40)
    }

    proptest! {
        #[test]
        fn order_and_repetition_change_nothing(
            story in stories(),
            inbound in prop::collection::vec(0..100i64, 0..10),
            seed in any::<prop::sample::Index>(),
        ) {
            let ids: Vec<String> = (0..story.len()).map(|n| n.to_string()).collect();
            let messages: Vec<_> = story
                .iter()
                .zip(&ids)
                .map(|((hours, category), id)| Delivered { at_ms: hours * HOUR, category: *category, message_id: id })
                .collect();
            let once = conversations(&messages, &inbound);
            let mut shuffled = messages.clone();
            shuffled.extend(messages.iter().rev());
            if !shuffled.is_empty() {
                let middle = seed.index(shuffled.len());
                shuffled.rotate_left(middle);
            }
            let backwards: Vec<_> = inbound.iter().rev().chain(&inbound).copied().collect();
            prop_assert_eq!(conversations(&shuffled, &backwards), once);
        }

        /// Said of the result instead of the way there: every message lies in a thread that could take it, and no thread
        /// opened while one that forbids it was open.
        #[test]
        fn every_message_has_its_thread(story in stories()) {
            let messages: Vec<_> =
                story.iter().map(|(hours, category)| Delivered { at_ms: hours * HOUR, category: *category, message_id: "" }).collect();
            let threads = conversations(&messages, &[]);
            let open = |c: &Conversation, at_ms: Ms| c.opened_by.at_ms <= at_ms && at_ms < c.opened_by.at_ms + 24 * HOUR;
            for message in &messages {
                let takes = |c: &&Conversation| message.category == Category::Service || c.opened_by.category == message.category;
                prop_assert!(threads.iter().filter(takes).any(|c| open(c, message.at_ms)), "{message:?}");
            }
            for (n, thread) in threads.iter().enumerate() {
                let service = thread.opened_by.category == Category::Service;
                let forbids = |c: &&Conversation| service || c.opened_by.category == thread.opened_by.category;
                prop_assert!(!threads[..n].iter().filter(forbids).any(|c| open(c, thread.opened_by.at_ms)), "{thread:?}");
            }
        }
    }

    fn check_run_out(quota: u64, elapsed: &[u64], today: Option<u64>, date: Option<&str>) {
        let first = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        let got = runs_out_on(quota, first, elapsed, today).map(|date| date.to_string());
        assert_eq!(got.as_deref(), date, "{quota} {elapsed:?} {today:?}");
    }

    #[test]
    fn the_day_a_quota_runs_out() {
        // Ten a day: 100 are used up with the tenth day, 101 with the eleventh.
        check_run_out(100, &[10, 10, 10], Some(0), Some("2026-11-10"));
        check_run_out(101, &[10, 10, 10], Some(0), Some("2026-11-11"));
        check_run_out(100, &[0, 0, 30], Some(10), Some("2026-11-10"));
        // Today counts as a mean day, or as what it already is.
        check_run_out(40, &[10, 10, 10], Some(0), Some("2026-11-04"));
        check_run_out(100, &[10, 10, 10], Some(50), Some("2026-11-06"));
        check_run_out(100, &[10, 10, 10], Some(51), Some("2026-11-06"));
        check_run_out(100, &[10, 10, 10], Some(60), Some("2026-11-05"));
        // A mean that is no whole number.
        check_run_out(30, &[1, 1, 2], Some(0), Some("2026-11-23"));
        // Run out already, with whatever days.
        check_run_out(15, &[10], Some(5), Some("2026-11-02"));
        check_run_out(15, &[10, 10, 10], None, Some("2026-11-02"));
        check_run_out(0, &[], Some(0), Some("2026-11-01"));
        // Not within the month, or nothing to say it from.
        check_run_out(300, &[10, 10, 10], Some(0), Some("2026-11-30"));
        check_run_out(301, &[10, 10, 10], Some(0), None);
        check_run_out(100, &[10, 10], Some(10), None);
        check_run_out(100, &[0, 0, 0], Some(10), None);
        check_run_out(100, &[10, 10, 10], None, None);
        check_run_out(u64::MAX, &[1, 1, 1], Some(1), None);
        check_run_out(100, &[], Some(10), None);
    }
}
