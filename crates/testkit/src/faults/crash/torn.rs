//! Workers that die in the middle of a settle, one after another, and a look at the store after each.

use rand::RngExt as _;

use super::ground::{self, KILLED, armed_worker};
use crate::{Error, Result, World};

/// The log of all workers that die here.
pub(super) const LOG: &str = "worker.log";

/// The points of a settle on each store: before it is asked, before and behind the write, behind the answer.
pub(super) const ON_REDIS: &[&str] =
    &["settle.begun", "redis.deciding?settle", "redis.written?settle", "settle.answered"];
pub(super) const EMBEDDED: &[&str] =
    &["settle.begun", "sqlite.before_commit", "sqlite.after_commit", "settle.answered"];

/// Kills so many workers, each at the next of these points, at one of its first passings. `look` sees the store after each
/// death. Answers how many died, as the work may be done before.
///
/// # Errors
/// What `look` finds; or the work was done too early to prove anything.
pub(super) fn tear(
    world: &World,
    points: &[&str],
    times: u64,
    mut look: impl FnMut(&World) -> Result<()>,
) -> Result<u64> {
    let mut random = rand::rng();
    let mut deaths = 0;
    for point in points.iter().cycle() {
        if deaths == times {
            break;
        }
        let plan = format!("{point}=kill@{}", random.random_range(1..=10));
        if !ground::ended_by(&mut armed_worker(world, &plan, LOG)?, KILLED)? {
            break;
        }
        deaths += 1;
        look(world).map_err(|error| Error::Broken(format!("after a death by {plan}: {error}")))?;
    }
    // Each point at least once.
    if deaths < times.min(points.len() as u64) {
        return Err(Error::Broken(format!("the work was done after {deaths} deaths: too few")));
    }
    Ok(deaths)
}
