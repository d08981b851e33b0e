//! Lists as tables: the same rows as JSON, as CSV (RFC 4180) or as NDJSON.
//!
//! A row is a JSON object. A column of the CSV is a path into it (`states.sent_at`); what stands there is written as it is, lists
//! and objects as JSON. It knows neither what the rows mean nor how they are sent.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::problem::Problem;

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
            let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok());
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

/// The columns of rows that are all there: `first`, then every other path to a value, in alphabetical order.
#[must_use]
pub fn columns_of(first: &[&str], rows: &[Value]) -> Vec<String> {
    let mut paths = BTreeSet::new();
    rows.iter().for_each(|row| leaves(String::new(), row, &mut paths));
    let mut columns: Vec<String> = first.iter().map(|&column| column.to_owned()).collect();
    columns.iter().for_each(|column| {
        paths.remove(column);
    });
    columns.extend(paths);
    columns
}

fn leaves(path: String, value: &Value, paths: &mut BTreeSet<String>) {
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
    match path.split('.').try_fold(row, |value, name| value.get(name)) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => cell(text),
        // A number is no formula, whatever its sign.
        Some(number @ Value::Number(_)) => number.to_string(),
        Some(other) => cell(&other.to_string()),
    }
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
    fn columns_are_paths() {
        let rows = [json!({ "b": { "c": 1 }, "a": "x" }), json!({ "b": { "d": { "e": 2 } }, "f": {} })];
        let columns = columns_of(&["b.c", "none"], &rows);
        assert_eq!(columns, ["b.c", "none", "a", "b.d.e"]);
        assert_eq!(head(Format::Csv, &columns) + &lines(Format::Csv, &columns, &rows), "b.c,none,a,b.d.e\r\n1,,x,\r\n,,,2\r\n");
        assert_eq!(head(Format::Ndjson, &columns), "");
        assert_eq!(lines(Format::Ndjson, &columns, &rows[..1]), "{\"a\":\"x\",\"b\":{\"c\":1}}\n");
    }
}
