//! The storage port over a Durable Object's SQLite.
//!
//! With bindings of our own: those of the platform crate do not catch what JavaScript throws while rows are read, and then the
//! request hangs for ever; and it has no synchronous transaction.

use js_sys::{Array, Object};
use wasm_bindgen::prelude::*;
use worker::State;

use crate::sql::{Arg, Sql, SqlError};

#[wasm_bindgen]
extern "C" {
    type Storage;
    #[wasm_bindgen(structural, method, getter)]
    fn sql(this: &Storage) -> Database;
    #[wasm_bindgen(structural, method, catch, js_name = transactionSync)]
    fn transaction_sync(this: &Storage, work: &mut dyn FnMut() -> Result<JsValue, JsValue>) -> Result<JsValue, JsValue>;

    type Database;
    #[wasm_bindgen(structural, method, catch, variadic)]
    fn exec(this: &Database, query: &str, bindings: &Array) -> Result<Cursor, JsValue>;

    type Cursor;
    #[wasm_bindgen(structural, method, catch, js_name = toArray)]
    fn to_array(this: &Cursor) -> Result<Array, JsValue>;
    #[wasm_bindgen(structural, method, getter, js_name = rowsWritten)]
    fn rows_written(this: &Cursor) -> f64;
}

/// The largest whole number that a double holds exactly, and its like below zero.
const SAFE: i64 = 1 << 53;

/// The database of one Durable Object.
pub struct ObjectSql {
    storage: Storage,
    database: Database,
}

impl ObjectSql {
    pub fn of(state: &State) -> Self {
        let storage: JsValue = state.storage().as_raw().into();
        let storage: Storage = storage.unchecked_into();
        let database = storage.sql();
        Self { storage, database }
    }

    fn run(&self, sql: &str, args: &[Arg<'_>]) -> Result<Cursor, SqlError> {
        let bindings = Array::new();
        for arg in args {
            bindings.push(&match arg {
                Arg::Text(text) => JsValue::from_str(text),
                // Bound as doubles: what a double does not hold would be rounded in silence.
                Arg::Int(number) if number.abs() <= SAFE => JsValue::from_f64(*number as f64),
                Arg::Int(_) => return Err(SqlError("integer beyond 2^53".to_owned())),
            });
        }
        self.database.exec(sql, &bindings).map_err(refused)
    }
}

impl Sql for ObjectSql {
    fn exec(&self, sql: &str, args: &[Arg<'_>]) -> Result<u64, SqlError> {
        self.run(sql, args).map(|cursor| cursor.rows_written() as u64)
    }

    fn text(&self, sql: &str, args: &[Arg<'_>]) -> Result<Option<String>, SqlError> {
        let rows = self.run(sql, args)?.to_array().map_err(refused)?;
        let row = rows.get(0);
        if row.is_undefined() {
            return Ok(None);
        }
        Ok(Object::values(row.unchecked_ref::<Object>()).get(0).as_string())
    }

    fn transaction<T, E: From<SqlError>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut work = Some(work);
        let mut outcome = None;
        let committed = self.storage.transaction_sync(&mut || {
            let result = work.take().map(|work| work());
            let failed = !matches!(result, Some(Ok(_)));
            outcome = result;
            // A throw is how the platform is told to roll back.
            if failed { Err(JsValue::NULL) } else { Ok(JsValue::UNDEFINED) }
        });
        match (outcome, committed) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), Ok(_)) => Ok(value),
            (Some(Ok(_)) | None, Err(error)) => Err(refused(error).into()),
            (None, Ok(_)) => Err(SqlError("the transaction did not run".to_owned()).into()),
        }
    }
}

/// The platform's own words; they may quote SQL, never values that were bound.
fn refused(error: JsValue) -> SqlError {
    let words = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    SqlError(words.or_else(|| error.as_string()).unwrap_or_else(|| "unknown error".to_owned()))
}
