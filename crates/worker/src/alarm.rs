//! The alarm of a refused credential: a person must act, so it is told once when it begins and once when it is over.

use std::sync::atomic::{AtomicBool, Ordering};

use gangway_jobs::signal::Signal;

/// Whether the last that this process heard of its credential is a refusal.
#[derive(Debug, Default)]
pub(crate) struct Alarm(AtomicBool);

/// What an attempt's end changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Refused,
    Taken,
}

impl Alarm {
    /// Hears of an attempt's end, and logs what it changes.
    pub(crate) fn hear(&self, signal: &Signal) {
        match self.turn(signal) {
            Some(Turn::Refused) => tracing::error!(
                "the API refuses the credential (401): this worker makes no calls until it is replaced, but for probes"
            ),
            Some(Turn::Taken) => tracing::info!("the API takes the credential again"),
            None => {}
        }
    }

    fn turn(&self, signal: &Signal) -> Option<Turn> {
        match signal {
            Signal::Unauthorized => (!self.0.swap(true, Ordering::Relaxed)).then_some(Turn::Refused),
            Signal::Healthy { .. } | Signal::Refused(_) => {
                self.0.swap(false, Ordering::Relaxed).then_some(Turn::Taken)
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
            (healthy.clone(), None),
            (Signal::Unauthorized, Some(Turn::Refused)),
            (Signal::Unauthorized, None),
            (Signal::Down { internal: false }, None),
            (Signal::None, None),
            (Signal::Unauthorized, None),
            (healthy.clone(), Some(Turn::Taken)),
            (healthy, None),
            (Signal::Unauthorized, Some(Turn::Refused)),
        ];
        for (step, (signal, expected)) in table.into_iter().enumerate() {
            assert_eq!(alarm.turn(&signal), expected, "step {step}: {signal:?}");
        }
    }
}
