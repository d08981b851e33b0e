//! The storage port over rusqlite, with a Durable Object's limits and refusals put on it, and faults on request.
//!
//! The limits are the platform's: 2 MB per string, 100 KB per statement, 100 bound parameters, integers that a JavaScript
//! number holds, no `BEGIN`, `SAVEPOINT` or `PRAGMA`.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;

use bluetick::sql::{Arg, Sql, SqlError};
use rusqlite::limits::Limit;
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, Statement, StatementStatus, ToSql};

const MAX_STRING_BYTES: i32 = 2_000_000;
const MAX_STATEMENT_BYTES: usize = 100_000;
const MAX_PARAMETERS: usize = 100;
const MAX_INTEGER: i64 = 1 << 53;

/// What the next transaction does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// It fails and nothing is written, but the object lives on.
    Refused,
    /// The object dies just before the durable write: nothing is written, nothing more is answered.
    Before,
    /// The object dies just after the durable write: it is written, nothing more is answered.
    After,
}

/// A database that outlives the objects that open it, as a Durable Object's storage does.
#[derive(Clone)]
pub struct RusqliteSql {
    connection: Rc<RefCell<Connection>>,
    fault: Rc<Cell<Fault>>,
    /// The object over it died, and nothing is answered until another wakes.
    dead: Rc<Cell<bool>>,
    /// Every statement one of whose texts holds this fails: a poisoned event.
    poison: Rc<RefCell<Option<String>>>,
    /// After so many more statements, all fail.
    gives_out_after: Rc<Cell<Option<u32>>>,
    /// Steps of SQLite's machine so far.
    steps: Rc<Cell<u64>>,
}

impl Default for RusqliteSql {
    fn default() -> Self {
        Self::over(Connection::open_in_memory().unwrap())
    }
}

impl RusqliteSql {
    pub fn on_disk(path: &Path) -> Self {
        Self::over(Connection::open(path).unwrap())
    }

    fn over(connection: Connection) -> Self {
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_STRING_BYTES).unwrap();
        connection.set_prepared_statement_cache_capacity(64);
        Self {
            connection: Rc::new(RefCell::new(connection)),
            fault: Rc::default(),
            dead: Rc::default(),
            poison: Rc::default(),
            gives_out_after: Rc::default(),
            steps: Rc::default(),
        }
    }

    /// How many steps SQLite's machine has made: what statements cost, whatever the machine beneath.
    pub fn steps(&self) -> u64 {
        self.steps.get()
    }

    /// No more pages than so many beyond those that there are.
    pub fn fill_up_after(&self, pages: i64) {
        let connection = self.connection.borrow();
        let now: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        connection.pragma_update(None, "max_page_count", now + pages).unwrap();
    }

    fn count_steps(&self, statement: &Statement<'_>) {
        let steps = u64::try_from(statement.reset_status(StatementStatus::VmStep)).unwrap();
        self.steps.set(self.steps.get() + steps);
    }

    /// The next transaction goes wrong in this way.
    pub fn fail_next(&self, fault: Fault) {
        self.fault.set(fault);
    }

    /// Lets another object wake on this storage.
    pub fn wake(&self) {
        self.fault.set(Fault::None);
        self.dead.set(false);
    }

    pub fn poison(&self, text: Option<&str>) {
        *self.poison.borrow_mut() = text.map(str::to_owned);
    }

    /// After so many more statements all fail, until told otherwise.
    pub fn give_out_after(&self, statements: Option<u32>) {
        self.gives_out_after.set(statements);
    }

    fn refuse(&self, sql: &str, args: &[Arg<'_>]) -> Result<(), SqlError> {
        if self.dead.get() {
            return Err(died());
        }
        match self.gives_out_after.get() {
            Some(0) => return Err(SqlError("the storage gave out".to_owned())),
            after => self.gives_out_after.set(after.map(|after| after - 1)),
        }
        let word = sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        if ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "ATTACH", "VACUUM"].contains(&word.as_str()) {
            return Err(SqlError(format!("not authorized: {word}")));
        }
        if sql.len() > MAX_STATEMENT_BYTES || args.len() > MAX_PARAMETERS {
            return Err(SqlError("statement too long".to_owned()));
        }
        for arg in args {
            match arg {
                Arg::Int(n) if n.abs() > MAX_INTEGER => return Err(SqlError(format!("{n} is no exact JavaScript number"))),
                Arg::Text(text) if text.len() > MAX_STRING_BYTES as usize => {
                    return Err(SqlError("string or blob too big: SQLITE_TOOBIG".to_owned()));
                }
                Arg::Text(text) if self.poison.borrow().as_ref().is_some_and(|poison| text.contains(poison)) => {
                    return Err(SqlError("poisoned".to_owned()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The platform binds every number as a double.
struct Bound<'a>(&'a Arg<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Arg::Text(text) => ToSqlOutput::from(*text),
            Arg::Int(n) => ToSqlOutput::from(*n as f64),
        })
    }
}

fn refused(error: rusqlite::Error) -> SqlError {
    SqlError(error.to_string())
}

fn died() -> SqlError {
    SqlError("the object died".to_owned())
}

impl Sql for RusqliteSql {
    fn exec(&self, sql: &str, args: &[Arg<'_>]) -> Result<u64, SqlError> {
        self.refuse(sql, args)?;
        let connection = self.connection.borrow();
        let bound: Vec<Bound<'_>> = args.iter().map(Bound).collect();
        let mut statement = connection.prepare_cached(sql).map_err(refused)?;
        let rows = statement.execute(rusqlite::params_from_iter(bound)).map_err(refused)?;
        self.count_steps(&statement);
        Ok(if statement.readonly() { 0 } else { rows as u64 })
    }

    fn text(&self, sql: &str, args: &[Arg<'_>]) -> Result<Option<String>, SqlError> {
        self.refuse(sql, args)?;
        let connection = self.connection.borrow();
        let bound: Vec<Bound<'_>> = args.iter().map(Bound).collect();
        let mut statement = connection.prepare_cached(sql).map_err(refused)?;
        let mut rows = statement.query(rusqlite::params_from_iter(bound)).map_err(refused)?;
        let text = match rows.next().map_err(refused)? {
            Some(row) => row.get::<_, Option<String>>(0).map_err(refused),
            None => Ok(None),
        };
        drop(rows);
        self.count_steps(&statement);
        text
    }

    fn transaction<T, E: From<SqlError>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        if self.dead.get() {
            return Err(died().into());
        }
        let run = |sql: &str| self.connection.borrow().execute_batch(sql).map_err(refused);
        run("BEGIN")?;
        let result = work();
        let fault = self.fault.replace(Fault::None);
        match (&result, fault) {
            (Ok(_), Fault::None | Fault::After) => run("COMMIT")?,
            _ => run("ROLLBACK")?,
        }
        match fault {
            Fault::None => result,
            Fault::Refused => Err(SqlError("refused".to_owned()).into()),
            Fault::Before | Fault::After => {
                self.dead.set(true);
                Err(died().into())
            }
        }
    }
}
