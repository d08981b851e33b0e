//! What a Ledger answers when it is asked for numbers.

use super::requests::{MOVING, RECOUNTING, Traces};
use super::{BookRows, Ledger, Read, to_json};
use crate::sql::{Sql, SqlError};

impl<S: Sql> Ledger<S> {
    /// Answers one read as JSON text.
    pub fn read(&mut self, read: &Read) -> Result<String, SqlError> {
        match read {
            Read::Sums(sums) => {
                let mut rows = self.sums(sums)?;
                let moving = self.moving()?;
                for (share, n) in [(RECOUNTING, u64::from(self.recounts())), (MOVING, moving)] {
                    if n > 0 {
                        let comma = if rows == "[]" { "" } else { "," };
                        rows.insert_str(1, &(BookRows::remark(share, n) + comma));
                    }
                }
                Ok(rows)
            }
            Read::Extent { campaign } => self.extent(*campaign),
            Read::List { list, after, most, in_clear } => {
                Ok(to_json(&self.list(list, after.as_ref(), *most as usize, *in_clear)?))
            }
            Read::Tally { list, after } => Ok(to_json(&self.tally(list, after.as_ref())?)),
            Read::Person { handle } => Ok(self.person(handle)?.to_string()),
            Read::Export { ledger, place } => Ok(to_json(&self.export(*ledger, place)?)),
            Read::Traces { handle } => {
                self.load([handle.as_str()].into_iter())?;
                let Some(cached) = self.contacts.get(handle) else { return Ok(to_json(&Traces::default())) };
                let ties = &cached.row.ties;
                let keys = cached.timeline.key().into_iter().chain(ties.names()).map(str::to_owned).collect();
                Ok(to_json(&Traces { keys, moved_to: ties.home().map(|(to, _)| to.to_owned()) }))
            }
            // A scan of the entries under no campaign; it is asked when somebody looks at a channel's health. The channel stands
            // with what was told of the message or with its dispatch; of one in parts, in whichever part has it.
            Read::Unattributed => {
                let channel = |at: &str| format!("body ->> '{at}.h', body ->> '{at}.d[0].h'");
                let counted = self.sql.text(
                    &format!(
                        "SELECT json_group_object(channel, n) FROM (SELECT coalesce({}, {}, {}, (SELECT coalesce(\
                         value ->> '$.h', value ->> '$.d[0].h') FROM json_each(entry.body, '$.shared.g') LIMIT 1)) AS channel, \
                         count(*) AS n FROM entry WHERE campaign = 0 AND id >= 'm' AND id < 'n' \
                         AND states <> 0 GROUP BY 1) WHERE channel IS NOT NULL",
                        channel("$"),
                        channel("$.shared.o"),
                        channel("$.shared.n"),
                    ),
                    &[],
                )?;
                Ok(counted.unwrap_or_else(|| "{}".to_owned()))
            }
        }
    }
}
