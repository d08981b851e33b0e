//! The local runner: what `cargo run` does, and the running worker that the end-to-end tests speak to.
//!
//! From the bottom: `failure` and `step` (what a person sees), `cache`, `npm` and `tools` (what is needed), `page` and `build` (the worker),
//! `server` (the worker running), and what is done with it: `serve`, `demo`, `bench`.

pub mod bench;
pub mod build;
pub mod cache;
pub mod client;
pub mod demo;
pub mod deploy_check;
pub mod failure;
pub mod fingerprint;
pub mod hex;
pub mod http;
pub mod lock;
pub mod meta;
pub mod mint;
pub mod npm;
pub mod openapi;
pub mod page;
pub mod process;
pub mod project;
pub mod random;
pub mod scratch;
pub mod secrets;
pub mod serve;
pub mod server;
pub mod step;
pub mod tools;
pub mod wait;

pub use client::Client;
pub use failure::{Failure, Result};
pub use http::{Answer, Http};
pub use server::{Broken, Options, Server};
