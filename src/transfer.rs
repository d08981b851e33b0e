//! A workspace as lines of JSON: what each object tells in pages when it is exported, and which object each line belongs to when
//! it is imported.
//!
//! A line is an object with one member, whose name says what it is and whose value is the row. Taking a line in is idempotent, and
//! the order of the lines does not matter; so an export may be cut into chunks anywhere, and any chunk may come twice.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::bounds::EXPORT_PAGE_BYTES;
use crate::contact::{Handle, NOBODY};
use crate::counters::StoredRow;
use crate::event::Event;
use crate::facts::{Facts, Shared, Word};
use crate::identity::{Claim, Thing};
use crate::json;
use crate::ledger::is_contact;
use crate::partition::Partition;
use crate::problem::{FieldError, Problem};
use crate::registry::is_record;
use crate::sorted::SortedMap;
use crate::sql::{Arg, Sql, SqlError};

/// Where a page begins: the section, and the key behind which it does, as JSON.
pub type Place = (usize, String);

/// A page of an export.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Page {
    /// Whole lines, each with its end.
    pub lines: String,
    /// Where the next page begins; absent at the end.
    pub next: Option<Place>,
}

/// The name of the lines, and the query: `?1` is the key behind which it begins, `?2`, where it is used, the name of the object. It
/// gives an array of pairs of key and row.
pub type Section = (&'static str, &'static str);

/// The page at a place, of sections one after the other, of about [`EXPORT_PAGE_BYTES`]. `name` is the object's own.
///
/// # Errors
/// If the storage refuses.
pub fn page(sql: &impl Sql, sections: &[Section], place: &Place, name: &str) -> Result<Page, SqlError> {
    let (mut section, mut after) = place.clone();
    let mut lines = String::new();
    while let Some((kind, query)) = sections.get(section) {
        if lines.len() >= EXPORT_PAGE_BYTES {
            return Ok(Page { lines, next: Some((section, after)) });
        }
        let args = [Arg::Text(&after), Arg::Text(name)];
        let used = if query.contains("?2") { 2 } else { 1 };
        let rows = sql.text(query, args.get(..used).unwrap_or_default())?.unwrap_or_else(|| "[]".to_owned());
        let rows: Vec<(&RawValue, &RawValue)> = json::read(&rows).map_err(|error| SqlError(error.to_string()))?;
        for (_, row) in &rows {
            for part in ["{\"", kind, "\":", row.get(), "}\n"] {
                lines.push_str(part);
            }
        }
        (section, after) = match rows.last() {
            Some((key, _)) => (section, key.get().to_owned()),
            None => (section + 1, FIRST.to_owned()),
        };
    }
    Ok(Page { lines, next: None })
}

/// Before every key.
pub const FIRST: &str = "[-1,-1,-1,-1]";

/// The rows of one object, by the name of their lines, each with the place of its line in the body.
pub type Rows = SortedMap<String, Vec<(usize, Value)>>;

/// What is to be taken in, by object.
#[derive(Debug, Default)]
pub struct Sorted {
    pub registry: Rows,
    pub ledgers: SortedMap<u32, Rows>,
    pub identities: SortedMap<u32, Rows>,
    /// The lines that are none.
    pub rejected: Vec<(usize, FieldError)>,
    /// Lines that need no object.
    pub heads: usize,
}

/// Which deployment's handles these are: the keys must be the same where they are taken in.
#[must_use]
pub fn fingerprint(partition: &Partition) -> String {
    Handle::of(&partition.handle_key, "export").to_text()
}

/// Sorts lines by the object that they belong to.
///
/// # Errors
/// 409, if they say that they come from a deployment with another master key.
pub fn sort(partition: &Partition, lines: Vec<Option<Value>>) -> Result<Sorted, Problem> {
    let mut sorted = Sorted::default();
    for (index, line) in lines.into_iter().enumerate() {
        let wrong = |detail: &str| (index, FieldError { pointer: String::new(), detail: detail.to_owned() });
        let Some(Value::Object(line)) = line else {
            sorted.rejected.push(wrong("is no JSON object"));
            continue;
        };
        let mut members = line.into_iter();
        let (Some((kind, row)), None) = (members.next(), members.next()) else {
            sorted.rejected.push(wrong("must have one member"));
            continue;
        };
        let first = row.get(0).and_then(Value::as_str).unwrap_or_default();
        let ledger_of = |handle: &str| {
            Handle::from_text(handle.strip_prefix(NOBODY).unwrap_or(handle)).map(|handle| handle.ledger(partition.ledgers))
        };
        let rows = match kind.as_str() {
            "workspace" if row.get("keys").and_then(Value::as_str) == Some(fingerprint(partition).as_str()) => {
                sorted.heads += 1;
                continue;
            }
            "workspace" => {
                let foreign =
                    "The lines come from a deployment with another BLUETICK_MASTER_KEY: their handles mean nothing here.";
                return Err(Problem::conflict(foreign));
            }
            "record" => Some(&mut sorted.registry),
            "contact" | "entry" | "away" | "erased" => ledger_of(first).map(|ledger| sorted.ledgers.entry(ledger).or_default()),
            "share" => {
                let origin = row.get(2).and_then(Value::as_str).and_then(|origin| origin.split('.').next());
                let ledger = origin.and_then(|ledger| ledger.parse::<u32>().ok());
                ledger.map(|ledger| sorted.ledgers.entry(ledger % partition.ledgers.max(1)).or_default())
            }
            "claim" => {
                Handle::from_text(first).map(|handle| sorted.identities.entry(handle.ledger(partition.ledgers)).or_default())
            }
            "thing" | "kept" | "waiting" | "verdict" if !first.is_empty() => {
                Some(sorted.identities.entry(partition.identity(first)).or_default())
            }
            _ => None,
        };
        match rows.filter(|_| is_whole(&kind, &row)) {
            Some(rows) => rows.entry(kind).or_default().push((index, row)),
            None => sorted.rejected.push(wrong("is no line of an export")),
        }
    }
    Ok(sorted)
}

/// Whether a row has everything that a row of its kind has, in a form that can be read when it is needed.
fn is_whole(kind: &str, row: &Value) -> bool {
    let member = |no: usize| row.get(no).unwrap_or(&Value::Null);
    match kind {
        "record" => has(row, "ssn?") && is_record(row),
        "contact" => has(row, "s?") && is_contact(member(1)),
        "erased" => has(row, "si"),
        "entry" | "away" => {
            let body = member(2).to_string();
            let id = member(1).as_str().unwrap_or_default();
            let known =
                if Shared::is_in(&body) { Shared::decode(id, &body).is_some() } else { Facts::decode(id, &body).is_some() };
            has(row, "ss?") && known
        }
        "share" => json::of::<(u32, u8, String, i32, StoredRow)>(row).is_ok(),
        "claim" => has(row, "si?") && json::of::<Claim>(member(2)).is_ok(),
        "verdict" => has(row, "ssis") && json::of::<Word>(member(3)).is_ok(),
        "waiting" => has(row, "ssiss") && is_text_of::<Event>(member(1)),
        "kept" => has(row, "ssis") && is_text_of::<Event>(member(1)),
        _ => has(row, "sssi") && is_text_of::<Thing>(member(1)),
    }
}

/// Whether the members of a row are of these forms and no others: `s` a text, `i` a whole number, `n` a number of a definition or
/// null, `?` anything.
fn has(row: &Value, forms: &str) -> bool {
    let is = |form: char, member: &Value| match form {
        's' => member.is_string(),
        'i' => member.is_i64(),
        'n' => member.is_null() || member.as_u64().is_some_and(|no| u32::try_from(no).is_ok()),
        _ => true,
    };
    row.as_array().is_some_and(|row| row.len() == forms.len() && forms.chars().zip(row).all(|(form, member)| is(form, member)))
}

fn is_text_of<T: DeserializeOwned>(value: &Value) -> bool {
    value.as_str().is_some_and(|text| json::read::<T>(text).is_ok())
}
