//! One at a time, between processes: a lock on a file, released when its holder ends in whatever way.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::failure::{Doing as _, Result};

/// Runs `work` while no other process holds the lock file `path`. Waits for as long as that takes, and says so.
pub fn alone<T>(path: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).doing(format!("make the folder {}", folder.display()))?;
    }
    let doing = || format!("lock {}", path.display());
    let file = File::create(path).doing(doing())?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("- waiting for another run that is at the same work …");
            file.lock().doing(doing())?;
        }
        Err(TryLockError::Error(error)) => return Err(crate::failure::Failure::io(doing(), &error)),
    }
    work()
}
