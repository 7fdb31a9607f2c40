//! When a worker may end by itself.

use std::time::Duration;

use gangway_jobs::job::State;
use gangway_jobs::kind::Kind;
use gangway_store::Status;

/// When a worker ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Never: only when it is told to.
    Stopped,
    /// When every onboarding has ended.
    Terminal,
    /// When every onboarding has a link or has ended, or no job is left that would make one: its link was refused for
    /// good, or links are made on demand.
    Linked,
}

impl Until {
    /// Between two looks at the sums: soon done if that is waited for, and else for what the store has lost.
    pub(crate) const fn look_every(self) -> Duration {
        match self {
            Self::Stopped => Duration::from_secs(10),
            Self::Terminal | Self::Linked => Duration::from_millis(100),
        }
    }

    pub(crate) fn is_reached(self, status: &Status) -> bool {
        match self {
            Self::Stopped => false,
            Self::Terminal => status.in_progress() == 0,
            Self::Linked => {
                let all_linked =
                    status.by_stage.iter().all(|(stage, count)| *count == 0 || stage.is_linked());
                all_linked || !lives(status, Kind::CreateCustomer) && !lives(status, Kind::CreateLink)
            }
        }
    }
}

/// Whether a job of that kind will still run, now or later.
fn lives(status: &Status, kind: Kind) -> bool {
    let counts = status.jobs.get(&kind).into_iter().flatten();
    counts.filter(|(state, _)| **state != State::Dead).any(|(_, count)| *count > 0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gangway_jobs::onboarding::Stage;

    use super::*;

    #[test]
    fn a_goal_is_reached_when_no_stage_before_it_is_left() {
        let mut status = Status::default();
        assert!(Until::Terminal.is_reached(&status) && Until::Linked.is_reached(&status));
        status.by_stage.insert(Stage::Linked, 1);
        assert!(!Until::Terminal.is_reached(&status) && Until::Linked.is_reached(&status));
        status.by_stage.insert(Stage::Created, 1);
        status.jobs.insert(Kind::CreateLink, BTreeMap::from([(State::Retryable, 1)]));
        assert!(!Until::Linked.is_reached(&status) && !Until::Stopped.is_reached(&status));
    }

    #[test]
    fn a_link_that_was_refused_for_good_is_not_waited_for() {
        let mut status = Status::default();
        status.by_stage.insert(Stage::Created, 1);
        status.jobs.insert(Kind::CreateLink, BTreeMap::from([(State::Dead, 1), (State::Running, 0)]));
        status.jobs.insert(Kind::PollStatus, BTreeMap::from([(State::Scheduled, 1)]));
        assert!(Until::Linked.is_reached(&status) && !Until::Terminal.is_reached(&status));
        status.jobs.insert(Kind::CreateCustomer, BTreeMap::from([(State::Scheduled, 1)]));
        assert!(!Until::Linked.is_reached(&status));
    }
}
