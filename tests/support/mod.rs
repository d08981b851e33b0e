//! What several test binaries share: the storage port over rusqlite, and a workspace of Ledgers without an edge.

pub mod rusqlite_sql;
pub mod workspace;
