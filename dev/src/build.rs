//! Builds what is deployed: the page, and the worker, unless what is there was built from the same sources.
//!
//! Cargo alone would know, but the steps after it (wasm-opt above all) take seconds each time.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::failure::{Doing as _, Result};
use crate::step::{Step, step};
use crate::tools::Tools;
use crate::{fingerprint, lock, page, project};

/// What the worker is built from, beside the files of the root folder (manifests, the API's description …), and by. A file that does
/// not matter costs a needless build; a forgotten one would serve an old worker.
const SOURCES: [&str; 4] = ["src", "worker", ".cargo", "dev/src/build.rs"];

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

/// Makes sure that the page and the worker of these sources are built; the answer is the worker's main module. Callers at once
/// build once.
pub fn ensure(tools: &Tools, flavour: Flavour) -> Result<PathBuf> {
    page::ensure(tools)?;
    let built = project::root().join(flavour.folder());
    let main = built.join("index.js");
    lock::alone(&project::kept().join("build.lock"), || {
        let mark = built.join("built-from");
        let sources = fingerprint::of(&project::root(), &SOURCES)?;
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
        open_objects(&main)?;
        if flavour == Flavour::Shipped {
            step("making the worker small", |step| shrink(tools, &built.join("index_bg.wasm"), step))?;
        }
        std::fs::write(&mark, sources).doing(format!("write {}", mark.display()))
    })?;
    Ok(main)
}

/// Lets the worker call the methods of its objects: the platform allows that on classes that extend its own, and worker-build makes
/// them such for another target alone. What is an object says `wrangler.toml`.
fn open_objects(main: &Path) -> Result<()> {
    let doing = || format!("let the objects of {} be called", main.display());
    let config = std::fs::read_to_string(project::root().join("wrangler.toml")).doing(doing())?;
    let classes: BTreeSet<&str> =
        config.lines().filter_map(|line| line.strip_prefix("class_name = \"")?.strip_suffix('"')).collect();
    let classes: Vec<String> = classes.iter().map(|class| format!("worker.{class}")).collect();
    let script = std::fs::read_to_string(main).doing(doing())?;
    let opened = format!(
        "{script}
import {{ DurableObject }} from \"cloudflare:workers\";
import * as worker from \"./index.js\";
for (const made of [{}]) {{
  Object.setPrototypeOf(made, DurableObject);
  Object.setPrototypeOf(made.prototype, DurableObject.prototype);
}}
",
        classes.join(", ")
    );
    std::fs::write(main, opened).doing(doing())
}

/// Optimises a module for size, and drops the names of its functions: they would weigh a tenth of it.
fn shrink(tools: &Tools, module: &Path, step: &Step) -> Result<()> {
    let small = module.with_extension("small");
    let mut optimise = tools.wasm_opt();
    // Memory begins as zeros, and its first KB is the end of the stack, which nothing points into.
    optimise.args(["--zero-filled-memory", "--low-memory-unused", "-Oz", "--strip-debug", "--strip-producers", "--output"]);
    optimise.arg(&small).arg(module);
    step.run(&mut optimise, "read the lines above")?;
    std::fs::rename(&small, module).doing(format!("write {}", module.display()))
}
