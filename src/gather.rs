//! Collecting into maps and sets without sorting first.
//!
//! `collect` sorts what it is given, with a sorting routine compiled for every type of item: 4 KB each in the worker. Inserting
//! one after the other shares what the map needs anyway.

/// What `items.collect()` is, made by inserting: for the ordered maps and sets.
pub fn gather<C: Default + Extend<T>, T>(items: impl IntoIterator<Item = T>) -> C {
    let mut all = C::default();
    all.extend(items);
    all
}
