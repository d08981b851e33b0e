//! A growing list whose items are named by small numbers and never removed, sorted lists of such numbers, and how lists grow.

use core::ops::{Index, IndexMut};

/// Puts an item in at a place from 0 to the length. Most people have few things: room for four at first, and for twice as many later,
/// would be half of the memory that they take.
pub fn insert_at<T>(items: &mut Vec<T>, at: usize, item: T) {
    if items.len() == items.capacity() {
        items.reserve_exact(1 + items.len() / 4);
    }
    items.insert(at, item);
}

/// Items by number. A number comes from [`Slab::push`] of the same slab alone, so looking it up cannot fail.
#[derive(Clone, Debug)]
pub struct Slab<T>(Vec<T>);

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Slab<T> {
    pub fn push(&mut self, item: T) -> u32 {
        let no = self.0.len();
        insert_at(&mut self.0, no, item);
        no as u32
    }

    pub fn iter(&self) -> core::slice::Iter<'_, T> {
        self.0.iter()
    }

    pub fn iter_mut(&mut self) -> core::slice::IterMut<'_, T> {
        self.0.iter_mut()
    }

    /// All items, by number.
    #[must_use]
    pub fn into_items(self) -> Vec<T> {
        self.0
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The numbers of all items.
    pub fn numbers(&self) -> core::ops::Range<u32> {
        0..self.0.len() as u32
    }
}

#[expect(clippy::indexing_slicing, reason = "numbers come from push alone and items are never removed")]
impl<T> Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, no: u32) -> &T {
        &self.0[no as usize]
    }
}

#[expect(clippy::indexing_slicing, reason = "numbers come from push alone and items are never removed")]
impl<T> IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, no: u32) -> &mut T {
        &mut self.0[no as usize]
    }
}

/// Puts `no` into a list sorted by `key`.
pub fn insert<K: Ord>(list: &mut Vec<u32>, no: u32, key: impl Fn(u32) -> K) {
    let mine = key(no);
    let at = list.partition_point(|other| key(*other) < mine);
    insert_at(list, at, no);
}

/// Takes `no` out of a list sorted by `key`; the key must still be the one it was put in with.
pub fn remove<K: Ord>(list: &mut Vec<u32>, no: u32, key: impl Fn(u32) -> K) {
    let mine = key(no);
    let from = list.partition_point(|other| key(*other) < mine);
    if let Some(at) = list.iter().skip(from).position(|other| *other == no) {
        list.remove(from + at);
    }
}
