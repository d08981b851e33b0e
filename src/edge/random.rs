//! Randomness, from the platform: the only source of entropy that the core is given.

use std::cell::RefCell;

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

use crate::problem::Problem;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(into: &Uint8Array) -> Result<Uint8Array, JsValue>;
}

/// Bytes that are fetched at once: a tap takes 20.
const POOL: u32 = 1_000;

thread_local! {
    /// What is left of the last fetch; each byte is given out once.
    static LEFT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Fresh random bytes.
///
/// # Errors
/// 503, if the platform refuses; then nothing may be minted.
pub fn bytes<const N: usize>() -> Result<[u8; N], Problem> {
    LEFT.with_borrow_mut(|left| {
        if left.len() < N {
            let filled = get_random_values(&Uint8Array::new_with_length(POOL));
            *left = filled.map_err(|_| Problem::unavailable("No randomness."))?.to_vec();
        }
        let bytes = left.len().checked_sub(N).and_then(|at| left.drain(at..).as_slice().try_into().ok());
        bytes.ok_or_else(|| Problem::unavailable("No randomness."))
    })
}
