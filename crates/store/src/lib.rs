//! Where jobs, records and the outbox live: the only crate that speaks SQL or Redis.
//!
//! [`Store`] is the whole contract. Every operation is atomic, bounded and safe to repeat, because a reply can be lost at
//! any moment. What one step does to a record and its job is decided by the pure functions of
//! [`gangway_jobs::transition`]; a store loads, calls them, and writes all that comes out in one transaction.
//!
//! | store | url | for |
//! |---|---|---|
//! | [`sqlite`] | `sqlite:gangway.db` | one machine: no server at all |
//! | [`redis`](mod@redis) | `redis://host:6379` | many workers on many machines |

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gangway_jobs::circuit::{Resolution, Summary};
use gangway_jobs::clock::Timestamp;
use gangway_jobs::enqueue::{Answer, NewOnboarding};
use gangway_jobs::event::Event;
use gangway_jobs::id::{ImportId, JobId, LeaseToken, OnboardingId, WorkerId};
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::RatePolicy;
use gangway_jobs::onboarding::Record;
use gangway_jobs::outcome::{Settled, Settlement};
use gangway_jobs::transition::EndRequest;

mod bounds;
pub mod conformance;
pub mod error;
mod mode;
pub mod model;
mod open;
pub mod policies;
pub mod redis;
pub mod sqlite;
pub mod stamp;
pub mod words;

pub use error::Error;
pub use mode::Mode;
pub use open::{StoreConfig, open};
pub use policies::Policies;
pub use redis::RedisConfig;
pub use stamp::Stamp;
pub use words::*;

/// The result of a store operation.
pub type Result<T> = std::result::Result<T, Error>;

/// A store that every part of the program shares.
pub type SharedStore = Arc<dyn Store>;

/// The largest batch that [`Store::enqueue`], [`Store::settle`], [`Store::extend`] and [`Store::release`] take; callers
/// cut theirs.
pub const MAX_BATCH: usize = 1_000;

/// All that can be done to jobs, records and the outbox.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// The store's time. Never goes back.
    async fn now(&self) -> Result<Timestamp>;

    /// What the store was made for.
    async fn stamp(&self) -> Result<Stamp>;

    // ---- taking in ----

    /// Takes customers in, in order; one answer each. Items of one call see each other.
    async fn enqueue(&self, batch: Vec<NewOnboarding>) -> Result<Vec<Answer>>;

    /// Begins an import of a file, or takes up the unfinished one of the same file.
    async fn import_begin(&self, start: ImportStart) -> Result<ImportBegun>;

    /// Notes how far an import has come, and that its owner lives. `false`: another owner has taken it up; stop.
    async fn import_progress(
        &self,
        import: ImportId,
        owner: uuid::Uuid,
        checkpoint: Checkpoint,
    ) -> Result<bool>;

    /// Ends an import. A repeat changes nothing.
    async fn import_end(&self, import: ImportId, owner: uuid::Uuid, checkpoint: Checkpoint) -> Result<bool>;

    // ---- running ----

    /// Leases due jobs of one kind, as far as pause, circuit and rate limit allow. The same token again answers the
    /// jobs that it leased before.
    async fn lease(&self, ask: LeaseRequest) -> Result<Grant>;

    /// Renews leases; answers for each whether it is still held.
    async fn extend(&self, leases: Vec<(JobId, LeaseToken)>, length: Duration) -> Result<Vec<bool>>;

    /// Writes the ends of attempts: each whole, or not at all if its lease is no longer held. One that cannot be
    /// written for a reason of its own is buried as `unsettleable`; the others of the batch are not touched by that.
    async fn settle(&self, batch: Vec<Settlement>) -> Result<Vec<Settled>>;

    /// Gives leases back before their end.
    async fn release(&self, leases: Vec<Release>) -> Result<()>;

    /// Asks for one call outside of a lease, or a second one inside.
    async fn permit(&self, ask: PermitRequest) -> Result<Permit>;

    /// Reports what a call outside of a lease learnt.
    async fn report(&self, report: CallReport) -> Result<()>;

    /// Takes back up to `limit` leases that have run out.
    async fn take_back(&self, limit: usize) -> Result<TakenBack>;

    /// Returns when something may have become due, or something else has changed: at once in the same process, within
    /// 50 ms after another process's write; after `at_most` in any case.
    async fn changed(&self, at_most: Duration);

    /// Registers a worker process; answers the same for a repeat.
    async fn register(&self, worker: WorkerInfo) -> Result<()>;

    /// The worker lives. `false`: it is not registered (any more); register again.
    async fn beat(&self, worker: WorkerId, slots_busy: u32) -> Result<bool>;

    /// The worker has ended in good order.
    async fn deregister(&self, worker: WorkerId) -> Result<()>;

    /// The registered workers.
    async fn workers(&self) -> Result<Vec<WorkerState>>;

    // ---- steering ----

    /// Something says that a customer's status has changed: brings the poll forward; on a rejected or expired onboarding,
    /// begins the next round.
    async fn hint(&self, target: Target) -> Result<Hinted>;

    /// Asks for another link; on a rejected or expired onboarding, begins the next round.
    async fn request_link(&self, target: Target) -> Result<LinkRequested>;

    /// Leases no job of that kind until resumed. `None` means all kinds.
    async fn pause(&self, kind: Option<Kind>) -> Result<()>;

    /// Leases again.
    async fn resume(&self, kind: Option<Kind>) -> Result<()>;

    /// Sets how many calls may be made, for all workers at once; `None` goes back to what each has in its own
    /// [`Policies`]. Tokens that a lower limit cannot hold are gone; a higher one fills its bucket as time passes.
    async fn set_limits(&self, limits: Option<RatePolicy>) -> Result<()>;

    /// The limit that people have set, if any.
    async fn limits(&self) -> Result<Option<RatePolicy>>;

    /// Calls an onboarding off. `None`: unknown.
    async fn cancel(&self, target: Target) -> Result<Option<EndRequest>>;

    /// Erases an onboarding: its payloads, its reference, its timeline, the personal part of its events; a ledger row
    /// stays. `None`: unknown.
    async fn erase(&self, target: Target) -> Result<Option<EndRequest>>;

    /// Puts dead jobs back, at most `limit`; answers how many. A second call finds none of them dead.
    async fn redrive(&self, which: DeadFilter, limit: usize) -> Result<usize>;

    /// Deletes dead letters, at most `limit`; answers how many. Their onboardings stay dead.
    async fn drop_dead(&self, which: DeadFilter, limit: usize) -> Result<usize>;

    /// The circuit in words.
    async fn circuit(&self) -> Result<Summary>;

    /// Decides an open circuit; answers the kinds whose gate was open.
    async fn resolve_circuit(&self, resolution: Resolution) -> Result<Vec<Kind>>;

    // ---- looking ----

    /// The sums.
    async fn status(&self) -> Result<Status>;

    /// One onboarding with its jobs.
    async fn find(&self, target: Target) -> Result<Option<Inspection>>;

    /// Records in the order of their ids, after `after`.
    async fn records(&self, after: Option<OnboardingId>, limit: usize) -> Result<Vec<Record>>;

    /// Dead letters in the order of their job ids, after `after`.
    async fn dead(&self, which: DeadFilter, after: Option<JobId>, limit: usize) -> Result<Vec<DeadLetter>>;

    // ---- outbox ----

    /// Registers a group, which reads from `from` on; a repeat changes nothing. Answers whether it is new.
    async fn group_add(&self, group: &str, from: GroupStart) -> Result<bool>;

    /// Removes a group. Answers whether it was there.
    async fn group_remove(&self, group: &str) -> Result<bool>;

    /// Reads the oldest events that the group has not acknowledged and nobody else has claimed, and claims them for
    /// that long. An onboarding's event is never handed out while an earlier one of it is claimed elsewhere.
    async fn read(&self, ask: ReadRequest) -> Result<Vec<(Position, Event)>>;

    /// Acknowledges events; answers how many had not been.
    async fn ack(&self, group: &str, positions: Vec<Position>) -> Result<usize>;

    /// Events in order, after `after`, without any group.
    async fn events(&self, after: Position, limit: usize) -> Result<Vec<(Position, Event)>>;

    // ---- keeping small ----

    /// Turns records that ended before `ended_before` into ledger rows, at most `limit`; answers how many.
    async fn prune(&self, ended_before: Timestamp, limit: usize) -> Result<usize>;

    /// Deletes events older than `older_than` that every group has acknowledged, at most `limit`; answers how many.
    async fn trim(&self, older_than: Timestamp, limit: usize) -> Result<usize>;

    /// Ends: what was accepted is written, later calls fail with [`Error::Closed`].
    async fn close(&self);
}
