//! How many onboardings the store holds: they become more and never fewer, unless the store has lost some.

use crate::error::Error;

/// Counts what a store loses, by looking again and again how many onboardings it holds.
///
/// A loss is not made good by what comes in afterwards: nobody here can tell whether that is the same. What is lost and
/// outnumbered by others between two looks goes unseen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Headcount {
    last: u64,
    lost: u64,
}

impl Headcount {
    /// Of a store in which somebody has seen so many.
    pub(crate) const fn from(known: u64) -> Self {
        Self { last: known, lost: 0 }
    }

    /// Takes in how many there are now. Tells of each loss.
    pub(crate) fn see(&mut self, count: u64) {
        let lost = self.last.saturating_sub(count);
        if lost > 0 {
            tracing::error!(lost, left = count, "the store has lost onboardings; import their files again");
        }
        *self = Self { last: count, lost: self.lost + lost };
    }

    /// What a worker that has nothing left to do may say of its work.
    ///
    /// # Errors
    /// Some of it was not done but lost.
    pub(crate) const fn verdict(self) -> Result<(), Error> {
        match self.lost {
            0 => Ok(()),
            lost => Err(Error::Forgotten { lost, left: self.last }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is lost in the end, and how many are left.
    fn after(known: u64, looks: &[u64]) -> Option<(u64, u64)> {
        let mut headcount = Headcount::from(known);
        for count in looks {
            headcount.see(*count);
        }
        match headcount.verdict() {
            Err(Error::Forgotten { lost, left }) => Some((lost, left)),
            _ => None,
        }
    }

    #[test]
    fn what_becomes_fewer_is_lost_whatever_comes_in_afterwards() {
        for (known, looks, expected) in [
            (0, &[][..], None),
            (0, &[0, 5, 5, 9], None),
            (9, &[9], None),
            (9, &[0], Some((9, 0))),
            (0, &[9, 8, 9, 20], Some((1, 20))),
            (5, &[9, 2, 4, 3], Some((8, 3))),
        ] {
            assert_eq!(after(known, looks), expected, "{known} {looks:?}");
        }
    }
}
