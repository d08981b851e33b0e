//! The description of the HTTP API: `openapi.yaml` as the JSON that is served, a file of the deployment beside the page.

use std::path::Path;

use serde_json::Value;

use crate::failure::{Doing as _, Failure, Result};
use crate::project;

/// The description.
pub fn read() -> Result<Value> {
    let path = project::root().join("openapi.yaml");
    let text = std::fs::read_to_string(&path).doing(format!("read {}", path.display()))?;
    // First as YAML, which has no key twice.
    let api: serde_yaml_ng::Value = serde_yaml_ng::from_str(&text).map_err(|error| wrong(&error))?;
    serde_json::to_value(api).map_err(|error| wrong(&error))
}

/// Writes it into the folder of what is served, unless it is there.
pub fn write(folder: &Path) -> Result<()> {
    let (path, text) = (folder.join("openapi.json"), read()?.to_string());
    if std::fs::read_to_string(&path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    std::fs::write(&path, text).doing(format!("write {}", path.display()))
}

fn wrong(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("openapi.yaml: {error}"), "mend it")
}
