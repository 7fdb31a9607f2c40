//! The way to the server and its clock, by trying.

use std::time::{Duration, Instant};

use gangway_jobs::clock::{Clock as _, SystemClock};
use redis::FromRedisValue as _;

use crate::Result;
use crate::redis::link::Link;

const PINGS: usize = 20;

/// Times that were measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The median of the round trips.
    pub median: Duration,
    /// The longest round trip.
    pub worst: Duration,
    /// By how many milliseconds the server's clock is ahead of this machine's; `None` if it does not tell its time.
    pub ahead_ms: Option<i64>,
}

pub(super) async fn measure(link: &Link) -> Result<Measured> {
    let mut trips = Vec::with_capacity(PINGS);
    for _ in 0..PINGS {
        let begun = Instant::now();
        link.send("ping", &redis::cmd("PING")).await?;
        trips.push(begun.elapsed());
    }
    trips.sort_unstable();
    let worst = trips.last().copied().unwrap_or_default();
    Ok(Measured { median: trips[PINGS / 2], worst, ahead_ms: ahead(link).await? })
}

/// The answer is taken to be from the middle of its round trip.
async fn ahead(link: &Link) -> Result<Option<i64>> {
    let before = SystemClock.now().as_millis();
    let answer = super::permitted(link.send("ask for the time", &redis::cmd("TIME")).await)?;
    let middle = before.midpoint(SystemClock.now().as_millis());
    let told = answer.and_then(|answer| <(i64, i64)>::from_redis_value(answer).ok());
    Ok(told.map(|(seconds, micros)| seconds * 1_000 + micros / 1_000 - middle))
}
