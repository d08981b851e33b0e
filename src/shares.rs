//! The counters of one campaign in three shares: what the lists show, and what is left, without names, of what was erased and
//! of what expired.
//!
//! A number is the sum of the three, so it does not change when somebody is forgotten; a list's total is the live share alone.
//! How a share comes to be is the Ledger's business.

use crate::counters::Book;

/// Which share a stored row belongs to. Stored: never renumber.
pub const LIVE: u8 = 0;
pub const ERASED: u8 = 1;
pub const EXPIRED: u8 = 2;

/// The counters of one campaign by whether a list still shows what they count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// What the stored timelines add up to.
    pub live: Book,
    /// Of people who were erased.
    pub erased: Book,
    /// Of what is older than the retention. What goes can have decided what stays counted as (a conversation that it opened);
    /// the difference is in here, so a single cell may be below zero. A sum over it is exact all the same.
    pub expired: Book,
}

impl Shares {
    /// The numbers: all shares together.
    #[must_use]
    pub fn into_sum(mut self) -> Book {
        self.live.merge(&self.erased);
        self.live.merge(&self.expired);
        self.live
    }

    /// The same, and the shares stay.
    #[must_use]
    pub fn sum(&self) -> Book {
        self.clone().into_sum()
    }

    /// It moves whenever a number does.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.live.version + self.erased.version + self.expired.version
    }

    /// Adds another Ledger's shares of the same campaign.
    pub fn merge(&mut self, other: &Self) {
        self.live.merge(&other.live);
        self.erased.merge(&other.erased);
        self.expired.merge(&other.expired);
    }

    /// The book of a share by its stored number.
    pub fn of(&mut self, share: u8) -> &mut Book {
        match share {
            ERASED => &mut self.erased,
            EXPIRED => &mut self.expired,
            _ => &mut self.live,
        }
    }
}
