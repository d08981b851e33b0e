//! What the worst bodies may cost: 64 MB, and no more time than eight honest bodies of the same length take. An allocator that
//! counts says how much memory. The longest time is printed (`cargo test --release --test provider_limits -- --nocapture`).
//!
//! One test in a binary of its own: others beside it would be counted too.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::indexing_slicing)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bluetick::provider::{Mapping, Provider, Request};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static TOTAL: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(now, Relaxed);
        TOTAL.fetch_add(layout.size(), Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MB: usize = 1 << 20;
/// The longest body that the edge takes.
const LONGEST: usize = 5 * MB;
/// How many times as long as an honest body, full of statuses, one may take: the same machine in the same run is the measure.
const SLOWEST: u32 = 8;
/// The best of so many: what others do on the machine is not the body's fault.
const TRIES: usize = 5;

fn mapping() -> Mapping {
    serde_json::from_str(
        r##"{"items":"/statuses","signature":{"kind":"hmac-sha256","header":"x","encoding":"hex"},
            "status":{"message_id":"/id","status":["/a/b/c","/status"],"statuses":{"sent":"sent"},"contact":"/to","sender":"#/a/b"},
            "inbound":{"contact":"/from","type":"/entry/0/changes"}}"##,
    )
    .unwrap()
}

/// What one callback allocates beyond what was there: the peak, and all of it together.
fn cost(provider: Provider, mapping: &Mapping, body: &[u8]) -> (usize, usize, Duration) {
    let value = "A".repeat(64);
    let headers: Vec<_> =
        provider.wanted_headers(Some(mapping)).into_iter().map(|name| (name.to_owned(), value.clone())).collect();
    let secrets = ["secret".to_owned(), "older".to_owned()];
    let request = Request { headers: &headers, method: "POST", url: "https://hooks.example/in", query: "", body };
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    TOTAL.store(0, Relaxed);
    let begin = Instant::now();
    let _ = provider.verify(&request, &secrets, Some(mapping), 1_795_219_200_000);
    let parsed = provider.parse(&request, "main", Some(mapping), 1_795_219_200_000);
    let took = begin.elapsed();
    assert!(!parsed.events.is_empty() || !parsed.odd.is_empty() || !parsed.others.is_empty());
    (PEAK.load(Relaxed) - before, TOTAL.load(Relaxed), took)
}

/// `text` again and again, between the two ends, up to the longest body.
fn filled(begin: &str, text: &str, end: &str) -> Vec<u8> {
    let n = (LONGEST - begin.len() - end.len()) / text.len();
    [begin, &text.repeat(n), end].concat().into_bytes()
}

/// Up to the longest body: what `each` gives for 9999999, 9999998 and so on, so that what is kept in order comes in the worst.
fn falling(begin: &str, each: impl Fn(usize) -> String, end: &str) -> Vec<u8> {
    let mut body = begin.to_owned();
    let items = (0..10_000_000).rev().map(each).take_while(|item| {
        body.push_str(item);
        body.len() + item.len() + end.len() <= LONGEST
    });
    items.for_each(drop);
    (body + end).into_bytes()
}

fn worst() -> Vec<(&'static str, Vec<u8>)> {
    let meta = r#"{"entry":[{"changes":[{"field":"messages","value":{"contacts":["#;
    vec![
        ("nothing", Vec::new()),
        ("opened lists", filled("", "[", "")),
        ("opened objects", filled("", r#"{"a":"#, "")),
        ("nested lists", [vec![b'['; LONGEST / 2], vec![b']'; LONGEST / 2]].concat()),
        ("nested statuses", filled(r#"{"statuses":["#, r#"{"statuses":["#, "")),
        ("nested entries", filled("", r#"{"entry":[{"changes":["#, "")),
        ("nested payloads", filled("", r#"{"payload":{"payload":"#, "")),
        ("numbers in a list", filled("[", "0,", "0]")),
        ("lists in a list", filled("[", "[],", "0]")),
        ("objects in a list", filled("[", "{},", "0]")),
        ("numbers as entries", filled(r#"{"entry":["#, "0,", "0]}")),
        ("objects as entries", filled(r#"{"entry":["#, "{},", "{}]}")),
        ("entries with empty changes", filled(r#"{"entry":["#, r#"{"changes":[]},"#, "{}]}")),
        ("entries with odd changes", filled(r#"{"entry":["#, r#"{"changes":[0,0,0,0,0,0,0,0]},"#, "{}]}")),
        ("objects as statuses", filled(r#"{"statuses":["#, "{},", "{}]}")),
        ("the shortest statuses", filled(r#"{"statuses":["#, r#"{"msgId":"a","status":"sent"},"#, "{}]}")),
        ("the shortest others", filled(r#"{"statuses":["#, r#"{"msgId":"a","status":"b"},"#, "{}]}")),
        ("the shortest results", filled(r#"{"results":["#, r#"{"messageId":"a","seenAt":"b"},"#, "{}]}")),
        ("empty contacts", filled(meta, "{},", "{}]}}]}]}")),
        ("full contacts", filled(meta, r#"{"wa_id":"1","user_id":"U.1"},"#, "{}]}}]}]}")),
        ("contacts in falling order", falling(meta, |n| format!(r#"{{"wa_id":"{n}","user_id":"U.{n}"}},"#), "{}]}}]}]}")),
        (
            "lists of contacts in falling order",
            falling(
                r#"{"entry":[{"changes":["#,
                |n| match n % 10_000 {
                    9_999 => format!(
                        r#"{{"field":"messages","value":{{"statuses":[{{"id":"a"}}],"contacts":[{{"wa_id":"{n}","user_id":"U.{n}"}}"#
                    ),
                    0 => "]}},".to_owned(),
                    _ => format!(r#",{{"wa_id":"{n}","user_id":"U.{n}"}}"#),
                },
                "]}}]}]}",
            ),
        ),
        ("keys in falling order", falling("{", |n| format!(r#""{n}":0,"#), r#""a":0}"#)),
        ("parameters in falling order", falling("", |n| format!("{n}=&"), "a=")),
        ("one key again and again", filled("{", r#""entry":[],"#, r#""a":0}"#)),
        ("statuses again and again", filled("{", r#""statuses":[{}],"#, r#""a":0}"#)),
        ("an object again and again", filled(r#"{"payload":{"#, r#""payload":{"a":1},"#, r#""a":0}}"#)),
        ("many keys", filled("{", r#""a":0,"#, r#""a":0}"#)),
        ("one long text", filled("\"", "a", "\"")),
        ("one long escaped text", filled(r#"{"statuses":[{"msgId":""#, r"\u00e9", r#""}]}"#)),
        ("one long status", filled(r#"{"statuses":[{"msgId":"a","status":""#, "a", r#""}]}"#)),
        ("long titles", filled(r#"{"statuses":[{"msgId":"a","status":"failed","error":{"code":1,"title":""#, "a", r#""}}]}"#)),
        ("one long number", filled("", "9", "")),
        ("one long fraction", filled(r#"{"statuses":[{"msgId":"a","timestamp":0."#, "9", "}]}")),
        ("numbers out of range", filled(r#"{"statuses":["#, r#"{"msgId":1e999},"#, "0]}")),
        ("parameters without a value", filled("", "a&", "")),
        ("parameters", filled("MessageSid=a&MessageUUID=a", "&a=%20", "")),
        ("a list in a form", filled("response=[", "0,", "0]")),
        ("bad UTF-8", vec![0xff; LONGEST]),
        (
            "bad UTF-8 in a text",
            [b"{\"statuses\":[{\"msgId\":\"".to_vec(), vec![0x80; LONGEST - 100], b"\"}]}".to_vec()].concat(),
        ),
        ("bad UTF-8 between letters", vec![b"a\xff".as_slice(); LONGEST / 2].concat()),
        ("spaces", vec![b' '; LONGEST]),
        ("zeros", vec![0; LONGEST]),
        ("quotes", vec![b'"'; LONGEST]),
        ("backslashes", filled("\"", "\\", "")),
        ("commas", vec![b','; LONGEST]),
    ]
}

fn statuses(n: usize, padding: usize) -> Vec<u8> {
    let item = format!(
        r#"{{"id":"wamid.HBgLMTIwMjU1NTAxMDMVAgASGBQ4M0Q0","status":"delivered","timestamp":"1760000000","recipient_id":"12025550101","ignored":"{}"}}"#,
        "x".repeat(padding)
    );
    format!(r#"{{"entry":[{{"changes":[{{"field":"messages","value":{{"statuses":[{}]}}}}]}}]}}"#, vec![item; n].join(","))
        .into_bytes()
}

#[test]
fn nothing_costs_too_much() {
    let mapping = mapping();
    let honest = statuses(LONGEST / 160, 0);
    let times = (0..2 * TRIES).map(|_| cost(Provider::Meta, &mapping, &honest).2);
    let limit = times.min().unwrap_or_default() * SLOWEST;
    let mut wrong = String::new();
    let (mut most, mut slowest) = ((0, ""), (Duration::ZERO, ""));
    for (name, body) in worst() {
        for provider in Provider::all() {
            let (peak, _, first) = cost(provider, &mapping, &body);
            let again = (1..TRIES).map(|_| if first > limit / SLOWEST * 2 { cost(provider, &mapping, &body).2 } else { first });
            let took = again.fold(first, Duration::min);
            most = most.max((peak, name));
            slowest = slowest.max((took, name));
            if peak > 64 * MB || took > limit {
                wrong += &format!("{}: {name}: {} MB, {took:?}\n", provider.id(), peak / MB);
            }
        }
    }
    println!("at most {} MB ({}) and {:?} ({}) of {limit:?}", most.0 / MB, most.1, slowest.0, slowest.1);
    assert!(wrong.is_empty(), "{wrong}");

    // Meta's largest: 1,000 statuses in 3 MB. What is allocated goes by the events, not by the bytes beside them.
    let (_, lean, _) = cost(Provider::Meta, &mapping, &statuses(1000, 0));
    let (_, fat, _) = cost(Provider::Meta, &mapping, &statuses(1000, 2900));
    let (_, twice, _) = cost(Provider::Meta, &mapping, &statuses(2000, 0));
    assert!(fat == lean, "{fat} instead of {lean} bytes");
    assert!(lean < 1000 * 2048, "{} bytes an event", lean / 1000);
    assert!(twice < lean * 5 / 2, "{twice} instead of twice {lean} bytes");
}
