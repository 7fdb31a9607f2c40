//! Whether work goes on, as the API sees it.

use std::time::Duration;

use crate::stories::accounts::number;
use crate::{Result, World};

/// So soon after the server's return the workers call the API again.
pub(super) const SOON: Duration = Duration::from_secs(5);

/// The sums of a store, each of which only ever rises while nobody reopens and nothing is pruned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) onboardings: u64,
    pub(super) ended: u64,
    pub(super) events: u64,
}

impl Sums {
    /// As the store tells them now; zero as long as there is none.
    pub(super) fn of(world: &World) -> Result<Self> {
        let status = world.run(&["status", "--json"])?;
        if status.code != Some(0) {
            return Ok(Self::default());
        }
        let status = status.json()?;
        let end = |end: &str| number(&status, &format!("/onboardings/by_stage/{end}"));
        let ends = ["approved", "rejected", "expired", "dead"].into_iter().map(end);
        Ok(Self {
            onboardings: number(&status, "/onboardings/total")?,
            ended: ends.sum::<Result<u64>>()?,
            events: number(&status, "/outbox/length")?,
        })
    }

    /// Whether all that `before` counts is still there.
    pub(super) fn hold(self, before: Self) -> bool {
        self.onboardings >= before.onboardings && self.ended >= before.ended && self.events >= before.events
    }
}
