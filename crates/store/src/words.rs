//! The words of the store: what goes into its operations and what comes out.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use gangway_jobs::circuit::Summary;
use gangway_jobs::clock::Timestamp;
use gangway_jobs::failure::Failure;
use gangway_jobs::id::{CustomerId, ImportId, JobId, LeaseToken, OnboardingId, WorkerId};
use gangway_jobs::job::{Job, LeasedJob, State};
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::Class;
use gangway_jobs::onboarding::{Record, Stage};
use gangway_jobs::signal::Signal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An import that wants to begin.
#[derive(Clone, Debug)]
pub struct ImportStart {
    /// Digest of the file's content and of the options that change what its rows mean.
    pub digest: String,
    /// The file's name, for people.
    pub name: String,
    /// Random, minted by the process that imports: tells two processes apart.
    pub owner: Uuid,
    /// How long the owner may be silent before another may take the import up.
    pub patience: Duration,
}

/// How an import begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportBegun {
    /// A new run.
    New(ImportId),
    /// An unfinished run of the same file goes on after its checkpoint.
    Resumed(ImportId, Checkpoint),
    /// Another process imports the same file now, or died so lately that nobody can tell. Ask again after that time; if
    /// it still lives then, begin a run of your own by [`ImportStart::digest`] with another suffix.
    Busy(Duration),
}

/// How far an import has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Data rows dealt with.
    pub rows: u64,
    /// Rows taken in.
    pub enqueued: u64,
    /// Rows that were there.
    pub duplicates: u64,
    /// Rows that contradict what is there.
    pub conflicts: u64,
    /// Rows that started an ended onboarding again.
    pub revived: u64,
    /// Rows refused.
    pub refused: u64,
    /// Bytes of the report that belong to those rows.
    pub report_bytes: u64,
}

/// A worker that wants work.
#[derive(Clone, Debug)]
pub struct LeaseRequest {
    /// Of which kind.
    pub kind: Kind,
    /// At most so many; cut to [`crate::MAX_BATCH`].
    pub max: usize,
    /// 128 random bits, minted for this call.
    pub token: LeaseToken,
    /// Who asks.
    pub worker: WorkerId,
    /// The fingerprint of the credential that it would use.
    pub credential: String,
    /// For how long.
    pub length: Duration,
}

/// What a lease call gives.
#[derive(Clone, Debug, Default)]
pub struct Grant {
    /// The jobs, each under the token of the call.
    pub jobs: Vec<LeasedJob>,
    /// When it is worth asking again, if nothing changes before: how long from now. `None`: only a change helps.
    pub ask_again: Option<Duration>,
}

/// A lease given back before its end.
#[derive(Clone, Debug)]
pub struct Release {
    /// Whose.
    pub job: JobId,
    /// What proves it.
    pub token: LeaseToken,
    /// Whether the handler had started: then a create stays uncertain. The attempt is not counted either way.
    pub started: bool,
}

/// A call outside of a lease.
#[derive(Clone, Debug)]
pub struct PermitRequest {
    /// Whose share it takes from.
    pub class: Class,
    /// Who asks.
    pub worker: WorkerId,
    /// With which credential.
    pub credential: String,
}

/// The answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Call now; the permit is good for two seconds.
    Granted,
    /// Not now. Ask again after that time.
    Wait(Duration),
}

/// What a call outside of a lease learnt.
#[derive(Clone, Debug)]
pub struct CallReport {
    /// Whose call it was.
    pub job: JobId,
    /// Who made it.
    pub worker: WorkerId,
    /// With which credential.
    pub credential: String,
    /// What it learnt.
    pub signal: Signal,
}

/// What the rescuer found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// Leases taken back.
    pub jobs: usize,
    /// Of these, buried as poison.
    pub poisoned: usize,
    /// There may be more.
    pub more: bool,
}

/// A worker process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerInfo {
    /// Unique for each start of a process.
    pub id: WorkerId,
    /// The machine's name and the process id, for people.
    pub name: String,
    /// How many handlers it runs at once.
    pub slots: u32,
    /// How long it may be silent and still count as alive.
    pub patience: Duration,
}

/// A registered worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerState {
    /// What it said when it registered.
    pub info: WorkerInfo,
    /// When it did.
    pub started_at: Timestamp,
    /// When it last gave a sign.
    pub beat_at: Timestamp,
    /// Whether that is lately enough.
    pub alive: bool,
    /// Leases that it holds.
    pub leases: u64,
    /// When the oldest of them began.
    pub oldest_lease: Option<Timestamp>,
}

/// Which onboarding is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// By its id.
    Id(OnboardingId),
    /// By the partner's reference.
    Reference(String),
    /// By the API's customer id.
    Customer(CustomerId),
}

/// What came of a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hinted {
    /// The poll is due at once.
    Hastened,
    /// The next round began.
    Reopened,
    /// The onboarding has ended in a way that nothing reopens.
    Ended(Stage),
    /// The onboarding has no customer yet: there is nothing to poll.
    TooEarly,
    /// No such onboarding; counted and dropped.
    Unknown,
}

/// What came of a request for a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkRequested {
    /// A link job is queued.
    Queued,
    /// The next round began with it.
    Reopened,
    /// The onboarding has ended in a way that nothing reopens.
    Ended(Stage),
    /// The onboarding has no customer yet; its first link comes by itself.
    TooEarly,
    /// No such onboarding.
    Unknown,
}

/// Which dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadFilter {
    /// Of one onboarding only.
    pub onboarding: Option<OnboardingId>,
    /// Of one kind only.
    pub kind: Option<Kind>,
    /// With one failure code only.
    pub code: Option<String>,
    /// Only those that had died by then: what is put back and dies again meanwhile is left alone.
    pub until: Option<Timestamp>,
}

impl DeadFilter {
    /// Whether one that died at that time is meant.
    pub(crate) fn covers(&self, died: Timestamp) -> bool {
        self.until.is_none_or(|until| died <= until)
    }
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The job.
    pub job: JobId,
    /// The partner's reference.
    pub reference: Option<String>,
    /// Attempts made in a row.
    pub attempts: u32,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub failure: Option<Failure>,
}

/// One onboarding as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// The record.
    pub record: Record,
    /// Its jobs; payloads are personal and must not be shown.
    pub jobs: Vec<Job>,
}

/// The sums.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Onboardings by stage, pruned ones included.
    pub by_stage: BTreeMap<Stage, u64>,
    /// Jobs by kind and state.
    pub jobs: BTreeMap<Kind, BTreeMap<State, u64>>,
    /// Events in the outbox.
    pub outbox_length: u64,
    /// Unacknowledged events by group.
    pub groups: BTreeMap<String, u64>,
    /// The circuit: state and reason.
    pub circuit: (String, String),
    /// Paused kinds.
    pub paused: Vec<Kind>,
    /// Live workers.
    pub workers: Vec<WorkerState>,
    /// Hints that named nobody known.
    pub unknown_hints: u64,
}

impl Status {
    /// All onboardings.
    pub fn total(&self) -> u64 {
        self.by_stage.values().sum()
    }

    /// Onboardings whose latest round has not ended.
    pub fn in_progress(&self) -> u64 {
        self.by_stage.iter().filter(|(stage, _)| !stage.is_end()).map(|(_, count)| count).sum()
    }

    /// Takes the circuit's summary over.
    #[must_use]
    pub fn with_circuit(mut self, summary: Summary) -> Self {
        self.circuit = (summary.state.to_owned(), summary.reason);
        self
    }
}

/// Where a new group begins to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupStart {
    /// With the oldest event that is kept.
    #[default]
    Beginning,
    /// With the next event that is written.
    Now,
}

/// A group's wish to read.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// A registered group.
    pub group: String,
    /// Who reads, within the group.
    pub consumer: String,
    /// At most so many; cut to [`crate::MAX_BATCH`].
    pub count: usize,
    /// How long the reader keeps them from others of its group.
    pub claim: Duration,
}

/// The place of an event in the outbox; grows, with gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Position {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}
