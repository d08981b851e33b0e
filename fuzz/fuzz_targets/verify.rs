//! Every verifier on the same bytes: the first chooses the provider, then a header's value, a zero, the URL, a zero, the body.
//! Nothing may pass: the secret is not in the bytes.
#![no_main]

use bluetick::provider::{Mapping, Provider, Request, Verdict};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(3, |b| *b == 0);
    let (Some([first, value @ ..]), Some(url), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
        return;
    };
    let mapping: Mapping =
        serde_json::from_str(include_str!("../../examples/mappings/aisensy.json")).expect("an example is a mapping");
    let Some(provider) = Provider::all().nth(usize::from(*first) % Provider::all().count()) else {
        return;
    };
    let (value, url) = (String::from_utf8_lossy(value), String::from_utf8_lossy(url));
    let wanted = provider.wanted_headers(Some(&mapping));
    let headers: Vec<_> = wanted.into_iter().map(|name| (name.to_owned(), value.clone().into_owned())).collect();
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let request = Request { headers: &headers, method: "POST", url: &url, query, body };
    let secrets = ["7f3c0a51e6d94b28".to_owned(), "c2b96e08d5a147f3".to_owned()];
    let verdict = provider.verify(&request, &secrets, Some(&mapping), 1_795_219_200_000);
    assert_ne!(verdict, Verdict::Verified);
});
