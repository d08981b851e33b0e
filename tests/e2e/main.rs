//! End to end: the built worker on the real runtime, spoken to over HTTP as everybody else would.
//!
//! One test binary; each test starts a server of its own on a free port with a fresh state folder (or shares one that it only
//! reads from), so that there is no order between tests and nothing is left behind.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod access;
mod client;
mod contract;
mod demo;
mod edge;
mod forget;
mod gate;
mod hygiene;
mod identity;
mod isolates;
mod letters;
mod links;
mod live;
mod moves;
mod numbers;
mod page;
mod people;
mod providers;
mod runner;
mod whole_way;
