//! A folder of one's own for a while: a fresh name under the system's temporary folder, removed in the end.
//!
//! Who is interrupted removes nothing. So each folder has a locked file beside it, which the system unlocks when its process ends,
//! and whoever makes a folder removes those that nobody locks any more.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::failure::{Doing as _, Result};
use crate::{hex, random};

const PREFIX: &str = "bluetick-";
const LOCK: &str = "lock";

/// Removed with everything in it when dropped.
pub struct Scratch {
    path: PathBuf,
    _lock: File,
}

impl Scratch {
    pub fn new() -> Result<Self> {
        Self::under(&std::env::temp_dir())
    }

    /// In another place than the system's temporary folder, such as a file system in memory.
    pub fn under(parent: &Path) -> Result<Self> {
        let path = parent.join(format!("{PREFIX}{}", hex::encode(&random::bytes::<8>()?)));
        let doing = || format!("make the folder {}", path.display());
        fs::create_dir_all(parent).doing(doing())?;
        remove_left_ones(parent);
        // Locked before there is anything to remove.
        let lock = File::create(path.with_extension(LOCK)).doing(doing())?;
        lock.lock().doing(doing())?;
        fs::create_dir(&path).doing(doing())?;
        Ok(Self { path, _lock: lock })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

fn remove(path: &Path) {
    let _ = fs::remove_dir_all(path);
    let _ = fs::remove_file(path.with_extension(LOCK));
}

/// Removes what interrupted processes have left. What cannot be removed is left to the next.
fn remove_left_ones(parent: &Path) {
    for lock in fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let ours = lock.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX));
        if ours
            && lock.extension().is_some_and(|extension| extension == LOCK)
            && File::open(&lock).is_ok_and(|file| file.try_lock().is_ok())
        {
            remove(&lock.with_extension(""));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_interrupted_process_left_goes_and_what_is_used_stays() {
        let parent = Scratch::new().unwrap();
        let used = Scratch::under(parent.path()).unwrap();
        let left = parent.path().join("bluetick-left");
        fs::create_dir(&left).unwrap();
        File::create(left.with_extension(LOCK)).unwrap();
        let another = Scratch::under(parent.path()).unwrap();
        assert!(used.path().exists() && another.path().exists() && !left.exists());
        drop((used, another));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
