//! Two times: wall time, which answers and signatures carry, and simulated time, which KYB and links run on.
//!
//! Simulated time runs `speed` seconds for each real second and can be pushed forward. An instant of it is told in
//! answers as the wall time at which the simulated clock got there, so that `created_at`, `updated_at` and
//! `expires_at` are all true wall times and in order, however fast the simulation runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use jiff::{SignedDuration, Timestamp};

/// An instant of simulated time, counted from the start of the simulator.
pub(crate) type SimTime = Duration;

/// From `real` on, simulated time runs from `sim` at `speed`.
#[derive(Debug, Clone, Copy)]
struct Segment {
    real: Duration,
    sim: SimTime,
    speed: f64,
}

/// The simulator's clock.
#[derive(Debug)]
pub(crate) struct Clock {
    real: Real,
    epoch: Timestamp,
    /// Never empty, ordered by both times; a jump or a change of speed adds one.
    segments: RwLock<Vec<Segment>>,
}

/// Where real time comes from.
#[derive(Debug)]
enum Real {
    Machine(Instant),
    /// Microseconds; moved by [`Clock::pass`] alone.
    Steered(AtomicU64),
}

impl Clock {
    pub(crate) fn new(speed: f64) -> Self {
        Self::on(Real::Machine(Instant::now()), wall_now(), speed)
    }

    /// A clock that stands still at `epoch` until it is told that time has passed; simulated time is real time.
    pub(crate) fn steered(epoch: Timestamp) -> Self {
        Self::on(Real::Steered(AtomicU64::new(0)), epoch, 1.0)
    }

    fn on(real: Real, epoch: Timestamp, speed: f64) -> Self {
        let first = Segment { real: Duration::ZERO, sim: Duration::ZERO, speed };
        Self { real, epoch, segments: RwLock::new(vec![first]) }
    }

    /// Lets time pass, if it does not by itself.
    pub(crate) fn pass(&self, by: Duration) {
        if let Real::Steered(micros) = &self.real {
            micros.fetch_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
        }
    }

    /// Real time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        match &self.real {
            Real::Machine(started) => started.elapsed(),
            Real::Steered(micros) => Duration::from_micros(micros.load(Ordering::SeqCst)),
        }
    }

    /// Simulated now.
    pub(crate) fn now(&self) -> SimTime {
        let real = self.elapsed();
        self.with_last(|last| sim_at(last, real))
    }

    /// Wall time of this moment, on the scale that all timestamps of the API use.
    pub(crate) fn wall(&self) -> Timestamp {
        self.at_real(self.elapsed())
    }

    /// The wall time at which the simulated clock reached, or will reach, `sim`.
    pub(crate) fn wall_of(&self, sim: SimTime) -> Timestamp {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let after = segments.partition_point(|segment| segment.sim <= sim);
        let real = segments.get(after.saturating_sub(1)).map_or(Duration::ZERO, |segment| {
            segment
                .real
                .saturating_add(scale((sim.saturating_sub(segment.sim)).as_secs_f64() / segment.speed))
        });
        // A moment that a jump passed over happened when the jump did.
        let real = segments.get(after).map_or(real, |next| real.min(next.real));
        self.at_real(real)
    }

    /// Real time left until the simulated clock reaches `sim`.
    pub(crate) fn until(&self, sim: SimTime) -> Duration {
        let left = sim.saturating_sub(self.now());
        self.with_last(|last| scale(left.as_secs_f64() / last.speed))
    }

    /// Pushes simulated time forward.
    pub(crate) fn advance(&self, by: Duration) {
        self.turn(|sim, speed| (sim.saturating_add(by), speed));
    }

    /// Runs simulated time at another speed from now on.
    pub(crate) fn set_speed(&self, speed: f64) {
        self.turn(|sim, _| (sim, speed));
    }

    pub(crate) fn speed(&self) -> f64 {
        self.with_last(|last| last.speed)
    }

    fn turn(&self, change: impl FnOnce(SimTime, f64) -> (SimTime, f64)) {
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        let real = self.elapsed();
        if let Some(last) = segments.last().copied() {
            let (sim, speed) = change(sim_at(last, real), last.speed);
            segments.push(Segment { real, sim, speed });
        }
    }

    fn with_last<T>(&self, read: impl FnOnce(Segment) -> T) -> T {
        let still = Segment { real: Duration::ZERO, sim: Duration::ZERO, speed: 1.0 };
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        read(segments.last().copied().unwrap_or(still))
    }

    fn at_real(&self, real: Duration) -> Timestamp {
        SignedDuration::try_from(real)
            .ok()
            .and_then(|real| self.epoch.checked_add(real).ok())
            .unwrap_or(Timestamp::MAX)
    }
}

fn sim_at(segment: Segment, real: Duration) -> SimTime {
    segment.sim.saturating_add(scale(real.saturating_sub(segment.real).as_secs_f64() * segment.speed))
}

/// Seconds as a duration; what does not fit is for ever.
pub(crate) fn scale(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// The machine's own time, against which signatures are checked.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the simulator asks the machine for its time"
)]
pub(crate) fn wall_now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// RFC 3339 in UTC with milliseconds, as the API writes it.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_told_as_the_wall_time_at_which_it_was_made() {
        let clock = Clock::new(1.0);
        let before = clock.now();
        clock.advance(Duration::from_hours(1));
        let (inside, after) = (before + Duration::from_mins(30), clock.now() + Duration::from_mins(1));
        assert!(clock.now() >= before + Duration::from_hours(1));
        assert!(clock.wall_of(inside) <= clock.wall());
        let ahead = clock.wall_of(after).duration_since(clock.wall());
        assert!((SignedDuration::from_secs(59)..=SignedDuration::from_secs(61)).contains(&ahead), "{ahead}");
    }

    #[test]
    fn a_fast_clock_reaches_a_far_moment_soon() {
        let clock = Clock::new(1000.0);
        let hour = clock.now() + Duration::from_hours(1);
        let left = clock.until(hour);
        assert!(left <= Duration::from_millis(3600) && left > Duration::from_millis(3500), "{left:?}");
    }

    #[test]
    fn a_steered_clock_stands_still_until_it_is_told() {
        let clock = Clock::steered(Timestamp::UNIX_EPOCH);
        assert_eq!((clock.now(), clock.wall()), (Duration::ZERO, Timestamp::UNIX_EPOCH));
        clock.pass(Duration::from_hours(24));
        assert_eq!(clock.now(), Duration::from_hours(24));
        assert_eq!(rfc3339(clock.wall()), "1970-01-02T00:00:00.000Z");
    }

    #[test]
    fn timestamps_have_milliseconds_and_a_z() {
        let at: Timestamp = "2026-03-01T09:00:01.1Z".parse().unwrap();
        assert_eq!(rfc3339(at), "2026-03-01T09:00:01.100Z");
    }
}
