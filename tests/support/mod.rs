//! What several test binaries share: the storage port over rusqlite, a workspace of Ledgers without an edge, and how both are
//! judged.

#![allow(dead_code)]

pub mod compare;
pub mod invariants;
pub mod lists;
pub mod lives;
pub mod overviews;
pub mod reports;
pub mod rusqlite_sql;
pub mod texts;
pub mod workspace;

/// The seeds to run: `SEED=` is the one to run again, `SEEDS=` says how many instead of the usual number.
pub fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(usual),
    }
}
