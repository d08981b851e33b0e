//! The reference model itself, judged by small hand-made examples.
mod model;
