//! Reading a JSON body so that every field that is wrong is named at once, unknown ones included.
//!
//! It knows shapes (texts, whole numbers, choices, lists), not what they mean.

use core::ops::RangeInclusive;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::event::Ms;
use crate::ids;
use crate::json;
use crate::problem::{FieldError, Problem};
use crate::time::from_rfc3339;

/// A body as JSON.
///
/// # Errors
/// 400, if it is no JSON.
pub fn json(bytes: &[u8]) -> Result<Value, Problem> {
    json::value(bytes).ok_or_else(|| Problem::bad("The body is not JSON."))
}

/// Reads the fields of one object; what is wrong is kept until [`Fields::done`]. A field that is null counts as absent.
pub struct Fields<'a> {
    object: Option<&'a Map<String, Value>>,
    pointer: String,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// The fields of `value`, which stands at `pointer` in the body (empty for the body itself).
    #[must_use]
    pub fn of(value: &'a Value, pointer: impl Into<String>) -> Self {
        let mut fields = Self { object: value.as_object(), pointer: pointer.into(), known: Vec::new(), errors: Vec::new() };
        if fields.object.is_none() {
            fields.wrong_here("must be an object");
        }
        fields
    }

    /// The field's value, if it is there and not null.
    pub fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.object?.get(name).filter(|value| !value.is_null())
    }

    /// Whether the field is there, be it null.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.object.is_some_and(|object| object.contains_key(name))
    }

    /// A value that must be there.
    pub fn required<T>(&mut self, name: &'static str, value: Option<T>) -> Option<T> {
        let pointer = self.at(name);
        // Absent; one that is there and wrong has its error already.
        if value.is_none() && !self.errors.iter().any(|error| error.pointer == pointer) && self.object.is_some() {
            self.wrong(name, "is missing");
        }
        value
    }

    /// Text of 1 to `most` bytes without control characters.
    pub fn text(&mut self, name: &'static str, most: usize) -> Option<&'a str> {
        let text = self.string(name)?;
        if text.is_empty() || text.len() > most || text.chars().any(char::is_control) {
            self.wrong(name, format!("must be text of 1 to {most} bytes without control characters"));
            return None;
        }
        Some(text)
    }

    /// An id that the operator chooses.
    pub fn operator_id(&mut self, name: &'static str) -> Option<&'a str> {
        let text = self.string(name)?;
        self.checked(name, text, ids::operator_id(text))
    }

    /// An id from elsewhere.
    pub fn foreign_id(&mut self, name: &'static str) -> Option<&'a str> {
        let text = self.string(name)?;
        self.checked(name, text, ids::foreign_id(text))
    }

    /// A step of a campaign: an id that the operator chooses; absent or empty is the default step.
    pub fn step(&mut self) -> &'a str {
        match self.string("step") {
            None | Some("") => "",
            Some(text) => self.checked("step", text, ids::operator_id(text)).unwrap_or_default(),
        }
    }

    /// A time, RFC 3339 with any offset.
    pub fn time(&mut self, name: &'static str) -> Option<Ms> {
        let text = self.string(name)?;
        let time = from_rfc3339(text);
        if time.is_none() {
            self.wrong(name, "must be a time in the form of RFC 3339, with an offset or Z");
        }
        time
    }

    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        let value = self.value(name)?;
        if !value.is_boolean() {
            self.wrong(name, "must be true or false");
        }
        value.as_bool()
    }

    /// A whole number within `range`.
    pub fn whole(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.value(name)?;
        let number = value.as_u64().filter(|n| range.contains(n));
        if number.is_none() {
            self.wrong(name, format!("must be a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }

    /// One of the words of `T`; `words` says which they are.
    pub fn choice<T: DeserializeOwned>(&mut self, name: &'static str, words: &[&str]) -> Option<T> {
        let value = self.value(name)?;
        let choice = value.is_string().then(|| json::of(value).ok()).flatten();
        if choice.is_none() {
            self.wrong(name, format!("must be one of {}", words.join(", ")));
        }
        choice
    }

    /// A list of at most `most` texts, each of which `check` accepts, none twice.
    pub fn texts(
        &mut self,
        name: &'static str,
        most: usize,
        check: impl Fn(&str) -> Result<(), &'static str>,
    ) -> Option<Vec<String>> {
        let list = self.list(name, most)?;
        let mut texts: Vec<String> = Vec::new();
        for (index, value) in list.iter().enumerate() {
            let wrong = match value.as_str() {
                None => "must be text",
                Some(text) if texts.iter().any(|earlier| earlier == text) => "stands there twice",
                Some(text) => match check(text) {
                    Err(reason) => reason,
                    Ok(()) => {
                        texts.push(text.to_owned());
                        continue;
                    }
                },
            };
            let pointer = format!("{}/{index}", self.at(name));
            self.errors.push(FieldError { pointer, detail: wrong.to_owned() });
        }
        Some(texts)
    }

    /// A list of at most `most` values.
    pub fn list(&mut self, name: &'static str, most: usize) -> Option<&'a [Value]> {
        let value = self.value(name)?;
        let list = value.as_array().filter(|list| list.len() <= most);
        if list.is_none() {
            self.wrong(name, format!("must be a list of at most {most}"));
        }
        list.map(Vec::as_slice)
    }

    /// An object inside this one; its errors must come back through [`Fields::absorb`].
    pub fn inside(&mut self, name: &'static str) -> Option<Fields<'a>> {
        let pointer = self.at(name);
        self.value(name).map(|value| Fields::of(value, pointer))
    }

    pub fn absorb(&mut self, inside: Fields<'_>) {
        self.absorb_errors(inside.errors());
    }

    /// Takes in what somebody else found wrong inside.
    pub fn absorb_errors<T>(&mut self, read: Result<T, Vec<FieldError>>) {
        self.errors.extend(read.err().unwrap_or_default());
    }

    /// Says what is wrong with a field.
    pub fn wrong(&mut self, name: &str, detail: impl Into<String>) {
        let pointer = self.at(name);
        self.errors.push(FieldError { pointer, detail: detail.into() });
    }

    /// Says what is wrong within a field, at a pointer that begins there.
    pub fn wrong_within(&mut self, name: &str, pointer: &str, detail: impl Into<String>) {
        let pointer = format!("{}{pointer}", self.at(name));
        self.errors.push(FieldError { pointer, detail: detail.into() });
    }

    /// Says what is wrong with an item of a list.
    pub fn wrong_at(&mut self, name: &str, index: usize, detail: impl Into<String>) {
        let pointer = format!("{}/{index}", self.at(name));
        self.errors.push(FieldError { pointer, detail: detail.into() });
    }

    /// Says what is wrong with the object itself.
    pub fn wrong_here(&mut self, detail: &str) {
        self.errors.push(FieldError { pointer: self.pointer.clone(), detail: detail.to_owned() });
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// 400 with everything that is wrong, unknown fields included.
    pub fn done(self) -> Result<(), Problem> {
        self.errors().map_err(Problem::fields)
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Everything that is wrong, unknown fields included.
    pub fn errors(mut self) -> Result<(), Vec<FieldError>> {
        for name in self.object.into_iter().flat_map(Map::keys) {
            if !self.known.contains(&name.as_str()) {
                self.wrong(name, "is not known");
            }
        }
        if self.errors.is_empty() { Ok(()) } else { Err(self.errors) }
    }

    /// Any text.
    pub fn string(&mut self, name: &'static str) -> Option<&'a str> {
        let value = self.value(name)?;
        if !value.is_string() {
            self.wrong(name, "must be text");
        }
        value.as_str()
    }

    fn checked(&mut self, name: &'static str, text: &'a str, check: Result<(), &'static str>) -> Option<&'a str> {
        match check {
            Ok(()) => Some(text),
            Err(reason) => {
                self.wrong(name, reason);
                None
            }
        }
    }

    fn at(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Reads one of each kind of field, and compares the pointers of what is wrong.
    fn check(body: Value, wrong: &[&str]) {
        let mut fields = Fields::of(&body, "");
        let name = fields.text("name", 5);
        fields.required("name", name);
        fields.operator_id("id");
        fields.foreign_id("message_id");
        fields.time("at");
        fields.flag("flag");
        fields.whole("count", 1..=9);
        fields.choice::<crate::policy::Touch>("touch", &["delivered"]);
        fields.texts("tags", 2, ids::operator_id);
        if let Some(mut inner) = fields.inside("inner") {
            inner.flag("flag");
            fields.absorb(inner);
        }
        let pointers: Vec<String> = match fields.done() {
            Ok(()) => Vec::new(),
            Err(problem) => problem.errors.into_iter().map(|error| error.pointer).collect(),
        };
        assert_eq!(pointers, wrong, "{body}");
    }

    #[test]
    fn every_wrong_field_is_named() {
        check(json!({"name": "a"}), &[]);
        check(
            json!({"name": "a", "id": "a", "message_id": "b c", "at": "2026-01-01T00:00:00+01:00", "flag": false, "count": 9,
                   "touch": "read", "tags": ["a", "b"], "inner": {"flag": true}}),
            &[],
        );
        check(json!({"name": "a", "id": null, "at": null, "inner": null}), &[]);
        check(json!({"name": null}), &["/name"]);
        check(json!({}), &["/name"]);
        check(json!({"name": ""}), &["/name"]);
        check(json!({"name": "abcdef"}), &["/name"]);
        check(json!({"name": 1}), &["/name"]);
        check(json!({"name": "a", "a/b~c": 1}), &["/a~1b~0c"]);
        check(
            json!({"name": "\n", "id": "_a", "message_id": "", "at": "yesterday", "flag": 1, "count": 0, "touch": "sent",
                   "tags": ["a", "a"], "inner": {"flag": 0, "other": 1}, "other": 1}),
            &[
                "/name",
                "/id",
                "/message_id",
                "/at",
                "/flag",
                "/count",
                "/touch",
                "/tags/1",
                "/inner/flag",
                "/inner/other",
                "/other",
            ],
        );
        check(json!({"name": "a", "count": 1.5, "tags": ["a", "b", "c"], "touch": {}}), &["/count", "/touch", "/tags"]);
        check(json!({"name": "a", "count": -1, "tags": [1, "/"], "inner": []}), &["/count", "/tags/0", "/tags/1", "/inner"]);
        check(json!([]), &[""]);
        check(json!("x"), &[""]);
    }
}
