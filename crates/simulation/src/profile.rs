//! What kind of run a seed makes: how the API answers its open questions, and how bad the weather is.

use std::time::Duration;

use gangway_jobs::limits::RatePolicy;
use gangway_jobs::poll::PollPolicy;
use gangway_jobs::retry::RetryPolicy;
use gangway_simulator::{
    AfterWindow, CreateKnobs, KeyKnobs, Knobs, LifecycleKnobs, LimitKnobs, ReadKnobs, ReplayContent,
    StatusCase,
};
use gangway_store::Policies;
use gangway_worker::Config;

use crate::audit::MAX_LOSSES;
use crate::chance::Chance;

/// The kind of a run.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) knobs: Knobs,
    /// How many calls in a thousand go wrong by themselves.
    pub(crate) storm: u64,
    /// How often workers crash and freeze, in proportion to all else that happens.
    pub(crate) crashes: u64,
    /// The store is lost once.
    pub(crate) loses_the_store: bool,
    /// The e-mail of the first customer belongs to somebody else's.
    pub(crate) someone_is_taken: bool,
    pub(crate) workers: usize,
    pub(crate) steps: u64,
}

impl Profile {
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        // Without it a second create of one customer shows as a second customer; with it, as a refusal.
        let unique_emails = chance.happens(500);
        Self {
            storm: *chance.pick(&[0, 60, 150, 400]).unwrap_or(&0),
            crashes: *chance.pick(&[0, 1, 1, 3]).unwrap_or(&1),
            loses_the_store: chance.happens(250),
            someone_is_taken: unique_emails && chance.happens(400),
            workers: usize::try_from(chance.between(1, 3)).unwrap_or(1),
            steps: chance.between(120, 320),
            knobs: knobs(unique_emails, chance),
        }
    }

    /// Whether a create may be refused for a while, so that the next one has another key. Only the store knows of that: when
    /// it is lost, what keeps a customer from being made again under the first key is that its e-mail is taken.
    pub(crate) const fn may_refuse(&self) -> bool {
        self.knobs.create.unique_emails || !self.loses_the_store
    }
}

fn knobs(unique_emails: bool, chance: &mut Chance) -> Knobs {
    // An API that forgets keys and takes an e-mail twice could not be used safely by anybody.
    let after_window =
        if unique_emails && chance.happens(500) { AfterWindow::Forget } else { AfterWindow::Conflict };
    Knobs {
        create: CreateKnobs { unique_emails, ..CreateKnobs::default() },
        keys: KeyKnobs {
            replay: if chance.happens(500) { ReplayContent::Current } else { ReplayContent::Original },
            window_s: chance.happens(300).then_some(24 * 3_600),
            after_window,
            remember_refusals: chance.happens(300),
            ..KeyKnobs::default()
        },
        reads: ReadKnobs {
            status_case: if chance.happens(300) { StatusCase::Lower } else { StatusCase::Upper },
            ..ReadKnobs::default()
        },
        lifecycle: LifecycleKnobs {
            never_submits: 0.15,
            rejected: 0.25,
            pending_response: 0.25,
            escalated: 0.1,
            provisioning: 0.2,
            ..LifecycleKnobs::default()
        },
        // Limits are drawn as faults instead: the simulation has a network of its own.
        limits: LimitKnobs { rate: None, ..LimitKnobs::default() },
        ..Knobs::default()
    }
}

/// The rules of every store of a run.
pub(crate) fn policies() -> Policies {
    Policies { rate: rate(), max_lease_losses: MAX_LOSSES, ..Policies::default() }
}

/// The settings of every worker of a run.
pub(crate) fn config() -> Config {
    Config {
        rate: rate(),
        retry: RetryPolicy { max_attempts: 8, ..RetryPolicy::default() },
        // Shorter than in life, so that a form that nobody touches does not fill the run with polls.
        poll: PollPolicy {
            min_interval: Duration::from_mins(3),
            max_interval: Duration::from_hours(4),
            give_up_after: Duration::from_hours(36),
            ..PollPolicy::default()
        },
        ..Config::default()
    }
}

fn rate() -> RatePolicy {
    RatePolicy { per_second: 20.0, ..RatePolicy::default() }
}
