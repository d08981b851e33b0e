//! The worker, running on this machine: started on a state folder, stopped or killed, and started again.
//!
//! What the worker does is none of its business; it knows `wrangler.toml`, a port, a folder, and `GET /healthz`.

use std::fs::{File, TryLockError};
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::Duration;

use serde_json::{Value, json};

use crate::build::{self, Flavour};
use crate::failure::{Doing as _, Failure, Result};
use crate::http::Http;
use crate::process::Group;
use crate::scratch::Scratch;
use crate::secrets::Secrets;
use crate::tools::Tools;
use crate::{project, wait};

/// How long the runtime may take to answer after its start.
const READY: Duration = Duration::from_secs(60);

/// Of what is stored: an earlier release cannot read it all.
const STATE_FORMAT: &str = "3";
/// Earlier formats that are read: what is stored in one stays as it is until it is written again.
const READ_AS_WELL: [&str; 1] = ["2"];

/// How to run it. The default is a test's: a free port, a fresh state folder that goes away in the end, a quiet log.
#[derive(Clone, Default)]
pub struct Options {
    /// A `wrangler.toml` other than the project's, of a worker that needs no build.
    pub config: Option<PathBuf>,
    /// A free one if none is given.
    pub port: Option<u16>,
    /// A folder that stays. A fresh one that is removed at the end if none is given.
    pub state: Option<PathBuf>,
    /// Where a fresh state folder is made; the system's temporary folder if none is given.
    pub state_under: Option<PathBuf>,
    /// One made for the state folder if none is given.
    pub admin_key: Option<String>,
    /// Variables beside those of `wrangler.toml`, or instead of them.
    pub vars: Vec<(String, String)>,
    /// Whether the page is left out. Miniflare serves it with a worker of its own before ours, which halves what goes through;
    /// Cloudflare's is not ours to measure.
    pub without_page: bool,
    /// Whether the worker runs as it ships, instead of built quickly. The variable `BLUETICK_RELEASE` says so for all.
    pub release: bool,
    /// Bindings that are broken, each with how: Durable Objects (one way for all of them), and `KV`, whose reads are.
    pub broken: Vec<(&'static str, Broken)>,
    /// A host name under which a second isolate of the worker answers, over the same objects and KV.
    pub twin: Option<&'static str>,
    /// Whether the worker's log also goes to the terminal.
    pub loud: bool,
}

/// How an object is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Every call throws at once.
    Throws,
    /// No call is ever answered.
    Hangs,
    /// `KV` alone: every read is answered truly, and a second late.
    Slow,
}

impl Broken {
    fn text(self) -> &'static str {
        match self {
            Self::Throws => "throws",
            Self::Hangs => "hangs",
            Self::Slow => "slow",
        }
    }
}

/// A running worker. Dropping it stops everything and removes the state folder if it was a fresh one.
pub struct Server {
    // Fields are dropped in this order: the processes first, then the folder they write to.
    running: Option<Group>,
    options: Options,
    tools: Tools,
    /// The main module, if it is another than `wrangler.toml` names.
    main: Option<PathBuf>,
    port: u16,
    state: PathBuf,
    secrets: Secrets,
    log: Arc<Mutex<String>>,
    _in_use: File,
    _fresh_state: Option<Scratch>,
}

impl Server {
    /// Sets up and builds what is missing, starts the worker, and waits until it answers.
    pub fn start(options: Options) -> Result<Self> {
        if let Some(port) = options.port {
            port_is_free(port)?;
        }
        let tools = tools()?;
        let main = match options.config {
            Some(_) => None,
            None => Some(built(&tools, options.release)?),
        };
        let fresh_state = match (&options.state, &options.state_under) {
            (Some(_), _) => None,
            (None, Some(parent)) => Some(Scratch::under(parent)?),
            (None, None) => Some(Scratch::new()?),
        };
        let state = match (&options.state, &fresh_state) {
            (Some(state), _) => std::path::absolute(state).doing(format!("find {}", state.display()))?,
            (None, Some(fresh)) => fresh.path().to_path_buf(),
            (None, None) => project::kept().join("state"),
        };
        is_readable(&state)?;
        let in_use = claim(&state)?;
        mark(&state)?;
        let secrets = Secrets::of(&state, options.admin_key.clone())?;
        let mut server = Self {
            running: None,
            port: options.port.unwrap_or(0),
            _in_use: in_use,
            state,
            secrets,
            options,
            tools,
            main,
            log: Arc::default(),
            _fresh_state: fresh_state,
        };
        server.run()?;
        Ok(server)
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    #[must_use]
    pub fn admin_key(&self) -> &str {
        &self.secrets.admin_key
    }

    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// What the worker and the runtime wrote so far, over all starts.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The process group that runs for this server now, for [`crate::process::is_alive`].
    #[must_use]
    pub fn process_group(&self) -> Option<u32> {
        self.running.as_ref().map(Group::id)
    }

    /// Ends everything at once, as a power cut would (SIGKILL to the whole group).
    pub fn kill(&mut self) {
        if let Some(mut group) = self.running.take() {
            group.kill();
        }
    }

    /// Ends everything in order. What was acknowledged is on disk either way.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Starts it again on the same state and port, stopping it first if it runs.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        self.run()
    }

    /// Changes which bindings are broken, from the next start on.
    pub fn set_broken(&mut self, broken: &[(&'static str, Broken)]) {
        self.options.broken = broken.to_vec();
    }

    /// Whether the runtime ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.running.as_mut().is_none_or(|group| group.ended().is_some())
    }

    fn run(&mut self) -> Result<()> {
        let mut command = self.tools.node(&project::runner().join("serve.mjs"));
        command.current_dir(project::root()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("TMPDIR", self.temporary()?);
        let mut group = Group::start(&mut command)?;
        if let Some(pipe) = group.child().stderr.take() {
            let (log, loud) = (Arc::clone(&self.log), self.options.loud);
            std::thread::spawn(move || keep_log(pipe, &log, loud));
        }
        let orders = self.orders();
        if let Some(stdin) = group.stdin() {
            writeln!(stdin, "{orders}").doing("give the runtime its orders")?;
        }
        let answer = group.child().stdout.take().map(first_line).unwrap_or_default();
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        let Some(port) = answer.get("ready").and_then(Value::as_str).and_then(port_of) else {
            return Err(self.failed_to_start(answer.get("failed").and_then(Value::as_str)));
        };
        self.port = port;
        self.running = Some(group);
        self.wait_until_healthy()
    }

    /// An empty folder for what the runtime forgets to remove (some of it at every stop, all of it when it is killed): it goes with
    /// the next start, or with the state.
    fn temporary(&self) -> Result<PathBuf> {
        let folder = self.state.join("runtime-tmp");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).doing(format!("make the folder {}", folder.display()))?;
        Ok(folder)
    }

    fn orders(&self) -> Value {
        let mut bindings = json!({
            "BLUETICK_ADMIN_KEY": self.secrets.admin_key,
            "BLUETICK_MASTER_KEY": self.secrets.master_key,
        });
        if let Some(bindings) = bindings.as_object_mut() {
            bindings.extend(self.options.vars.iter().map(|(name, value)| (name.clone(), json!(value))));
        }
        let config = self.options.config.clone().unwrap_or_else(|| project::root().join("wrangler.toml"));
        let broken: serde_json::Map<String, Value> =
            self.options.broken.iter().map(|(binding, how)| ((*binding).to_owned(), json!(how.text()))).collect();
        json!({
            "config": config, "main": self.main, "port": self.port, "state": self.state, "bindings": bindings, "broken": broken,
            "without_page": self.options.without_page, "twin": self.options.twin,
        })
    }

    fn wait_until_healthy(&mut self) -> Result<()> {
        let http = Http::default();
        let healthz = format!("{}/healthz", self.url());
        let mut last = String::new();
        let healthy = wait::until(READY, || {
            last = match http.send("GET", &healthz, &[], &[]) {
                Ok(answer) if answer.status == 200 => return true,
                Ok(answer) => format!("GET /healthz answered {}", answer.status),
                Err(error) => format!("GET /healthz: {error}"),
            };
            self.has_ended()
        });
        if healthy && !self.has_ended() {
            return Ok(());
        }
        Err(self.failed_to_start(Some(&last)))
    }

    fn failed_to_start(&self, why: Option<&str>) -> Failure {
        let why = why.unwrap_or("the runtime ended");
        if why == "address in use" {
            return port_taken(self.port);
        }
        if !self.options.loud {
            eprint!("{}", self.log());
        }
        // SQLite's words for a disk that takes no more.
        if [why, &self.log()].iter().any(|text| text.contains("SQLITE_FULL") || text.contains("SQLITE_IOERR")) {
            return Failure::new(
                format!("the state folder {} cannot be written", self.state.display()),
                "the disk is full or failing; free some space, or choose another folder with --state",
            );
        }
        Failure::new(
            format!("the worker did not start ({})", why.lines().next().unwrap_or_default().trim()),
            "read its log above; a state folder of a newer version can be the cause",
        )
    }
}

/// The tools, made sure of once per process: after a failure every later caller gets the same line.
fn tools() -> Result<Tools> {
    static TOOLS: OnceLock<std::result::Result<Tools, String>> = OnceLock::new();
    let tools = TOOLS.get_or_init(|| Tools::ensure().map_err(|failure| failure.to_string()));
    tools.clone().map_err(Failure::again)
}

/// The worker's main module, built once per process and flavour.
fn built(tools: &Tools, release: bool) -> Result<PathBuf> {
    static QUICK: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    static SHIPPED: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let release = release || std::env::var_os("BLUETICK_RELEASE").is_some();
    let (once, flavour) = if release { (&SHIPPED, Flavour::Shipped) } else { (&QUICK, Flavour::Quick) };
    let built = once.get_or_init(|| build::ensure(tools, flavour).map_err(|failure| failure.to_string()));
    built.clone().map_err(Failure::again)
}

/// Makes sure that this release can read what lies in a state folder, which is made if there is none.
fn is_readable(state: &Path) -> Result<()> {
    if !state.join("master-key").exists() {
        return std::fs::create_dir_all(state).doing(format!("make the state folder {}", state.display()));
    }
    let format = std::fs::read_to_string(state.join("format")).unwrap_or_default();
    if format == STATE_FORMAT || READ_AS_WELL.contains(&format.as_str()) {
        return Ok(());
    }
    Err(Failure::new(
        format!("the state folder {} is of another release, whose messages this one cannot read", state.display()),
        "move it away, or choose another with --state",
    ))
}

/// Says of a state folder that this release writes to it, before it does.
fn mark(state: &Path) -> Result<()> {
    std::fs::write(state.join("format"), STATE_FORMAT).doing(format!("mark the state folder {}", state.display()))
}

/// Claims the state folder for this process: two runtimes on one state would spoil it.
fn claim(state: &Path) -> Result<File> {
    let path = state.join("in-use");
    let file = File::create(&path).doing(format!("write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::new(
            format!("the state folder {} is in use by another run", state.display()),
            "stop that one, or choose another folder with --state",
        )),
        Err(TryLockError::Error(error)) => Err(Failure::io(format!("lock {}", path.display()), &error)),
    }
}

fn port_is_free(port: u16) -> Result<()> {
    TcpListener::bind(("127.0.0.1", port)).map(drop).map_err(|_| port_taken(port))
}

fn port_taken(port: u16) -> Failure {
    Failure::new(format!("port {port} is taken"), "stop what listens there, or choose another with --port")
}

fn port_of(url: &str) -> Option<u16> {
    url.trim_end_matches('/').rsplit(':').next()?.parse().ok()
}

/// The first line of a pipe; nothing if it ends before, or stays silent too long.
fn first_line(pipe: impl Read + Send + 'static) -> String {
    let (sender, line) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(pipe).read_line(&mut line);
        let _ = sender.send(line);
    });
    line.recv_timeout(READY).unwrap_or_default()
}

fn keep_log(pipe: impl Read, log: &Mutex<String>, loud: bool) {
    for line in BufReader::new(pipe).split(b'\n').map_while(std::io::Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if loud {
            eprintln!("{line}");
        }
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push_str(&line);
        log.push('\n');
    }
}
