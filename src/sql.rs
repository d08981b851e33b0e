//! The storage port: a synchronous SQLite, as a Durable Object has it.
//!
//! One string crosses each way: a statement takes text, integers and nothing else, a query gives back one text column of one
//! row (JSON made by `json_group_array`). The edge implements it over the object's storage, the tests over rusqlite, so the
//! same SQL text runs under simulation. It does not know any table.

use core::fmt;

/// A bound value. JSON goes in as text; integers stay below 2^53, the largest that the platform binds exactly.
#[derive(Clone, Copy, Debug)]
pub enum Arg<'a> {
    Text(&'a str),
    Int(i64),
}

/// The storage refused: the platform's own words. Always our fault, always retryable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError(pub String);

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "storage: {}", self.0)
    }
}

impl core::error::Error for SqlError {}

impl SqlError {
    /// Whether there is no room left. In these words of SQLite's: <https://www.sqlite.org/rescode.html#full>.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.contains("disk is full")
    }
}

/// A SQLite database inside one object.
pub trait Sql {
    /// Runs one statement that gives no rows; returns the rows written, index rows included, as the platform bills them
    /// (rusqlite in tests counts changed rows).
    fn exec(&self, sql: &str, args: &[Arg<'_>]) -> Result<u64, SqlError>;

    /// Runs one query whose first row has one text (or null) column; `None` if it has no row or the value is null.
    fn text(&self, sql: &str, args: &[Arg<'_>]) -> Result<Option<String>, SqlError>;

    /// Runs `work` in one transaction: all of it is durable, or none of it happened. Not nested.
    fn transaction<T, E: From<SqlError>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E>;
}
