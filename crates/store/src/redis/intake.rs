//! Single customers of many callers travel together: while the server takes one group in, the next one gathers.
//!
//! A group is taken in by a task of its own, so that a caller that goes away takes nobody with it. Each caller gets its own
//! answers, or its own error.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use gangway_jobs::enqueue::Answer;
use tokio::sync::oneshot;

use super::core::{Core, lock};
use super::enqueue::Item;
use super::portion::PORTION;
use crate::{Error, Result};

/// What is no more than this travels with others; more is worth a call of its own.
pub(super) const FEW: usize = 20;

// Else nobody would ever take those in.
const _: () = assert!(FEW <= PORTION);

/// Those who wait to be taken along.
#[derive(Debug, Default)]
pub(super) struct Intake(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    asks: VecDeque<Ask>,
    /// Whether a task takes groups in.
    is_driven: bool,
}

#[derive(Debug)]
struct Ask {
    items: Vec<Item>,
    answer: oneshot::Sender<Result<Vec<Answer>>>,
}

impl Intake {
    /// Takes a few in, together with those of other callers.
    pub(super) async fn take_along(
        self: &Arc<Self>,
        core: &Arc<Core>,
        items: Vec<Item>,
    ) -> Result<Vec<Answer>> {
        let (answer, answered) = oneshot::channel();
        let must_drive = {
            let mut queue = lock(&self.0);
            queue.asks.push_back(Ask { items, answer });
            !std::mem::replace(&mut queue.is_driven, true)
        };
        if must_drive {
            let driver = Driver { intake: Arc::clone(self), is_at_it: true };
            drop(tokio::spawn(drive(driver, Arc::clone(core))));
        }
        // Its task has broken off with its runtime.
        answered.await.unwrap_or(Err(Error::Closed))
    }
}

/// The one who takes groups in. Nobody may wait for it once it is gone.
struct Driver {
    intake: Arc<Intake>,
    /// Until it has found nobody: from then on, whoever waits is another driver's.
    is_at_it: bool,
}

impl Driver {
    /// The next group; the last one to ask for it finds none, and goes.
    fn next(&mut self) -> Option<Vec<Ask>> {
        let mut queue = lock(&self.intake.0);
        let mut room = PORTION;
        let fits = |ask: &Ask| {
            room = room.checked_sub(ask.items.len())?;
            Some(())
        };
        let count = queue.asks.iter().map_while(fits).count();
        self.is_at_it = count > 0;
        queue.is_driven = self.is_at_it;
        (count > 0).then(|| queue.asks.drain(..count).collect())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It was broken off, with its runtime or by a panic.
        if self.is_at_it {
            let mut queue = lock(&self.intake.0);
            queue.is_driven = false;
            queue.asks.clear();
        }
    }
}

async fn drive(mut driver: Driver, core: Arc<Core>) {
    while let Some(group) = driver.next() {
        take_group_in(&core, group).await;
    }
}

async fn take_group_in(core: &Core, group: Vec<Ask>) {
    let mut items = Vec::new();
    let mut callers: Vec<(Range<usize>, oneshot::Sender<_>)> = Vec::with_capacity(group.len());
    for Ask { items: of_one, answer } in group {
        let from = items.len();
        items.extend(of_one);
        callers.push((from..items.len(), answer));
    }
    let together = core.take_in(&mut items).await;
    for (range, caller) in callers {
        let answer = match &together {
            Ok(answers) => Ok(answers[range].to_vec()),
            Err(error) => match of_everybody(error) {
                Some(error) => Err(error),
                // The fault of one of them: each by itself, so that it is told to that one.
                None => core.take_in(&mut items[range]).await,
            },
        };
        // Who no longer waits has been taken in all the same, as if the reply had been lost.
        drop(caller.send(answer));
    }
}

/// The same error again, if it says nothing of those who were to be taken in.
fn of_everybody(error: &Error) -> Option<Error> {
    if let Error::Closed = error {
        Some(Error::Closed)
    } else if let Error::Unavailable { place, reason } = error {
        Some(Error::Unavailable { place: place.clone(), reason: reason.clone() })
    } else if let Error::OutOfMemory { place } = error {
        Some(Error::OutOfMemory { place: place.clone() })
    } else if let Error::Missing { place } = error {
        Some(Error::Missing { place: place.clone() })
    } else if let Error::Mismatch { mismatch } = error {
        Some(Error::Mismatch { mismatch: mismatch.clone() })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn driver(intake: &Arc<Intake>) -> Driver {
        lock(&intake.0).is_driven = true;
        Driver { intake: Arc::clone(intake), is_at_it: true }
    }

    fn wait_in(intake: &Intake) -> oneshot::Receiver<Result<Vec<Answer>>> {
        let (answer, answered) = oneshot::channel();
        lock(&intake.0).asks.push_back(Ask { items: Vec::new(), answer });
        answered
    }

    #[test]
    fn a_driver_that_found_nobody_sends_nobody_away_who_came_after_that() {
        let intake = Arc::new(Intake::default());
        let mut first = driver(&intake);
        assert!(first.next().is_none());
        let mut second = driver(&intake);
        let mut waits = wait_in(&intake);
        drop(first);
        assert_eq!(waits.try_recv().unwrap_err(), oneshot::error::TryRecvError::Empty);
        assert_eq!(second.next().unwrap().len(), 1);
    }

    #[test]
    fn a_driver_that_is_broken_off_leaves_nobody_waiting() {
        let intake = Arc::new(Intake::default());
        let broken_off = driver(&intake);
        let mut waits = wait_in(&intake);
        drop(broken_off);
        assert_eq!(waits.try_recv().unwrap_err(), oneshot::error::TryRecvError::Closed);
        assert!(!lock(&intake.0).is_driven, "the next one must drive");
    }
}
