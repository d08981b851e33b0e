//! The steps that a person watches: what is being done, for how long, and what it said when it failed.
//!
//! On a terminal a step is one line that moves; elsewhere it is a line at its start and one at its end.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::{Doing as _, Failure, Result};

/// A failed command shows this many of its last lines.
const TAIL_LINES: usize = 40;

/// Does one named step and reports it: `what` says in a few words what is being done.
pub fn step<T>(what: &str, work: impl FnOnce(&Step) -> Result<T>) -> Result<T> {
    let step = Step::start(what);
    let result = work(&step);
    step.end(result.is_ok());
    result
}

/// A step under way.
pub struct Step {
    what: String,
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Step {
    fn start(what: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg:.dim}") {
                bar.set_style(style);
            }
            bar.set_prefix(what.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if bar.is_none() {
            eprintln!("- {what} …");
        }
        Self { what: what.to_owned(), bar, started: Instant::now() }
    }

    fn end(&self, well: bool) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let mark = if well { "✓" } else { "✗" };
        eprintln!("{mark} {} ({:.1} s)", self.what, self.started.elapsed().as_secs_f64());
    }

    /// Runs a command to its end, its latest line shown beside the step. If it fails, its last lines are printed.
    /// `remedy` is what the reader can do then.
    pub fn run(&self, command: &mut Command, remedy: &str) -> Result<()> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().doing(format!("start {name}"))?;
        let (sender, lines) = mpsc::channel();
        let readers = [
            child.stdout.take().map(|pipe| read_lines(pipe, sender.clone())),
            child.stderr.take().map(|pipe| read_lines(pipe, sender)),
        ];
        let mut tail = VecDeque::new();
        for line in lines {
            if let Some(bar) = &self.bar {
                bar.set_message(line.clone());
            }
            tail.push_back(line);
            if tail.len() > TAIL_LINES {
                tail.pop_front();
            }
        }
        for reader in readers.into_iter().flatten() {
            let _ = reader.join();
        }
        let status = child.wait().doing(format!("wait for {name}"))?;
        if status.success() {
            return Ok(());
        }
        for line in tail {
            eprintln!("  {line}");
        }
        Err(Failure::new(format!("{} failed ({name}: {status})", self.what), remedy))
    }
}

fn read_lines(pipe: impl Read + Send + 'static, to: mpsc::Sender<String>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(std::io::Result::ok) {
            let _ = to.send(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
    })
}
