//! Randomness, from the platform: the only source of entropy that the core is given.

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

use crate::problem::Problem;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(into: &Uint8Array) -> Result<Uint8Array, JsValue>;
}

/// Fresh random bytes.
///
/// # Errors
/// 503, if the platform refuses; then nothing may be minted.
pub fn bytes<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    let length = u32::try_from(N).unwrap_or_default();
    let filled = get_random_values(&Uint8Array::new_with_length(length));
    filled.map_err(|_| Problem::unavailable("No randomness."))?.copy_to(&mut bytes);
    Ok(bytes)
}
