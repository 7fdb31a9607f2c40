//! The stretch of a case that counts: its time, and the processor time that this process and the server spent in it. The
//! latter say where the work is, also on a machine that has other things to do.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::numbers::{per_second, real};
use crate::place::Place;
use crate::{Result, server};

/// Processor time is told in hundredths of a second, whatever the kernel itself counts in.
const TICKS: f64 = 100.0;

/// A stretch that has begun.
#[derive(Debug)]
pub(crate) struct Window<'a> {
    place: &'a Place,
    own: Option<f64>,
    server: Option<f64>,
    begun: Instant,
}

/// A stretch that is over.
#[derive(Debug)]
pub(crate) struct Took {
    time: Duration,
    own: Option<f64>,
    server: Option<f64>,
}

impl<'a> Window<'a> {
    /// Begins now.
    pub(crate) async fn open(place: &'a Place) -> Result<Self> {
        let server = server::processor_time(place).await?;
        Ok(Self { place, own: own(), server, begun: Instant::now() })
    }

    /// Ends now.
    pub(crate) async fn close(self) -> Result<Took> {
        let (time, own) = (self.begun.elapsed(), self.own.zip(own()).map(|(before, after)| after - before));
        let after = server::processor_time(self.place).await?;
        Ok(Took { time, own, server: self.server.zip(after).map(|(before, after)| after - before) })
    }
}

impl Took {
    /// Adds what `count` of something took to a result.
    pub(crate) fn tell(&self, result: &mut Value, count: u64) {
        let micros_each = |seconds: f64| seconds * 1e6 / real(count);
        result["seconds"] = json!(self.time.as_secs_f64());
        result["per_s"] = json!(per_second(count, self.time));
        result["own_us_each"] = json!(self.own.map(micros_each));
        result["server_us_each"] = json!(self.server.map(micros_each));
    }
}

/// Seconds of processor time of this process so far, all threads together. Only Linux tells.
fn own() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in brackets, may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some((next()? + next()?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_in_the_processor_time() {
        let (before, begun) = (own().unwrap(), Instant::now());
        let mut sum = 0_u64;
        while own().unwrap() < before + 0.02 {
            sum = std::hint::black_box(sum + 1);
            assert!(begun.elapsed() < Duration::from_secs(20), "{sum}");
        }
    }
}
