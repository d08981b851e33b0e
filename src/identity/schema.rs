//! The Identity's tables, and their rows as they are told in an export. It knows nothing of what stands in them.

use crate::transfer::Section;

/// - `waiting`: events that named nobody, by message, which are not with the person whose it is; `event` is their text, so that a
///   repeat is no second row, `received_ms` the earliest receipt, `nobody` the handle under which a click counts meanwhile.
///   `due`: those of them that can go, under numbers that never come again: who has delivered one may say so late.
/// - `kept`: those that are with the winner, for the next one.
/// - `claim`: whose a thing is that one person claims, on one ground, and of which nobody asks more: most are such. A thing stands
///   there under its handle ([`super::thing_handle`]), since names of 60 bytes would be half of the row; a key of digits is a number;
///   `seen` is the UTC day on which the claim came last.
/// - `thing`: all other messages and conversions that are claimed ([`super::Thing`]), the winner, and when a claim came last. Before
///   `claim` there was it stood for those as well; such a row goes there when the thing is spoken of again.
/// - `verdict`: what a Ledger has to be told about an entry, until it has it.
/// - `known`: of an earlier release: the handle of a message's person.
pub(super) const MIGRATIONS: &[&[&str]] = &[
    &[
        "CREATE TABLE IF NOT EXISTS known (message TEXT PRIMARY KEY, handle TEXT NOT NULL) STRICT, WITHOUT ROWID",
        "CREATE TABLE IF NOT EXISTS waiting (no INTEGER PRIMARY KEY, message TEXT NOT NULL, event TEXT NOT NULL, \
         received_ms INTEGER NOT NULL, channel TEXT NOT NULL, UNIQUE (message, event)) STRICT",
    ],
    &[
        "CREATE TABLE thing (name TEXT PRIMARY KEY, body TEXT NOT NULL, holder TEXT NOT NULL, seen_ms INTEGER NOT NULL) \
         STRICT, WITHOUT ROWID",
        "CREATE TABLE verdict (entry TEXT NOT NULL, handle TEXT NOT NULL, version INTEGER NOT NULL, word TEXT NOT NULL, \
         PRIMARY KEY (entry, handle)) STRICT, WITHOUT ROWID",
        "CREATE TABLE kept (message TEXT NOT NULL, event TEXT NOT NULL, received_ms INTEGER NOT NULL, channel TEXT NOT NULL, \
         PRIMARY KEY (message, event)) STRICT, WITHOUT ROWID",
        "CREATE TABLE due (seq INTEGER PRIMARY KEY AUTOINCREMENT, no INTEGER NOT NULL UNIQUE) STRICT",
        "ALTER TABLE waiting ADD COLUMN nobody TEXT NOT NULL DEFAULT ''",
        "INSERT INTO thing (name, body, holder, seen_ms) SELECT message, json_object('c', json_object(handle, \
         json_object('g', json_object('quoted', json_array(0, '', '')))), 'v', 0), handle, 0 FROM known",
        "INSERT INTO due (no) SELECT no FROM waiting WHERE message IN (SELECT name FROM thing)",
    ],
    &[
        "CREATE TABLE claim (thing TEXT PRIMARY KEY, handle TEXT NOT NULL, key ANY, ground TEXT NOT NULL, at_ms INTEGER NOT NULL, \
       campaign TEXT NOT NULL, step TEXT NOT NULL, seen INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    ],
];

/// What is told in an export, and how it is written where it is taken in.
/// The claims have a statement of their own.
pub(super) const COLUMNS: [(&str, &str); 4] = [
    ("thing", "name, body, holder, seen_ms"),
    ("kept", "message, event, received_ms, channel"),
    ("waiting", "message, event, received_ms, channel, nobody"),
    ("verdict", "entry, handle, version, word"),
];

pub(super) const SECTIONS: &[Section] = &[
    (
        "claim",
        "SELECT json_group_array(json_array(json_array(thing), json_array(thing, seen, json_object('thing', '', 'handle', handle,
           'key', CAST(key AS TEXT), 'ground', ground, 'at_ms', at_ms, 'campaign', campaign, 'step', step))))
         FROM (SELECT * FROM claim WHERE thing > iif(?1 ->> 0 = -1, '', ?1 ->> 0) ORDER BY thing LIMIT 2000)",
    ),
    (
        "thing",
        "SELECT json_group_array(json_array(json_array(name), json_array(name, body, holder, seen_ms))) FROM (SELECT * FROM thing
         WHERE name > iif(?1 ->> 0 = -1, '', ?1 ->> 0) ORDER BY name LIMIT 500)",
    ),
    (
        "kept",
        "SELECT json_group_array(json_array(json_array(message, event), json_array(message, event, received_ms, channel))) FROM
         (SELECT * FROM kept WHERE (message, event) > (iif(?1 ->> 0 = -1, '', ?1 ->> 0), CAST(?1 ->> 1 AS TEXT))
          ORDER BY message, event LIMIT 500)",
    ),
    (
        "waiting",
        "SELECT json_group_array(json_array(json_array(no), json_array(message, event, received_ms, channel, nobody))) FROM
         (SELECT * FROM waiting WHERE no > ?1 ->> 0 ORDER BY no LIMIT 500)",
    ),
    (
        "verdict",
        "SELECT json_group_array(json_array(json_array(entry, handle), json_array(entry, handle, version, word))) FROM
         (SELECT * FROM verdict WHERE (entry, handle) > (iif(?1 ->> 0 = -1, '', ?1 ->> 0), CAST(?1 ->> 1 AS TEXT))
          ORDER BY entry, handle LIMIT 500)",
    ),
];
