//! bluetick: WhatsApp campaign analytics at the edge.
//!
//! The modules by name; ARCHITECTURE.md groups them. Everything outside `edge` is the core: pure, native-testable, free of clocks, randomness,
//! network and platform. `edge` is the worker, compiled for wasm alone; this is the only place that says so.

pub mod access;
pub mod body;
pub mod bounds;
pub mod calendar;
pub mod campaign;
pub mod channel;
pub mod click;
pub mod click_id;
pub mod commit_window;
pub mod contact;
pub mod contributions;
pub mod cost;
pub mod counters;
pub mod country;
pub mod cursor;
pub mod denied;
#[cfg(target_arch = "wasm32")]
mod edge;
pub mod error_class;
pub mod etag;
pub mod event;
pub mod experiment;
pub mod facts;
pub mod flood;
pub mod gather;
pub mod health;
pub mod identity;
pub mod ids;
pub mod keys;
pub mod ledger;
pub mod letters;
pub mod lines;
pub mod link;
pub mod list_paths;
mod migrations;
pub mod minting;
pub mod money;
pub mod numbers;
pub mod openapi;
pub mod partition;
pub mod period;
pub mod policy;
pub mod problem;
pub mod provider;
pub mod rate_card;
pub mod rates;
pub mod registry;
pub mod reports;
pub mod route;
pub mod settings;
pub mod shares;
pub mod slab;
pub mod sql;
pub mod stats;
pub mod sums;
pub mod table;
pub mod target;
pub mod ticket;
pub mod time;
pub mod timeline;
pub mod token;
pub mod trend;
pub mod usage;
pub mod wrap;
