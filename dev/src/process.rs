//! A process group of ours: a child and what it starts, ended together, never left behind.
//!
//! The child is told to end by closing its stdin. If this process is killed, the pipe closes all the same.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::failure::{Doing as _, Result};
use crate::wait;

/// How long a child may take to end after its stdin was closed.
const GRACE: Duration = Duration::from_secs(5);

/// A child that leads its own process group; the group ends when this is dropped.
pub struct Group {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Group {
    /// Starts the command as the leader of a new group, its stdin a pipe. The terminal's Ctrl-C does not reach it.
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command.stdin(Stdio::piped()).process_group(0).spawn().doing(format!("start {name}"))?;
        let stdin = child.stdin.take();
        Ok(Self { child, stdin })
    }

    /// The leader's process id, which is the group's too.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The leader's pipes, for the one who reads them.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub fn stdin(&mut self) -> Option<&mut ChildStdin> {
        self.stdin.as_mut()
    }

    /// The leader's end, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// SIGKILL to every process of the group: a power cut, not a stop.
    pub fn kill(&mut self) {
        if let Some(group) = pid(self.child.id()) {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        drop(self.stdin.take());
        wait::until(GRACE, || self.ended().is_some());
        // What the leader started and did not end.
        self.kill();
    }
}

/// Whether any process of the group is there.
#[must_use]
pub fn is_alive(group: u32) -> bool {
    pid(group).is_some_and(|group| test_kill_process_group(group).is_ok())
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}
