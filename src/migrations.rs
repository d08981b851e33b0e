//! How an older database becomes one of now: a list of steps, one per version, each additive, so that an older release runs on a
//! newer schema. It knows no table but its own.

use crate::sql::{Arg, Sql, SqlError};

/// Brings the database to the newest version.
///
/// # Errors
/// If the storage refuses.
pub fn migrate(sql: &impl Sql, steps: &[&[&str]]) -> Result<(), SqlError> {
    sql.exec("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID", &[])?;
    let version = sql.text("SELECT CAST(value AS TEXT) FROM meta WHERE key = 'schema'", &[])?;
    let version: usize = version.and_then(|v| v.parse().ok()).unwrap_or(0);
    for (step, no) in steps.iter().zip(1i64..).skip(version) {
        sql.transaction(|| {
            for statement in *step {
                sql.exec(statement, &[])?;
            }
            sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('schema', CAST(?1 AS INTEGER))", &[Arg::Int(no)])
        })?;
    }
    Ok(())
}
