//! The Ledger's tables. It knows nothing of what stands in them.

/// The schema, one step per version; each is additive, so that an older release runs on a newer schema.
///
/// - `contact`: `k` the person's key, `c` the campaigns under which it has entries.
/// - `entry`: one thing of a timeline ([`crate::facts`]), under the campaign where it counts; `states` is a message's mask.
///   A campaign's rows stand together, so that a list scans them; nothing is indexed that changes per event.
/// - `counter`: one packed row per campaign, rules and day ([`crate::counters`]); day −1 is the totals.
/// - `waiting`: contacts with entries that name a campaign which is not declared.
/// - `sealed`: what is left of what was forgotten, as rows of counters: `share` is 1 erased or 2 expired ([`crate::shares`]),
///   `origin` says which Ledger forgot it, empty for this one. It was counted under the rules of its time and stays so.
/// - `tombstone`: a handle that was erased, and when; nothing else.
/// - `away`: what was told of a key that belongs to another person: it counts with them, and stays here for the case that it turns
///   out to be a third one's.
/// - `errand`: what other objects have to be told, until they have it; `things` is how many things move by it.
/// - `progress`: how far work in chunks has come, by the name of the work.
pub(super) const MIGRATIONS: &[&[&str]] = &[
    &[
        "CREATE TABLE policy (no INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT",
        "CREATE TABLE contact (handle TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID",
        "CREATE TABLE entry (campaign INTEGER NOT NULL, handle TEXT NOT NULL, id TEXT NOT NULL, states INTEGER NOT NULL, \
     body TEXT NOT NULL, PRIMARY KEY (campaign, handle, id)) STRICT, WITHOUT ROWID",
        "CREATE TABLE counter (campaign INTEGER NOT NULL, rules INTEGER NOT NULL, day INTEGER NOT NULL, body TEXT NOT NULL, \
     PRIMARY KEY (campaign, rules, day)) STRICT, WITHOUT ROWID",
        "CREATE TABLE waiting (campaign TEXT NOT NULL, handle TEXT NOT NULL, PRIMARY KEY (campaign, handle)) STRICT, WITHOUT ROWID",
    ],
    &[
        "CREATE TABLE sealed (campaign INTEGER NOT NULL, share INTEGER NOT NULL, origin TEXT NOT NULL, day INTEGER NOT NULL, \
     body TEXT NOT NULL, PRIMARY KEY (campaign, share, origin, day)) STRICT, WITHOUT ROWID",
        "CREATE TABLE tombstone (handle TEXT PRIMARY KEY, erased_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        "CREATE TABLE progress (work TEXT PRIMARY KEY, mark TEXT NOT NULL) STRICT, WITHOUT ROWID",
    ],
    &[
        "CREATE TABLE away (handle TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (handle, id)) \
     STRICT, WITHOUT ROWID",
        "CREATE TABLE errand (no INTEGER PRIMARY KEY AUTOINCREMENT, things INTEGER NOT NULL, body TEXT NOT NULL) STRICT",
    ],
];
