//! The secrets of a local run: made once with real randomness, kept in the state folder, readable by its owner alone.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::failure::{Doing as _, Result};
use crate::{hex, random};

/// What the worker gets as `BLUETICK_ADMIN_KEY` and `BLUETICK_MASTER_KEY`.
#[derive(Clone)]
pub struct Secrets {
    pub admin_key: String,
    /// 32 random bytes in hexadecimal. Another one makes the stored state unreadable.
    pub master_key: String,
}

impl Secrets {
    /// The kept ones of this state folder, made now if there are none. A given admin key is used for this run and not kept.
    pub fn of(state: &Path, admin_key: Option<String>) -> Result<Self> {
        std::fs::create_dir_all(state).doing(format!("make the state folder {}", state.display()))?;
        let admin_key = match admin_key {
            Some(key) => key,
            None => kept(&state.join("admin-key"), || Ok(format!("bt_{}", hex::encode(&random::bytes::<20>()?))))?,
        };
        let master_key = kept(&state.join("master-key"), || Ok(hex::encode(&random::bytes::<32>()?)))?;
        Ok(Self { admin_key, master_key })
    }
}

/// The admin key that a state folder keeps, if a run has made one.
#[must_use]
pub fn kept_admin_key(state: &Path) -> Option<String> {
    std::fs::read_to_string(state.join("admin-key")).ok().filter(|key| !key.is_empty())
}

fn kept(path: &Path, make: impl FnOnce() -> Result<String>) -> Result<String> {
    if let Ok(secret) = std::fs::read_to_string(path)
        && !secret.is_empty()
    {
        return Ok(secret);
    }
    let secret = make()?;
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(secret.as_bytes()))
        .doing(format!("write {}", path.display()))?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn secrets_are_made_once_and_private() {
        let scratch = Scratch::new().unwrap();
        let first = Secrets::of(scratch.path(), None).unwrap();
        let second = Secrets::of(scratch.path(), None).unwrap();
        assert_eq!(first.admin_key, second.admin_key);
        assert_eq!(first.master_key, second.master_key);
        assert_eq!(first.master_key.len(), 64);
        assert_eq!(kept_admin_key(scratch.path()), Some(first.admin_key));
        for name in ["admin-key", "master-key"] {
            let mode = std::fs::metadata(scratch.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_given_admin_key_is_not_kept() {
        let scratch = Scratch::new().unwrap();
        assert_eq!(Secrets::of(scratch.path(), Some("given".into())).unwrap().admin_key, "given");
        assert_eq!(kept_admin_key(scratch.path()), None);
    }
}
