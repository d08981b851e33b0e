//! Sorting with one routine for all types.
//!
//! The standard sorts are compiled anew for every type of item: 4 KB each in the worker. This one sorts places, and then moves
//! each item once.

use core::cmp::Ordering;

/// Sorts items; those that compare equal keep their order.
pub fn sort<T>(items: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) {
    let order = places(items.len(), &|a, b| match (items.get(a), items.get(b)) {
        (Some(a), Some(b)) => compare(a, b),
        _ => Ordering::Equal,
    });
    let mut slots: Vec<Option<T>> = items.drain(..).map(Some).collect();
    items.extend(order.into_iter().filter_map(|place| slots.get_mut(place)?.take()));
}

/// The places `0..n` in the order of what stands there.
fn places(n: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..n).collect();
    places.sort_by(|a, b| compare(*a, *b));
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_sorts_as_the_standard_does(items in proptest::collection::vec((0u8..5, any::<u16>()), 0..40)) {
            let (mut ours, mut standard) = (items.clone(), items);
            sort(&mut ours, |a, b| a.0.cmp(&b.0));
            standard.sort_by_key(|item| item.0);
            prop_assert_eq!(ours, standard);
        }
    }
}
