//! The points, by names that never change.

/// A place in the program between one step and the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// Worker: jobs are leased, and none of their handlers has begun. Mark: the kind.
    LeaseGranted,
    /// Worker: the API has answered a create, and nothing is settled. Mark: the onboarding.
    CreateAnswered,
    /// Worker: the API has answered a link, and nothing is settled. Mark: the onboarding.
    LinkAnswered,
    /// Worker: the API has answered a poll, and nothing is settled. Mark: the onboarding.
    PollAnswered,
    /// Worker: ends are gathered, and the store is not asked yet.
    SettleBegun,
    /// Worker: the store has answered a settle.
    SettleAnswered,
    /// Redis store: a write is decided and not sent. Mark: the action.
    RedisDeciding,
    /// Redis store: the server has written, and nobody here knows yet. Mark: the action.
    RedisWritten,
    /// Embedded store: a group of operations has run and is not committed.
    SqliteBeforeCommit,
    /// Embedded store: the group is on the disk, and nobody is told yet.
    SqliteAfterCommit,
    /// Producer: the store has accepted rows, and neither report nor checkpoint tells of them.
    ImportAccepted,
    /// Producer: a checkpoint is written.
    ImportCheckpoint,
    /// Producer: all rows are in, and the report is not in its place.
    ReportBefore,
    /// Producer: the report is in its place, and the import has not ended.
    ReportAfter,
}

#[cfg(any(test, feature = "armed"))]
impl Point {
    /// Every point.
    pub(crate) const ALL: [Self; 14] = [
        Self::LeaseGranted,
        Self::CreateAnswered,
        Self::LinkAnswered,
        Self::PollAnswered,
        Self::SettleBegun,
        Self::SettleAnswered,
        Self::RedisDeciding,
        Self::RedisWritten,
        Self::SqliteBeforeCommit,
        Self::SqliteAfterCommit,
        Self::ImportAccepted,
        Self::ImportCheckpoint,
        Self::ReportBefore,
        Self::ReportAfter,
    ];

    /// Its name in a plan.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::LeaseGranted => "lease.granted",
            Self::CreateAnswered => "create.answered",
            Self::LinkAnswered => "link.answered",
            Self::PollAnswered => "poll.answered",
            Self::SettleBegun => "settle.begun",
            Self::SettleAnswered => "settle.answered",
            Self::RedisDeciding => "redis.deciding",
            Self::RedisWritten => "redis.written",
            Self::SqliteBeforeCommit => "sqlite.before_commit",
            Self::SqliteAfterCommit => "sqlite.after_commit",
            Self::ImportAccepted => "import.accepted",
            Self::ImportCheckpoint => "import.checkpoint",
            Self::ReportBefore => "report.before",
            Self::ReportAfter => "report.after",
        }
    }

    /// The point of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| point.as_str() == name)
    }
}
