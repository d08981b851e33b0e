//! What every provider's callbacks mean: the project's own fixtures, public signature vectors, and bytes that nobody meant.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod providers {
    mod fixtures;
    mod mappings;
    mod noise;
    mod samples;
    mod signatures;
    mod text;
}
