//! What a Ledger answers when it is asked for numbers.

use super::{Ledger, Read};
use crate::sql::{Arg, Sql, SqlError};

impl<S: Sql> Ledger<S> {
    /// Answers one read as JSON text.
    pub fn read(&mut self, read: &Read) -> Result<String, SqlError> {
        match read {
            Read::Book { campaign, from_day, to_day } => {
                let rows = self.sql.text(
                    "SELECT json_group_array(json_array(campaign, share, origin, day, json(body))) FROM (\
                       SELECT campaign, 0 AS share, '' AS origin, day, body FROM counter \
                       WHERE campaign = CAST(?1 AS INTEGER) AND rules = CAST(?2 AS INTEGER) \
                       UNION ALL SELECT campaign, share, origin, day, body FROM sealed WHERE campaign = CAST(?1 AS INTEGER)) \
                     WHERE day = -1 OR (day >= CAST(?3 AS INTEGER) AND day < CAST(?4 AS INTEGER))",
                    &[
                        Arg::Int(i64::from(*campaign)),
                        Arg::Int(i64::from(self.marks.rules)),
                        Arg::Int(i64::from(*from_day)),
                        Arg::Int(i64::from(*to_day)),
                    ],
                )?;
                Ok(rows.unwrap_or_else(|| "[]".to_owned()))
            }
            // A scan of the entries under no campaign; it is asked when somebody looks at a channel's health.
            Read::Unattributed => {
                let counted = self.sql.text(
                    "SELECT json_group_object(channel, n) FROM (SELECT coalesce(body ->> '$.h[1]', body ->> '$.d[0].h[1]') AS channel, \
                     count(*) AS n FROM entry WHERE campaign = 0 AND id >= 'm' AND id < 'n' GROUP BY 1) WHERE channel IS NOT NULL",
                    &[],
                )?;
                Ok(counted.unwrap_or_else(|| "{}".to_owned()))
            }
        }
    }
}
