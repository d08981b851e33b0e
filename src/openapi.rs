//! The description of the HTTP API, as the worker serves it: `openapi.yaml` made JSON when the crate is built.

/// OpenAPI 3.1.
pub const JSON: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));
