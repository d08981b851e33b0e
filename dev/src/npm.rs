//! npm packages: installed once per list into the cache, then used without any network.

use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::failure::{Doing as _, Failure, Result};
use crate::step::step;
use crate::{cache, hex};

/// The files that say which packages: what is wanted, and exactly what that came to.
const LISTS: [&str; 2] = ["package.json", "package-lock.json"];

/// The packages of a folder's `package-lock.json`, keyed by a hash of it: the folder that has them in `node_modules`. Their install
/// scripts do not run: none is needed. `what` tells the reader what they are.
pub fn packages(lists: &Path, what: &str) -> Result<PathBuf> {
    let mut hash = Sha256::new();
    for list in LISTS {
        let list = lists.join(list);
        hash.update(std::fs::read(&list).doing(format!("read {}", list.display()))?);
    }
    let key = hex::encode(&hash.finalize());
    let key = key.get(..16).unwrap_or_default();
    cache::ensure(&format!("npm-{key}"), |folder| {
        step(&format!("npm packages ({what})"), |step| {
            Command::new("npm").arg("--version").output().map_err(|_| {
                Failure::new("no Node.js (npm does not start)", "install Node.js 20 or newer from nodejs.org and run this again")
            })?;
            for list in LISTS {
                let from = lists.join(list);
                std::fs::copy(&from, folder.join(list)).doing(format!("copy {}", from.display()))?;
            }
            let mut npm = Command::new("npm");
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"])
                .current_dir(folder)
                // The packages want a newer Node than the machine may have, and bring it.
                .env("npm_config_engine_strict", "false");
            step.run(&mut npm, "read the lines above; the first run needs the network, later ones do not")
        })
    })
}

/// The same, and `node_modules` in the folder leads to them: for tools that look for packages beside the sources.
pub fn linked_packages(lists: &Path, what: &str) -> Result<()> {
    let (packages, link) = (packages(lists, what)?.join("node_modules"), lists.join("node_modules"));
    if std::fs::read_link(&link).is_ok_and(|target| target == packages) {
        return Ok(());
    }
    // Whatever npm itself, or an older list, left there.
    let _ = std::fs::remove_file(&link).or_else(|_| std::fs::remove_dir_all(&link));
    std::os::unix::fs::symlink(&packages, &link).doing(format!("link {}", link.display()))
}
