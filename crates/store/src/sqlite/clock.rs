//! The store's time: the clock's, but never going back.
//!
//! A store's time is at least its **high-water mark**, which is written now and then, so it does not go back over a restart
//! either. While the wall clock stands behind it, it grows with the monotonic clock, so that no wait becomes eternal. A
//! wall clock that runs far ahead of the monotonic one has **jumped** (the machine slept, or somebody set the clock): then
//! every lease gets one more term, because its worker could not have renewed it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gangway_jobs::clock::{Clock, Timestamp};

/// So far the two clocks may drift apart between two looks.
const TOLERANCE: Duration = Duration::from_secs(5);

/// What was seen of the two clocks.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The store's time then.
    time: Timestamp,
    wall: Timestamp,
    monotonic: Option<Duration>,
}

/// The pure part: from what the clocks say to the store's time.
#[derive(Clone, Debug, Default)]
pub(super) struct Observer {
    last: Option<Seen>,
    /// Where time grows from when only the monotonic clock can be trusted.
    floor: Option<(Timestamp, Option<Duration>)>,
    jumped: bool,
}

impl Observer {
    /// Takes in what the clocks say; answers the store's time. A clock without a monotonic side is steered by a test, and
    /// believed but for going back.
    pub(super) fn observe(&mut self, wall: Timestamp, monotonic: Option<Duration>) -> Timestamp {
        if let Some((seen, Some(then), Some(now))) = self.last.map(|seen| (seen, seen.monotonic, monotonic)) {
            self.jumped |= wall.since(seen.wall) > now.saturating_sub(then) + TOLERANCE;
        }
        let least = match (self.floor, monotonic) {
            (Some((floor, Some(then))), Some(now)) => floor.after(now.saturating_sub(then)),
            (Some((floor, _)), _) => floor,
            (None, _) => wall,
        };
        let time = wall.max(least).max(self.last.map_or(wall, |seen| seen.time));
        if wall >= least {
            self.floor = Some((wall, monotonic));
        }
        self.last = Some(Seen { time, wall, monotonic });
        time
    }

    /// Time is at least `mark`: another process, or an earlier one, has been there.
    pub(super) fn raise(&mut self, mark: Timestamp, monotonic: Option<Duration>) {
        if self.last.is_none_or(|seen| seen.time < mark) {
            self.floor = Some((mark, monotonic));
        }
    }

    /// Whether the wall clock has jumped since this was last asked.
    pub(super) const fn take_jump(&mut self) -> bool {
        std::mem::replace(&mut self.jumped, false)
    }
}

/// The store's time, shared by its threads.
#[derive(Debug)]
pub(super) struct StoreTime {
    clock: Arc<dyn Clock>,
    observer: Mutex<Observer>,
}

impl StoreTime {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, observer: Mutex::default() }
    }

    pub(super) fn now(&self) -> Timestamp {
        let mut observer = self.lock();
        observer.observe(self.clock.now(), self.clock.monotonic())
    }

    pub(super) fn raise(&self, mark: Timestamp) {
        self.lock().raise(mark, self.clock.monotonic());
    }

    pub(super) fn take_jump(&self) -> bool {
        self.lock().take_jump()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Observer> {
        // Plain numbers: a panic elsewhere cannot leave them half written.
        self.observer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn time_is_the_wall_clocks_while_that_goes_forward() {
        let mut observer = Observer::default();
        assert_eq!(observer.observe(at(1_000), Some(ms(0))), at(1_000));
        assert_eq!(observer.observe(at(1_500), Some(ms(500))), at(1_500));
        assert!(!observer.take_jump());
    }

    #[test]
    fn a_wall_clock_that_steps_back_is_carried_on_by_the_monotonic_one() {
        let mut observer = Observer::default();
        observer.observe(at(100_000), Some(ms(0)));
        assert_eq!(observer.observe(at(40_000), Some(ms(1_000))), at(101_000));
        assert_eq!(observer.observe(at(41_000), Some(ms(2_000))), at(102_000));
        assert!(!observer.take_jump());
    }

    #[test]
    fn a_restart_goes_on_from_the_mark() {
        let mut observer = Observer::default();
        observer.raise(at(100_000), Some(ms(0)));
        assert_eq!(observer.observe(at(40_000), Some(ms(10))), at(100_010));
        assert_eq!(observer.observe(at(200_000), Some(ms(20))), at(200_000));
    }

    #[test]
    fn a_jump_ahead_of_the_monotonic_clock_is_told_once() {
        let mut observer = Observer::default();
        observer.observe(at(0), Some(ms(0)));
        observer.observe(at(3_600_000), Some(ms(1_000)));
        assert!(observer.take_jump());
        assert!(!observer.take_jump());
    }

    #[test]
    fn a_steered_clock_is_believed_but_never_goes_back() {
        let mut observer = Observer::default();
        assert_eq!(observer.observe(at(5), None), at(5));
        assert_eq!(observer.observe(at(9_000_000), None), at(9_000_000));
        assert_eq!(observer.observe(at(7), None), at(9_000_000));
        assert!(!observer.take_jump());
    }
}
