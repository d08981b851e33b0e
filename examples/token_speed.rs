//! How many tokens are checked a second, natively on one core: `cargo run --release --example token_speed`. One line for each form:
//! its name and the best of ten rounds.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Instant;

use bluetick::contact::Handle;
use bluetick::target::Target;
use bluetick::token::{Sealed, TokenKey, TokenKeys, open};

const TOKENS: u32 = 10_000;

fn main() {
    let master = [7; 32];
    let (keys, key) = (TokenKeys::new(&master), TokenKey::new(&master, 1));
    let handle = |n: u32| Handle::of(&master, &n.to_string());
    let target = Target::parse("https://shop.example/collections/winter?utm_source=whatsapp").unwrap();
    let sealed = Sealed { campaign_no: 3, append_click_id: true, pass_query: false, target };
    let forms: [(&str, Vec<String>); 2] = [
        ("short", (0..TOKENS).map(|n| key.mint_short(n, handle(n))).collect()),
        ("sealed", (0..TOKENS).map(|n| key.mint_sealed(n, Some(handle(n)), &sealed)).collect()),
    ];
    for (name, tokens) in forms {
        let best = (0..10).map(|_| round(&tokens, &keys)).fold(0.0, f64::max);
        println!("{name} {best:.0}");
    }
}

fn round(tokens: &[String], keys: &TokenKeys) -> f64 {
    let start = Instant::now();
    for (n, token) in tokens.iter().enumerate() {
        assert_eq!(open(black_box(token), keys, None).unwrap().link_no as usize, n);
    }
    tokens.len() as f64 / start.elapsed().as_secs_f64()
}
