//! Every parser on the same bytes: the first chooses the provider, the rest is the body.
//!
//! Good seeds: the bodies of `tests/fixtures/providers`.
#![no_main]

use bluetick::provider::{Mapping, Provider, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, body)) = bytes.split_first() else {
        return;
    };
    let mapping: Mapping =
        serde_json::from_str(include_str!("../../examples/mappings/alibaba.json")).expect("an example is a mapping");
    let Some(provider) = Provider::all().nth(usize::from(*first) % Provider::all().count()) else {
        return;
    };
    let query = String::from_utf8_lossy(body);
    let method = if first & 128 == 0 { "POST" } else { "GET" };
    let request = Request { headers: &[], method, url: "https://hooks.example/in", query: &query, body };
    let parsed = provider.parse(&request, "main", Some(&mapping), 1_795_219_200_000);
    assert!(!parsed.events.is_empty() || !parsed.odd.is_empty() || !parsed.others.is_empty());
});
