//! The tools that build and run the worker: made sure of once, then used without any network.
//!
//! Versions are pinned: worker-build here, wasm-bindgen by `Cargo.lock` (the two must fit exactly), the npm packages by
//! `package-lock.json`. Nothing is installed outside the cache folder but the Rust target.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Doing as _, Failure, Result};
use crate::step::step;
use crate::{cache, npm, project};

const WORKER_BUILD_VERSION: &str = "0.8.7";
const TARGET: &str = "wasm32-unknown-unknown";
const WASM_FEATURES: [&str; 7] = [
    "bulk-memory",
    "exception-handling",
    "multivalue",
    "mutable-globals",
    "nontrapping-float-to-int",
    "reference-types",
    "sign-ext",
];
/// The oldest Node that miniflare runs on.
const NODE_MAJOR: u32 = 22;
const ONCE_ONLINE: &str = "read the lines above; the first run needs the network, later ones do not";

/// The tools, ready to use.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The folder that holds worker-build's program.
    worker_build: PathBuf,
    /// The folder that holds wasm-bindgen's program.
    wasm_bindgen: PathBuf,
    /// The folder with `node_modules`.
    npm: PathBuf,
    /// A Node that is new enough.
    node: PathBuf,
}

impl Tools {
    /// Makes sure of everything; what is there already costs nothing.
    pub fn ensure() -> Result<Self> {
        rust_target()?;
        let npm = npm::packages(&project::runner(), "wrangler, workerd, wasm-opt, a Node of their own")?;
        let node = node(&npm)?;
        let worker_build = cargo_tool("worker-build", WORKER_BUILD_VERSION, &["--locked"])?;
        // Its locked dependencies cannot be had any more; without them it builds.
        let wasm_bindgen = cargo_tool("wasm-bindgen-cli", &locked_version("wasm-bindgen")?, &[])?;
        Ok(Self { worker_build, wasm_bindgen, npm, node })
    }

    /// worker-build, told where every tool is that it would download otherwise.
    #[must_use]
    pub fn worker_build(&self) -> Command {
        let mut command = Command::new(self.worker_build.join("bin/worker-build"));
        command
            .env("WASM_BINDGEN_BIN", self.wasm_bindgen.join("bin/wasm-bindgen"))
            .env("WASM_OPT_BIN", self.npm_program("wasm-opt"))
            .env("ESBUILD_BIN", self.npm_program("esbuild"))
            // What matters when it fails is the compiler's words, not where worker-build stood.
            .env_remove("RUST_BACKTRACE");
        self.with_node_first(command)
    }

    /// wasm-opt, reading what Rust writes.
    #[must_use]
    pub fn wasm_opt(&self) -> Command {
        let mut command = Command::new(self.npm_program("wasm-opt"));
        // What the compiler and wasm-bindgen use, and no more: newer encodings are not for every runtime.
        command.args(WASM_FEATURES.map(|feature| format!("--enable-{feature}")));
        self.with_node_first(command)
    }

    /// Node, running a script. The runner's own find the packages under `BLUETICK_NPM`.
    #[must_use]
    pub fn node(&self, script: &Path) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(script).env("BLUETICK_NPM", &self.npm);
        self.with_node_first(command)
    }

    /// Wrangler, kept off the network: no account, no metrics.
    #[must_use]
    pub fn wrangler(&self) -> Command {
        let mut command = Command::new(&self.node);
        command
            .arg(self.npm.join("node_modules/wrangler/bin/wrangler.js"))
            .env("WRANGLER_SEND_METRICS", "false")
            .env("WRANGLER_SEND_ERROR_REPORTS", "false");
        self.with_node_first(command)
    }

    fn npm_program(&self, name: &str) -> PathBuf {
        self.npm.join("node_modules/.bin").join(name)
    }

    /// Programs of npm packages are scripts that look for `node` on the path: ours comes first.
    fn with_node_first(&self, mut command: Command) -> Command {
        let folder = self.node.parent().map(Path::to_path_buf);
        let old = std::env::var_os("PATH").unwrap_or_default();
        if let Ok(path) = std::env::join_paths(folder.into_iter().chain(std::env::split_paths(&old))) {
            command.env("PATH", path);
        }
        command
    }
}

fn rust_target() -> Result<()> {
    let rustc = Command::new("rustc")
        .args(["--print", "sysroot"])
        .current_dir(project::root())
        .output()
        .map_err(|_| Failure::new("no Rust compiler", "install Rust from rustup.rs and run this again"))?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&rustc.stdout).trim());
    if sysroot.join("lib/rustlib").join(TARGET).join("lib").exists() {
        return Ok(());
    }
    step(&format!("Rust target {TARGET}"), |step| {
        let mut rustup = Command::new("rustup");
        rustup.args(["target", "add", TARGET]).current_dir(project::root());
        step.run(&mut rustup, &format!("add the target {TARGET} to your Rust by hand, then run this again"))
    })
}

/// A program from the Rust package registry, in its own folder of the cache.
fn cargo_tool(name: &str, version: &str, options: &[&str]) -> Result<PathBuf> {
    cache::ensure(&format!("{name}-{version}"), |folder| {
        step(&format!("{name} {version} (compiles for some minutes, once)"), |step| {
            let mut cargo = Command::new("cargo");
            cargo
                .args(["install", &format!("{name}@{version}"), "--root"])
                .arg(folder)
                .args(options)
                .current_dir(project::root())
                // A target folder of the caller's is for the caller's builds.
                .env_remove("CARGO_TARGET_DIR");
            step.run(&mut cargo, ONCE_ONLINE)
        })
    })
}

/// The version of a package in `Cargo.lock`.
fn locked_version(package: &str) -> Result<String> {
    let lock = read(&project::root().join("Cargo.lock"))?;
    version_in(&lock, package)
        .ok_or_else(|| Failure::new(format!("Cargo.lock does not name {package}"), "restore Cargo.lock from git"))
}

fn version_in(lock: &str, package: &str) -> Option<String> {
    let (_, after) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    Some(after.split_once('"')?.0.to_owned())
}

/// The packages' own Node; on a platform that has none the machine's, if it is new enough.
fn node(npm: &Path) -> Result<PathBuf> {
    let own = npm.join("node_modules/.bin/node");
    if own.exists() {
        return Ok(own);
    }
    let version = Command::new("node").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let version = String::from_utf8_lossy(&version).trim().to_owned();
    match major(&version) {
        Some(major) if major >= NODE_MAJOR => Ok(PathBuf::from("node")),
        _ => Err(Failure::new(
            format!(
                "Node.js {NODE_MAJOR} is needed (this machine has {version:?}, and there is no package of it for this platform)"
            ),
            format!("install Node.js {NODE_MAJOR} or newer from nodejs.org and run this again"),
        )),
    }
}

/// `v22.23.2` → 22.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).doing(format!("read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locked_version_is_of_exactly_that_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"9.9.9\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version_in(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in(lock, "wasm"), None);
    }

    #[test]
    fn node_versions() {
        assert_eq!(major("v22.23.2"), Some(22));
        assert_eq!(major("v8.0.0"), Some(8));
        assert_eq!(major(""), None);
    }
}
