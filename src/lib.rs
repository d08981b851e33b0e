//! bluetick: WhatsApp campaign analytics at the edge.
//!
//! The modules in reading order. Everything outside `edge` is the core: pure, native-testable, free of clocks, randomness,
//! network and platform. `edge` is the worker, compiled for wasm alone; this is the only place that says so.

pub mod contact;
pub mod error_class;
pub mod event;
pub mod keys;
pub mod ledger;
pub mod policy;
pub mod provider;
pub mod sql;
