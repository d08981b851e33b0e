//! A hash over files: whether something must be built again.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::failure::{Doing as _, Result};
use crate::hex;

/// A hash over the names and contents of the files in the root folder itself, of `sources` (names in it) and of all files under
/// those that are folders, but the prose (`.md`). What is not there has none.
pub fn of(root: &Path, sources: &[&str]) -> Result<String> {
    let mut files = Vec::new();
    collect(root, false, &mut files)?;
    for source in sources.iter().map(|name| root.join(name)) {
        if source.is_file() {
            files.push(source);
        } else {
            collect(&source, true, &mut files)?;
        }
    }
    files.retain(|file| file.extension().is_none_or(|extension| extension != "md"));
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let bytes = std::fs::read(&file).doing(format!("read {}", file.display()))?;
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
        hash.update(format!("{name}\0{}\0", bytes.len()));
        hash.update(bytes);
    }
    Ok(hex::encode(&hash.finalize()))
}

/// The files of a folder, and with `deep` those of the folders in it.
fn collect(folder: &Path, deep: bool, files: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry.doing(format!("read {}", folder.display()))?.path();
        if path.is_file() {
            files.push(path);
        } else if deep {
            collect(&path, deep, files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn it_follows_the_sources_and_nothing_else() {
        let scratch = Scratch::new().unwrap();
        let write = |name: &str, text: &str| {
            let path = scratch.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
            of(scratch.path(), &["src", "tools/build.rs"]).unwrap()
        };
        let first = write("src/lib.rs", "one");
        assert_eq!(write("README.md", "prose"), first);
        assert_eq!(write("tests/e2e/main.rs", "a test"), first);
        assert_eq!(write("tools/other.rs", ""), first);
        assert_ne!(write("tools/build.rs", ""), first);
        std::fs::remove_file(scratch.path().join("tools/build.rs")).unwrap();
        assert_ne!(write("src/deep/er.rs", ""), first);
        std::fs::remove_file(scratch.path().join("src/deep/er.rs")).unwrap();
        assert_ne!(write("Cargo.toml", ""), first);
        std::fs::remove_file(scratch.path().join("Cargo.toml")).unwrap();
        assert_eq!(write("src/lib.rs", "one"), first);
        assert_ne!(write("src/lib.rs", "two"), first);
    }
}
