//! Reading JSON that is nearly what its documentation says.
//!
//! Providers write numbers as strings and strings as numbers, `null` or `""` for absent, an empty string where an object belongs,
//! and now and then a key twice. None of that may cost a batch, so these types never fail on a kind: a value that is not of use is
//! absent, and of a key that stands twice the last that says something wins (lists are joined). What fails is text that is no JSON.
//!
//! Strings are borrowed from the body, unknown members are skipped without being built, and skipping is not recursive: what is
//! allocated grows with the items, and nesting costs no stack.

use core::fmt;
use core::marker::PhantomData;
use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{MAX_ITEMS, Out};

/// A text, or a number or boolean as its text. Empty is absent.
#[derive(Clone, Debug, Default)]
pub struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    /// The text, if there is any.
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|t| !t.is_empty())
    }
}

impl<'a> Text<'a> {
    /// The same, to keep.
    pub fn into_text(self) -> Option<Cow<'a, str>> {
        self.0.filter(|t| !t.is_empty())
    }
}

/// A boolean, or `"true"` or `"false"`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flag(pub Option<bool>);

/// A list. Its elements are as strict as their type is; anything but an array is an empty list that says so.
#[derive(Debug)]
pub struct List<T> {
    pub items: Vec<T>,
    /// Something else than an array or `null` stood here, or an array of more than [`MAX_ITEMS`]: the first ones are kept.
    pub wrong: bool,
    /// An array stood here, if only an empty one.
    pub present: bool,
}

/// A list whose items are parsed one by one, so that an odd one spoils nothing but itself.
pub type Items<'a> = List<&'a RawValue>;

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            wrong: false,
            present: false,
        }
    }
}

/// Joining what two members of the same name say.
pub trait Merge {
    fn merge(&mut self, later: Self);
}

impl Merge for Text<'_> {
    fn merge(&mut self, later: Self) {
        if later.0.is_some() {
            *self = later;
        }
    }
}

impl Merge for Flag {
    fn merge(&mut self, later: Self) {
        if later.0.is_some() {
            *self = later;
        }
    }
}

impl<T> Merge for List<T> {
    fn merge(&mut self, mut later: Self) {
        let fits = self.items.len() + later.items.len() <= MAX_ITEMS;
        if fits {
            self.items.append(&mut later.items);
        }
        self.wrong |= later.wrong || !fits;
        self.present |= later.present;
    }
}

impl Merge for Option<&RawValue> {
    fn merge(&mut self, later: Self) {
        if later.is_some() {
            *self = later;
        }
    }
}

/// A struct that [`lenient`] wrote.
pub trait Object {
    /// Whether it was an object in the JSON.
    fn is_object(&self) -> bool;
}

/// A struct of such types, read from an object by the keys given. Anything but an object gives the default, with `object` false.
macro_rules! lenient {
    ($($(#[$meta:meta])* struct $name:ident<$a:lifetime> { $($field:ident: $type:ty = $($key:literal)|+),* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Default)]
        struct $name<$a> {
            object: bool,
            $($field: $type,)*
        }

        impl<$a> serde::de::Deserialize<$a> for $name<$a> {
            fn deserialize<D: serde::de::Deserializer<$a>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader;
                impl<$a> $crate::provider::json::Members<$a> for Reader {
                    type Of = $name<$a>;
                    fn member<M: serde::de::MapAccess<$a>>(of: &mut Self::Of, key: &str, map: &mut M) -> Result<(), M::Error> {
                        match key {
                            $($($key)|+ => $crate::provider::json::Merge::merge(&mut of.$field, map.next_value()?),)*
                            _ => { map.next_value::<serde::de::IgnoredAny>()?; }
                        }
                        Ok(())
                    }
                    fn begin(of: &mut Self::Of) {
                        of.object = true;
                    }
                }
                deserializer.deserialize_any($crate::provider::json::ObjectVisitor::<Reader>::new())
            }
        }

        impl $crate::provider::json::Merge for $name<'_> {
            fn merge(&mut self, later: Self) {
                if later.object {
                    *self = later;
                }
            }
        }

        impl $crate::provider::json::Object for $name<'_> {
            fn is_object(&self) -> bool {
                self.object
            }
        }
    )*};
}
pub(super) use lenient;

/// What [`lenient`] writes for each struct.
pub trait Members<'de> {
    type Of: Default;
    fn begin(of: &mut Self::Of);
    fn member<M: MapAccess<'de>>(of: &mut Self::Of, key: &str, map: &mut M) -> Result<(), M::Error>;
}

pub struct ObjectVisitor<R>(PhantomData<R>);

impl<R> ObjectVisitor<R> {
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// The scalars that a visitor takes and ignores.
macro_rules! ignore_scalars {
    ($($method:ident: $type:ty),*) => {
        $(fn $method<E: serde::de::Error>(self, _: $type) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        })*
        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
}

impl<'de, R: Members<'de>> Visitor<'de> for ObjectVisitor<R> {
    type Value = R::Of;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut of = R::Of::default();
        R::begin(&mut of);
        while let Some(Text(key)) = map.next_key()? {
            R::member(&mut of, key.as_deref().unwrap_or_default(), &mut map)?;
        }
        Ok(of)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, seq: S) -> Result<Self::Value, S::Error> {
        drain(seq)?;
        Ok(R::Of::default())
    }

    ignore_scalars!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);
}

fn drain<'de, S: SeqAccess<'de>>(mut seq: S) -> Result<(), S::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

fn drain_map<'de, M: MapAccess<'de>>(mut map: M) -> Result<(), M::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Borrowed(v))))
            }
            fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(v.to_owned()))))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(v.to_string()))))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(v.to_string()))))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(v.to_string()))))
            }
            fn visit_bool<E>(self, v: bool) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Borrowed(if v { "true" } else { "false" }))))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Text(None))
            }
            fn visit_seq<S: SeqAccess<'de>>(self, seq: S) -> Result<Self::Value, S::Error> {
                drain(seq)?;
                Ok(Text(None))
            }
            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Self::Value, M::Error> {
                drain_map(map)?;
                Ok(Text(None))
            }
        }
        deserializer.deserialize_any(V)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Text::deserialize(deserializer)?.get() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        }))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<T> V<T> {
            fn wrong() -> List<T> {
                List {
                    wrong: true,
                    ..List::default()
                }
            }
        }
        impl<'de, T: Deserialize<'de>> Visitor<'de> for V<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
                let mut items = Vec::new();
                while items.len() < MAX_ITEMS {
                    match seq.next_element()? {
                        Some(item) => items.push(item),
                        None => {
                            return Ok(List {
                                items,
                                wrong: false,
                                present: true,
                            });
                        }
                    }
                }
                let wrong = seq.next_element::<IgnoredAny>()?.is_some();
                drain(seq)?;
                Ok(List {
                    items,
                    wrong,
                    present: true,
                })
            }
            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Self::Value, M::Error> {
                drain_map(map)?;
                Ok(Self::wrong())
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(List::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Self::wrong())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Self::wrong())
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Self::wrong())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Self::wrong())
            }
            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Self::wrong())
            }
        }
        deserializer.deserialize_any(V(PhantomData))
    }
}

/// An object, read from a text; the reason in words if it cannot be.
pub fn object<'a, T: Deserialize<'a> + Object>(text: &'a str) -> Result<T, &'static str> {
    match serde_json::from_str::<T>(text) {
        Ok(item) if item.is_object() => Ok(item),
        Ok(_) => Err("not an object"),
        Err(error) if error.is_eof() => Err("JSON that ends too early"),
        Err(_) => Err("not JSON that can be read"),
    }
}

/// Reads a list's items one by one, each with its own text and its pointer; what cannot be read is put aside and spoils nothing
/// but itself. Fails only if there is no list, or one beyond all bounds.
pub fn each<'a, T: Deserialize<'a> + Object>(
    list: &Items<'a>,
    at: &str,
    out: &mut Out,
    mut read: impl FnMut(T, &'a str, &mut Out, &str) -> Result<(), &'static str>,
) -> Result<(), &'static str> {
    for (i, raw) in list.items.iter().enumerate() {
        if out.full {
            break;
        }
        one(raw.get(), format!("{at}/{i}"), out, &mut read);
    }
    if list.wrong {
        Err("not a list, or too long a one")
    } else {
        Ok(())
    }
}

fn one<'a, T: Deserialize<'a> + Object>(
    raw: &'a str,
    pointer: String,
    out: &mut Out,
    read: &mut impl FnMut(T, &'a str, &mut Out, &str) -> Result<(), &'static str>,
) {
    if let Err(reason) = object(raw).and_then(|item| read(item, raw, out, &pointer)) {
        out.odd(pointer, reason, raw);
    }
}

/// The callbacks of a body that is one object, or a list of them.
pub fn roots<'a, T: Deserialize<'a> + Object>(
    body: &'a str,
    out: &mut Out,
    mut read: impl FnMut(T, &'a str, &mut Out, &str) -> Result<(), &'static str>,
) {
    if !body.trim_start().starts_with('[') {
        return one(body, String::new(), out, &mut read);
    }
    let all = serde_json::from_str::<Items>(body).map_err(|_| "not JSON that can be read");
    if let Err(reason) = all.and_then(|list| each(&list, "", out, read)) {
        out.odd(String::new(), reason, body);
    }
}

/// The keys of an object, as they stand; no more than a few dozen.
pub fn keys(raw: &str) -> Vec<String> {
    struct V;
    impl<'de> Visitor<'de> for V {
        type Value = Vec<String>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            let mut keys = Vec::new();
            while let Some((Text(key), IgnoredAny)) = map.next_entry()? {
                if keys.len() < 32 {
                    keys.extend(key.map(Cow::into_owned));
                }
            }
            Ok(keys)
        }
    }
    serde_json::Deserializer::from_str(raw).deserialize_map(V).unwrap_or_default()
}

/// JSON pointers (RFC 6901) that are looked up together, in one pass over a text.
#[derive(Debug, Default)]
pub struct Pointers<'m> {
    /// The pointer that ends here.
    end: Option<&'m str>,
    below: BTreeMap<String, Pointers<'m>>,
}

impl<'m> Pointers<'m> {
    pub fn insert(&mut self, pointer: &'m str) {
        let mut node = self;
        for token in pointer.split('/').skip(1) {
            node = node.below.entry(token.replace("~1", "/").replace("~0", "~")).or_default();
        }
        node.end = Some(pointer);
    }

    /// What stands at each of the pointers, in `found`.
    pub fn find<'a>(&self, raw: &'a RawValue, found: &mut BTreeMap<&'m str, &'a RawValue>) {
        if let Some(pointer) = self.end {
            found.insert(pointer, raw);
        }
        if !self.below.is_empty() {
            let _ = serde_json::Deserializer::from_str(raw.get()).deserialize_any(Finder { of: self, found });
        }
    }
}

struct Finder<'p, 'm, 'a> {
    of: &'p Pointers<'m>,
    found: &'p mut BTreeMap<&'m str, &'a RawValue>,
}

impl<'a> Visitor<'a> for Finder<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(Text(key)) = map.next_key()? {
            match self.of.below.get(key.as_deref().unwrap_or_default()) {
                Some(below) => below.find(map.next_value()?, self.found),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut seq: S) -> Result<(), S::Error> {
        let last = self.of.below.keys().filter_map(|key| key.parse::<usize>().ok()).max();
        for i in 0..=last.unwrap_or_default() {
            match self.of.below.get(&i.to_string()) {
                Some(below) => match seq.next_element::<&RawValue>()? {
                    Some(raw) => below.find(raw, self.found),
                    None => break,
                },
                None if seq.next_element::<IgnoredAny>()?.is_none() => break,
                None => {}
            }
        }
        drain(seq)
    }

    ignore_scalars!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);
}
