//! One run of load: what `load.mjs` sends, and what it says came back.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::failure::{Doing as _, Failure, Result};
use crate::tools::Tools;

/// What came back of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// Answers of the wanted status.
    pub answered: u64,
    /// Other answers, and requests without one.
    pub failed: u64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Load {
    /// Runs the load generator; see `load.mjs` for the orders.
    pub fn send(tools: &Tools, orders: &Value) -> Result<Self> {
        let mut child = tools
            .node(&crate::project::runner().join("load.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .doing("start the load generator")?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(orders.to_string().as_bytes()).doing("give the load generator its orders")?;
        }
        let output = child.wait_with_output().doing("wait for the load generator")?;
        let result = serde_json::from_slice(&output.stdout).unwrap_or_default();
        Self::read(&result).ok_or_else(|| Failure::new("the load generator failed", "read its words above"))
    }

    fn read(result: &Value) -> Option<Self> {
        let count = |name: &str| result.get(name).and_then(Value::as_u64);
        let number = |name: &str| result.get(name).and_then(Value::as_f64);
        let answered = count("answered")?;
        Some(Self {
            answered,
            failed: count("other")? + count("errors")?,
            per_second: answered as f64 / number("seconds")?.max(0.001),
            p50_ms: number("p50_ms")?,
            p99_ms: number("p99_ms")?,
        })
    }
}
