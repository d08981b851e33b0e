//! Clicks on their way to the Ledgers: gathered in the isolate's memory, written after the answers.
//!
//! What waits is plain data that any request may send; none waits for another's call. A batch keeps its text, and so its clicks
//! their ids, however often it is sent. It is leased to whoever sends it: if that request dies, the next tap sends it again. What
//! the isolate holds when it dies is lost (the last [`CLICK_ROUND_MS`], of a flood the last `FLOOD_SUM_MS`), and so is what no
//! Ledger took after [`CLICK_ATTEMPTS`]: the second is counted.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use worker::{Context, Delay};

use super::config::Config;
use super::ledgers::write_text;
use super::metrics::METRICS;
use super::now_ms;
use crate::bounds::{
    CLICK_ATTEMPTS, CLICK_RETRY_MS, CLICK_ROUND_MS, CLICK_WAIT_MS, EVENTS_PER_CALL, LEDGER_CALL_MS, WAITING_CLICKS,
};
use crate::event::{Event, Ms};
use crate::flood::Floods;
use crate::ledger::{Routed, Write};

/// How long a batch belongs to whoever took it: a call with its deadline, and a second.
const LEASE_MS: Ms = LEDGER_CALL_MS as Ms + 1_000;

/// After how long another tap takes over: what a request does after its answer may be cut off at 30 s.
const SENDER_MS: Ms = 20_000;

/// And after how many calls: a request may make 50 on the free plan, which carries 16 Ledgers, and 1,000 on the others.
fn most_calls(ledgers: usize) -> usize {
    if ledgers <= 16 { 40 } else { 900 }
}

#[derive(Default)]
struct Waiting {
    /// Not yet in a batch.
    clicks: Vec<Routed>,
    floods: Floods,
    batches: VecDeque<Batch>,
    /// Events in all the batches.
    batched: usize,
    next_id: u64,
    /// Until when somebody is at it.
    sender_until_ms: Ms,
    /// When the last round was.
    round_ms: Ms,
}

struct Batch {
    id: u64,
    ledger: u32,
    text: Rc<str>,
    events: usize,
    /// How many taps its events stand for.
    taps: u64,
    attempts: u32,
    leased_until_ms: Ms,
}

thread_local! {
    static WAITING: RefCell<Waiting> = RefCell::default();
}

/// Records a click after the answer. Beyond [`WAITING_CLICKS`] it is lost, and counted as lost.
pub fn record_later(config: &Rc<Config>, context: &Context, click: Routed, of_nobody: bool) {
    if gather(click, of_nobody) {
        context.wait_until(send_all(Rc::clone(config)));
    }
}

/// The same for who is already past the answer.
pub async fn record(config: Rc<Config>, click: Routed, of_nobody: bool) {
    if gather(click, of_nobody) {
        send_all(config).await;
    }
}

/// Lets a click wait; gives whether the caller has to send.
fn gather(click: Routed, of_nobody: bool) -> bool {
    WAITING.with_borrow_mut(|waiting| {
        match waiting.floods.take(click, of_nobody) {
            None => METRICS.with(|metrics| metrics.clicks_shed.add(1)),
            Some(_) if waiting.clicks.len() + waiting.batched >= WAITING_CLICKS => {
                METRICS.with(|metrics| metrics.clicks_lost.add(1));
            }
            Some(click) => waiting.clicks.push(click),
        }
        let now_ms = now_ms();
        let nobody = waiting.sender_until_ms <= now_ms;
        if nobody {
            waiting.sender_until_ms = now_ms + CLICK_WAIT_MS as Ms + LEASE_MS;
        }
        nobody
    })
}

/// Sends until nothing waits.
async fn send_all(config: Rc<Config>) {
    let mut relieved_ms = now_ms() + SENDER_MS;
    let ledgers = config.partition.ledgers as usize;
    // Who takes over goes on at the same pace.
    let due_ms = WAITING.with_borrow(|waiting| waiting.round_ms) + CLICK_ROUND_MS as Ms;
    let mut wait_ms = u64::try_from(due_ms - now_ms()).unwrap_or_default().max(CLICK_WAIT_MS);
    let mut calls = 0;
    loop {
        Delay::from(Duration::from_millis(wait_ms)).await;
        wait_ms = CLICK_ROUND_MS;
        if relieved_ms > now_ms() && calls + 2 * ledgers > most_calls(ledgers) {
            // This round, and none after it: another may begin.
            relieved_ms = now_ms();
            WAITING.with_borrow_mut(|waiting| waiting.sender_until_ms = 0);
        }
        let taken = WAITING.with_borrow_mut(|waiting| waiting.take(&config, now_ms(), relieved_ms));
        let Some(taken) = taken else { return };
        calls += taken.len();
        let sent = taken.iter().map(|(_, ledger, text)| write_text(&config, *ledger, text));
        let sent = join_all(sent).await;
        WAITING.with_borrow_mut(|waiting| {
            for ((id, ..), result) in taken.iter().zip(&sent) {
                waiting.settle(*id, result.is_ok());
            }
        });
    }
}

impl Waiting {
    /// Takes everything that nobody else is sending; `None` if nothing is there and nothing comes, or another has begun: the sender
    /// is done. At `relieved_ms` at the latest, another may begin.
    fn take(&mut self, config: &Config, now_ms: Ms, relieved_ms: Ms) -> Option<Vec<(u64, u32, Rc<str>)>> {
        if now_ms >= relieved_ms && self.sender_until_ms > now_ms {
            return None;
        }
        self.round_ms = now_ms;
        // Who is relieved may be cut off before the next sum is due.
        self.clicks.extend(self.floods.due(now_ms, now_ms >= relieved_ms));
        for (ledger, mut events) in config.partition.by_ledger(std::mem::take(&mut self.clicks)) {
            while !events.is_empty() {
                let rest = events.split_off(events.len().min(EVENTS_PER_CALL));
                self.batch(ledger, std::mem::replace(&mut events, rest));
            }
        }
        let mut taken = Vec::new();
        for batch in self.batches.iter_mut().filter(|batch| batch.leased_until_ms <= now_ms) {
            batch.leased_until_ms = now_ms + LEASE_MS;
            batch.attempts += 1;
            taken.push((batch.id, batch.ledger, Rc::clone(&batch.text)));
        }
        let done = self.batches.is_empty() && self.floods.is_empty();
        self.sender_until_ms = if done { 0 } else { relieved_ms.min(now_ms + LEASE_MS) };
        (!done).then_some(taken)
    }

    fn batch(&mut self, ledger: u32, events: Vec<Routed>) {
        let taps = |routed: &Routed| match &routed.event {
            Event::Click(click) => u64::from(click.count),
            _ => 1,
        };
        let (count, taps) = (events.len(), events.iter().map(taps).sum());
        self.batched += count;
        self.next_id += 1;
        self.batches.push_back(Batch {
            id: self.next_id,
            ledger,
            // Plain data: writing it out cannot fail.
            text: serde_json::to_string(&Write::Record { events }).unwrap_or_default().into(),
            events: count,
            taps,
            attempts: 0,
            leased_until_ms: 0,
        });
    }

    /// A batch was sent, with or without success.
    fn settle(&mut self, id: u64, recorded: bool) {
        let Some(at) = self.batches.iter().position(|batch| batch.id == id) else { return };
        let Some(batch) = self.batches.get_mut(at) else { return };
        batch.leased_until_ms = now_ms() + (CLICK_RETRY_MS << batch.attempts.min(4));
        let (events, taps, given_up) = (batch.events, batch.taps, batch.attempts >= CLICK_ATTEMPTS);
        if !recorded && !given_up {
            return;
        }
        METRICS.with(|metrics| {
            let count = if recorded { &metrics.clicks_recorded } else { &metrics.clicks_lost };
            count.add(taps);
        });
        self.batches.remove(at);
        self.batched -= events;
    }
}
