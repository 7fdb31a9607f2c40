//! The alarm of a refused credential: a person must act, so it is told once when it begins and once when it is over.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use gangway_jobs::signal::Signal;

/// When this process last heard that its credential is refused, until it is taken again.
#[derive(Debug, Default)]
pub(crate) struct Alarm(Mutex<Option<Instant>>);

/// The answer to a call that was sent before the refusal may be heard after it. It does not end the alarm.
const IN_FLIGHT: Duration = Duration::from_secs(1);

/// What an attempt's end changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Refused,
    Taken,
}

impl Alarm {
    /// Hears of an attempt's end, and logs what it changes.
    pub(crate) fn hear(&self, signal: &Signal) {
        match self.turn(signal, Instant::now()) {
            Some(Turn::Refused) => tracing::error!(
                "the API refuses the credential (401): this worker makes no calls until it is replaced, but for probes"
            ),
            Some(Turn::Taken) => tracing::info!("the API takes the credential again"),
            None => {}
        }
    }

    fn turn(&self, signal: &Signal, now: Instant) -> Option<Turn> {
        // One value, replaced as a whole: a panic elsewhere leaves nothing half done.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match signal {
            Signal::Unauthorized => last.replace(now).is_none().then_some(Turn::Refused),
            Signal::Healthy { .. } | Signal::Refused(_) => {
                let over = last.is_some_and(|last| now.saturating_duration_since(last) > IN_FLIGHT);
                over.then(|| *last = None).map(|()| Turn::Taken)
            }
            Signal::None | Signal::Down { .. } | Signal::RateLimited { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_credential_is_told_of_once_and_so_is_its_end() {
        let alarm = Alarm::default();
        let healthy = Signal::Healthy { fresh: true };
        let table = [
            (0, healthy.clone(), None),
            (10, Signal::Unauthorized, Some(Turn::Refused)),
            (10, healthy.clone(), None),
            (11, Signal::Unauthorized, None),
            (20, Signal::Down { internal: false }, None),
            (21, Signal::None, None),
            (30, Signal::Unauthorized, None),
            (40, healthy.clone(), Some(Turn::Taken)),
            (41, healthy, None),
            (50, Signal::Unauthorized, Some(Turn::Refused)),
        ];
        let start = Instant::now();
        for (seconds, signal, expected) in table {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(alarm.turn(&signal, now), expected, "{signal:?} after {seconds} s");
        }
    }
}
