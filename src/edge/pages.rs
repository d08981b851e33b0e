//! Lists as they are answered: one page in JSON, or all of them, one after the other, as CSV or NDJSON.
//!
//! A cursor is sealed and good for the list that it was made for alone. Of a table no more than a page is in memory at a time. It
//! knows nothing of what is listed.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::config::Config;
use super::http::{self, Stream};
use super::reads::{self, Made, Question};
use super::{Answer, Asked};
use crate::bounds::{PAGE, PAGE_MOST, TABLE_ROWS};
use crate::cursor;
use crate::event::Ms;
use crate::json;
use crate::problem::Problem;
use crate::route::Query;
use crate::table::{Format, head, lines};

/// How old a list of people may be at most.
const PEOPLE_AGE_MS: Ms = 60_000;

/// A part of a list.
#[derive(Default)]
pub struct Page {
    pub rows: Vec<Box<RawValue>>,
    /// How many the whole list has, and what else is said of it.
    pub whole: Vec<(&'static str, Value)>,
    /// The position where the next page begins.
    pub next: Option<String>,
}

/// Makes the page behind a position, of so many rows at most; the last argument says whether what is said of the whole list is
/// wanted.
pub type Turn = Rc<dyn Fn(Option<String>, u32, bool) -> LocalBoxFuture<'static, Result<Page, Problem>>>;

/// A list.
pub struct Pages {
    /// Everything that decides what is in it, and how it is sorted: a cursor is bound to it.
    pub of: String,
    /// The columns of its table: paths into a row.
    pub columns: &'static [&'static str],
    pub turn: Turn,
}

/// Answers with a list as the request wants it.
pub async fn answer(config: &Rc<Config>, asked: &Asked<'_>, query: &Query, pages: Pages) -> Answer {
    let format = http::format(asked.request, query)?;
    let limit = query.whole("limit", 1..=PAGE_MOST, PAGE)?;
    let position = query.get("cursor").map(|cursor| cursor::open(&config.cursor_key, &pages.of, cursor)).transpose()?;
    if format == Format::Json {
        let mut question = Question::of(query, format!("{}\u{1f}{limit}\u{1f}{position:?}", pages.of))?;
        question.of_nobody = false;
        // Who was erased stands in no answer for long.
        question.max_age_ms = question.max_age_ms.min(PEOPLE_AGE_MS);
        return reads::answer(config, asked, &question, Box::pin(page(config, &pages, position, limit))).await;
    }
    if query.get("limit").is_some() {
        let rows = (pages.turn)(position, limit, false).await?.rows;
        let body = head(format, pages.columns) + &table(format, &pages, &rows);
        return Ok(http::answer(200, &headers(format), Some(&body))?);
    }
    // The first page comes before the answer: what cannot be read is told in time.
    let first = (pages.turn)(position, TABLE_ROWS, false).await?;
    let (answer, stream) = http::stream(&headers(format))?;
    asked.context.wait_until(run(stream, format, pages, first));
    Ok(answer)
}

fn headers(format: Format) -> [(&'static str, &'static str); 2] {
    [("content-type", format.content_type()), ("cache-control", "private, no-store")]
}

async fn page(config: &Config, pages: &Pages, position: Option<String>, limit: u32) -> Result<Made, Problem> {
    let Page { rows, whole, next } = (pages.turn)(position, limit, true).await?;
    let next = next.and_then(|position| cursor::seal(&config.cursor_key, &pages.of, &position));
    let mut body = String::from("{\"data\":[");
    for (no, row) in rows.iter().enumerate() {
        body.push_str(if no == 0 { "" } else { "," });
        body.push_str(row.get());
    }
    body.push(']');
    for (name, value) in whole.iter().map(|(name, value)| (*name, value)).chain([("next_cursor", &json!(next))]) {
        body.push_str(&format!(",\"{name}\":{value}"));
    }
    body.push('}');
    // The tag is of all that is shown: no moment is in it.
    Ok(Made { state: body.clone(), content_type: "application/json", body })
}

/// Writes a table, page after page, as fast as its reader takes it.
async fn run(stream: Stream, format: Format, pages: Pages, first: Page) {
    let mut text = head(format, pages.columns);
    let mut page = first;
    loop {
        text.push_str(&table(format, &pages, &page.rows));
        if !text.is_empty() && !stream.write(&text).await {
            return stream.fail().await;
        }
        text.clear();
        let Some(next) = page.next else { return stream.end().await };
        page = match (pages.turn)(Some(next), TABLE_ROWS, false).await {
            Ok(page) => page,
            // Cut off, so that nobody takes a part for the whole.
            Err(_) => return stream.fail().await,
        };
    }
}

fn table(format: Format, pages: &Pages, rows: &[Box<RawValue>]) -> String {
    let rows: Vec<Value> = rows.iter().filter_map(|row| json::read(row.get()).ok()).collect();
    lines(format, pages.columns, &rows)
}
