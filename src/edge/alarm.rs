//! An object's one alarm, which all of its work shares: it rings as soon as any of it has to be done. It knows none of that work.

use std::cell::Cell;
use std::time::Duration;

use worker::Storage;

use super::now_ms;
use crate::event::Ms;

/// For how long an alarm that is overdue is relied on: setting it anew would take it back from the platform that is about to ring it.
const GRACE_MS: Ms = 5_000;

/// The alarm of one object.
pub struct Alarm {
    storage: Storage,
    /// When it rings; 0: nobody knows.
    rings_ms: Cell<Ms>,
}

impl Alarm {
    pub fn of(storage: Storage) -> Self {
        Self { storage, rings_ms: Cell::new(0) }
    }

    /// It rings: from now on it is not set.
    pub fn rung(&self) {
        self.rings_ms.set(0);
    }

    /// Whether this life of the object knows it to be set.
    pub fn is_known(&self) -> bool {
        self.rings_ms.get() != 0
    }

    /// Sees to it that it rings by then, if it is not set at all.
    pub async fn keep(&self, after_ms: Ms) {
        if self.is_known() {
            return;
        }
        match self.storage.get_alarm().await {
            Ok(Some(rings_ms)) => self.rings_ms.set(rings_ms),
            _ => self.ring_within(after_ms).await,
        }
    }

    /// Sees to it that it rings by then. One that rings sooner stays: whenever it rings, all that there is to do is done.
    pub async fn ring_within(&self, after_ms: Ms) {
        let now_ms = now_ms();
        if (now_ms - GRACE_MS..=now_ms + after_ms).contains(&self.rings_ms.get()) {
            return;
        }
        self.rings_ms.set(now_ms + after_ms);
        if let Err(error) = self.storage.set_alarm(Duration::from_millis(after_ms.unsigned_abs())).await {
            worker::console_error!("alarm: {error}");
            self.rings_ms.set(0);
        }
    }
}
