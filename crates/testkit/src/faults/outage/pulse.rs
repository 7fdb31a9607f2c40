//! Whether work goes on, as the API sees it.

use std::time::{Duration, Instant};

use crate::stories::accounts::number;
use crate::{Error, Result, World};

/// So soon after the server's return the workers call the API again.
pub(super) const SOON: Duration = Duration::from_secs(5);

/// How many calls the API has had, without those of the scenarios themselves.
pub(super) fn calls(world: &World) -> Result<u64> {
    let requests = world.audit()?["requests"].clone();
    let routes = requests.as_object().into_iter().flatten().filter(|(route, _)| *route != "control");
    Ok(routes.filter_map(|(_, count)| count.as_u64()).sum())
}

/// Waits until the API has had more calls than `before`, and for no longer than that; tells how long it took.
pub(super) fn time_until_calls(world: &World, before: u64, limit: Duration) -> Result<Duration> {
    within("a call of the API", limit, || Ok(calls(world)? > before))
}

/// Waits until something is so, and for no longer than that; tells how long it took.
pub(super) fn within(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Result<bool>,
) -> Result<Duration> {
    let begun = Instant::now();
    while !condition()? {
        if begun.elapsed() > limit {
            return Err(Error::Broken(format!("{what} did not come within {:.1} s", limit.as_secs_f64())));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(begun.elapsed())
}

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
