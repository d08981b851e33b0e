//! Where the project is: the folders that the runner reads and writes.

use std::path::{Path, PathBuf};

/// The project's root: the folder above the runner's own.
#[must_use]
pub fn root() -> PathBuf {
    let runner = Path::new(env!("CARGO_MANIFEST_DIR"));
    runner.parent().unwrap_or(runner).to_path_buf()
}

/// What the local run keeps, known to `.gitignore`.
#[must_use]
pub fn kept() -> PathBuf {
    root().join(".bluetick")
}

/// The runner's own JavaScript and its lists of packages.
#[must_use]
pub fn runner() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
