//! How fast a Meta body of 1,000 statuses is verified and parsed, natively on one core: `cargo run --release --example provider_speed`.
//! One line for each body: its name and megabytes a second, the best of many rounds; what they are made of goes to stderr.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::fmt::Write as _;
use std::time::Instant;

use bluetick::provider::{Provider, Request, Verdict};
use hmac::{Hmac, Mac};
use sha2::Sha256;

fn main() {
    for (name, contacts, pricing) in [("meta", true, true), ("meta_v24", false, false)] {
        let body = body(1000, contacts, pricing);
        let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
        mac.update(body.as_bytes());
        let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
        let headers = [("x-hub-signature-256".to_owned(), format!("sha256={hex}"))];
        let request = Request { headers: &headers, method: "POST", url: "", query: "", body: body.as_bytes() };
        let secrets = ["secret".to_owned()];
        let now_ms = 1_750_040_000_000;
        let mut best = [f64::MAX; 2];
        for _ in 0..200 {
            let start = Instant::now();
            assert_eq!(Provider::Meta.verify(&request, &secrets, None, now_ms), Verdict::Verified);
            let verified = start.elapsed().as_secs_f64();
            let parsed = Provider::Meta.parse(&request, "main", None, now_ms);
            let whole = start.elapsed().as_secs_f64();
            assert_eq!((parsed.events.len(), parsed.odd.len()), (1000, 0));
            best = [best[0].min(verified), best[1].min(whole)];
        }
        let speed = |seconds: f64| body.len() as f64 / 1e6 / seconds;
        println!("{name} {:.0}", speed(best[1]));
        eprintln!("{name}: {} bytes, verify alone {:.0} MB/s, both {:.2} ms", body.len(), speed(best[0]), best[1] * 1e3);
    }
}

fn body(statuses: usize, contacts: bool, pricing: bool) -> String {
    let mut text = String::from(
        r#"{"object":"whatsapp_business_account","entry":[{"id":"106434037917784","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"12025550100","phone_number_id":"108734687462292"},"#,
    );
    if contacts {
        text.push_str(r#""contacts":["#);
        for i in 0..statuses {
            let comma = if i > 0 { "," } else { "" };
            write!(
                text,
                r#"{comma}{{"profile":{{"name":"Person {i}"}},"wa_id":"1202555{i:04}","user_id":"US.1349120865530{i:07}"}}"#
            )
            .unwrap();
        }
        text.push_str("],");
    }
    text.push_str(r#""statuses":["#);
    for i in 0..statuses {
        let comma = if i > 0 { "," } else { "" };
        write!(
            text,
            r#"{comma}{{"id":"wamid.HBgLMTIwMjU1NTAxMDMVAgASGBQ4M0Q0MENDRUJGQzBBMTFFN{i:07}","status":"delivered","timestamp":"1750030073","recipient_id":"1202555{i:04}","recipient_user_id":"US.1349120865530{i:07}","biz_opaque_callback_data":"spring:first""#
        )
        .unwrap();
        if pricing {
            text.push_str(r#","conversation":{"id":"72c4d45734e5e1510e2e60ea5659699d","expiration_timestamp":"1750116480","origin":{"type":"marketing"}},"pricing":{"billable":true,"pricing_model":"PMP","type":"regular","category":"marketing"}"#);
        }
        text.push('}');
    }
    text.push_str(r#"]},"field":"messages"}]}]}"#);
    text
}
