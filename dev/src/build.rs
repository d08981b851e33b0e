//! Builds the worker, unless what is there was built from the same sources.
//!
//! Cargo alone would know, but the steps after it (wasm-opt above all) take seconds each time.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::failure::{Doing as _, Result};
use crate::step::{Step, step};
use crate::tools::Tools;
use crate::{hex, lock, project};

/// How the worker is built. Measured after a change of one line, on two busy cores: quick 4 s, as shipped 60 to 90 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Hardly optimised, with the checks of a debug build: for working on it.
    Quick,
    /// What is deployed: small and fast.
    Shipped,
}

impl Flavour {
    /// The folder that it is built into, seen from the project's root. `wrangler.toml` names the one that ships.
    fn folder(self) -> &'static str {
        match self {
            Self::Quick => ".bluetick/build",
            Self::Shipped => "build",
        }
    }

    fn option(self) -> &'static str {
        match self {
            Self::Quick => "--dev",
            Self::Shipped => "--release",
        }
    }
}

/// Makes sure that the worker of these sources is built; the answer is its main module. Callers at once build once.
pub fn ensure(tools: &Tools, flavour: Flavour) -> Result<PathBuf> {
    let built = project::root().join(flavour.folder());
    let main = built.join("index.js");
    lock::alone(&project::kept().join("build.lock"), || {
        let mark = built.join("built-from");
        let sources = fingerprint(&project::root())?;
        if main.exists() && std::fs::read_to_string(&mark).is_ok_and(|mark| mark == sources) {
            return Ok(());
        }
        let _ = std::fs::remove_file(&mark);
        step("building the worker", |step| {
            let mut build = tools.worker_build();
            let folder = Path::new("..").join(flavour.folder());
            build.args(["worker", flavour.option(), "--no-opt", "--out-dir"]).arg(folder).current_dir(project::root());
            step.run(&mut build, "read the lines above, mend the source, run this again")
        })?;
        if flavour == Flavour::Shipped {
            step("making the worker small", |step| shrink(tools, &built.join("index_bg.wasm"), step))?;
        }
        std::fs::write(&mark, sources).doing(format!("write {}", mark.display()))
    })?;
    Ok(main)
}

/// Optimises a module for size, and drops the names of its functions: they would weigh a tenth of it.
fn shrink(tools: &Tools, module: &Path, step: &Step) -> Result<()> {
    let small = module.with_extension("small");
    let mut optimise = tools.wasm_opt();
    optimise.args(["-Oz", "--strip-debug", "--strip-producers", "--output"]).arg(&small).arg(module);
    step.run(&mut optimise, "read the lines above")?;
    std::fs::rename(&small, module).doing(format!("write {}", module.display()))
}

/// A hash over what the worker is built from: `src/`, `worker/` and the files of the root folder (manifests, the API's description …) but
/// the prose. A file that does not matter costs a needless build; a forgotten one would serve an old worker.
fn fingerprint(root: &Path) -> Result<String> {
    let mut files = Vec::new();
    collect(root, false, &mut files)?;
    collect(&root.join("src"), true, &mut files)?;
    collect(&root.join("worker"), true, &mut files)?;
    collect(&root.join(".cargo"), true, &mut files)?;
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

/// The files of a folder, and with `deep` those of the folders in it. A folder that is not there has none.
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
    fn the_fingerprint_follows_the_sources_and_nothing_else() {
        let scratch = Scratch::new().unwrap();
        let write = |name: &str, text: &str| {
            let path = scratch.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
            fingerprint(scratch.path()).unwrap()
        };
        let first = write("src/lib.rs", "one");
        assert_eq!(write("README.md", "prose"), first);
        assert_eq!(write("tests/e2e/main.rs", "a test"), first);
        assert_ne!(write("src/deep/er.rs", ""), first);
        std::fs::remove_file(scratch.path().join("src/deep/er.rs")).unwrap();
        assert_ne!(write("Cargo.toml", ""), first);
        std::fs::remove_file(scratch.path().join("Cargo.toml")).unwrap();
        assert_eq!(write("src/lib.rs", "one"), first);
        assert_ne!(write("src/lib.rs", "two"), first);
    }
}
