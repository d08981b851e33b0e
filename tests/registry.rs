//! The Registry's core over SQLite: what a declaration does the second time, what a list shows, and that every target learns of
//! every change, whatever breaks in between.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/rusqlite_sql.rs"]
mod rusqlite_sql;

use std::collections::BTreeMap;

use bluetick::campaign::Campaign;
use bluetick::channel::Channel;
use bluetick::denied::Denied;
use bluetick::partition::Partition;
use bluetick::policy::{Policy, Touch};
use bluetick::problem::Problem;
use bluetick::registry::{Answer, Command, DENIED, Delivery, Filter, Kind, Page, Registry, SETTINGS, Target, numbered};
use bluetick::{contact, transfer};
use proptest::prelude::*;
use rusqlite_sql::RusqliteSql;
use serde_json::{Value, json};

const KEY: [u8; 32] = [5; 32];
const LEDGERS: u32 = 3;

fn open(sql: &RusqliteSql) -> Registry<RusqliteSql> {
    Registry::open(sql.clone(), KEY, LEDGERS).unwrap()
}

fn registry() -> Registry<RusqliteSql> {
    open(&RusqliteSql::default())
}

fn apply(registry: &mut Registry<RusqliteSql>, command: &Command, now_ms: i64) -> Result<Answer, Problem> {
    let mut entropy = [0; 32];
    for (byte, n) in entropy.iter_mut().zip(now_ms.to_be_bytes().into_iter().cycle()) {
        *byte = n;
    }
    registry.apply(command, entropy, now_ms)
}

fn put_campaign(id: &str, more: Value) -> Command {
    let mut body = json!({"name": "n", "type": "broadcast", "message_type": "template"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Command::PutCampaign { id: id.to_owned(), body }
}

fn put_channel(body: Value) -> Command {
    Command::PutChannel { id: "wa".to_owned(), body }
}

fn channel(answer: &Answer) -> Channel {
    serde_json::from_str(&answer.json).unwrap()
}

fn campaign(answer: &Answer) -> Campaign {
    serde_json::from_str(&answer.json).unwrap()
}

#[test]
fn a_campaign_is_declared_once() {
    let mut registry = registry();
    let first = apply(&mut registry, &put_campaign("a", json!({})), 1).unwrap();
    assert!(first.created);
    let again = apply(&mut registry, &put_campaign("a", json!({"tags": []})), 2).unwrap();
    assert_eq!((again.created, &again.json), (false, &first.json));
    let differing = apply(&mut registry, &put_campaign("a", json!({"attribution": {"touch": "read"}})), 3).unwrap_err();
    assert_eq!((differing.status, differing.errors[0].pointer.as_str()), (409, "/attribution/touch"));
    let second = apply(&mut registry, &put_campaign("b", json!({})), 4).unwrap();
    assert_eq!((campaign(&first).no, campaign(&second).no), (1, 2));
    for id in ["", "a b", "_unattributed", ".."] {
        assert_eq!(apply(&mut registry, &put_campaign(id, json!({})), 5).unwrap_err().status, 400, "{id}");
    }
}

#[test]
fn a_campaign_changes_by_patch() {
    let mut registry = registry();
    apply(&mut registry, &put_campaign("a", json!({})), 1).unwrap();
    let mut patch =
        |id: &str, body: Value, now_ms| apply(&mut registry, &Command::PatchCampaign { id: id.to_owned(), body }, now_ms);
    assert_eq!(campaign(&patch("a", json!({"status": "stopped"}), 7).unwrap()).stopped_at_ms, Some(7));
    assert_eq!(campaign(&patch("a", json!({"status": "stopped"}), 8).unwrap()).stopped_at_ms, Some(7));
    assert_eq!(patch("a", json!({"status": "live"}), 9).unwrap_err().status, 409);
    assert_eq!(patch("b", json!({}), 9).unwrap_err().status, 404);
}

#[test]
fn a_channel_keeps_what_can_only_be_written() {
    let mut registry = registry();
    let unsigned = apply(&mut registry, &put_channel(json!({"provider": "meta"})), 1).unwrap_err();
    assert_eq!((unsigned.status, unsigned.errors[0].pointer.as_str()), (400, "/secrets"));
    let first = apply(&mut registry, &put_channel(json!({"provider": "meta", "secrets": ["old", "new"]})), 2).unwrap();
    assert!(first.created && !first.json.contains("old\""));
    let first = channel(&first);
    assert_eq!(first.open_secrets(&KEY), ["old", "new"]);
    assert_ne!(first.secrets[0][..16], first.secrets[1][..16], "one nonce for two secrets");

    let renamed = channel(&apply(&mut registry, &put_channel(json!({"provider": "meta", "name": "Meta"})), 3).unwrap());
    assert_eq!((renamed.open_secrets(&KEY).len(), renamed.name.as_str()), (2, "Meta"));
    assert_eq!((&renamed.tokens, renamed.created_at_ms), (&first.tokens, 2));
    let cleared = put_channel(json!({"provider": "meta", "secrets": [], "allow_unsigned": true}));
    assert!(channel(&apply(&mut registry, &cleared, 4).unwrap()).secrets.is_empty());
}

#[test]
fn a_rotated_token_overlaps() {
    const HOUR_MS: i64 = 3_600_000;
    let mut registry = registry();
    let body = json!({"provider": "meta", "secrets": ["s"]});
    let old = channel(&apply(&mut registry, &put_channel(body), 1).unwrap()).tokens[0].token.clone();
    let mut rotate = |hours: Value, now_ms| {
        let body = json!({ "overlap_hours": hours });
        apply(&mut registry, &Command::RotateChannel { id: "wa".to_owned(), body }, now_ms).map(|answer| channel(&answer))
    };
    let rotated = rotate(json!(2), 10).unwrap();
    let new = rotated.tokens[0].token.clone();
    assert_ne!(new, old);
    assert!(rotated.opens(&new, 11) && rotated.opens(&old, 10 + 2 * HOUR_MS - 1) && !rotated.opens(&old, 10 + 2 * HOUR_MS));
    // A second one never lets the first live longer, and with no overlap nothing old is good.
    let twice = rotate(json!(100), 20).unwrap();
    assert!(!twice.opens(&old, 10 + 2 * HOUR_MS) && twice.opens(&new, 20 + 99 * HOUR_MS));
    let alone = rotate(json!(0), 30).unwrap();
    assert!(!alone.opens(&new, 31) && !alone.opens(&old, 31));
    for wrong in [json!(-1), json!(721), json!("2"), Value::Null] {
        assert_eq!(rotate(wrong, 40).unwrap_err().status, 400);
    }
}

#[test]
fn the_same_link_is_one_link() {
    let mut registry = registry();
    let mut post = |more: Value| {
        let mut body = json!({"campaign": "a", "url": "https://shop.example/x"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = apply(&mut registry, &Command::PostLink { body }, 1).unwrap();
        let link: Value = serde_json::from_str(&answer.json).unwrap();
        (answer.created, link["no"].as_u64().unwrap())
    };
    assert_eq!(post(json!({})), (true, 1));
    assert_eq!(post(json!({})), (false, 1));
    for (more, no) in [
        (json!({"campaign": "b"}), 2),
        (json!({"step": "s"}), 3),
        (json!({"label": "l"}), 4),
        (json!({"append_click_id": true}), 5),
        (json!({"url": "https://shop.example/y"}), 6),
    ] {
        assert_eq!(post(more), (true, no));
    }
    // A number is never given twice, and a deleted link is not found again.
    let delete = Command::Delete { kind: Kind::Link, id: "l6".to_owned() };
    apply(&mut registry, &delete, 2).unwrap();
    assert_eq!(apply(&mut registry, &delete, 2).unwrap_err().status, 404);
    let body = json!({"campaign": "a", "url": "https://shop.example/y"});
    let again = apply(&mut registry, &Command::PostLink { body }, 3).unwrap();
    assert!(again.created && again.json.contains("\"no\":7"));
}

fn denied(registry: &mut Registry<RusqliteSql>) -> Denied {
    let get = Command::Get { kind: Kind::Denied, id: DENIED.to_owned() };
    serde_json::from_str(&apply(registry, &get, 1).unwrap().json).unwrap()
}

#[test]
fn the_deny_list_follows_from_links_and_keys() {
    let mut registry = registry();
    let mut told = Told::default();
    for n in 1..=4 {
        let body = json!({"campaign": "a", "url": format!("https://shop.example/{n}")});
        apply(&mut registry, &Command::PostLink { body }, n).unwrap();
    }
    assert_eq!(denied(&mut registry), Denied::default());
    let patch = |id: &str, body: Value| Command::PatchLink { id: id.to_owned(), body };
    let revoke = |id: &str| Command::RevokeMintingKey { id: id.to_owned() };
    let post = Command::PostMintingKey { body: json!({"name": "CRM"}) };
    for (command, links, keys) in [
        (patch("l3", json!({"disabled": true})), vec![3], vec![]),
        (patch("l3", json!({"label": "x"})), vec![3], vec![]),
        (Command::Delete { kind: Kind::Link, id: "l1".to_owned() }, vec![1, 3], vec![]),
        (post.clone(), vec![1, 3], vec![]),
        (post, vec![1, 3], vec![]),
        (revoke("129"), vec![1, 3], vec![129]),
        (revoke("128"), vec![1, 3], vec![128, 129]),
        (revoke("128"), vec![1, 3], vec![128, 129]),
        // What is enabled again is good again; what is deleted or revoked is not.
        (patch("l3", json!({"disabled": false})), vec![1], vec![128, 129]),
    ] {
        apply(&mut registry, &command, 9).unwrap();
        let expected = Denied { links, keys };
        assert_eq!(denied(&mut registry), expected, "{command:?}");
        tell(&registry, &mut told, &[(true, true); 4]);
        let copy = told.copies.get("denied:all").map(|copy| serde_json::from_str::<Denied>(copy).unwrap());
        assert_eq!(copy.unwrap_or_default(), expected, "{command:?}");
    }
    assert_eq!(apply(&mut registry, &revoke("130"), 9).unwrap_err().status, 404);
}

#[test]
fn minting_keys_have_ids_of_their_own() {
    let mut registry = registry();
    let post = Command::PostMintingKey { body: json!({}) };
    for id in 128..=255 {
        let key: Value = serde_json::from_str(&apply(&mut registry, &post, 1).unwrap().json).unwrap();
        assert_eq!(key["no"], json!(id));
    }
    assert_eq!(apply(&mut registry, &post, 1).unwrap_err().status, 409);
}

#[test]
fn a_campaign_is_found_by_its_number() {
    let mut registry = registry();
    for id in ["a", "b"] {
        apply(&mut registry, &put_campaign(id, json!({})), 1).unwrap();
    }
    let get = |id: &str| Command::Get { kind: Kind::Campaign, id: id.to_owned() };
    assert_eq!(campaign(&apply(&mut registry, &get(&numbered(2)), 1).unwrap()).id, "b");
    for nothing in ["#3", "#", "#x", "#-1"] {
        assert_eq!(apply(&mut registry, &get(nothing), 1).unwrap_err().status, 404, "{nothing}");
    }
}

#[test]
fn settings_have_defaults() {
    let mut registry = registry();
    let get = Command::Get { kind: Kind::Settings, id: SETTINGS.to_owned() };
    assert!(apply(&mut registry, &get, 1).unwrap().json.contains("\"timezone\":\"UTC\""));
    let put = Command::PutSettings { body: json!({"timezone": "Asia/Kolkata"}) };
    apply(&mut registry, &put, 2).unwrap();
    assert!(apply(&mut registry, &get, 3).unwrap().json.contains("Asia/Kolkata"));
}

#[test]
fn pages_show_everything_once() {
    let mut registry = registry();
    for n in 0..7 {
        let more = json!({"tags": [if n % 2 == 0 { "even" } else { "odd" }]});
        apply(&mut registry, &put_campaign(&format!("c{n}"), more), n).unwrap();
    }
    let mut list = |filters: &[(Filter, &str)], limit: u32| {
        let (mut ids, mut after, mut total) = (Vec::new(), String::new(), None);
        loop {
            let filters = filters.iter().map(|(filter, value)| (*filter, (*value).to_owned())).collect();
            let command = Command::List { kind: Kind::Campaign, filters, after, limit };
            let page: Page<Campaign> = serde_json::from_str(&apply(&mut registry, &command, 9).unwrap().json).unwrap();
            assert!(*total.get_or_insert(page.total) == page.total && page.data.len() <= limit as usize);
            ids.extend(page.data.into_iter().map(|campaign| campaign.id));
            match page.next {
                Some(next) => after = next,
                None => return (ids.join(" "), total.unwrap()),
            }
        }
    };
    for limit in 1..=8 {
        assert_eq!(list(&[], limit), ("c0 c1 c2 c3 c4 c5 c6".to_owned(), 7), "{limit}");
        assert_eq!(list(&[(Filter::Tag, "odd")], limit), ("c1 c3 c5".to_owned(), 3), "{limit}");
    }
    assert_eq!(list(&[(Filter::Status, "live"), (Filter::Type, "flow")], 5), (String::new(), 0));
    assert_eq!(list(&[(Filter::MessageType, "template"), (Filter::Tag, "' OR 1=1 --")], 5), (String::new(), 0));
}

/// What the targets hold: what they were told, in the order of arrival.
#[derive(Default)]
struct Told {
    policies: BTreeMap<Target, BTreeMap<u32, Policy>>,
    copies: BTreeMap<String, String>,
}

impl Told {
    fn take(&mut self, delivery: &Delivery) {
        for policy in &delivery.campaigns {
            self.policies.entry(delivery.target).or_default().insert(policy.no, policy.clone());
        }
        for (_, key, value) in &delivery.copies {
            match value {
                Some(value) => self.copies.insert(key.clone(), value.clone()),
                None => self.copies.remove(key),
            };
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Do(Command),
    /// Deliveries are made: of each target, whether it hears, and whether the acknowledgement is kept.
    Tell(Vec<(bool, bool)>),
    /// The object dies and wakes.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let id = prop::sample::select(vec!["a", "b", "c"]);
    prop_oneof![
        id.clone().prop_map(|id| Step::Do(put_campaign(id, json!({})))),
        (id, prop::sample::select(vec!["live", "paused", "stopped"])).prop_map(|(id, status)| {
            Step::Do(Command::PatchCampaign { id: id.to_owned(), body: json!({ "status": status }) })
        }),
        Just(Step::Do(put_channel(json!({"provider": "meta", "secrets": ["s"]})))),
        Just(Step::Do(Command::Delete { kind: Kind::Channel, id: "wa".to_owned() })),
        prop::collection::vec(any::<(bool, bool)>(), 4).prop_map(Step::Tell),
        Just(Step::Restart),
    ]
}

fn tell(registry: &Registry<RusqliteSql>, told: &mut Told, luck: &[(bool, bool)]) {
    for (delivery, (hears, kept)) in registry.deliveries().unwrap().iter().zip(luck) {
        if *hears {
            told.take(delivery);
            if *kept {
                registry.acknowledge(delivery.target, delivery.revision).unwrap();
            }
        }
    }
}

proptest! {
    /// Whatever is changed, lost, repeated or broken off: once deliveries get through again, everybody holds the truth, and then
    /// there is nothing left to tell.
    #[test]
    fn everybody_learns_everything(steps in prop::collection::vec(step(), 1..40)) {
        let sql = RusqliteSql::default();
        let (mut registry, mut told) = (open(&sql), Told::default());
        for (now_ms, step) in steps.iter().enumerate() {
            match step {
                Step::Do(command) => { let _ = apply(&mut registry, command, now_ms as i64); }
                Step::Tell(luck) => tell(&registry, &mut told, luck),
                Step::Restart => registry = open(&sql),
            }
        }
        for _ in 0..100 {
            tell(&registry, &mut told, &[(true, true); 4]);
        }
        prop_assert!(registry.deliveries().unwrap().is_empty());

        let mut truth: Vec<Policy> = Vec::new();
        for id in ["a", "b", "c"] {
            let get = Command::Get { kind: Kind::Campaign, id: id.to_owned() };
            let answer = apply(&mut registry, &get, 99);
            prop_assert_eq!(told.copies.get(&Kind::Campaign.copy_key(id)), answer.as_ref().ok().map(|answer| &answer.json));
            truth.extend(answer.ok().map(|answer| campaign(&answer).policy()));
        }
        truth.sort_by_key(|policy| policy.no);
        for ledger in 0..LEDGERS {
            let known: Vec<Policy> = told.policies.get(&Target::Ledger(ledger)).into_iter().flatten().map(|(_, p)| p.clone()).collect();
            prop_assert_eq!(&known, &truth);
        }
        let get = Command::Get { kind: Kind::Channel, id: "wa".to_owned() };
        let channel = apply(&mut registry, &get, 99).ok().map(|answer| answer.json);
        prop_assert_eq!(told.copies.get("channel:wa"), channel.as_ref());
    }
}

#[test]
fn more_changes_than_one_delivery_holds() {
    let mut registry = registry();
    for n in 0..250 {
        apply(&mut registry, &put_campaign(&format!("c{n}"), json!({})), n).unwrap();
    }
    let mut told = Told::default();
    let mut rounds = 0;
    while !registry.deliveries().unwrap().is_empty() {
        tell(&registry, &mut told, &[(true, true); 4]);
        rounds += 1;
        assert!(rounds < 10);
    }
    assert!(rounds > 1);
    assert_eq!((told.copies.len(), told.policies[&Target::Ledger(2)].len()), (500, 250));
}

/// A store so slow that one copy gets there at a time, and the rest of the delivery is given up.
#[test]
fn copies_arrive_one_by_one() {
    let mut registry = registry();
    for n in 0..5 {
        apply(&mut registry, &put_campaign(&format!("c{n}"), json!({})), n).unwrap();
    }
    let (mut there, mut rounds) = (BTreeMap::new(), 0);
    while let Some(delivery) = registry.deliveries().unwrap().into_iter().find(|delivery| delivery.target == Target::Copies) {
        // A campaign has two copies.
        let [first, second, rest @ ..] = &delivery.copies[..] else { panic!("{delivery:?}") };
        assert!(first.0 == second.0 && rest.iter().all(|next| next.0 > first.0), "{delivery:?}");
        there.extend([first, second].map(|(_, key, value)| (key.clone(), value.clone())));
        registry.acknowledge(delivery.target, rest.first().map_or(delivery.revision, |next| next.0 - 1)).unwrap();
        rounds += 1;
    }
    assert_eq!((rounds, there.len()), (5, 10));
}

#[test]
fn a_campaign_that_says_nothing_of_its_attribution_has_the_settings() {
    let mut registry = registry();
    let attribution = |answer: &Answer| {
        let declared = campaign(answer).declared;
        (declared.attribution_window_hours, declared.touch)
    };
    let settings = |more: Value| {
        let mut body = json!({"timezone": "UTC"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Command::PutSettings { body }
    };
    let put = |registry: &mut Registry<RusqliteSql>, id: &str, more: Value| apply(registry, &put_campaign(id, more), 1);
    assert_eq!(attribution(&put(&mut registry, "before", json!({})).unwrap()), (24, Touch::Delivered));
    apply(&mut registry, &settings(json!({"attribution_default": {"window_hours": 72, "touch": "clicked"}})), 2).unwrap();
    assert_eq!(attribution(&put(&mut registry, "after", json!({})).unwrap()), (72, Touch::Clicked));
    let own = json!({"attribution": {"touch": "read"}});
    assert_eq!(attribution(&put(&mut registry, "own", own.clone()).unwrap()), (72, Touch::Read));
    apply(&mut registry, &settings(json!({})), 3).unwrap();
    // Declared again with the same words they are what they were.
    for (id, more, is) in [
        ("before", json!({}), (24, Touch::Delivered)),
        ("after", json!({}), (72, Touch::Clicked)),
        ("own", own, (72, Touch::Read)),
    ] {
        assert_eq!(attribution(&put(&mut registry, id, more).unwrap()), is, "{id}");
    }
    let other = put(&mut registry, "after", json!({"attribution": {"window_hours": 24}})).unwrap_err();
    assert_eq!((other.status, other.errors[0].pointer.as_str()), (409, "/attribution/window_hours"));
}

/// What is here stays, whatever an import says, and the deny list follows from it.
#[test]
fn an_import_takes_nothing_back() {
    let link = |n: u32| Command::PostLink { body: json!({"campaign": "a", "url": format!("https://shop.example/{n}")}) };
    let mut old = registry();
    for command in [
        put_campaign("a", json!({"tags": ["x"]})),
        Command::PutSettings { body: json!({"timezone": "Asia/Kolkata"}) },
        link(1),
        link(2),
        link(3),
        Command::PostMintingKey { body: json!({"name": "CRM"}) },
        Command::Delete { kind: Kind::Link, id: "l3".to_owned() },
    ] {
        apply(&mut old, &command, 1).unwrap();
    }
    let export = Command::Export { place: (0, transfer::FIRST.to_owned()) };
    let page: transfer::Page = serde_json::from_str(&apply(&mut old, &export, 2).unwrap().json).unwrap();
    let lines: Vec<Option<Value>> = page.lines.lines().map(|line| serde_json::from_str(line).ok()).collect();
    let partition = Partition { ledgers: LEDGERS, handle_key: [7; 32] };
    let sorted = transfer::sort(&partition, lines.clone()).unwrap();
    assert_eq!((sorted.rejected.len(), lines.len()), (0, 7));
    let import = Command::Import { rows: sorted.registry };
    let refused = |registry: &mut Registry<RusqliteSql>| -> Vec<usize> {
        serde_json::from_str(&apply(registry, &import, 3).unwrap().json).unwrap()
    };
    // A registry that has all of it already, as it is stored and as it came.
    assert_eq!(refused(&mut old), [0; 0]);
    let mut new = registry();
    for _ in 0..2 {
        assert_eq!(refused(&mut new), [0; 0]);
        assert_eq!(denied(&mut new), Denied { links: vec![3], keys: vec![] });
    }
    for command in [
        Command::RevokeMintingKey { id: "128".to_owned() },
        Command::PatchLink { id: "l1".to_owned(), body: json!({"disabled": true}) },
        Command::Delete { kind: Kind::Link, id: "l2".to_owned() },
        Command::PutSettings { body: json!({"timezone": "UTC"}) },
    ] {
        apply(&mut new, &command, 4).unwrap();
    }
    assert_eq!(refused(&mut new).len(), 4);
    assert_eq!(denied(&mut new), Denied { links: vec![1, 2, 3], keys: vec![128] });
    let get = Command::Get { kind: Kind::Settings, id: SETTINGS.to_owned() };
    assert!(apply(&mut new, &get, 5).unwrap().json.contains("\"UTC\""));
}

/// A line that this release cannot read is refused by its place: stored, it would stand in the way of everything after it.
#[test]
fn a_line_that_cannot_be_read_is_no_line_of_an_export() {
    let partition = Partition { ledgers: LEDGERS, handle_key: [7; 32] };
    let handle = contact::Handle::of(&partition.handle_key, "12025550101").to_text();
    for line in [
        json!({"record": ["of_a_later_release", "a", null, {}]}),
        json!({"record": ["key", "x", null, {}]}),
        json!({"record": ["campaign", "x", 1, {}]}),
        json!({"record": ["campaign", "x", 1.5, null]}),
        json!({"record": ["link", "l1", 1]}),
        json!({"record": ["link", "l1", null, null]}),
        json!({"record": ["minting_key", "130", 131, {"no": 130, "created_at_ms": 1}]}),
        json!({"contact": [handle, {"k": 5}]}),
        json!({"claim": [handle, "day", {}]}),
        json!({"thing": ["m1", "{", "", 0]}),
        json!({"kept": ["m1", "{}", 0, "ch"]}),
        json!({"waiting": ["m1", "{}", 0, "ch", ""]}),
        json!({"verdict": ["m1", handle, 1, "y"]}),
    ] {
        let sorted = transfer::sort(&partition, vec![Some(line.clone())]).unwrap();
        assert_eq!(sorted.rejected.len(), 1, "{line}");
    }
}

#[test]
fn keys_are_bounded_found_by_campaign_and_never_copied() {
    let mut registry = registry();
    apply(&mut registry, &put_campaign("spring", json!({})), 1).unwrap();
    let post =
        |id: &str, campaign: &str, body: Value| Command::PostKey { id: id.to_owned(), campaign: campaign.to_owned(), body };
    let key = |id: &str| post(id, "", json!({"name": "n", "scopes": ["read"]}));
    let share = |id: &str, campaign: &str| post(id, campaign, json!({"expires_in_hours": 1}));
    assert!(apply(&mut registry, &key("k"), 2).unwrap().created);
    assert!(apply(&mut registry, &share("s", "spring"), 2).unwrap().created);
    assert_eq!(apply(&mut registry, &share("t", "summer"), 2).unwrap_err().status, 404);
    assert_eq!(apply(&mut registry, &post("u", "", json!({})), 2).unwrap_err().status, 400);

    let copies: Vec<String> = registry.deliveries().unwrap().into_iter().flat_map(|d| d.copies).map(|(_, key, _)| key).collect();
    assert!(!copies.is_empty() && copies.iter().all(|key| key.starts_with("campaign:")), "{copies:?}");

    let ids = |registry: &mut Registry<RusqliteSql>, now_ms| -> Vec<String> {
        let keys: Vec<Value> = serde_json::from_str(&apply(registry, &Command::Keys, now_ms).unwrap().json).unwrap();
        keys.iter().map(|key| key["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&mut registry, 3), ["k", "s"]);
    let list = |campaign: &str| Command::List {
        kind: Kind::Key,
        filters: vec![(Filter::Campaign, campaign.to_owned())],
        after: String::new(),
        limit: 10,
    };
    for (campaign, id) in [("", "k"), ("spring", "s")] {
        let page: Page<Value> = serde_json::from_str(&apply(&mut registry, &list(campaign), 3).unwrap().json).unwrap();
        assert_eq!((page.total, &page.data[0]["id"]), (1, &json!(id)));
    }
    // A share that expired goes when the next key is made.
    apply(&mut registry, &key("l"), 3_600_002).unwrap();
    assert_eq!(ids(&mut registry, 3_600_002), ["k", "l"]);

    let delete = |id: &str, campaign: &str| Command::DeleteKey { id: id.to_owned(), campaign: campaign.to_owned() };
    assert_eq!(apply(&mut registry, &delete("k", "spring"), 4).unwrap_err().status, 404);
    apply(&mut registry, &delete("k", ""), 4).unwrap();
    assert_eq!(ids(&mut registry, 5), ["l"]);
    for no in 1..2_000 {
        apply(&mut registry, &key(&format!("m{no}")), 5).unwrap();
    }
    assert_eq!(apply(&mut registry, &key("n"), 5).unwrap_err().status, 409);
}
