//! How many onboardings the store holds: they become more and never fewer, unless the store has lost some.

use crate::error::Error;

/// The most onboardings that a worker has seen in its store, and how many it saw last.
///
/// What is lost while none of those is seen, because others came in meanwhile, stays unknown here: whoever sent it has to
/// send it again, as after every failover.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Headcount {
    most: u64,
    last: u64,
}

impl Headcount {
    /// Takes in how many there are. Tells when some have gone, and when there are as many as before.
    pub(crate) fn see(&mut self, count: u64) {
        let was_whole = self.is_whole();
        *self = Self { most: self.most.max(count), last: count };
        match (was_whole, self.is_whole()) {
            (true, false) => tracing::error!(
                held = self.most,
                holds = self.last,
                "the store has lost onboardings; import their files again"
            ),
            (false, true) => tracing::info!("the store holds as many onboardings as before its loss"),
            (true, true) | (false, false) => {}
        }
    }

    /// What a worker that has nothing left to do may say of its work.
    ///
    /// # Errors
    /// Some of it was not done but lost.
    pub(crate) fn verdict(self) -> Result<(), Error> {
        if self.is_whole() {
            return Ok(());
        }
        Err(Error::Forgotten { held: self.most, left: self.last })
    }

    const fn is_whole(self) -> bool {
        self.last >= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn onboardings_that_are_gone_are_missed_until_as_many_are_there_again() {
        let mut headcount = Headcount::default();
        assert!(headcount.verdict().is_ok(), "an empty store has lost nothing");
        for (count, whole) in
            [(5, true), (9, true), (0, false), (8, false), (9, true), (12, true), (11, false)]
        {
            headcount.see(count);
            assert_eq!(headcount.verdict().is_ok(), whole, "{count}");
        }
        assert!(matches!(headcount.verdict(), Err(Error::Forgotten { held: 12, left: 11 })));
    }
}
