//! The demo's settings: days pass in seconds.

use std::path::Path;
use std::time::Duration;

use gangway_simulator::{Config, FaultPlan, Knobs, LifecycleKnobs, LimitKnobs, LinkClock, LinkKnobs, Span};

use crate::error::Result;
use crate::settings::{Environ, Settings};

/// Settings of both sides. Nothing of the caller's own settings counts: a demo shows the same everywhere.
#[derive(Debug)]
pub(crate) struct DemoProfile {
    /// What goes wrong at the API.
    pub(crate) faults: FaultPlan,
    /// From which its chances are drawn.
    pub(crate) seed: u64,
}

impl DemoProfile {
    /// The client's patience with one call.
    pub(crate) const TIMEOUT: Duration = Duration::from_secs(1);
    /// How long a slow answer takes: beyond that patience.
    pub(crate) const SLOW: Duration = Duration::from_millis(1_300);
    /// Simulated seconds for each real one: a review of an hour takes two seconds.
    const SPEED: f64 = 1_800.0;
    /// More calls a second than one machine makes; the limit is not what a demo wants to show.
    const RATE: f64 = 4_000.0;

    /// The simulator's.
    pub(crate) fn simulator(&self) -> Config {
        let lifecycle = LifecycleKnobs {
            opens_after: Span::new(30.0, 600.0),
            fills_in: Span::new(120.0, 900.0),
            pending_review: Span::new(60.0, 900.0),
            under_review: Span::new(300.0, 2_400.0),
            detour: Span::new(120.0, 600.0),
            max_questions: 1,
            escalated: 0.05,
            pending_approval: 0.1,
            provisioning: 0.1,
            ..LifecycleKnobs::default()
        };
        let knobs = Knobs {
            lifecycle,
            // In simulated time a link would die within a second, and be made anew for ever.
            links: LinkKnobs { clock: LinkClock::Wall, ..LinkKnobs::default() },
            limits: LimitKnobs { rate: None, ..LimitKnobs::default() },
            ..Knobs::default()
        };
        Config {
            seed: self.seed,
            speed: Self::SPEED,
            knobs,
            faults: self.faults.clone(),
            ..Config::default()
        }
    }

    /// Gangway's own, for a store in `folder` and an API at `base_url`.
    pub(crate) fn settings(folder: &Path, base_url: &str) -> Result<Settings> {
        let mut settings = Settings::load(None, Environ::default())?;
        let s = &mut settings.sections;
        s.store.url = format!("sqlite:{}", folder.join("gangway.db").display());
        base_url.clone_into(&mut s.api.base_url);
        "demo".clone_into(&mut s.api.entity);
        s.api.timeout = Self::TIMEOUT;
        s.api.connect_timeout = Self::TIMEOUT;
        s.api.rate_per_second = Self::RATE;
        s.api.max_wait = Duration::from_secs(5);
        s.worker.concurrency = 64;
        s.worker.lease = Duration::from_secs(5);
        s.worker.grace = Duration::from_secs(3);
        s.worker.job_timeout = Duration::from_secs(5);
        s.retry.initial = Duration::from_millis(100);
        s.retry.max = Duration::from_secs(1);
        s.retry.max_attempts = 40;
        s.poll.min_interval = Duration::from_millis(400);
        s.poll.max_interval = Duration::from_millis(1_500);
        s.circuit.probe_interval = Duration::from_millis(200);
        s.systemic.confirm_after = Duration::from_millis(500);
        s.create.settle_window = Duration::from_secs(5);
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::check;

    #[test]
    fn both_sides_are_valid_and_a_slow_answer_is_too_slow() {
        let profile = DemoProfile { faults: FaultPlan::hostile(DemoProfile::SLOW), seed: 1 };
        profile.simulator().validate().unwrap();
        let settings = DemoProfile::settings(Path::new("demo"), "http://127.0.0.1:1").unwrap();
        check::check(&settings.sections).unwrap();
        crate::wiring::work::config(&settings.sections).validate().unwrap();
        assert!(DemoProfile::SLOW > settings.sections.api.timeout);
    }
}
