//! The reference model, judged in turn: small examples made by hand from single sentences of the metric contract, and the laws
//! that must hold of its answers whatever the events are.
//!
//! An example is a story in a small language, one event per `;`: a verb, then `key=value`. Times are since a fixed start, such as
//! `72h-1ms`. Where nothing else is said the contact is `12025550100`, the campaign `spring`, the channel `meta-1`.

// A test that fails should say where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod model;

use std::collections::BTreeMap;

use model::generate::{self, START_MS, Shape, generate, minimise, repeat, scenarios, shuffle, split};
use model::{Answers, Definitions, Received, UNATTRIBUTED, people, recount};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Tells a story and compares numbers: `expected` is a list of `name=number`, where a name may be led by `campaign/` or
/// `campaign:step/`. All else is `spring/`.
#[track_caller]
fn check(story: &str, expected: &str) {
    check_with(&definitions(), story, expected);
}

#[track_caller]
fn check_with(definitions: &Definitions, story: &str, expected: &str) {
    let answers = tell(definitions, story);
    let found = expected
        .split_whitespace()
        .map(|expectation| {
            let (name, _) = expectation.split_once('=').unwrap();
            format!("{name}={}", look_up(&answers, name))
        })
        .collect::<Vec<_>>();
    assert_eq!(found, expected.split_whitespace().collect::<Vec<_>>(), "\n{story}");
}

fn look_up(answers: &Answers, name: &str) -> String {
    let (place, metric) = name.split_once('/').unwrap_or(("spring", name));
    match place {
        "unclaimed" => return answers.unclaimed.get(metric).unwrap_or(&0).to_string(),
        "unmatched" => return answers.unmatched.get(metric).unwrap_or(&0).to_string(),
        "conflicts" => return answers.conflicts.len().to_string(),
        _ => {}
    }
    let (campaign, step) = place.split_once(':').map_or((place, None), |(campaign, step)| (campaign, Some(step)));
    let campaign = &answers.campaigns[campaign];
    let nothing = model::answers::Scope::default();
    let scope = step.map_or(&campaign.all, |step| campaign.steps.get(step).unwrap_or(&nothing));
    if let Some(currency) = metric.strip_prefix("revenue.") {
        return scope.revenue.get(currency).cloned().unwrap_or_default();
    }
    let experiment = &campaign.experiment;
    match metric {
        "target" => experiment.target.contacts.len().to_string(),
        "target.converted" => experiment.target.converted.len().to_string(),
        "control" => experiment.control.contacts.len().to_string(),
        "control.converted" => experiment.control.converted.len().to_string(),
        "contaminated" => experiment.contaminated.len().to_string(),
        "bills" => scope.bills.len().to_string(),
        _ => scope.number(metric).to_string(),
    }
}

fn definitions() -> Definitions {
    let hour = model::HOUR_MS;
    let policy = |id: &str, message_type: &str, reply_h: i64, attribution_h: i64, touch: &str, goals: &[&str]| {
        json!({"no": 1, "id": id, "message_type": message_type, "reply_window_ms": reply_h * hour,
               "attribution_window_ms": attribution_h * hour, "touch": touch, "goals": goals})
    };
    Definitions {
        campaigns: vec![
            policy("spring", "template", 72, 24, "delivered", &[]),
            policy("tap", "template", 2, 1, "clicked", &["order"]),
            policy("seen", "template", 72, 24, "read", &[]),
            policy("open", "template", 72, 24, "opened", &[]),
            policy("chat", "regular", 72, 24, "delivered", &["none"]),
        ],
        channels: [("meta-1", "meta"), ("meta-2", "meta"), ("twilio-1", "twilio")]
            .map(|(channel, provider)| (channel.to_owned(), provider.to_owned()))
            .into(),
    }
}

fn tell(definitions: &Definitions, story: &str) -> Answers {
    recount(&events(story), definitions)
}

fn events(story: &str) -> Vec<Received> {
    story.split(';').map(str::trim).filter(|line| !line.is_empty()).map(event).collect()
}

/// One event of a story. `at` is its own time, `heard` when it was received (the same, if not said).
fn event(line: &str) -> Received {
    let mut words = line.split_whitespace();
    let verb = words.next().unwrap();
    let said: BTreeMap<&str, &str> = words.map(|word| word.split_once('=').expect(line)).collect();
    let word = |key: &str| said.get(key).copied();
    let campaign = word("campaign").unwrap_or("spring");
    let channel = word("channel").unwrap_or("meta-1");
    let at_ms = word("at").map(moment);
    let person = match word("to").unwrap_or("12025550100") {
        "nobody" => json!({}),
        user if user.starts_with(|c: char| c.is_ascii_uppercase()) => json!({"user_id": user}),
        phone => json!({"phone": phone}),
    };
    let price = || word("amount").map(|amount| json!({"amount": amount, "currency": word("currency").unwrap_or("EUR")}));
    let error = word("code").map(|code| json!({"code": code}));
    let mut event = match verb {
        "accepted" | "error" | "skipped" | "control" => json!({
            "kind": "dispatch", "outcome": verb, "campaign": campaign, "wa_id": word("wa_id"), "message_id": word("id"),
            "channel": if verb == "accepted" { Some(channel) } else { None },
            "attempt": word("attempt"), "category": word("category"), "country": word("country"), "cost": price(),
            "error": error, "reason": word("reason"), "group": word("group"), "sender": word("sender"),
        }),
        "sent" | "delivered" | "read" | "played" | "failed" => json!({
            "kind": "status", "status": verb, "channel": channel, "message_id": word("id"), "sender": word("sender"),
            "reference": word("ref"), "category": word("category"), "error": error, "participant": word("participant"),
            "billable": word("billable").map(|flag| flag == "yes"),
        }),
        "message" | "quick_reply" | "other" | "reaction" | "unreaction" => json!({
            "kind": "inbound", "channel": channel, "message_id": word("id"), "sender": word("sender"), "quoted": word("quotes"),
            "inbound": match verb {
                "reaction" => json!({"reaction": {"removed": false}}),
                "unreaction" => json!({"reaction": {"removed": true}}),
                _ => json!(verb),
            },
        }),
        "click" => json!({
            "kind": "click", "click_id": word("id"), "campaign": campaign, "link": word("link").unwrap_or("a"),
            "machine": word("machine"),
        }),
        "provider_click" => json!({
            "kind": "click", "click_id": word("id"), "channel": channel, "message_id": word("of"), "url": "https://shop.example/",
        }),
        "conversion" | "cancellation" => json!({
            "kind": "conversion", "id": word("id"), "goal": word("goal").unwrap_or_default(), "click_id": word("click"),
            "value": price(), "cancelled": verb == "cancellation",
        }),
        _ => panic!("no such verb: {line}"),
    };
    let fields = event.as_object_mut().unwrap();
    fields.insert("person".to_owned(), person);
    fields.insert("at_ms".to_owned(), json!(at_ms));
    if verb != "provider_click" {
        fields.insert("step".to_owned(), json!(word("step").unwrap_or_default()));
    }
    fields.retain(|_, value| !value.is_null());
    Received { received_ms: word("heard").map_or_else(|| at_ms.unwrap(), moment), event }
}

/// `72h-1ms` after the start.
fn moment(text: &str) -> i64 {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    let mut at = START_MS;
    for term in text.replace('-', "+-").split('+').filter(|term| !term.is_empty()) {
        let digits = term.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let (_, unit) = units.iter().find(|(name, _)| *name == &term[digits.len()..]).unwrap_or(&("ms", 1));
        at += digits.parse::<i64>().unwrap() * unit;
    }
    at
}

#[test]
fn one_person_one_key() {
    for (written, key) in [
        ("whatsapp:+1 202 555 0100", Some("12025550100")),
        ("5215500000102", Some("525500000102")),
        ("52155000001", Some("52155000001")),
        ("5491100000103", Some("541100000103")),
        ("551190000104", Some("5511990000104")),
        ("551150000104", Some("551150000104")),
        ("5511990000104", Some("5511990000104")),
        ("US.1349", Some("US.1349")),
        ("0044", None),
        ("a word", None),
    ] {
        assert_eq!(people::key(written).as_deref(), key, "{written}");
    }
    check(
        "accepted id=m1 to=5215500000102 at=0; delivered id=m1 to=525500000102 at=1s; sent id=m1 to=+5215500000102 at=1s",
        "messages.sent=1 contacts.sent=1 contacts.delivered=1 _unattributed/messages.sent=0",
    );
}

#[test]
fn the_wa_id_is_the_person_and_the_contact_an_alias() {
    check(
        "accepted id=m1 to=447700900101 wa_id=12025550100 at=0; delivered id=m1 at=1h; conversion id=o1 to=447700900101 at=2h",
        "contacts.delivered=1 contacts.sent=1 conversions.total=1",
    );
}

#[test]
fn time_is_the_providers_unless_it_cannot_be() {
    // The window of a reply tells what time was believed: 72 h from the sent time.
    check("accepted id=m1 at=24h heard=0; message id=i at=96h-1ms", "replies.total=1");
    check("accepted id=m1 at=24h heard=0; message id=i at=96h", "replies.total=0");
    check("accepted id=m1 at=24h+1ms heard=0; message id=i at=72h-1ms", "replies.total=1");
    check("accepted id=m1 at=24h+1ms heard=0; message id=i at=72h", "replies.total=0");
    check("accepted id=m1 at=-100000d heard=0; message id=i at=72h-1ms", "replies.total=1");
    // Of two copies the earlier counts, and without a time the earliest receipt.
    check("accepted id=m1 at=5h; accepted id=m1 at=0; message id=i at=72h", "replies.total=0 conflicts/=0");
    check("sent id=m1 ref=spring heard=5h; sent id=m1 heard=0; message id=i at=72h", "replies.total=0");
}

#[test]
fn a_message_belongs_to_dispatch_or_reference() {
    check("sent id=m1 ref=spring at=0", "messages.sent=1 messages.attempted=1");
    check("sent id=m1 ref=spring:s1:a at=0", "spring:s1/messages.sent=1 spring:/messages.sent=0 messages.sent=1");
    check("sent id=m1 ref=unheard at=0", "messages.sent=0 _unattributed/messages.sent=1 _unattributed:/contacts.sent=1");
    check("sent id=m1 at=0", "_unattributed/messages.sent=1");
    // "Dispatch and reference disagree: the dispatch wins."
    check("sent id=m1 ref=tap at=0; accepted id=m1 at=1h", "messages.sent=1 tap/messages.sent=0");
    check("sent id=m1 ref=tap at=0; accepted id=m1 campaign=unheard at=1h", "tap/messages.sent=0 _unattributed/messages.sent=1");
    // "What a first copy lacked a repeat may bring"; "the earliest copy that has a value gives it".
    check("sent id=m1 at=0; sent id=m1 ref=spring at=1h; sent id=m1 ref=tap at=2h", "messages.sent=1 tap/messages.sent=0");
    // (provider, message id): two channels of one provider, one message; another provider, another.
    check("accepted id=m1 at=0; delivered id=m1 channel=meta-2 at=1h", "messages.delivered=1");
    check("accepted id=m1 at=0; delivered id=m1 channel=twilio-1 at=1h", "messages.delivered=0 _unattributed/messages.sent=1");
}

#[test]
fn the_earlier_claim_wins_then_the_smaller() {
    let lost = "conflicts/=1 messages.sent=0 messages.attempted=0 tap/messages.sent=1";
    check("accepted id=m1 at=1h; accepted id=m1 campaign=tap at=0", lost);
    check("accepted id=m1 campaign=tap at=0; accepted id=m1 at=0; delivered id=m1 at=1h", "conflicts/=1 messages.delivered=1");
    check(
        "accepted id=m1 step=b at=0; accepted id=m1 step=a at=0",
        "conflicts/=1 spring:a/messages.sent=1 spring:b/messages.sent=0",
    );
    // Between contacts too, and the loser leaves nothing, not even an accepted attempt.
    check(
        "accepted id=m1 to=447700900101 at=1s attempt=x; accepted id=m1 at=0; error to=447700900101 attempt=x at=0",
        "conflicts/=1 contacts.sent=1 messages.sent=1 messages.dispatch_errors=1 messages.error_then_sent=0",
    );
    // An undeclared campaign takes part at once.
    check(
        "accepted id=m1 at=1h; accepted id=m1 campaign=later at=0",
        "conflicts/=1 messages.sent=0 _unattributed/messages.sent=1",
    );
    // A repeat is no rival.
    check("accepted id=m1 at=1h; accepted id=m1 at=2h", "conflicts/=0 messages.sent=1");
}

#[test]
fn a_status_without_a_contact_waits_for_one() {
    check("delivered id=m1 to=nobody at=1h", "unmatched/meta-1=1 _unattributed/messages.sent=0");
    check("delivered id=m1 to=nobody at=1h; delivered id=m1 to=nobody at=2h; read id=m1 to=nobody at=2h", "unmatched/meta-1=2");
    check("delivered id=m1 to=nobody at=1h; accepted id=m1 at=2h", "unmatched/meta-1=0 messages.delivered=1");
    check("delivered id=m1 to=nobody at=1h; sent id=m1 ref=spring at=2h", "unmatched/meta-1=0 messages.delivered=1");
}

#[test]
fn sent_contains_delivered_contains_opened_contains_read() {
    let all = "messages.sent=1 messages.delivered=1 messages.opened=1 messages.read=1 messages.delivered_inferred=1";
    check("read id=m1 ref=spring at=0", all);
    check("played id=m1 ref=spring at=0", all);
    check("accepted id=m1 at=0; delivered id=m1 at=1h", "messages.delivered=1 messages.delivered_inferred=0 messages.opened=0");
    check("accepted id=m1 at=0", "messages.sent=1 messages.in_flight=1 messages.delivered=0 contacts.in_flight=1");
    // `failed` followed by `delivered` leaves `failed`, in any order; an engagement does the same.
    check(
        "failed id=m1 ref=spring at=0 code=131026",
        "messages.failed=1 errors.delivery.131026=1 contacts.failed=1 messages.in_flight=0",
    );
    check("delivered id=m1 ref=spring at=0; failed id=m1 at=1h code=131026", "messages.failed=0 errors.delivery.131026=0");
    check(
        "failed id=m1 ref=spring at=0; click id=c at=1h",
        "messages.failed=0 messages.delivered=1 messages.delivered_inferred=1",
    );
    // "code of the earliest failed fact (ties: smaller code)"
    check("failed id=m1 ref=spring at=1h code=1; failed id=m1 at=0 code=2; failed id=m1 at=0 code=3", "errors.delivery.2=1");
}

#[test]
fn engagement_proves_what_no_receipt_said() {
    let accepted = "accepted id=m1 at=1h;";
    let check = |story: &str, expected: &str| check(&format!("{accepted}{story}"), expected);
    let opened = "messages.delivered=1 messages.opened=1 messages.read=0 messages.delivered_inferred=1";
    let delivered = "messages.delivered=1 messages.opened=0 messages.read=0 messages.replied=1";
    let nothing = "messages.delivered=0 messages.opened=0 messages.in_flight=1";
    check("message id=i at=2h quotes=m1", opened);
    check("message id=i at=2h", delivered);
    check("quick_reply id=i at=2h", delivered);
    // "a quote of it or a reaction to it at any time"
    check("message id=i at=0 quotes=m1", opened);
    check("message id=i at=1000h quotes=m1", opened);
    check("reaction id=i at=0 quotes=m1", opened);
    check("unreaction id=i at=2h quotes=m1", opened);
    // "or, at or after its first other fact, an unquoted reply or human click …; an earlier one counts and proves nothing"
    check("click id=c at=1h", opened);
    check("click id=c at=1h-1ms", "messages.clicked=1 messages.delivered=0 contacts.clicked=1 clicks.human=1");
    check("click id=c at=2h machine=prefetch", nothing);
    check("other id=i at=2h quotes=m1", nothing);
    check("message id=i at=1h", nothing);
}

#[test]
fn category_from_the_highest_status_then_dispatch_then_type() {
    let bill = |story: &str| {
        let answers = tell(&definitions(), story);
        answers.usage.values().flatten().map(|(name, _)| name.clone()).find(|name| name.starts_with("messages_delivered"))
    };
    for (story, expected) in [
        ("delivered id=m ref=spring at=0", "other.US"),
        ("delivered id=m ref=chat at=0", "service.US"),
        ("accepted id=m category=UTILITY at=0; delivered id=m at=0", "utility.US"),
        ("accepted id=m category=utility at=0; delivered id=m category=marketing_lite at=0", "marketing.US"),
        (
            "sent id=m category=service at=0; delivered id=m at=0; read id=m category=authentication-international at=0",
            "authentication.US",
        ),
        ("delivered id=m category=referral_conversion at=0; sent id=m category=utility at=0", "other.US"),
        ("delivered id=m at=1h category=utility; delivered id=m at=0 category=service", "service.US"),
        ("accepted id=m country=FR at=0; delivered id=m at=0", "other.FR"),
        ("delivered id=m to=IN.1234 at=0", "other.IN"),
        ("delivered id=m to=447700900101 at=0", "other.GB"),
    ] {
        assert_eq!(bill(story), Some(format!("messages_delivered.{expected}")), "{story}");
    }
}

#[test]
fn billable_by_flag_else_delivered_outside_service() {
    check("delivered id=m ref=spring category=marketing at=0", "messages.billable=1 bills=1");
    check("delivered id=m ref=spring category=service at=0", "messages.billable=0 bills=0");
    check("delivered id=m ref=spring category=service billable=yes at=0", "messages.billable=1");
    check("delivered id=m ref=spring billable=yes at=0; read id=m billable=no at=0", "messages.billable=0");
    check("sent id=m ref=spring at=0", "messages.billable=0");
    check("sent id=m ref=spring billable=yes at=0", "messages.billable=1");
    check("sent id=m ref=spring billable=yes at=0; failed id=m at=1h", "messages.billable=0 bills=0");
    // "a failed message costs nothing, whatever its dispatch said"
    check("accepted id=m amount=0.05 at=0", "bills=1 messages.billable=0");
    check("accepted id=m amount=0.05 at=0; failed id=m at=1h", "bills=0");
}

#[test]
fn a_reply_has_a_window() {
    check(
        "accepted id=m1 at=0; message id=i at=72h-1ms",
        "replies.total=1 messages.replied=1 contacts.replied=1 replies.quick=0",
    );
    check("accepted id=m1 at=0; message id=i at=72h", "replies.total=0 messages.replied=0 unclaimed/replies=1");
    check("accepted id=m1 at=0; message id=i at=0", "replies.total=0 unclaimed/replies=1");
    check("accepted id=m1 at=0; message id=i at=0 quotes=m1", "replies.total=1");
    check("accepted id=m1 at=0; message id=i at=72h quotes=m1", "replies.total=0 messages.opened=1");
    check("accepted id=m1 campaign=tap at=0; message id=i at=2h-1ms", "tap/replies.total=1");
    check("accepted id=m1 campaign=tap at=0; message id=i at=2h", "tap/replies.total=0");
    check(
        "accepted id=m1 at=0; quick_reply id=i at=1h",
        "replies.total=1 replies.quick=1 messages.quick_replied=1 messages.interacted=1",
    );
    check("accepted id=m1 at=0; other id=i at=1h; reaction id=r at=1h quotes=m1", "replies.total=0 unclaimed/replies=0");
    check(
        "accepted id=m1 at=0; message id=i at=1h; message id=i at=2h; message id=j at=3h",
        "replies.total=2 messages.replied=1",
    );
    // start ≤ t, for a quote as well
    check("accepted id=m1 at=0; message id=i at=-1ms quotes=m1", "replies.total=0 unclaimed/replies=1 messages.opened=1");
}

#[test]
fn a_quote_wins_else_the_latest_message_of_a_campaign_from_that_sender() {
    let two = "accepted id=m1 step=a at=0; accepted id=m2 step=b at=1h;";
    let check = |story: &str, expected: &str| check(&format!("{two}{story}"), expected);
    check("message id=i at=2h", "spring:b/replies.total=1 spring:a/replies.total=0");
    check("message id=i at=1h", "spring:a/replies.total=1 spring:b/replies.total=0");
    check("message id=i at=2h quotes=m1", "spring:a/replies.total=1 spring:b/replies.total=0");
    check("message id=i at=2h quotes=unheard", "spring:b/replies.total=1 messages.opened=0");
    // "if it is known for this contact"
    check("sent id=x to=447700900101 at=0; message id=i at=2h quotes=x", "spring:b/replies.total=1");
    // "A quoted message wins, whatever it is": an agent's own answer takes its quote, and nothing else.
    check("sent id=x at=90m; message id=i at=2h quotes=x", "replies.total=0 _unattributed/replies.total=1");
    check("sent id=x at=90m; message id=i at=2h", "spring:b/replies.total=1 _unattributed/replies.total=0");
    check("accepted id=x campaign=later at=90m; message id=i at=2h", "spring:b/replies.total=1");
    // "not failed by its statuses alone"
    check("failed id=m2 at=1h; message id=i at=2h", "spring:a/replies.total=1");
    check("failed id=m2 at=1h; click id=c step=b at=1h; message id=i at=2h", "spring:a/replies.total=1 messages.failed=0");
    check("failed id=m2 at=1h; read id=m2 at=3h; message id=i at=2h", "spring:b/replies.total=1");
    // "(ties: larger step, then message id)"
    check("accepted id=m3 step=a at=1h; message id=i at=2h", "spring:b/replies.total=1");
    check("accepted id=m0 step=c at=1h; message id=i at=2h", "spring:c/replies.total=1");
    check("accepted id=m3 campaign=seen step=b at=1h; message id=i at=2h", "seen/replies.total=1 replies.total=0");
    // The latest is taken first and its window asked then.
    check("accepted id=m3 campaign=tap at=2h; message id=i at=4h", "replies.total=0 tap/replies.total=0");
    // A message that names no number fits any number of its channel, one that names another does not fit.
    check("sent id=m2 sender=10002 at=1h; message id=i sender=10001 at=2h", "spring:a/replies.total=1");
    check("sent id=m2 sender=10002 at=1h; message id=i sender=10002 at=2h", "spring:b/replies.total=1");
    check("sent id=m2 sender=10002 at=1h; message id=i at=2h", "spring:b/replies.total=1");
    check("message id=i channel=meta-2 at=2h", "replies.total=0");
    check("sent id=m2 sender=10002 at=1h; message id=i sender=10002 channel=meta-2 at=2h", "spring:b/replies.total=1");
}

#[test]
fn the_latest_word_of_a_reaction_counts() {
    check("accepted id=m1 at=0; reaction id=r at=1h quotes=m1; reaction id=s at=2h quotes=m1", "reactions=1");
    check("accepted id=m1 at=0; unreaction id=s at=2h quotes=m1; reaction id=r at=1h quotes=m1", "reactions=0");
    check("accepted id=m1 at=0; unreaction id=r at=1h quotes=m1; reaction id=s at=1h quotes=m1", "reactions=1");
    check("reaction id=r at=1h quotes=m1", "reactions=0 _unattributed/reactions=1");
    check(
        "accepted id=m1 at=0; accepted id=m2 at=0; reaction id=r at=1h quotes=m1; reaction id=s at=1h quotes=m2",
        "reactions=2",
    );
}

#[test]
fn clicks_are_kept_and_find_their_message() {
    let human = "clicks.total=1 clicks.human=1 clicks.machine=0 clicks.unique=1";
    check("click id=c at=0", &format!("{human} contacts.clicked=1 contacts.interacted=1 messages.clicked=0"));
    check("click id=c at=0 to=nobody", "clicks.total=1 clicks.human=1 clicks.unique=0 contacts.clicked=0");
    check("click id=c at=0 machine=head", "clicks.total=1 clicks.human=0 clicks.machine=1 clicks.unique=0 contacts.clicked=0");
    check("click id=c at=0; click id=c at=1h; click id=d at=1h; click id=e link=b at=0", "clicks.total=3 clicks.unique=2");
    check("click id=c at=0 campaign=later", "clicks.total=0 _unattributed/clicks.total=1");
    // "the contact's latest message of its campaign and step sent at or before it, else the earliest after it"
    let clicked = |story: &str| {
        tell(&definitions(), &format!("accepted id=m1 at=1h; accepted id=m2 at=2h; accepted id=m3 step=s at=0; {story}"))
            .campaigns["spring"]
            .all
            .list("messages.clicked")
            .into_iter()
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (story, expected) in [
        ("click id=c at=2h", "meta/m2@12025550100"),
        ("click id=c at=2h-1ms", "meta/m1@12025550100"),
        ("click id=c at=0", "meta/m1@12025550100"),
        ("click id=c step=s at=9h", "meta/m3@12025550100"),
        ("click id=c step=t at=9h", ""),
        ("accepted id=m9 at=2h; click id=c at=9h", "meta/m9@12025550100"),
        ("provider_click id=c of=m1 at=9h", "meta/m1@12025550100"),
        ("provider_click id=c of=m1 to=nobody at=9h", "meta/m1@12025550100"),
        ("provider_click id=c of=m8 at=9h", ""),
    ] {
        assert_eq!(clicked(story), expected, "{story}");
    }
}

#[test]
fn twenty_human_clicks_a_day_the_rest_is_flood() {
    let clicks = |count: usize, more: &str| (0..count).map(|n| format!("click id=c{n:02} {more};")).collect::<String>();
    check(&clicks(20, "at=0"), "clicks.human=20 clicks.machine=0");
    check(&clicks(23, "at=0"), "clicks.total=23 clicks.human=20 clicks.machine=3");
    // "per contact, link and UTC day"
    check(
        &(clicks(20, "at=24h-1ms") + "click id=x at=24h; click id=y link=b at=0; click id=z to=447700900101 at=0"),
        "clicks.human=23",
    );
    check(&clicks(23, "at=0 to=nobody"), "clicks.human=23");
    check(&(clicks(20, "at=0") + "click id=x machine=head at=0"), "clicks.human=20 clicks.machine=1");
    // "(earliest by time, then id)": the flooded one engages nothing.
    check(&(clicks(20, "at=2h") + "click id=x step=s at=1h; accepted id=m step=s at=0"), "clicks.human=20 messages.clicked=1");
    check(&(clicks(20, "at=2h") + "click id=x step=s at=2h; accepted id=m step=s at=0"), "clicks.human=20 messages.delivered=0");
}

#[test]
fn a_conversion_goes_to_the_latest_touch_in_its_window() {
    let delivered = "accepted id=m1 at=0; delivered id=m1 at=1h;";
    let check = |story: &str, expected: &str| check(&format!("{delivered}{story}"), expected);
    let one = "conversions.total=1 conversions.contacts=1 messages.converted=1 contacts.converted=1";
    check("conversion id=o at=1h", one);
    check("conversion id=o at=25h-1ms", one);
    check("conversion id=o at=25h", "conversions.total=0 unclaimed/conversions=1");
    check("conversion id=o at=1h-1ms", "conversions.total=0 unclaimed/conversions=1");
    check("read id=m2 ref=seen at=2h; conversion id=o at=3h", "conversions.total=0 seen/conversions.total=1");
    check("delivered id=m2 ref=seen at=2h; conversion id=o at=3h", "conversions.total=1 seen/conversions.total=0");
    check("delivered id=m2 ref=open at=2h; reaction id=r quotes=m2 at=150m; conversion id=o at=3h", "open/conversions.total=1");
    // "(ties: larger message id)"
    check(
        "delivered id=m0 ref=spring:s at=1h; conversion id=o at=3h",
        "spring:/conversions.total=1 spring:s/conversions.total=0",
    );
    check(
        "delivered id=m2 ref=spring:s at=1h; conversion id=o at=3h",
        "spring:/conversions.total=0 spring:s/conversions.total=1",
    );
    // "whose goals include it (no goals = all)"
    check("conversion id=o goal=order at=3h", one);
    check("delivered id=m2 ref=chat at=2h; conversion id=o goal=order at=3h", "chat/conversions.total=0 conversions.total=1");
    // "the touch `clicked` is the latest human click at or before it"
    let tapped = "accepted id=t campaign=tap at=0; click id=c campaign=tap at=2h; click id=d campaign=tap at=3h;";
    check(&format!("{tapped} conversion id=o goal=order at=4h-1ms"), "tap/conversions.total=1 conversions.total=0");
    check(&format!("{tapped} conversion id=o goal=order at=3h-1ms"), "tap/conversions.total=1 conversions.total=0");
    check(&format!("{tapped} conversion id=o goal=order at=4h"), "tap/conversions.total=0 conversions.total=1");
    check(&format!("{tapped} conversion id=o at=3h"), "tap/conversions.total=0 conversions.total=1");
    // (goal, id): the same id of another goal is another conversion.
    check("conversion id=o goal=a at=3h; conversion id=o goal=b at=3h; conversion id=o goal=b at=4h", "conversions.total=2");
    // The touch is the state's own time: opened is not read, delivered is not opened.
    let seen = "reaction id=r quotes=s at=26h; read id=s ref=seen at=27h;";
    check(&format!("{seen} conversion id=o at=27h-1ms"), "seen/conversions.total=0");
    check(&format!("{seen} conversion id=o at=27h"), "seen/conversions.total=1");
    let opened = "delivered id=s ref=open at=26h; reaction id=r quotes=s at=27h;";
    check(&format!("{opened} conversion id=o at=27h-1ms"), "open/conversions.total=0");
    check(&format!("{opened} conversion id=o at=27h"), "open/conversions.total=1");
}

#[test]
fn revenue_is_exact_and_one_contact_has_it() {
    let delivered = "delivered id=m1 ref=spring at=0; delivered id=m2 to=447700900101 ref=spring:other at=0;";
    let check = |story: &str, expected: &str| check(&format!("{delivered}{story}"), expected);
    check("conversion id=a amount=0.1 at=1h; conversion id=b amount=0.2 at=1h", "revenue.EUR=0.3");
    check("conversion id=a amount=149.90 at=1h; conversion id=b amount=-150 at=1h", "revenue.EUR=-0.1");
    check("conversion id=a amount=1 at=1h; conversion id=b amount=2 currency=USD at=1h", "revenue.EUR=1 revenue.USD=2");
    check(
        "conversion id=a at=1h; conversion id=a amount=7 at=2h; conversion id=a amount=8 at=3h",
        "revenue.EUR=7 conversions.total=1",
    );
    check("conversion id=a amount=7 at=1h; cancellation id=a to=nobody at=0", "revenue.EUR= conversions.total=0 conflicts/=0");
    // "an explicit contact beats a click id, then the earlier time, then the smaller key"
    let clicked = "click id=c to=447700900101 at=1m;";
    let other = "conflicts/=1 spring:other/conversions.total=1 spring:/conversions.total=0";
    let own = "conflicts/=1 spring:other/conversions.total=0 spring:/conversions.total=1";
    check(&format!("{clicked} conversion id=a click=c to=nobody at=1h; conversion id=a at=2h"), own);
    check("conversion id=a at=2h; conversion id=a to=447700900101 at=1h", other);
    check("conversion id=a at=1h; conversion id=a to=447700900101 at=1h", own);
    check(&format!("{clicked} conversion id=a click=c to=nobody at=1h"), "spring:other/conversions.total=1 conflicts/=0");
    check("conversion id=a click=c to=nobody at=1h", "unclaimed/conversions_of_nobody=1 conversions.total=0");
}

#[test]
fn an_error_whose_attempt_was_accepted_is_no_error() {
    let lost = "messages.attempted=1 messages.dispatch_errors=1 messages.sent=0 errors.dispatch.429=1 contacts.failed_total=1";
    check(
        "error attempt=a code=429 at=0; error attempt=a code=500 at=1h",
        &format!("{lost} contacts.failed=0 contacts.submitted=1"),
    );
    let saved =
        "messages.attempted=1 messages.dispatch_errors=0 messages.sent=1 messages.error_then_sent=1 errors.dispatch.429=0";
    check("error attempt=a code=429 at=0; accepted id=m attempt=a at=1h", saved);
    check("error attempt=a code=429 at=0; sent id=m ref=spring::a at=1h", saved);
    check("error attempt=a id=m code=429 at=0; sent id=m ref=spring at=1h", saved);
    // Another attempt, step or contact is another matter.
    let both = "messages.attempted=2 messages.dispatch_errors=1 messages.sent=1 messages.error_then_sent=0";
    check("error attempt=a code=429 at=0; accepted id=m attempt=b at=1h", both);
    check("error attempt=a code=429 at=0; accepted id=m step=s attempt=a at=1h", both);
    check("error attempt=a code=429 at=0; accepted id=m to=447700900101 attempt=a at=1h", both);
    check("error attempt=a code=429 at=0; error attempt=b code=429 at=0", "messages.dispatch_errors=2 contacts.dispatch_error=1");

    // A reference that the dispatch contradicts names no attempt.
    check("error attempt=a code=429 at=0; accepted id=m at=1h; sent id=m ref=tap::a at=1h", both);
}

#[test]
fn each_contact_stands_in_one_place_of_the_audience() {
    check("control at=0", "contacts.control=1 contacts.submitted=0 contacts.contaminated=0");
    check("control at=0; skipped reason=dnd at=0", "contacts.control=1 contacts.skipped=0 skipped.dnd=0");
    check("skipped reason=b at=1h; skipped reason=a at=2h; skipped at=0", "contacts.skipped=1 skipped.b=1 skipped.a=0");
    check("skipped at=0; accepted id=m at=1h", "contacts.skipped=0 contacts.submitted=1 contacts.contaminated=0");
    check("control at=0; error attempt=a at=1h", "contacts.control=0 contacts.submitted=1 contacts.contaminated=1");
    check("control at=0; skipped group=target at=1h", "contacts.control=1 contacts.contaminated=1 contaminated=1");
    // "failed (failed and none delivered)"
    check(
        "failed id=m ref=spring at=0; delivered id=n ref=spring at=0",
        "contacts.failed=0 contacts.failed_total=0 messages.failed=1",
    );
    check(
        "failed id=m ref=spring at=0; sent id=n ref=spring at=0",
        "contacts.failed=1 contacts.failed_total=1 contacts.in_flight=1",
    );
    check("failed id=m ref=spring:a at=0; delivered id=n ref=spring:b at=0", "contacts.failed=0 spring:a/contacts.failed=1");
    // Two campaigns that nobody declared wait in one place: the earliest reason.
    check(
        "skipped campaign=x reason=b at=0; skipped campaign=y reason=a at=1h",
        "_unattributed/contacts.skipped=1 _unattributed/skipped.b=1 _unattributed/skipped.a=0",
    );
}

#[test]
fn experiments_are_by_intention_to_treat() {
    check("accepted id=m at=0; conversion id=o at=24h-1ms", "target=1 target.converted=1 conversions.total=0");
    check("accepted id=m at=0; conversion id=o at=24h", "target=1 target.converted=0");
    check("error attempt=a at=0; conversion id=o at=1h", "target=1 target.converted=1");
    check("error attempt=a at=0; accepted id=m attempt=a at=2h; conversion id=o at=1h", "target.converted=1");
    check("skipped group=target at=1h; conversion id=o at=1h", "target=1 target.converted=1 contacts.skipped=1");
    check("skipped at=0; conversion id=o at=1h", "target=0 control=0");
    check("control at=0; conversion id=o at=24h-1ms", "control=1 control.converted=1 conversions.total=0");
    check("control at=0; conversion id=o at=24h", "control=1 control.converted=0");
    check("control campaign=tap at=0; conversion id=o at=0", "tap/control=1 tap/control.converted=0");
    check("control at=0; accepted id=m at=0; conversion id=o at=0", "contaminated=1 control=0 target=0");
}

#[test]
fn stopped_campaigns_count_what_still_arrives() {
    let mut stopped = definitions();
    stopped.campaigns[0]["stopped_at_ms"] = json!(START_MS);
    check_with(&stopped, "accepted id=m at=-1ms; accepted id=n at=0", "messages.sent=2 messages.after_stop=1");
}

#[test]
fn a_campaign_declared_after_its_events_has_them_all() {
    let story =
        "accepted id=m1 step=s at=0; read id=m1 at=1h; click id=c step=s at=1h; message id=i at=2h; conversion id=o at=2h;
                 error attempt=a at=0; skipped to=447700900101 reason=dnd at=0";
    check_with(
        &Definitions { campaigns: Vec::new(), ..definitions() },
        story,
        "_unattributed/messages.read=1 _unattributed/messages.attempted=2 _unattributed/contacts.skipped=1 _unattributed/clicks.total=1
         _unattributed/messages.clicked=0 unclaimed/replies=1 unclaimed/conversions=1",
    );
    check(
        story,
        "_unattributed/messages.sent=0 spring:s/messages.read=1 messages.attempted=2 contacts.skipped=1 messages.clicked=1
         replies.total=1 conversions.total=1 unclaimed/replies=0",
    );
}

#[test]
fn the_two_bases_of_a_period() {
    let story = "accepted id=m at=0; delivered id=m at=1h; conversion id=o amount=5 at=2h; click id=c at=3h; message id=i at=4h;
                 error attempt=a code=1 at=15m; click id=d campaign=spring step=x at=5h";
    let spring = tell(&definitions(), story).campaigns["spring"].all.clone();
    let quarters = |by: &BTreeMap<i64, model::answers::Numbers>, metric: &str| {
        let minutes = |(quarter, numbers): (&i64, &model::answers::Numbers)| {
            numbers.get(metric).map(|number| ((quarter - START_MS) / 60_000, *number))
        };
        by.iter().filter_map(minutes).collect::<Vec<_>>()
    };
    for (metric, sent, event) in [
        ("messages.sent", vec![(0, 1)], vec![(0, 1)]),
        ("messages.delivered", vec![(0, 1)], vec![(60, 1)]),
        ("messages.opened", vec![(0, 1)], vec![(180, 1)]),
        ("messages.clicked", vec![(0, 1)], vec![(180, 1)]),
        ("messages.replied", vec![(0, 1)], vec![(240, 1)]),
        ("messages.converted", vec![(0, 1)], vec![(120, 1)]),
        ("messages.attempted", vec![(0, 1), (15, 1)], vec![(0, 1), (15, 1)]),
        ("errors.dispatch.1", vec![(15, 1)], vec![(15, 1)]),
        ("clicks.human", vec![(0, 1), (300, 1)], vec![(180, 1), (300, 1)]),
        ("conversions.total", vec![(0, 1)], vec![(120, 1)]),
        ("contacts.sent", vec![], vec![]),
    ] {
        assert_eq!(quarters(&spring.by_sent, metric), sent, "{metric} by sent");
        assert_eq!(quarters(&spring.by_event, metric), event, "{metric} by event");
    }
    assert_eq!(spring.revenue_by_sent[&START_MS]["EUR"], "5");
    assert_eq!(spring.revenue_by_event[&(START_MS + 2 * model::HOUR_MS)]["EUR"], "5");
}

#[test]
fn combinations_are_of_people_and_of_messages() {
    let story =
        "delivered id=m ref=spring at=0; failed id=n ref=spring at=0; error attempt=a at=0; click id=c to=447700900101 at=0";
    let spring = tell(&definitions(), story).campaigns["spring"].all.clone();
    let expected = |pairs: &[(&str, u64)]| pairs.iter().map(|(states, n)| ((*states).to_owned(), *n)).collect::<BTreeMap<_, _>>();
    assert_eq!(spring.contact_combinations, expected(&[("attempted,delivered,dispatch_error,sent", 1), ("clicked", 1)]));
    assert_eq!(
        spring.message_combinations,
        expected(&[("attempted,delivered,sent", 1), ("attempted,dispatch_error", 1), ("attempted,failed,sent", 1)])
    );
}

#[test]
fn links_have_their_own_numbers() {
    let story =
        "click id=a at=0; click id=b at=1h; click id=c machine=head at=0; click id=d to=nobody at=0; click id=e link=b at=0";
    let spring = tell(&definitions(), story).campaigns["spring"].all.clone();
    let link = |id: &str| ["total", "human", "machine", "unique"].map(|name| spring.links[id].get(name).copied().unwrap_or(0));
    assert_eq!(link("a"), [4, 3, 1, 1]);
    assert_eq!(link("b"), [1, 1, 0, 1]);
}

#[test]
fn conversations_are_threads_of_24_hours() {
    let threads = |story: &str| {
        let answers = tell(&definitions(), story);
        let show = |c: &model::answers::Conversation| {
            let hours = (c.opened_ms - START_MS) / model::HOUR_MS;
            format!("{}@{hours}{}", c.category, if c.window_unseen { " unseen" } else { "" })
        };
        answers.conversations.iter().map(show).collect::<Vec<_>>().join(", ")
    };
    let marketing = |id: &str, at: &str| format!("delivered id={id} category=marketing at={at};");
    let service = |id: &str, at: &str| format!("delivered id={id} category=service at={at};");
    for (story, expected) in [
        ("sent id=m category=marketing at=0".to_owned(), ""),
        (marketing("m", "0") + &marketing("n", "24h-1ms"), "marketing@0"),
        (marketing("m", "0") + &marketing("n", "24h"), "marketing@0, marketing@24"),
        (marketing("m", "0") + "delivered id=u category=utility at=1h", "marketing@0, utility@1"),
        (marketing("m", "0") + &service("s", "1h"), "marketing@0"),
        (service("s", "0") + &marketing("m", "1h"), "service@0 unseen, marketing@1"),
        ("message id=i at=0;".to_owned() + &service("s", "24h-1ms"), "service@23"),
        ("message id=i at=0;".to_owned() + &service("s", "24h"), "service@24 unseen"),
        ("message id=i sender=1 at=0; sent id=s sender=2 at=0;".to_owned() + &service("s", "1h"), "service@1 unseen"),
        // "(delivered time, templates before service, message id)"
        (service("a", "1h") + &marketing("z", "1h"), "marketing@1"),
        // An inferred delivery opens too, at its time; another number, another thread.
        ("sent id=m category=utility at=0; reaction id=r quotes=m at=2h".to_owned(), "utility@2"),
        (marketing("m", "0") + "delivered id=n category=marketing sender=2 at=0", "marketing@0, marketing@0"),
    ] {
        assert_eq!(threads(&story), expected, "{story}");
    }
}

/// What holds of every answer, whatever happened (§3, §5).
fn assert_it_adds_up(answers: &Answers) {
    for (id, campaign) in &answers.campaigns {
        for (step, scope) in
            [("all", &campaign.all)].into_iter().chain(campaign.steps.iter().map(|(s, scope)| (s.as_str(), scope)))
        {
            let n = |metric: &str| scope.number(metric);
            let place = format!("{id}:{step}");
            assert_eq!(n("messages.attempted"), n("messages.sent") + n("messages.dispatch_errors"), "{place}");
            assert_eq!(n("messages.sent"), n("messages.delivered") + n("messages.failed") + n("messages.in_flight"), "{place}");
            assert_eq!(n("clicks.total"), n("clicks.human") + n("clicks.machine"), "{place}");
            for kind in ["messages", "contacts"] {
                let list = |state: &str| scope.list(&format!("{kind}.{state}"));
                for (smaller, larger) in
                    [("read", "opened"), ("opened", "delivered"), ("delivered", "sent"), ("sent", "attempted")]
                {
                    assert!(list(smaller).is_subset(&list(larger)), "{place} {kind} {smaller} in {larger}");
                }
                assert_eq!(&list("clicked") | &list("quick_replied"), list("interacted"), "{place} {kind}");
            }
            let sum = |numbers: &BTreeMap<String, u64>, prefix: &str| -> u64 {
                numbers.iter().filter(|(metric, _)| metric.starts_with(prefix)).map(|(_, number)| number).sum()
            };
            assert_eq!(sum(&scope.numbers, "errors.delivery."), n("messages.failed"), "{place}");
            assert_eq!(sum(&scope.numbers, "errors.dispatch."), n("messages.dispatch_errors"), "{place}");
            assert_eq!(sum(&scope.numbers, "skipped."), n("contacts.skipped"), "{place}");
            for (metric, number) in &scope.numbers {
                if metric.starts_with("contacts.") || metric.starts_with("skipped.") || metric == "conversions.contacts" {
                    continue;
                }
                for by in [&scope.by_sent, &scope.by_event] {
                    assert_eq!(by.values().filter_map(|numbers| numbers.get(metric)).sum::<u64>(), *number, "{place} {metric}");
                }
                if step == "all" {
                    assert_eq!(campaign.steps.values().map(|scope| scope.number(metric)).sum::<u64>(), *number, "{id} {metric}");
                }
            }
            for (combinations, kind) in [(&scope.contact_combinations, "contacts."), (&scope.message_combinations, "messages.")] {
                for state in model::answers::SEGMENTS {
                    let with: u64 =
                        combinations.iter().filter(|(states, _)| states.split(',').any(|s| s == state)).map(|(_, n)| n).sum();
                    let metric = if state == "dispatch_error" && kind == "messages." { "dispatch_errors" } else { state };
                    assert_eq!(with, n(&format!("{kind}{metric}")), "{place} {kind}{state}");
                }
            }
        }
    }
}

#[test]
fn the_same_seed_is_the_same_scenario_and_different_seeds_differ() {
    assert_eq!(generate(7).received, generate(7).received);
    assert_ne!(generate(7).received, generate(8).received);
}

/// A generator that has gone dull proves nothing: every number of the contract happens within a few seeds, and every scenario is
/// as large as promised.
#[test]
fn everything_happens() {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..60 {
        let scenario = generate(seed);
        assert!(scenario.received.len() >= 200);
        let answers = recount(&scenario.received, &scenario.definitions);
        assert_it_adds_up(&answers);
        for (id, campaign) in &answers.campaigns {
            let kind = if id == UNATTRIBUTED { "unattributed " } else { "" };
            for (metric, number) in &campaign.all.numbers {
                *seen.entry(format!("{kind}{metric}")).or_default() += number;
            }
            *seen.entry("target".to_owned()).or_default() += u64::try_from(campaign.experiment.target.converted.len()).unwrap();
            *seen.entry("control".to_owned()).or_default() += u64::try_from(campaign.experiment.control.converted.len()).unwrap();
        }
        for (name, number) in answers.unclaimed.iter().chain(&answers.unmatched) {
            *seen.entry(name.clone()).or_default() += number;
        }
        for conversation in &answers.conversations {
            *seen.entry(format!("{} {}", conversation.category, conversation.window_unseen)).or_default() += 1;
        }
        for conflict in &answers.conflicts {
            let json = serde_json::to_value(conflict).unwrap();
            *seen.entry(format!("conflict {}", json["conflict"].as_str().unwrap())).or_default() += 1;
        }
    }
    let messages =
        "attempted dispatch_errors error_then_sent sent delivered delivered_inferred opened read failed in_flight clicked
                    replied quick_replied interacted converted billable after_stop";
    let contacts = "submitted sent delivered opened read failed failed_total clicked replied quick_replied interacted converted
                    skipped control contaminated dispatch_error in_flight";
    let others = "clicks.total clicks.human clicks.machine clicks.unique replies.total replies.quick reactions conversions.total
                  conversions.contacts target control replies quick_replies conversions conversions_of_nobody meta-1 twilio-1";
    let named = messages
        .split_whitespace()
        .map(|m| format!("messages.{m}"))
        .chain(contacts.split_whitespace().map(|c| format!("contacts.{c}")))
        .chain(others.split_whitespace().map(str::to_owned))
        .chain(
            ["service true", "service false", "conflict dispatch", "conflict conversion", "unattributed reactions"]
                .map(str::to_owned),
        )
        .chain(
            ["unattributed messages.error_then_sent", "unattributed replies.total", "unattributed clicks.human"]
                .map(str::to_owned),
        );
    let missing: Vec<_> = named.filter(|name| seen.get(name).is_none_or(|number| *number < 10)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_long_timeline_is_still_recounted() {
    let shape = Shape { messages_of_first: 500, ..Shape::default() };
    let scenario = generate::generate_with(1, &shape);
    assert_it_adds_up(&recount(&scenario.received, &scenario.definitions));
}

/// What one contact's timeline can hold by itself: nothing names nobody, and nothing is in two hands.
#[test]
fn within_contacts_nothing_is_between_them() {
    for seed in 0..20 {
        let scenario = generate::generate_with(seed, &Shape::within_contacts());
        let answers = recount(&scenario.received, &scenario.definitions);
        assert!(answers.unmatched.is_empty());
        for conflict in &answers.conflicts {
            let model::answers::Conflict::Dispatch { message_id, contact, .. } = conflict else { panic!("{conflict:?}") };
            let own = scenario.received.iter().filter(|r| r.event["message_id"] == **message_id && r.event["kind"] == "dispatch");
            let people = own.filter_map(|r| people::person(&r.event)).collect::<std::collections::BTreeSet<_>>();
            assert_eq!(people.into_iter().collect::<Vec<_>>(), std::slice::from_ref(contact));
        }
    }
}

#[test]
fn minimising_leaves_only_what_is_needed() {
    let list = generate(3).received;
    let is = |r: &Received, kind: &str| r.event["kind"] == kind;
    let fails = |l: &[Received]| l.iter().filter(|r| is(r, "click")).count() >= 2 && l.iter().any(|r| is(r, "conversion"));
    assert_eq!(minimise(&list, fails).len(), 3);
}

fn sorted(list: &[Received]) -> Vec<String> {
    let mut texts: Vec<_> = list.iter().map(|r| serde_json::to_string(r).unwrap()).collect();
    texts.sort();
    texts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// §0 of the judge itself: order and repetition are nothing.
    #[test]
    fn the_model_keeps_the_one_law(scenario in scenarios(), seed: u64) {
        let once = recount(&scenario.received, &scenario.definitions);
        assert_it_adds_up(&once);
        let again = shuffle(seed, &repeat(seed, &scenario.received));
        prop_assert_eq!(once, recount(&again, &scenario.definitions));
    }

    #[test]
    fn batches_and_shuffles_lose_nothing(seed: u64) {
        let list = generate(seed).received;
        prop_assert_eq!(split(seed, &list).concat(), list.clone());
        prop_assert_eq!(sorted(&shuffle(seed, &list)), sorted(&list));
        let repeated = repeat(seed, &list);
        prop_assert!(repeated.len() > list.len());
        let events = |l: &[Received]| l.iter().map(|r| r.event.to_string()).collect::<std::collections::BTreeSet<_>>();
        prop_assert_eq!(events(&repeated), events(&list));
    }
}

/// Answers can be stored and compared as text.
#[test]
fn answers_are_json() {
    let scenario = generate(5);
    let answers = recount(&scenario.received, &scenario.definitions_before());
    let text: Value = serde_json::to_value(&answers).unwrap();
    assert_eq!(serde_json::from_value::<Answers>(text).unwrap(), answers);
}
