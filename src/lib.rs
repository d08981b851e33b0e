//! bluetick: WhatsApp campaign analytics at the edge.
//!
//! The modules in reading order. Everything outside `edge` is the core: pure, native-testable, free of clocks, randomness,
//! network and platform. `edge` is the worker, compiled for wasm alone; this is the only place that says so.

pub mod calendar;
pub mod contact;
pub mod country;
pub mod event;
pub mod experiment;
pub mod keys;
pub mod ledger;
pub mod money;
pub mod policy;
pub mod provider;
pub mod rates;
pub mod sql;
