//! The claims that stand alone: of most things one person claims them once, and that is all. A row of these is what a message takes
//! beside its entry in a Ledger. It does not know what a claim is worth.

use super::{Claim, Identity, text, thing_handle};
use crate::counters::DAY_MS;
use crate::event::Ms;
use crate::sorted::SortedSet;
use crate::sql::{Arg, Sql, SqlError};

/// Rows as an export tells them: the thing's handle, the day, and the claim. A key whose digits are a number is stored as that, in
/// half the bytes.
pub(super) const KEEP: &str = "INSERT OR REPLACE INTO claim (thing, seen, handle, key, ground, at_ms, campaign, step)
     SELECT value ->> 0, value ->> 1, value ->> '$[2].handle',
       iif(CAST(CAST(value ->> '$[2].key' AS INTEGER) AS TEXT) = value ->> '$[2].key', CAST(value ->> '$[2].key' AS INTEGER),
         value ->> '$[2].key'),
       value ->> '$[2].ground', value ->> '$[2].at_ms', coalesce(value ->> '$[2].campaign', ''),
       coalesce(value ->> '$[2].step', '')
     FROM json_each(?)";

/// The thing's handle, the UTC day on which the claim was seen last, and the claim.
pub(super) type Row = (String, i64, Claim);

impl<S: Sql> Identity<S> {
    /// Those of the named things whose claim stands alone; their names stand for their handles.
    pub(super) fn alone(&self, names: &SortedSet<&str>) -> Result<Vec<Row>, SqlError> {
        let names: Vec<(String, &str)> = names.iter().map(|name| (thing_handle(&self.key, name).to_text(), *name)).collect();
        self.rows(
            "SELECT json_group_array(json_array(c.thing, c.seen, json_object('thing', q.value ->> 1, 'handle', c.handle,
               'key', CAST(c.key AS TEXT), 'ground', c.ground, 'at_ms', c.at_ms, 'campaign', c.campaign, 'step', c.step)))
             FROM json_each(?) AS q CROSS JOIN claim AS c ON c.thing = q.value ->> 0",
            &[Arg::Text(&text(&names)?)],
        )
    }

    pub(super) fn row_of(&self, claim: Claim, seen_ms: Ms) -> Row {
        (thing_handle(&self.key, &claim.thing).to_text(), seen_ms.div_euclid(DAY_MS), Claim { thing: String::new(), ..claim })
    }
}
