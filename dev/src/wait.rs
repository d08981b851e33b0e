//! Waiting for something to become true, with an end.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(10);

/// Asks again and again until `done` says yes (true) or `longest` is over (false).
pub fn until(longest: Duration, mut done: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if done() {
            return true;
        }
        if started.elapsed() >= longest {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
}
