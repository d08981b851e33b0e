//! The wall: the core names no platform, no clock, no randomness and no network, and the model shares no code with the core.
//!
//! Read from the sources, since the compiler would let the core use whatever the edge depends on.

use std::io::Result;
use std::path::{Path, PathBuf};

/// Words that code outside `src/edge` must not contain.
const FORBIDDEN: [&str; 12] = [
    "worker",
    "worker_sys",
    "js_sys",
    "web_sys",
    "wasm_bindgen",
    "wasm_bindgen_futures",
    "Instant",
    "SystemTime",
    "getrandom",
    "rand",
    "TcpStream",
    "UdpSocket",
];

/// What says that code is for the worker alone: it stands in `src/lib.rs`, once.
const WASM_ALONE: &str = "target_arch";

#[test]
fn the_core_names_no_platform() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let core: Vec<PathBuf> =
        sources(&root.join("src")).unwrap().into_iter().filter(|path| !path.starts_with(root.join("src/edge"))).collect();
    assert!(core.iter().any(|path| path.ends_with("src/ledger.rs")), "the sources were not found");
    let mut found = named(&core, &FORBIDDEN).unwrap();
    let outside: Vec<PathBuf> = core.into_iter().filter(|path| !path.ends_with("src/lib.rs")).collect();
    found.extend(named(&outside, &[WASM_ALONE]).unwrap());
    assert!(found.is_empty(), "the core reaches for the platform:\n{}", found.join("\n"));
}

#[test]
fn one_line_says_what_is_for_the_worker_alone() {
    let lib = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    assert_eq!(named(&[lib], &[WASM_ALONE]).unwrap().len(), 1);
}

#[test]
fn the_model_shares_no_code_with_the_core() {
    let model = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/model")).unwrap();
    assert!(!model.is_empty(), "the model was not found");
    let found = named(&model, &["bluetick"]).unwrap();
    assert!(found.is_empty(), "the model leans on what it is to judge:\n{}", found.join("\n"));
}

#[test]
fn the_wall_sees_code_and_not_prose() {
    assert!(names("use worker::Env;", "worker"));
    assert!(names("let t = std::time::Instant::now(); // fine", "Instant"));
    assert!(!names("//! A worker runs this.", "worker"));
    assert!(!names("let operand = grand(brand);", "rand"));
    assert!(names("let url = \"https://x\"; rand::random()", "rand"));
}

/// Every Rust file under a folder.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// The places, as `file:line: text`, where code names one of the words.
fn named(files: &[PathBuf], words: &[&str]) -> Result<Vec<String>> {
    let mut places = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file)?;
        for (index, line) in text.lines().enumerate() {
            if words.iter().any(|word| names(line, word)) {
                places.push(format!("{}:{}: {}", file.display(), index + 1, line.trim()));
            }
        }
    }
    Ok(places)
}

/// Whether the code of a line has the word, as a whole one. Comments do not count; a `//` in a string ("https://") begins none.
fn names(line: &str, word: &str) -> bool {
    let comment = line.match_indices("//").map(|(at, _)| at).find(|at| {
        let before = line.get(..*at).unwrap_or_default();
        before.matches('"').count() % 2 == 0
    });
    let code = comment.and_then(|at| line.get(..at)).unwrap_or(line);
    code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|token| token == word)
}
