//! Where tools are kept: one folder per tool and version, outside every checkout, so that a second clone is quick.
//!
//! A folder appears under its name only when it is whole, so its presence says that it can be used.

use std::path::{Path, PathBuf};

use crate::failure::{Doing as _, Failure, Result};
use crate::lock;

/// `$BLUETICK_CACHE`, else `$XDG_CACHE_HOME/bluetick`, else `~/.cache/bluetick`.
pub fn folder() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("BLUETICK_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("bluetick")))
        .or_else(|| Some(std::env::home_dir()?.join(".cache/bluetick")))
        .ok_or_else(|| Failure::new("there is no home folder to keep the tools in", "set BLUETICK_CACHE to a folder"))
}

/// The cached folder `name`, filled by `fill` if it is not there yet. Two runs at once fill it once.
pub fn ensure(name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let cache = folder()?;
    let whole = cache.join(name);
    if whole.exists() {
        return Ok(whole);
    }
    lock::alone(&cache.join(format!("{name}.lock")), || {
        if whole.exists() {
            return Ok(());
        }
        // Whatever lies there was left by a run that was stopped: nobody else holds the lock.
        let unfinished = cache.join(format!("{name}.unfinished"));
        if unfinished.exists() {
            std::fs::remove_dir_all(&unfinished).doing(format!("remove {}", unfinished.display()))?;
        }
        std::fs::create_dir_all(&unfinished).doing(format!("make the folder {}", unfinished.display()))?;
        fill(&unfinished)?;
        std::fs::rename(&unfinished, &whole).doing(format!("rename {}", unfinished.display()))
    })?;
    Ok(whole)
}
