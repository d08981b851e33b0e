//! Randomness from the system, for keys and names.

use crate::failure::{Failure, Result};

pub fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new("the system gave no randomness", format!("look into its set-up ({error})")))?;
    Ok(bytes)
}
