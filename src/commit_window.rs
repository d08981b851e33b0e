//! How long a Ledger waits for more writes to share a commit.
//!
//! A commit costs two packed rows however many writes share it, so when writes are many it pays to wait for more: the window
//! follows their rate. It does not pay where one sender waits for each answer before sending more, however fast: so where nobody
//! joins, it stays shut. Those who come while the disk is busy share the next commit without one. It has no clock.

use crate::event::Ms;

/// The longest wait. At 200 writes/s, 20 ms bring four more: five writes share the two packed rows, 1.4 rows each
/// (`architecture.md`: at most 1.5).
pub const LONGEST_MS: u32 = 20;

/// The rates, in writes per second, up to which nothing waits and from which on everything waits longest.
const RARE_PER_S: f64 = 10.0;
const CROWDED_PER_S: f64 = 200.0;

/// The past that decides: half of the weight lies on the last 500 ms.
const MEMORY_MS: f64 = 500.0;

/// After so many commits in a row that nobody joined, only every such one waits.
const VAIN: u32 = 8;

/// The longest rest between two commits.
const LONGEST_REST_MS: Ms = 50;

/// How long a Ledger rests after a sync that took `sync_ms`, if writes wait already: as long again. The Ledgers share one disk;
/// when its syncs queue up, fewer and fuller commits make every answer come sooner, the waiting included.
#[must_use]
pub fn rest_after_ms(sync_ms: Ms) -> u64 {
    u64::try_from(sync_ms.min(LONGEST_REST_MS)).unwrap_or_default()
}

/// How writes came of late.
#[derive(Clone, Debug, Default)]
pub struct CommitWindow {
    /// Their rate, as a moving average over time.
    per_s: f64,
    last_ms: Ms,
    /// Commits in a row that nobody joined.
    vain: u32,
}

impl CommitWindow {
    /// How long the next commit waits after its first write.
    #[must_use]
    pub fn wait_ms(&self) -> u32 {
        if self.vain > VAIN && !self.vain.is_multiple_of(VAIN) {
            return 0;
        }
        let share = ((self.per_s - RARE_PER_S) / (CROWDED_PER_S - RARE_PER_S)).clamp(0.0, 1.0);
        (share * f64::from(LONGEST_MS)).round() as u32
    }

    /// Learns from a commit of `writes` at `now_ms`.
    pub fn committed(&mut self, writes: usize, now_ms: Ms) {
        // An object that slept for a minute or more remembers nothing; a clock that stands still or goes back counts as 1 ms.
        let passed_ms = now_ms.saturating_sub(self.last_ms).clamp(1, 60_000) as f64;
        self.last_ms = now_ms;
        self.vain = if writes > 1 { 0 } else { self.vain.saturating_add(1) };
        let seen_per_s = writes as f64 * 1000.0 / passed_ms;
        self.per_s += (seen_per_s - self.per_s) * passed_ms / (passed_ms + MEMORY_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_MS: f64 = 1.7e12;

    /// Plays writes that come evenly at `per_s` for `seconds`; gives the window at the end and the mean of writes per commit.
    fn play(window: &mut CommitWindow, start_ms: f64, per_s: f64, seconds: f64) -> (u32, f64) {
        let (mut next_ms, mut writes, mut commits) = (start_ms, 0.0, 0.0);
        while next_ms < start_ms + seconds * 1000.0 {
            let commit_ms = next_ms + f64::from(window.wait_ms());
            let mut shared = 0;
            while next_ms <= commit_ms {
                shared += 1;
                next_ms += 1000.0 / per_s;
            }
            window.committed(shared, commit_ms as Ms);
            writes += shared as f64;
            commits += 1.0;
        }
        (window.wait_ms(), writes / commits)
    }

    #[test]
    fn rare_writes_hardly_wait() {
        for (per_s, most_ms) in [(0.1, 0), (1.0, 0), (9.0, 0), (30.0, 3)] {
            let (wait_ms, _) = play(&mut CommitWindow::default(), START_MS, per_s, 20.0);
            assert!(wait_ms <= most_ms, "{per_s}/s: {wait_ms} ms");
        }
    }

    #[test]
    fn a_crowd_shares_its_commits() {
        for per_s in [200.0, 1_000.0, 5_000.0] {
            let (wait_ms, shared) = play(&mut CommitWindow::default(), START_MS, per_s, 20.0);
            assert!(wait_ms >= LONGEST_MS - 1, "{per_s}/s: {wait_ms} ms");
            assert!(1.0 + 2.0 / shared <= 1.5, "{per_s}/s: {shared} writes per commit");
        }
    }

    #[test]
    fn one_caller_after_another_hardly_waits_and_a_crowd_behind_them_does() {
        // Each write comes when the one before is answered, 2 ms after its commit.
        let mut window = CommitWindow::default();
        let mut now_ms = START_MS as Ms;
        let mut waited_ms = 0;
        for _ in 0..2_000 {
            waited_ms += window.wait_ms();
            now_ms += Ms::from(window.wait_ms());
            window.committed(1, now_ms);
            now_ms += 2;
        }
        assert!((1..=3).contains(&(waited_ms / 2_000)), "{waited_ms} ms");
        let (wait_ms, shared) = play(&mut window, now_ms as f64, 200.0, 5.0);
        assert!(wait_ms >= LONGEST_MS - 1 && shared > 4.0, "{wait_ms} ms, {shared} writes per commit");
    }

    #[test]
    fn rest_is_bounded() {
        for (sync_ms, rest_ms) in [(-5, 0), (0, 0), (4, 4), (50, 50), (9_000, 50)] {
            assert_eq!(rest_after_ms(sync_ms), rest_ms);
        }
    }

    #[test]
    fn a_crowd_is_forgotten_within_seconds() {
        let mut window = CommitWindow::default();
        play(&mut window, START_MS, 1_000.0, 5.0);
        let (wait_ms, _) = play(&mut window, START_MS + 5_000.0, 1.0, 5.0);
        assert_eq!(wait_ms, 0);
    }
}
