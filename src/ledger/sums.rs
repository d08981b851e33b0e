//! The counters that a read wants, added up in storage's own place: what travels is a few hundred numbers, whatever the period.

use super::load::parse;
use super::requests::{BookRows, Sums, Totals};
use super::{Ledger, to_json};
use crate::counters::{Book, Row, StoredRow, TOTALS};
use crate::json;
use crate::shares::Shares;
use crate::sorted::SortedMap;
use crate::sql::{Arg, Sql, SqlError};
use crate::sums::headline;

/// Campaigns looked at together.
const CHUNK_CAMPAIGNS: usize = 50;
/// Days read together.
const CHUNK_DAYS: i32 = 8;
/// Bytes of rows read at once, half of the platform's longest string: at least one row.
const BATCH_BYTES: usize = 1_000_000;

/// Whose names a row's cells refer to: campaign, share, origin.
type Owner = (u32, u8, String);

impl<S: Sql> Ledger<S> {
    /// The rules of the counters that are read: older ones than [`crate::counters::RULES_VERSION`] until all is recounted.
    #[must_use]
    pub fn rules(&self) -> u32 {
        self.marks.rules
    }

    pub(super) fn sums(&self, asked: &Sums) -> Result<String, SqlError> {
        let all = || self.policies.all().chain([0]).collect();
        let campaigns: Vec<u32> = asked.campaigns.clone().unwrap_or_else(all);
        if let ([campaign], Totals::Whole, None) = (campaigns.as_slice(), asked.totals, &asked.cut) {
            return self.totals(*campaign);
        }
        let mut books: SortedMap<Owner, Book> = SortedMap::new();
        for chunk in campaigns.chunks(CHUNK_CAMPAIGNS) {
            self.add_sums(asked, chunk, &mut books)?;
        }
        if asked.together {
            let mut sums: SortedMap<Owner, Book> = SortedMap::new();
            for ((_, share, _), book) in &books {
                sums.entry((0, *share, String::new())).or_default().merge(book);
            }
            books = sums;
        }
        let rows = books.iter().flat_map(|((campaign, share, origin), book)| {
            let days = book.days.iter().filter(|(_, row)| !row.is_empty()).map(|(day, _)| *day);
            [TOTALS].into_iter().chain(days).map(|day| (*campaign, *share, origin.clone(), day, book.store(day)))
        });
        Ok(to_json(&BookRows(rows.collect())))
    }

    fn add_sums(&self, asked: &Sums, campaigns: &[u32], books: &mut SortedMap<Owner, Book>) -> Result<(), SqlError> {
        // The totals come first, and with them the names that every other row refers to.
        let days: Vec<(i32, i32)> = [(TOTALS, 0)].into_iter().chain(asked.cut.iter().flat_map(|cut| cut.days())).collect();
        let keys = self.sql.text(
            "SELECT json_group_array(json_array(campaign, share, origin, day, size)) FROM (\
               SELECT c.campaign, 0 AS share, '' AS origin, c.day, length(c.body) AS size \
               FROM json_each(?1) AS q CROSS JOIN json_each(?2) AS r CROSS JOIN counter AS c \
               ON c.campaign = q.value AND c.rules = CAST(?3 AS INTEGER) AND c.day >= r.value ->> 0 AND c.day < r.value ->> 1 \
               UNION ALL SELECT c.campaign, c.share, c.origin, c.day, length(c.body) \
               FROM json_each(?1) AS q CROSS JOIN sealed AS c CROSS JOIN json_each(?2) AS r \
               ON c.campaign = q.value AND c.day >= r.value ->> 0 AND c.day < r.value ->> 1 \
               ORDER BY 1, 2, 3, 4)",
            &[Arg::Text(&to_json(&campaigns)), Arg::Text(&to_json(&days)), Arg::Int(i64::from(self.marks.rules))],
        )?;
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for (campaign, share, origin, day, size) in parse::<(u32, u8, String, i32, usize)>(keys.as_deref(), "counter")? {
            if bytes + size > BATCH_BYTES && !batch.is_empty() {
                self.add_rows(asked, &core::mem::take(&mut batch), books)?;
                bytes = 0;
            }
            batch.push((campaign, share, origin, day));
            bytes += size;
        }
        self.add_rows(asked, &batch, books)
    }

    fn add_rows(
        &self,
        asked: &Sums,
        keys: &[(u32, u8, String, i32)],
        books: &mut SortedMap<Owner, Book>,
    ) -> Result<(), SqlError> {
        // In the order of the keys, the live ones first: an owner's totals before its days.
        let rows = self.sql.text(
            "SELECT json_group_array(json_array(campaign, share, origin, day, json(body))) FROM (\
               SELECT c.campaign, 0 AS share, '' AS origin, c.day, c.body FROM json_each(?1) AS q CROSS JOIN counter AS c \
               ON q.value ->> 1 = 0 AND c.campaign = q.value ->> 0 AND c.rules = CAST(?2 AS INTEGER) AND c.day = q.value ->> 3 \
               UNION ALL SELECT c.campaign, c.share, c.origin, c.day, c.body FROM json_each(?1) AS q CROSS JOIN sealed AS c \
               ON c.campaign = q.value ->> 0 AND c.share = q.value ->> 1 AND c.origin = q.value ->> 2 AND c.day = q.value ->> 3)",
            &[Arg::Text(&to_json(&keys)), Arg::Int(i64::from(self.marks.rules))],
        )?;
        for (campaign, share, origin, day, stored) in parse::<(u32, u8, String, i32, StoredRow)>(rows.as_deref(), "counter")? {
            let book = books.entry((campaign, share, origin)).or_default();
            if day == TOTALS && asked.totals == Totals::Headline {
                *book = headline(&stored);
            } else if day == TOTALS {
                book.load(TOTALS, &stored);
                if asked.totals == Totals::None {
                    book.totals = Row::default();
                }
            } else if let Some(cut) = &asked.cut {
                cut.add(day, &stored.row(), book);
            }
        }
        Ok(())
    }

    /// A campaign's totals, and its rows of some days, by share.
    pub(super) fn shares(&self, campaign: u32, (from_day, to_day): (i32, i32)) -> Result<Shares, SqlError> {
        let read = |rows: Option<&str>| parse::<(u32, u8, String, i32, StoredRow)>(rows, "counter");
        let mut all = read(Some(&self.totals(campaign)?))?;
        let extent: (Option<i32>, Option<i32>) = json::read(&self.extent(campaign)?).unwrap_or_default();
        let (first, last) = (extent.0.unwrap_or_default().max(from_day), extent.1.unwrap_or_default().min(to_day - 1));
        for day in (first..=last).step_by(CHUNK_DAYS as usize) {
            let rows = self.sql.text(
                "SELECT json_group_array(json_array(campaign, share, origin, day, json(body))) FROM (\
                   SELECT campaign, 0 AS share, '' AS origin, day, body FROM counter \
                   WHERE campaign = CAST(?1 AS INTEGER) AND rules = CAST(?2 AS INTEGER) \
                   AND day >= CAST(?3 AS INTEGER) AND day < CAST(?4 AS INTEGER) \
                   UNION ALL SELECT campaign, share, origin, day, body FROM sealed WHERE campaign = CAST(?1 AS INTEGER) \
                   AND day >= CAST(?3 AS INTEGER) AND day < CAST(?4 AS INTEGER))",
                &[
                    Arg::Int(i64::from(campaign)),
                    Arg::Int(i64::from(self.marks.rules)),
                    Arg::Int(i64::from(day)),
                    Arg::Int(i64::from((day + CHUNK_DAYS).min(last + 1))),
                ],
            )?;
            all.extend(read(rows.as_deref())?);
        }
        Ok(BookRows(all).into_shares().remove(&campaign).unwrap_or_default())
    }

    /// A campaign's totals as they lie there.
    fn totals(&self, campaign: u32) -> Result<String, SqlError> {
        let rows = self.sql.text(
            "SELECT json_group_array(json_array(campaign, share, origin, day, json(body))) FROM (\
               SELECT campaign, 0 AS share, '' AS origin, day, body FROM counter \
               WHERE campaign = CAST(?1 AS INTEGER) AND rules = CAST(?2 AS INTEGER) AND day = -1 \
               UNION ALL SELECT campaign, share, origin, day, body FROM sealed \
               WHERE campaign = CAST(?1 AS INTEGER) AND day = -1)",
            &[Arg::Int(i64::from(campaign)), Arg::Int(i64::from(self.marks.rules))],
        )?;
        Ok(rows.unwrap_or_else(|| "[]".to_owned()))
    }

    /// The first and the last UTC day of a campaign on which something happened; nulls if nothing did. What was taken back leaves an
    /// empty row behind.
    pub(super) fn extent(&self, campaign: u32) -> Result<String, SqlError> {
        let days = self.sql.text(
            "SELECT json_array(min(day), max(day)) FROM (\
               SELECT day FROM counter WHERE campaign = CAST(?1 AS INTEGER) AND rules = CAST(?2 AS INTEGER) AND day >= 0 \
               AND body <> '{}' \
               UNION ALL SELECT day FROM sealed WHERE campaign = CAST(?1 AS INTEGER) AND day >= 0 AND body <> '{}')",
            &[Arg::Int(i64::from(campaign)), Arg::Int(i64::from(self.marks.rules))],
        )?;
        Ok(days.unwrap_or_else(|| "[null,null]".to_owned()))
    }
}
