//! What a workspace takes: the bytes of its tables on disk, and the memory of the runtime.

use std::path::Path;

use serde_json::Value;

use crate::failure::{Doing as _, Failure, Result};
use crate::tools::Tools;

/// A table of all objects of one class together.
#[derive(Clone, Debug)]
pub struct Table {
    pub class: String,
    pub name: String,
    pub bytes: f64,
    pub rows: f64,
}

/// The tables below a state folder, the largest first. Nothing may be running on it.
pub fn tables(tools: &Tools, state: &Path) -> Result<Vec<Table>> {
    let mut command = tools.node(&crate::project::runner().join("storage.mjs"));
    let output = command.arg(state).env("NODE_NO_WARNINGS", "1").output().doing("look into the state folder")?;
    let found: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| Failure::new("the state folder cannot be read", String::from_utf8_lossy(&output.stderr)))?;
    let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let mut tables = Vec::new();
    for (class, found) in members(&found) {
        for (name, table) in members(&found) {
            let figure = |name: &str| table.get(name).and_then(Value::as_f64).unwrap_or_default();
            let (bytes, rows) = (figure("bytes"), figure("rows"));
            tables.push(Table { class: class.rsplit('-').next().unwrap_or_default().to_owned(), name, bytes, rows });
        }
    }
    tables.sort_by(|a, b| b.bytes.total_cmp(&a.bytes));
    Ok(tables)
}

/// The memory that the runtime's processes in a group hold now, in bytes, where the system tells (Linux).
#[must_use]
pub fn resident_bytes(group: u32) -> Option<f64> {
    let mut kilobytes = None;
    for entry in std::fs::read_dir("/proc").ok()?.filter_map(std::result::Result::ok) {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // The program's name stands in parentheses; its group is the third word behind it.
        let Some((head, rest)) = stat.rsplit_once(')') else { continue };
        if !head.ends_with("(workerd") || rest.split_whitespace().nth(2) != Some(group.to_string().as_str()) {
            continue;
        }
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let resident =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        kilobytes = Some(kilobytes.unwrap_or_default() + resident.unwrap_or_default());
    }
    kilobytes.map(|kilobytes: f64| kilobytes * 1024.0)
}
