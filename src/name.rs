//! A name that many things bear: a channel, a sender, a campaign, a template. Those of late that are equal share one text, so that
//! the millionth message of a campaign takes no memory for what it has in common with the first.

use core::cell::RefCell;
use core::fmt;
use core::ops::Deref;
use std::rc::Rc;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is cheap to copy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(Rc<str>);

/// Texts of late, each at the place that its bytes say; one that comes to a taken place takes it over.
const PLACES: usize = 64;

thread_local! {
    static LATELY: RefCell<[Option<Name>; PLACES]> = const { RefCell::new([const { None }; PLACES]) };
}

impl Name {
    #[must_use]
    pub fn of(text: &str) -> Self {
        let place = text.bytes().fold(0_usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into())) % PLACES;
        LATELY.with_borrow_mut(|lately| match lately.get_mut(place) {
            Some(Some(known)) if **known == *text => known.clone(),
            Some(slot) => slot.insert(Self(text.into())).clone(),
            None => Self(text.into()),
        })
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Default for Name {
    fn default() -> Self {
        Self::of("")
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Name, E> {
                Ok(Name::of(text))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_share_one_text_and_unequal_ones_stay_what_they_are() {
        assert!(Rc::ptr_eq(&Name::of("spring").0, &Name::of("spring").0));
        let texts: Vec<String> = (0..1_000).map(|n| format!("campaign-{n}")).collect();
        let names: Vec<Name> = texts.iter().map(|text| Name::of(text)).collect();
        assert!(texts.iter().zip(&names).all(|(text, name)| **name == **text));
        let json = serde_json::to_string(&names).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Name>>(&json).unwrap(), names);
        assert_eq!(serde_json::from_str::<Name>(r#""a\"b""#).unwrap(), Name::of("a\"b"));
    }
}
