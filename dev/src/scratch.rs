//! A folder of one's own for a while: a fresh name under the system's temporary folder, removed in the end.

use std::path::{Path, PathBuf};

use crate::failure::{Doing as _, Result};
use crate::{hex, random};

/// Removed with everything in it when dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Result<Self> {
        Self::under(&std::env::temp_dir())
    }

    /// In another place than the system's temporary folder, such as a file system in memory.
    pub fn under(parent: &Path) -> Result<Self> {
        let path = parent.join(format!("bluetick-{}", hex::encode(&random::bytes::<8>()?)));
        std::fs::create_dir_all(&path).doing(format!("make the folder {}", path.display()))?;
        Ok(Self(path))
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
