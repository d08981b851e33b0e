//! Bodies and queries of `application/x-www-form-urlencoded`. It knows no parameter's name.

use std::borrow::Cow;

use crate::order::sort;

/// The longest form that is looked at. One event stands in each, and a message's text is a few kilobytes; sorting the
/// parameters of longer ones (to check a signature) would be work for whoever sends them.
pub const MAX_BYTES: usize = 1 << 20;

pub type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// All parameters, decoded, sorted by name and then by value.
pub fn sorted(text: &[u8]) -> Vec<Pair<'_>> {
    let mut pairs: Vec<Pair> = form_urlencoded::parse(text).collect();
    sort(&mut pairs, Ord::cmp);
    pairs
}

/// The values of the parameters asked for, decoded; of a name that stands twice the last one. Empty is absent, and in too long a
/// form all are.
pub fn fields<'a, const N: usize>(text: &'a [u8], names: [&str; N]) -> [Option<Cow<'a, str>>; N] {
    let mut values = [const { None }; N];
    if text.len() > MAX_BYTES {
        return values;
    }
    for (name, value) in form_urlencoded::parse(text) {
        for (slot, wanted) in values.iter_mut().zip(names) {
            if name == wanted && !value.is_empty() {
                *slot = Some(value.clone());
            }
        }
    }
    values
}

/// One parameter's value, in a form of any length, if it stands among the first few dozen.
pub fn field<'a>(text: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    form_urlencoded::parse(text).take(64).find(|(n, value)| n == name && !value.is_empty()).map(|(_, value)| value)
}
