//! Maps and sets kept as sorted vectors.
//!
//! The standard ones are trees, compiled anew for every pair of types: 4 KB each in the worker, and there are seventy pairs. These
//! are a vector with a binary search: quicker to look up in and to go through. What comes last in order is put in at no cost; what
//! comes earlier moves all behind it. So thousands of things that strangers send, in whatever order they like, are `sorted` at once,
//! and thousands of large ones that come singly want a tree.

use core::borrow::Borrow;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Bound, RangeBounds};

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::order;
use crate::slab::insert_at;

/// A map in the order of its keys.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SortedMap<K, V>(Vec<(K, V)>);

/// A set in order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SortedSet<K>(SortedMap<K, ()>);

pub type Iter<'a, K, V> = core::iter::Map<core::slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> (&'a K, &'a V)>;
pub type IterMut<'a, K, V> = core::iter::Map<core::slice::IterMut<'a, (K, V)>, fn(&'a mut (K, V)) -> (&'a K, &'a mut V)>;
pub type Keys<'a, K, V> = core::iter::Map<core::slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> &'a K>;
pub type IntoKeys<K, V> = core::iter::Map<std::vec::IntoIter<(K, V)>, fn((K, V)) -> K>;

impl<K, V> SortedMap<K, V> {
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn iter(&self) -> Iter<'_, K, V> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    pub fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        self.0.iter_mut().map(|(key, value)| (key, value))
    }

    pub fn keys(&self) -> Keys<'_, K, V> {
        self.0.iter().map(|(key, _)| key)
    }

    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator + Clone {
        self.0.iter().map(|(_, value)| value)
    }

    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    pub fn into_keys(self) -> IntoKeys<K, V> {
        self.0.into_iter().map(|(key, _)| key)
    }

    pub fn into_values(self) -> impl Iterator<Item = V> {
        self.0.into_iter().map(|(_, value)| value)
    }

    #[must_use]
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.iter().next()
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    /// Of any number of items in any order. Of those with equal keys the last stays.
    pub fn sorted(items: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut items: Vec<(K, V)> = items.into_iter().collect();
        order::sort(&mut items, |(a, _), (b, _)| a.cmp(b));
        items.into_iter().collect()
    }

    /// Where the key stands, or else where it belongs.
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        match self.0.last() {
            // What comes in order needs no search.
            Some((last, _)) if last.borrow() < key => Err(self.0.len()),
            _ => self.0.binary_search_by(|(own, _)| own.borrow().cmp(key)),
        }
    }

    #[must_use]
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0.get(self.place(key).ok()?).map(|(_, value)| value)
    }

    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.place(key).ok()?;
        self.0.get_mut(at).map(|(_, value)| value)
    }

    #[must_use]
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.place(key).is_ok()
    }

    /// Puts a value in; gives what stood there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let at = self.place(&key);
        match at.ok().and_then(|at| self.0.get_mut(at)) {
            Some((_, own)) => Some(core::mem::replace(own, value)),
            None => {
                insert_at(&mut self.0, at.unwrap_or_else(|at| at), (key, value));
                None
            }
        }
    }

    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.place(key).ok()?;
        Some(self.0.remove(at).1)
    }

    /// The place of a key.
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        Entry { at: self.place(&key), map: self, key }
    }

    /// What lies between two keys.
    pub fn range<Q: Ord + ?Sized>(&self, range: impl RangeBounds<Q>) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let from = self.0.partition_point(|(key, _)| match range.start_bound() {
            Bound::Included(start) => key.borrow() < start,
            Bound::Excluded(start) => key.borrow() <= start,
            Bound::Unbounded => false,
        });
        let to = self.0.partition_point(|(key, _)| match range.end_bound() {
            Bound::Included(end) => key.borrow() <= end,
            Bound::Excluded(end) => key.borrow() < end,
            Bound::Unbounded => true,
        });
        self.0.get(from..to).unwrap_or_default().iter().map(|(key, value)| (key, value))
    }
}

/// The place of a key in a map.
pub struct Entry<'m, K, V> {
    map: &'m mut SortedMap<K, V>,
    key: K,
    at: Result<usize, usize>,
}

impl<'m, K, V> Entry<'m, K, V> {
    /// What stands there; if nothing does, what is put there now.
    #[expect(clippy::indexing_slicing, reason = "the place is one that was just found or just filled")]
    pub fn or_insert_with(self, value: impl FnOnce() -> V) -> &'m mut V {
        let items = &mut self.map.0;
        let at = self.at.unwrap_or_else(|at| {
            insert_at(items, at, (self.key, value()));
            at
        });
        &mut items[at].1
    }

    pub fn or_insert(self, value: V) -> &'m mut V {
        self.or_insert_with(|| value)
    }

    pub fn or_default(self) -> &'m mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }
}

impl<K> SortedSet<K> {
    #[must_use]
    pub const fn new() -> Self {
        Self(SortedMap::new())
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> Keys<'_, K, ()> {
        self.0.keys()
    }

    #[must_use]
    pub fn last(&self) -> Option<&K> {
        self.iter().next_back()
    }
}

impl<K: Ord> SortedSet<K> {
    /// Of any number of keys in any order.
    pub fn sorted(keys: impl IntoIterator<Item = K>) -> Self {
        Self(SortedMap::sorted(keys.into_iter().map(|key| (key, ()))))
    }

    #[must_use]
    pub fn contains<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.contains_key(key)
    }

    /// Whether it was not in the set.
    pub fn insert(&mut self, key: K) -> bool {
        self.0.insert(key, ()).is_none()
    }

    /// Whether it was in the set.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.remove(key).is_some()
    }

    /// What lies between two keys.
    pub fn range<Q: Ord + ?Sized>(&self, range: impl RangeBounds<Q>) -> impl DoubleEndedIterator<Item = &K>
    where
        K: Borrow<Q>,
    {
        self.0.range(range).map(|(key, ())| key)
    }
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> Default for SortedSet<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SortedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: fmt::Debug> fmt::Debug for SortedSet<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl<K: Ord, V> Extend<(K, V)> for SortedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, items: I) {
        for (key, value) in items {
            self.insert(key, value);
        }
    }
}

impl<K: Ord> Extend<K> for SortedSet<K> {
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        for key in keys {
            self.insert(key);
        }
    }
}

impl<'a, K: Ord + Copy + 'a> Extend<&'a K> for SortedSet<K> {
    fn extend<I: IntoIterator<Item = &'a K>>(&mut self, keys: I) {
        self.extend(keys.into_iter().copied());
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(items: I) -> Self {
        let mut all = Self::new();
        all.extend(items);
        all
    }
}

impl<K: Ord> FromIterator<K> for SortedSet<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        let mut all = Self::new();
        all.extend(keys);
        all
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for SortedMap<K, V> {
    fn from(items: [(K, V); N]) -> Self {
        Self::from_iter(items)
    }
}

impl<K: Ord, const N: usize> From<[K; N]> for SortedSet<K> {
    fn from(keys: [K; N]) -> Self {
        Self::from_iter(keys)
    }
}

impl<K, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, K, V> IntoIterator for &'a SortedMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, K, V> IntoIterator for &'a mut SortedMap<K, V> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = IterMut<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<K> IntoIterator for SortedSet<K> {
    type Item = K;
    type IntoIter = IntoKeys<K, ()>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_keys()
    }
}

impl<'a, K> IntoIterator for &'a SortedSet<K> {
    type Item = &'a K;
    type IntoIter = Keys<'a, K, ()>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K: Serialize, V: Serialize> Serialize for SortedMap<K, V> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self)
    }
}

impl<K: Serialize> Serialize for SortedSet<K> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self)
    }
}

/// Reads into a map or a set.
struct Reading<T>(PhantomData<T>);

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Visitor<'de> for Reading<SortedMap<K, V>> {
    type Value = SortedMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut all = SortedMap::new();
        while let Some((key, value)) = from.next_entry()? {
            all.insert(key, value);
        }
        Ok(all)
    }
}

impl<'de, K: Deserialize<'de> + Ord> Visitor<'de> for Reading<SortedSet<K>> {
    type Value = SortedSet<K>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut all = SortedSet::new();
        while let Some(key) = from.next_element()? {
            all.insert(key);
        }
        Ok(all)
    }
}

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de> for SortedMap<K, V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Reading::<Self>(PhantomData))
    }
}

impl<'de, K: Deserialize<'de> + Ord> Deserialize<'de> for SortedSet<K> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Reading::<Self>(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is done to it, it is what the standard map is.
        #[test]
        fn it_is_the_standard_map(steps in proptest::collection::vec((0u8..5, 0u8..20, any::<u16>()), 0..80)) {
            let (mut ours, mut standard) = (SortedMap::new(), BTreeMap::new());
            for (what, key, value) in steps {
                match what {
                    0 => prop_assert_eq!(ours.insert(key, value), standard.insert(key, value)),
                    1 => prop_assert_eq!(ours.remove(&key), standard.remove(&key)),
                    2 => prop_assert_eq!(ours.entry(key).or_insert(value), standard.entry(key).or_insert(value)),
                    3 => prop_assert_eq!(ours.get_mut(&key), standard.get_mut(&key)),
                    _ => {
                        ours.retain(|own, _| *own != key);
                        standard.retain(|own, _| *own != key);
                    }
                }
                prop_assert!(ours.iter().eq(&standard));
                prop_assert!(ours.range(key..).eq(standard.range(key..)));
                prop_assert!(ours.range(..=key).eq(standard.range(..=key)));
                prop_assert_eq!(ours.first_key_value(), standard.first_key_value());
            }
            let text = serde_json::to_string(&standard).unwrap();
            prop_assert_eq!(&serde_json::to_string(&ours).unwrap(), &text);
            prop_assert_eq!(serde_json::from_str::<SortedMap<u8, u16>>(&text).unwrap(), ours);
        }

        /// In whatever order it comes, and however often.
        #[test]
        fn what_is_sorted_is_the_standard_map(items in proptest::collection::vec((0u8..20, any::<u16>()), 0..80)) {
            let standard: BTreeMap<u8, u16> = items.iter().copied().collect();
            prop_assert!(SortedMap::sorted(items.iter().copied()).iter().eq(&standard));
            prop_assert!(SortedSet::sorted(items.iter().map(|(key, _)| *key)).iter().eq(standard.keys()));
        }

        #[test]
        fn it_is_the_standard_set(steps in proptest::collection::vec((any::<bool>(), 0u8..20), 0..80)) {
            let (mut ours, mut standard) = (SortedSet::new(), BTreeSet::new());
            for (put, key) in steps {
                if put {
                    prop_assert_eq!(ours.insert(key), standard.insert(key));
                } else {
                    prop_assert_eq!(ours.remove(&key), standard.remove(&key));
                }
                prop_assert_eq!(ours.contains(&key), standard.contains(&key));
                prop_assert!(ours.iter().eq(&standard));
            }
            prop_assert_eq!(ours.clone(), standard.into_iter().rev().collect());
        }
    }
}
