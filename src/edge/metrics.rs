//! What this isolate has counted since it began, for Prometheus. Isolates come and go and are many: sum their rates, never their
//! totals. The numbers of campaigns are elsewhere and exact; these are for the operator's eye.

use std::cell::Cell;
use std::fmt::Write as _;

use serde_json::Value;

use crate::ledger::Written;

/// A count that only grows.
#[derive(Default)]
pub struct Count(Cell<f64>);

impl Count {
    pub fn add(&self, n: u64) {
        self.add_share(n as f64);
    }

    fn add_share(&self, n: f64) {
        self.0.set(self.0.get() + n);
    }

    /// As a number of JSON: Rust's own way of writing one weighs 8 KB.
    fn shown(&self) -> Value {
        let count = self.0.get();
        if count.fract() == 0.0 { (count as u64).into() } else { count.into() }
    }
}

/// A metric's name, what it says, and its counts by their labels.
type Family<'a> = (&'static str, &'static str, &'a [(&'static str, &'a Count)]);

#[derive(Default)]
pub struct Metrics {
    pub events_new: Count,
    pub events_duplicate: Count,
    pub events_odd: Count,
    pub callbacks_accepted: Count,
    pub callbacks_bad_signature: Count,
    pub callbacks_failed: Count,
    pub ledger_calls: Count,
    pub clicks_answered: Count,
    pub clicks_recorded: Count,
    pub clicks_lost: Count,
    pub clicks_shed: Count,
    rows_written: Count,
    commits: Count,
}

thread_local! {
    pub static METRICS: Metrics = Metrics::default();
}

impl Metrics {
    /// A write was answered: of a commit that several shared, each counts its share.
    pub fn shared(&self, written: &Written) {
        let share = 1.0 / written.shared_by.max(1) as f64;
        self.commits.add_share(share);
        self.rows_written.add_share(share * written.rows_written as f64);
    }

    /// In Prometheus' text format.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let families: [Family<'_>; 8] = [
            (
                "bluetick_events_total",
                "Events recorded by the Ledgers: new, duplicate, or (odd) not understood.",
                &[
                    ("{outcome=\"new\"}", &self.events_new),
                    ("{outcome=\"duplicate\"}", &self.events_duplicate),
                    ("{outcome=\"odd\"}", &self.events_odd),
                ],
            ),
            (
                "bluetick_callbacks_total",
                "Callbacks of providers.",
                &[
                    ("{outcome=\"accepted\"}", &self.callbacks_accepted),
                    ("{outcome=\"bad_signature\"}", &self.callbacks_bad_signature),
                    ("{outcome=\"failed\"}", &self.callbacks_failed),
                ],
            ),
            ("bluetick_ledger_calls_total", "Calls to Ledgers.", &[("", &self.ledger_calls)]),
            (
                "bluetick_ledger_rows_written_total",
                "Rows written by the Ledgers for this isolate's events.",
                &[("", &self.rows_written)],
            ),
            (
                "bluetick_ledger_commits_total",
                "Commits of the Ledgers; of a shared one, this isolate's share.",
                &[("", &self.commits)],
            ),
            ("bluetick_clicks_answered_total", "Taps answered with a redirect.", &[("", &self.clicks_answered)]),
            (
                "bluetick_clicks_shed_total",
                "Clicks of floods: added up before they are recorded, without a row each.",
                &[("", &self.clicks_shed)],
            ),
            ("bluetick_clicks_lost_total", "Clicks given up after every attempt.", &[("", &self.clicks_lost)]),
        ];
        for (name, help, counts) in families {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# HELP {name} {help} Since this isolate began.\n# TYPE {name} counter");
            for (labels, count) in counts {
                let _ = writeln!(text, "{name}{labels} {}", count.shown());
            }
        }
        let _ = writeln!(
            text,
            "# HELP bluetick_clicks_recorded_total Clicks that a Ledger has. Since this isolate began.\n\
             # TYPE bluetick_clicks_recorded_total counter\nbluetick_clicks_recorded_total {}",
            self.clicks_recorded.shown()
        );
        text
    }
}
