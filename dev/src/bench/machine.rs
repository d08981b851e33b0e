//! Where the storage lies, and what that place is worth: figures without it mean nothing.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::failure::{Doing as _, Result};

/// Syncs that are timed.
const SYNCS: u32 = 50;

/// A folder for files in memory, if this system has one.
#[must_use]
pub fn memory() -> Option<PathBuf> {
    let folder = PathBuf::from("/dev/shm");
    folder.is_dir().then_some(folder)
}

/// "FOLDER (ext4, one sync takes 4.1 ms)".
pub fn describe(folder: &Path) -> Result<String> {
    let kind = file_system(folder).unwrap_or_else(|| "file system unknown".to_owned());
    Ok(format!("{} ({kind}, one sync takes {:.2} ms)", folder.display(), sync_ms(folder)?))
}

/// The mean time of a small append that is made durable, in milliseconds.
fn sync_ms(folder: &Path) -> Result<f64> {
    let path = folder.join("sync-probe");
    let doing = || format!("write {}", path.display());
    let mut file = File::create(&path).doing(doing())?;
    let started = Instant::now();
    for _ in 0..SYNCS {
        file.write_all(&[0; 4096]).and_then(|()| file.sync_data()).doing(doing())?;
    }
    let each = started.elapsed().as_secs_f64() * 1000.0 / f64::from(SYNCS);
    std::fs::remove_file(&path).doing(doing())?;
    Ok(each)
}

/// The type of the file system that a folder lies on, where the system tells (Linux).
fn file_system(folder: &Path) -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
    kind_in(&mounts, &folder.canonicalize().ok()?)
}

fn kind_in(mounts: &str, folder: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.nth(1)?, words.next()?))
    });
    let (_, kind) = mounts.filter(|(at, _)| folder.starts_with(at)).max_by_key(|(at, _)| at.len())?;
    Some(kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_decides() {
        let mounts = "disk / ext4 rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0\n";
        assert_eq!(kind_in(mounts, Path::new("/dev/shm/x")).as_deref(), Some("tmpfs"));
        assert_eq!(kind_in(mounts, Path::new("/dev/shmoo")).as_deref(), Some("ext4"));
    }
}
