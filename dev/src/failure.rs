//! What went wrong, in one line, with what to do about it.
//!
//! Every error of the runner ends here; nothing is retried or hidden. It knows nothing of where the line is shown.

use std::fmt::{Debug, Display, Formatter};
use std::io::{Error, ErrorKind};

/// One line for a person at a terminal: what failed, and what to do.
pub struct Failure(String);

/// The runner's results.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// `what` failed; `remedy` is what the reader can do about it, as an imperative.
    pub fn new(what: impl Display, remedy: impl Display) -> Self {
        Self(format!("{what}: {remedy}"))
    }

    /// A failure that was shown before, for one more caller.
    #[must_use]
    pub fn again(line: String) -> Self {
        Self(line)
    }

    /// A failure of the machine under `doing` ("write the state folder"). A full disk is named as one.
    pub fn io(doing: impl Display, error: &Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                Self::new(format!("cannot {doing}"), "the disk is full; free some space and run this again")
            }
            ErrorKind::PermissionDenied => Self::new(format!("cannot {doing}"), "permission denied; check who owns the folder"),
            _ => Self(format!("cannot {doing}: {error}")),
        }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The same line: a test that unwraps shows it as it is.
impl Debug for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Gives an I/O result the words for its failure.
pub trait Doing<T> {
    /// `doing` completes "cannot …".
    fn doing(self, doing: impl Display) -> Result<T>;
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, doing: impl Display) -> Result<T> {
        self.map_err(|error| Failure::io(doing, &error))
    }
}
