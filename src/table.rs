//! Lists as tables: the same rows as JSON, as CSV (RFC 4180) or as NDJSON.
//!
//! A row is a JSON object. A column of the CSV is a path into it (`states.sent_at`); what stands there is written as it is, lists
//! and objects as JSON. It knows neither what the rows mean nor how they are sent.

use serde_json::Value;

use crate::json;
use crate::problem::Problem;
use crate::sorted::SortedSet;

/// What a list is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One page, with its total and its cursor.
    Json,
    Csv,
    Ndjson,
}

const ALL: [(&str, &str, Format); 3] = [
    ("json", "application/json", Format::Json),
    ("csv", "text/csv", Format::Csv),
    ("ndjson", "application/x-ndjson", Format::Ndjson),
];

impl Format {
    /// The format that the parameter `format` names, else the one that the header `Accept` likes best, else JSON.
    ///
    /// # Errors
    /// 400, if the parameter names another.
    pub fn of(parameter: Option<&str>, accept: &str) -> Result<Self, Problem> {
        if let Some(name) = parameter {
            let known = ALL.iter().find(|(known, _, _)| *known == name);
            let known = known.ok_or_else(|| Problem::bad("The query parameter format must be json, csv or ndjson."))?;
            return Ok(known.2);
        }
        let mut best = (0.0, Self::Json);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| json::read::<f64>(q).ok());
            let format = ALL.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name)).map(|found| found.2);
            if let (Some(format), Some(quality)) = (format, quality)
                && quality > best.0
            {
                best = (quality, format);
            }
        }
        Ok(best.1)
    }

    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// What stands above the rows: the names of the columns.
#[must_use]
pub fn head(format: Format, columns: &[impl AsRef<str>]) -> String {
    match format {
        Format::Csv => record(columns.iter().map(|column| cell(column.as_ref()))),
        Format::Json | Format::Ndjson => String::new(),
    }
}

/// Rows, each with its line's end.
#[must_use]
pub fn lines(format: Format, columns: &[impl AsRef<str>], rows: &[Value]) -> String {
    let line = |row: &Value| match format {
        Format::Csv => record(columns.iter().map(|column| shown(row, column.as_ref()))),
        Format::Json | Format::Ndjson => format!("{row}\n"),
    };
    rows.iter().map(line).collect()
}

/// What tells rows apart stands before all else that is said of them.
const FIRST: [&str; 10] = ["period", "start", "end", "id", "channel", "campaign", "link", "step", "kind", "stage"];

/// A list that is all there, an object with its rows in `data`: the object itself, or its rows as a table, whose columns are all
/// paths to a value.
#[must_use]
pub fn written(format: Format, list: &Value) -> String {
    if format == Format::Json {
        return list.to_string();
    }
    let rows = list.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut paths = SortedSet::new();
    rows.iter().for_each(|row| leaves(String::new(), row, &mut paths));
    let mut columns: Vec<String> =
        FIRST.iter().filter(|column| paths.remove(**column)).map(|column| (*column).to_owned()).collect();
    columns.extend(paths);
    head(format, &columns) + &lines(format, &columns, rows)
}

fn leaves(path: String, value: &Value, paths: &mut SortedSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                leaves(if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, value, paths);
            }
        }
        _ => {
            paths.insert(path);
        }
    }
}

fn shown(row: &Value, path: &str) -> String {
    match at(row, path) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => cell(text),
        // A number is no formula, whatever its sign.
        Some(number @ Value::Number(_)) => number.to_string(),
        Some(other) => cell(&other.to_string()),
    }
}

/// The value at a path, whose names may hold dots themselves.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let deeper = |(dot, _)| at(value.get(path.get(..dot)?)?, path.get(dot + 1..)?);
    value.get(path).or_else(|| path.match_indices('.').find_map(deeper))
}

fn record(cells: impl Iterator<Item = String>) -> String {
    let mut line = cells.collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

/// A text as a cell: quoted where it must be; what a spreadsheet would take for a formula begins with an apostrophe.
fn cell(text: &str) -> String {
    let formula = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { "'" } else { "" };
    if text.contains(['"', ',', '\r', '\n']) {
        return format!("\"{formula}{}\"", text.replace('"', "\"\""));
    }
    format!("{formula}{text}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check_format(parameter: Option<&str>, accept: &str, format: Option<Format>) {
        assert_eq!(Format::of(parameter, accept).ok(), format, "{parameter:?} {accept}");
    }

    #[test]
    fn the_parameter_beats_what_is_accepted() {
        check_format(None, "", Some(Format::Json));
        check_format(None, "*/*", Some(Format::Json));
        check_format(None, "text/csv", Some(Format::Csv));
        check_format(None, "text/html, Text/CSV;q=0.9, */*;q=0.1", Some(Format::Csv));
        check_format(None, "text/csv;q=0.5, application/x-ndjson;q=0.8", Some(Format::Ndjson));
        check_format(None, "application/json, text/csv", Some(Format::Json));
        check_format(None, "text/csv;q=0", Some(Format::Json));
        check_format(None, "text/csv;q=many", Some(Format::Json));
        check_format(Some("csv"), "application/json", Some(Format::Csv));
        check_format(Some("json"), "text/csv", Some(Format::Json));
        check_format(Some("xls"), "text/csv", None);
        check_format(Some(""), "", None);
    }

    fn check_cell(value: Value, cell: &str) {
        assert_eq!(lines(Format::Csv, &["v"], &[json!({ "v": value })]), format!("{cell}\r\n"));
    }

    #[test]
    fn names_may_hold_dots() {
        let list = json!({ "data": [{ "step": "s", "lists": { "contacts.clicked": "/a", "clicks": "/b" }, "x": { "y": 1 } }] });
        assert_eq!(written(Format::Csv, &list), "step,lists.clicks,lists.contacts.clicked,x.y\r\ns,/b,/a,1\r\n");
    }

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        check_cell(json!("plain words"), "plain words");
        check_cell(json!("a,b"), "\"a,b\"");
        check_cell(json!("say \"x\""), "\"say \"\"x\"\"\"");
        check_cell(json!("two\r\nlines"), "\"two\r\nlines\"");
        check_cell(json!("=1+1"), "'=1+1");
        check_cell(json!("+12025550101"), "'+12025550101");
        check_cell(json!("-1.50"), "'-1.50");
        check_cell(json!("@SUM(A1)"), "'@SUM(A1)");
        check_cell(json!("\t=1"), "'\t=1");
        check_cell(json!("\r=1"), "\"'\r=1\"");
        check_cell(json!("=HYPERLINK(\"x\",\"y\")"), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
        check_cell(json!(-3), "-3");
        check_cell(json!(true), "true");
        check_cell(Value::Null, "");
        check_cell(json!(["a"]), "\"[\"\"a\"\"]\"");
    }

    #[test]
    fn a_list_is_a_table_with_its_paths_as_columns() {
        let rows = json!([{ "b": { "c": 1 }, "a": "x", "id": "=1" }, { "b": { "d": { "e": 2 } }, "campaign": "y", "f": {} }]);
        let list = json!({ "data": rows, "total": 2 });
        assert_eq!(written(Format::Csv, &list), "id,campaign,a,b.c,b.d.e\r\n'=1,,x,1,\r\n,y,,,2\r\n");
        assert_eq!(written(Format::Ndjson, &list), format!("{}\n{}\n", rows[0], rows[1]));
        assert_eq!(written(Format::Json, &list), list.to_string());
    }
}
