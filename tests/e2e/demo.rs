//! The demo, held against its own plan: repeats, disorder and batches must not show in the numbers.

use bluetick_dev::demo::{self, plan::Fate};
use serde_json::json;

use crate::client::{Api, server};

#[test]
fn the_demo_counts_what_was_planned_in_every_run() {
    let server = server();
    let api = Api::of(&server);
    let played = demo::play(&api.0).unwrap();
    let has = |fate: &Fate, wanted: &[&str]| fate.statuses.iter().any(|(status, _)| wanted.contains(status));
    let count = |what: &dyn Fn(&Fate) -> bool| played.fates.iter().filter(|fate| what(fate)).count();
    // A button, a quote and an unquoted text all answer this campaign's message: these people have no other.
    let answered = |fate: &Fate| fate.answer.is_some();
    let expected = [
        ("/messages/sent", count(&|fate| fate.audience.accepted())),
        // Whoever read, answered or tapped had it; nobody who failed did.
        ("/messages/delivered", count(&|fate| has(fate, &["delivered", "read"]) || answered(fate) || fate.taps > 0)),
        ("/messages/read", count(&|fate| has(fate, &["read"]))),
        ("/messages/failed", count(&|fate| has(fate, &["failed"]))),
        ("/clicks/human", played.fates.iter().map(|fate| fate.taps as usize).sum()),
        ("/clicks/machine", count(&|fate| fate.preview)),
        ("/clicks/unique", count(&|fate| fate.taps > 0)),
        ("/replies/total", count(&answered)),
    ];
    for (number, expected) in expected {
        assert_eq!(played.stats.pointer(number), Some(&json!(expected)), "{number} in {}", played.stats);
    }
    let again = demo::play(&api.0).unwrap();
    for section in ["messages", "clicks", "replies"] {
        assert_eq!(again.stats[section], played.stats[section], "{section}");
    }
    assert_eq!(api.stats(&played.campaign)["messages"], played.stats["messages"], "a second run changed the first");
}
