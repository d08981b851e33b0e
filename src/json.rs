//! Reads JSON that bluetick wrote: what is stored, and what its objects tell one another.
//!
//! `serde_json` reads a type with code of its own for lists in place of objects, for two forms of each enum, and for errors that say
//! what stood where: twice the weight. Here an error is an error, and what does not depend on the type is compiled once. Of texts
//! from outside it reads only whole values: what is skipped here is not checked. It does not know what it reads.

use core::fmt;
use std::borrow::Cow;

use serde::de::value::{BorrowedStrDeserializer, MapDeserializer};
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Number, Value};

/// How deep lists and objects may stand in each other; as in `serde_json`.
const DEPTH: u32 = 128;

/// The name under which `serde_json::value::RawValue` asks for a value as it stands; a test pins it.
const RAW: &str = "$serde_json::private::RawValue";

/// Reads a whole text.
///
/// # Errors
/// If it is no JSON, or not of this type.
pub fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Unreadable> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    let value = T::deserialize(&mut reader)?;
    if reader.peek() == 0 && reader.at == text.len() { Ok(value) } else { Err(Unreadable::Other) }
}

/// Reads bytes from outside, if they are JSON: of a whole value nothing is skipped.
#[must_use]
pub fn value(bytes: &[u8]) -> Option<Value> {
    read(core::str::from_utf8(bytes).ok()?).ok()
}

/// Reads a value that was read already, by way of its text: so no type needs a second reader.
///
/// # Errors
/// If it is not of this type.
pub fn of<T: DeserializeOwned>(value: &Value) -> Result<T, Unreadable> {
    read(&value.to_string())
}

/// Why a text could not be read. No more is said: the words would weigh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It has a field that its type does not have.
    UnknownField,
    /// It is no JSON, or not of its type.
    Other,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON cannot be read")
    }
}

impl core::error::Error for Unreadable {}

impl Error for Unreadable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Other
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self::Other
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self::Other
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Self::Other
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self::Other
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self::UnknownField
    }

    fn missing_field(_: &'static str) -> Self {
        Self::Other
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self::Other
    }
}

/// Reads a string with escapes, or a number, as `serde_json` does.
fn plain(text: &str) -> Result<Value, Unreadable> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = deserializer.deserialize_any(Plain).and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|_| Unreadable::Other)
}

/// Takes whatever comes: what is refused would be refused in words, and these weigh.
struct Plain;

impl<'de> Visitor<'de> for Plain {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a number")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, _: S) -> Result<Value, S::Error> {
        Ok(Value::Null)
    }

    fn visit_map<M: MapAccess<'de>>(self, _: M) -> Result<Value, M::Error> {
        Ok(Value::Null)
    }
}

struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: u32,
}

impl<'de> Reader<'de> {
    /// The next byte that is no space; 0 at the end.
    fn peek(&mut self) -> u8 {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), Unreadable> {
        if self.peek() != byte {
            return Err(Unreadable::Other);
        }
        self.at += 1;
        Ok(())
    }

    fn open(&mut self, bracket: u8) -> Result<(), Unreadable> {
        self.depth += 1;
        if self.depth < DEPTH { self.take(bracket) } else { Err(Unreadable::Other) }
    }

    fn close(&mut self, bracket: u8) -> Result<(), Unreadable> {
        self.depth -= 1;
        self.take(bracket)
    }

    /// Whether something comes before the closing bracket; if so, it is next.
    fn goes_on(&mut self, bracket: u8, first: &mut bool) -> Result<bool, Unreadable> {
        if self.peek() == bracket {
            return Ok(false);
        }
        if !core::mem::take(first) {
            self.take(b',')?;
        }
        Ok(true)
    }

    fn since(&self, from: usize) -> Result<&'de str, Unreadable> {
        self.text.get(from..self.at).ok_or(Unreadable::Other)
    }

    fn string(&mut self) -> Result<Cow<'de, str>, Unreadable> {
        self.take(b'"')?;
        let from = self.at;
        let mut escaped = false;
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(b' '..) => self.at += 1,
                _ => return Err(Unreadable::Other),
            }
        }
        let inside = self.since(from)?;
        self.at += 1;
        if !escaped {
            return Ok(Cow::Borrowed(inside));
        }
        match plain(self.since(from - 1)?)? {
            Value::String(text) => Ok(Cow::Owned(text)),
            _ => Err(Unreadable::Other),
        }
    }

    /// What stands there without brackets and quotes: a number or a word.
    fn bare(&mut self) -> Result<&'de str, Unreadable> {
        self.peek();
        let from = self.at;
        while let Some(b'+' | b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z') = self.text.as_bytes().get(self.at) {
            self.at += 1;
        }
        self.since(from)
    }

    fn number(&mut self) -> Result<Number, Unreadable> {
        let digits = self.bare()?;
        if digits.len() < 19 && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty()
        {
            return Ok(Number::from(digits.bytes().fold(0, |number: u64, digit| number * 10 + u64::from(digit - b'0'))));
        }
        match plain(digits)? {
            Value::Number(number) => Ok(number),
            _ => Err(Unreadable::Other),
        }
    }

    /// Passes over a value; gives its text.
    fn skip(&mut self) -> Result<&'de str, Unreadable> {
        self.peek();
        let (from, mut open) = (self.at, 0);
        loop {
            match self.peek() {
                b'"' => drop(self.string()?),
                b'{' | b'[' => {
                    self.at += 1;
                    open += 1;
                }
                b'}' | b']' if open > 0 => {
                    self.at += 1;
                    open -= 1;
                }
                b',' | b':' if open > 0 => self.at += 1,
                _ if self.bare()?.is_empty() => return Err(Unreadable::Other),
                _ => {}
            }
            if open == 0 {
                return self.since(from);
            }
        }
    }

    fn list<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unreadable> {
        self.open(b'[')?;
        let list = visitor.visit_seq(Items { reader: self, first: true })?;
        self.close(b']')?;
        Ok(list)
    }

    fn object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unreadable> {
        self.open(b'{')?;
        let object = visitor.visit_map(Items { reader: self, first: true })?;
        self.close(b'}')?;
        Ok(object)
    }
}

macro_rules! numbers {
    ($($name:ident)*) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
            self.deserialize_u64(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.peek() {
            b'{' => self.object(visitor),
            b'[' => self.list(visitor),
            b'"' => self.deserialize_str(visitor),
            b'n' => self.deserialize_unit(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            _ => self.deserialize_u64(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.string()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_string(self.string()?.into_owned())
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.bare()? == "null" { visitor.visit_unit() } else { Err(Unreadable::Other) }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.bare()? {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ => Err(Unreadable::Other),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let number = self.number()?;
        match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), _, _) => visitor.visit_u64(number),
            (_, Some(number), _) => visitor.visit_i64(number),
            (_, _, Some(number)) => visitor.visit_f64(number),
            _ => Err(Unreadable::Other),
        }
    }

    numbers! { deserialize_u8 deserialize_u16 deserialize_u32 deserialize_i32 deserialize_i64 deserialize_f64 }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.peek() != b'n' {
            return visitor.visit_some(self);
        }
        self.skip()?;
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Unreadable> {
        if name != RAW {
            return visitor.visit_newtype_struct(self);
        }
        let raw = BorrowedStrDeserializer::new(self.skip()?);
        visitor.visit_map(MapDeserializer::new(core::iter::once((RAW, raw))))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.list(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.list(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.list(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.object(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.object(visitor)
    }

    /// `"name"`, or `{"name": what belongs to it}`.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        if self.peek() == b'"' {
            return visitor.visit_enum(Variant { reader: self, is_bare: true });
        }
        self.open(b'{')?;
        let value = visitor.visit_enum(Variant { reader: self, is_bare: false })?;
        self.close(b'}')?;
        Ok(value)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i8 i16 i128 u128 f32 char bytes byte_buf unit_struct identifier }
}

/// The items of a list, or the members of an object.
struct Items<'r, 'de> {
    reader: &'r mut Reader<'de>,
    first: bool,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Unreadable;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unreadable> {
        if self.reader.goes_on(b']', &mut self.first)? { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Unreadable;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unreadable> {
        if !self.reader.goes_on(b'}', &mut self.first)? {
            return Ok(None);
        }
        seed.deserialize(Key(self.reader.string()?)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unreadable> {
        self.reader.take(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

/// A member's name; numbers stand in it as their digits.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_str(&self.0)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_u64(self.0.parse().map_err(|_| Unreadable::Other)?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct ignored_any
    }
}

/// One of an enum: its name alone, or with what belongs to it.
struct Variant<'r, 'de> {
    reader: &'r mut Reader<'de>,
    is_bare: bool,
}

impl<'r, 'de> Variant<'r, 'de> {
    /// Where what belongs to it stands.
    fn content(self) -> Result<&'r mut Reader<'de>, Unreadable> {
        if self.is_bare { Err(Unreadable::Other) } else { Ok(self.reader) }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Unreadable;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Unreadable> {
        let name = seed.deserialize(Key(self.reader.string()?))?;
        if !self.is_bare {
            self.reader.take(b':')?;
        }
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<(), Unreadable> {
        if self.is_bare || self.reader.bare()? == "null" { Ok(()) } else { Err(Unreadable::Other) }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Unreadable> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.content()?.list(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Unreadable> {
        self.content()?.object(visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        One,
        Two,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Command {
        Nothing,
        Just(Option<u32>),
        Both(u8, String),
        Said { at_ms: i64, words: Vec<Word> },
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Rest {
        rate: Option<f64>,
        on: bool,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Whole {
        #[serde(default)]
        commands: Vec<Command>,
        by_no: BTreeMap<u32, (String, char)>,
        by_word: BTreeMap<Word, i64>,
        #[serde(flatten)]
        rest: Rest,
    }

    const WHOLE: &str = r#" { "commands" : [ "nothing", {"nothing":null}, {"just":null}, {"just":7}, {"both":[1,"a\u00e9\"b"]},
        {"said":{"words":["one",{"two":null}],"more":[{"x":"}]"},-1.5e3],"at_ms":-9223372036854775808}} ],
        "by_no":{"0":["","z"],"4294967295":["\\","\n"]}, "rate":-0.25, "by_word":{"two":0}, "on":true } "#;

    #[test]
    fn types_are_read_as_serde_json_reads_them() {
        let whole: Whole = serde_json::from_str(WHOLE).unwrap();
        assert_eq!(whole.commands.len(), 6);
        assert_eq!(read(WHOLE), Ok(whole));
        for wrong in [r#""just""#, r#"{"said":null}"#, r#"{"just":1,"nothing":null}"#, r#"{"just":4294967296}"#, r#""none""#] {
            assert!(serde_json::from_str::<Command>(wrong).is_err() && read::<Command>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn raw_values_are_what_stands_there() {
        let (one, two): (&RawValue, Box<RawValue>) = read(r#"[ {"a": [1, "]"]} , null ]"#).unwrap();
        assert_eq!((one.get(), two.get()), (r#"{"a": [1, "]"]}"#, "null"));
    }

    #[test]
    fn depth_is_bounded() {
        for depth in [120, 1_000_000] {
            let text = "[".repeat(depth) + &"]".repeat(depth);
            assert_eq!(read::<Value>(&text).is_ok(), depth == 120);
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1000..1000i32).prop_map(|n| Value::from(f64::from(n) / 8.0)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map("[a-c\"\\\\]{0,2}", inner, 0..5).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        /// Values, and values spoilt in one place: what is read is what `serde_json` reads, and nothing else is.
        #[test]
        fn it_reads_what_serde_json_reads(value in value(), at in any::<prop::sample::Index>(), spoil in "[-+.eE0-9\\[\\]{},:\" a-u\\\\\u{1}]{0,2}") {
            let text = value.to_string();
            prop_assert_eq!(&read::<Value>(&text), &Ok(value));
            let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
            let place = places[at.index(places.len())];
            let next = place + text[place..].chars().next().map_or(0, char::len_utf8);
            let spoilt = format!("{}{spoil}{}", &text[..place], &text[next..]);
            prop_assert_eq!(read::<Value>(&spoilt).ok(), serde_json::from_str(&spoilt).ok());
        }
    }
}
