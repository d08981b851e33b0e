//! Reading JSON that is nearly what its documentation says.
//!
//! Providers write numbers as strings and strings as numbers, `null` or `""` for absent, an empty string where an object belongs,
//! and now and then a key twice. None of that may cost a batch, so these types never fail on a kind: a value that is not of use is
//! absent, and of a key that stands twice the last that says something wins (lists are joined). What fails is text that is no JSON.
//!
//! Strings are borrowed from the body, unknown members are skipped without being built, and skipping is not recursive: what is
//! allocated grows with the items, and nesting costs no stack.

use core::fmt;
use std::borrow::Cow;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{MAX_ITEMS, Out};
use crate::sorted::SortedMap;

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
        Self { items: Vec::new(), wrong: false, present: false }
    }
}

/// Something that is read from an object's members. [`lenient`] writes it.
pub trait Object<'a> {
    /// An object begins: what an earlier member of the same name said is forgotten.
    fn begin(&mut self);
    /// Where the member of this key belongs, if anywhere.
    fn member(&mut self, key: &str) -> Option<Place<'_, 'a>>;
    /// Whether it was an object in the JSON.
    fn is_object(&self) -> bool;
}

/// A list of objects under way.
pub trait Objects<'a> {
    /// Room for one more, if there is any.
    fn grow(&mut self) -> Option<&mut dyn Object<'a>>;
    fn begin(&mut self);
    fn set_wrong(&mut self);
}

impl<'a, T: Object<'a> + Default> Objects<'a> for List<T> {
    fn grow(&mut self) -> Option<&mut dyn Object<'a>> {
        if self.items.len() >= MAX_ITEMS {
            return None;
        }
        self.items.push(T::default());
        self.items.last_mut().map(|item| item as &mut dyn Object<'a>)
    }

    fn begin(&mut self) {
        self.present = true;
    }

    fn set_wrong(&mut self) {
        self.wrong = true;
    }
}

/// Where a value is put as it is read. One reader knows all of them: a type of its own costs a table of its keys, not a reader.
pub enum Place<'p, 'a> {
    Text(&'p mut Text<'a>),
    Flag(&'p mut Flag),
    Raw(&'p mut Option<&'a RawValue>),
    Items(&'p mut Items<'a>),
    Object(&'p mut dyn Object<'a>),
    Objects(&'p mut dyn Objects<'a>),
}

/// What can be a member of such an object.
pub trait Member<'a> {
    fn place(&mut self) -> Place<'_, 'a>;
}

impl<'a> Member<'a> for Text<'a> {
    fn place(&mut self) -> Place<'_, 'a> {
        Place::Text(self)
    }
}

impl<'a> Member<'a> for Flag {
    fn place(&mut self) -> Place<'_, 'a> {
        Place::Flag(self)
    }
}

impl<'a> Member<'a> for Option<&'a RawValue> {
    fn place(&mut self) -> Place<'_, 'a> {
        Place::Raw(self)
    }
}

impl<'a> Member<'a> for Items<'a> {
    fn place(&mut self) -> Place<'_, 'a> {
        Place::Items(self)
    }
}

impl<'a, T: Object<'a> + Default> Member<'a> for List<T> {
    fn place(&mut self) -> Place<'_, 'a> {
        Place::Objects(self)
    }
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

        impl<$a> $crate::provider::json::Object<$a> for $name<$a> {
            fn begin(&mut self) {
                *self = Self { object: true, ..Self::default() };
            }

            fn member(&mut self, key: &str) -> Option<$crate::provider::json::Place<'_, $a>> {
                match key {
                    $($($key)|+ => Some($crate::provider::json::Member::place(&mut self.$field)),)*
                    _ => None,
                }
            }

            fn is_object(&self) -> bool {
                self.object
            }
        }

        impl<$a> $crate::provider::json::Member<$a> for $name<$a> {
            fn place(&mut self) -> $crate::provider::json::Place<'_, $a> {
                $crate::provider::json::Place::Object(self)
            }
        }
    )*};
}
pub(super) use lenient;

impl<'a> Place<'_, 'a> {
    /// A text, or a number or boolean as its text.
    fn text(self, text: Cow<'a, str>) {
        match self {
            Self::Text(Text(Some(_))) if text.is_empty() => {}
            Self::Text(place) => place.0 = Some(text),
            Self::Flag(place) => match &*text {
                "true" => place.0 = Some(true),
                "false" => place.0 = Some(false),
                _ => {}
            },
            other => other.wrong(),
        }
    }

    /// Something that is neither `null` nor of the kind that belongs here.
    fn wrong(self) {
        match self {
            Self::Items(list) => list.wrong = true,
            Self::Objects(list) => list.set_wrong(),
            Self::Text(_) | Self::Flag(_) | Self::Raw(_) | Self::Object(_) => {}
        }
    }
}

impl<'a> DeserializeSeed<'a> for Place<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self::Raw(place) = self else {
            return deserializer.deserialize_any(self);
        };
        *place = Option::deserialize(deserializer)?.or(*place);
        Ok(())
    }
}

impl<'a> Visitor<'a> for Place<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, v: &'a str) -> Result<(), E> {
        self.text(Cow::Borrowed(v));
        Ok(())
    }

    fn visit_str<E>(self, v: &str) -> Result<(), E> {
        self.text(Cow::Owned(v.to_owned()));
        Ok(())
    }

    fn visit_u64<E>(self, v: u64) -> Result<(), E> {
        self.text(Cow::Owned(v.to_string()));
        Ok(())
    }

    fn visit_i64<E>(self, v: i64) -> Result<(), E> {
        self.text(Cow::Owned(v.to_string()));
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<(), E> {
        let whole = v as i64;
        if whole as f64 == v {
            return self.visit_i64(whole);
        }
        self.text(serde_json::to_string(&v).map(Cow::Owned).unwrap_or_default());
        Ok(())
    }

    fn visit_bool<E>(self, v: bool) -> Result<(), E> {
        self.text(Cow::Borrowed(if v { "true" } else { "false" }));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        let Self::Object(of) = self else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            self.wrong();
            return Ok(());
        };
        of.begin();
        while let Some(Text(key)) = map.next_key()? {
            match of.member(key.as_deref().unwrap_or_default()) {
                Some(place) => map.next_value_seed(place)?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut seq: S) -> Result<(), S::Error> {
        match self {
            Self::Items(list) => {
                list.present = true;
                while list.items.len() < MAX_ITEMS {
                    match seq.next_element()? {
                        Some(item) => list.items.push(item),
                        None => return Ok(()),
                    }
                }
                list.wrong |= seq.next_element::<IgnoredAny>()?.is_some();
            }
            Self::Objects(list) => {
                list.begin();
                while seq.next_element_seed(Next(list))? == Some(true) {}
            }
            Self::Text(_) | Self::Flag(_) | Self::Raw(_) | Self::Object(_) => {}
        }
        drain(seq)
    }
}

/// The next object of a list; says whether there was room for it.
struct Next<'p, 'a>(&'p mut dyn Objects<'a>);

impl<'a> DeserializeSeed<'a> for Next<'_, 'a> {
    type Value = bool;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<bool, D::Error> {
        if let Some(item) = self.0.grow() {
            return Place::Object(item).deserialize(deserializer).map(|()| true);
        }
        self.0.set_wrong();
        IgnoredAny::deserialize(deserializer).map(|_| false)
    }
}

impl<'a> Deserialize<'a> for Text<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = Text::default();
        Place::Text(&mut text).deserialize(deserializer)?;
        Ok(text)
    }
}

fn drain<'de, S: SeqAccess<'de>>(mut seq: S) -> Result<(), S::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Reads a whole text into its place; the reason in words if it cannot be.
fn read<'a>(text: &'a str, place: Place<'_, 'a>) -> Result<(), &'static str> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = place.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    read.map_err(|error| if error.is_eof() { "JSON that ends too early" } else { "not JSON that can be read" })
}

/// An object, read from a text; the reason in words if it cannot be.
pub fn object<'a, T: Object<'a> + Default>(text: &'a str) -> Result<T, &'static str> {
    let mut item = T::default();
    read(text, Place::Object(&mut item))?;
    if item.is_object() { Ok(item) } else { Err("not an object") }
}

/// The items of a list, read from a text; the reason in words if it cannot be.
pub fn items(text: &str) -> Result<Items<'_>, &'static str> {
    let mut items = Items::default();
    read(text, Place::Items(&mut items))?;
    Ok(items)
}

/// A text, number or boolean as text, if that is what stands there.
pub fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let mut text = Text::default();
    read(raw.get(), Place::Text(&mut text)).ok()?;
    text.into_text()
}

/// Reads a list's items one by one, each with its own text and its pointer; what cannot be read is put aside and spoils nothing
/// but itself. Fails only if there is no list, or one beyond all bounds.
pub fn each<'a, T: Object<'a> + Default>(
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
    if list.wrong { Err("not a list, or too long a one") } else { Ok(()) }
}

fn one<'a, T: Object<'a> + Default>(
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
pub fn roots<'a, T: Object<'a> + Default>(
    body: &'a str,
    out: &mut Out,
    mut read: impl FnMut(T, &'a str, &mut Out, &str) -> Result<(), &'static str>,
) {
    if !body.trim_start().starts_with('[') {
        return one(body, String::new(), out, &mut read);
    }
    if let Err(reason) = items(body).and_then(|list| each(&list, "", out, read)) {
        out.odd(String::new(), reason, body);
    }
}

/// The keys of an object, as they stand; no more than a few dozen.
pub fn keys(raw: &str) -> Vec<String> {
    object(raw).map_or_else(|_| Vec::new(), |Keys(keys)| keys)
}

#[derive(Default)]
struct Keys(Vec<String>);

impl<'a> Object<'a> for Keys {
    fn begin(&mut self) {}

    fn member(&mut self, key: &str) -> Option<Place<'_, 'a>> {
        if self.0.len() < 32 {
            self.0.push(key.to_owned());
        }
        None
    }

    fn is_object(&self) -> bool {
        true
    }
}

/// JSON pointers (RFC 6901) that are looked up together, in one pass over a text.
#[derive(Debug, Default)]
pub struct Pointers<'m> {
    /// The pointer that ends here.
    end: Option<&'m str>,
    below: SortedMap<String, Pointers<'m>>,
}

impl<'m> Pointers<'m> {
    pub fn insert(&mut self, pointer: &'m str) {
        let mut node = self;
        for token in pointer.split('/').skip(1) {
            node = node.below.entry(token.replace("~1", "/").replace("~0", "~")).or_default();
        }
        node.end = Some(pointer);
    }

    /// What stands at each of the pointers in a whole text, in `found`.
    pub fn find_in<'a>(&self, text: &'a str, found: &mut SortedMap<&'m str, &'a RawValue>) -> Result<(), serde_json::Error> {
        if self.end.is_some() {
            self.find(serde_json::from_str(text)?, found);
            return Ok(());
        }
        let mut deserializer = serde_json::Deserializer::from_str(text);
        deserializer.deserialize_any(Finder { of: self, found })?;
        deserializer.end()
    }

    /// The same in an item.
    pub fn find<'a>(&self, raw: &'a RawValue, found: &mut SortedMap<&'m str, &'a RawValue>) {
        if let Some(pointer) = self.end {
            found.insert(pointer, raw);
        }
        if !self.below.is_empty() && raw.get().starts_with(['{', '[']) {
            let _ = serde_json::Deserializer::from_str(raw.get()).deserialize_any(Finder { of: self, found });
        }
    }
}

struct Finder<'p, 'm, 'a> {
    of: &'p Pointers<'m>,
    found: &'p mut SortedMap<&'m str, &'a RawValue>,
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

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
