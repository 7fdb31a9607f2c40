//! How much one script does: while it runs, the server does nothing else for anybody.

/// So many onboardings go through one script, as far as one is like another.
///
/// On a slow machine that are one to two milliseconds of the server, of at most five that anybody should have to wait.
/// Smaller portions cost more calls, and about fifty microseconds each.
pub(super) const PORTION: usize = 100;

/// Cuts a batch into portions that weigh no more than [`PORTION`] each; what weighs more by itself goes alone.
pub(super) fn portions<T>(batch: &[T], weight: impl Fn(&T) -> usize) -> impl Iterator<Item = &[T]> {
    let mut rest = batch;
    std::iter::from_fn(move || {
        let mut room = PORTION;
        let fits = |item: &T| {
            room = room.checked_sub(weight(item))?;
            Some(())
        };
        let count = rest.iter().map_while(fits).count().max(1);
        let (portion, behind) = rest.split_at_checked(count)?;
        rest = behind;
        Some(portion)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(weights: &[usize]) -> Vec<&[usize]> {
        portions(weights, |weight| *weight).collect()
    }

    #[test]
    fn a_batch_is_cut_by_weight_and_keeps_its_order() {
        assert_eq!(cut(&[60, 40, 1, 99, 1]), [&[60, 40][..], &[1, 99], &[1]]);
    }

    #[test]
    fn what_weighs_too_much_goes_alone() {
        assert_eq!(cut(&[1, 101, 500, 1]), [&[1][..], &[101], &[500], &[1]]);
    }

    #[test]
    fn of_nothing_there_is_no_portion() {
        assert!(cut(&[]).is_empty());
    }
}
