//! Handlers that make no call, for the machinery around them.

use std::time::Instant;

use gangway_jobs::customer::NewCustomer;
use gangway_jobs::event::{EventType, NewEvent};
use gangway_jobs::failure::{Code, Failure};
use gangway_jobs::id::{CustomerId, IdempotencyKey};
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kyb::KybStatus;
use gangway_jobs::onboarding::{Certainty, Kyb, Patch, Stage};
use gangway_jobs::outcome::{FollowUp, Outcome, Step};
use gangway_jobs::payload::{Payload, PollStatus};
use gangway_jobs::signal::Signal;
use gangway_jobs::transition;
use gangway_onemoney::{Api, CallError, Class, Created, Customer, Link, Operation};
use gangway_worker::{Context, Ended, Handler};
use tokio::sync::mpsc::UnboundedSender;

use crate::straight;

/// What an attempt that went well tells.
pub(crate) const HEALTHY: Signal = Signal::Healthy { fresh: true };

/// Reads its payload and is done: the job is removed, its record rewritten.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoOp;

impl<A: Api> Handler<A> for NoOp {
    async fn run(&self, job: &LeasedJob, _fetched: Instant, _context: &Context<A>) -> Ended {
        no_op(job)
    }
}

/// What [`NoOp`] answers.
pub(crate) fn no_op(job: &LeasedJob) -> Ended {
    let outcome = match Payload::decode(job.id.kind, &job.payload) {
        Ok(_input) => Outcome::Complete(Step::default()),
        Err(error) => {
            let failure = Failure::new(Code::Undecodable, &error.to_string(), job.now);
            Outcome::Bury { failure, step: Step::default() }
        }
    };
    Ended { outcome, signal: HEALTHY }
}

/// Tells when it began.
#[derive(Clone, Debug)]
pub(crate) struct Tells(pub(crate) UnboundedSender<Instant>);

impl<A: Api> Handler<A> for Tells {
    async fn run(&self, job: &LeasedJob, _fetched: Instant, _context: &Context<A>) -> Ended {
        // Nobody listens any more only when the case has ended.
        self.0.send(Instant::now()).unwrap_or_default();
        no_op(job)
    }
}

/// Each job changes its record, publishes an event, and queues the next; the last approves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    /// Jobs of each onboarding, the create included.
    pub(crate) steps: u64,
}

impl<A: Api> Handler<A> for Chain {
    async fn run(&self, job: &LeasedJob, _fetched: Instant, _context: &Context<A>) -> Ended {
        let mut patch = Patch { polled: true, certainty: Certainty::Settled, ..Patch::default() };
        let mut data = transition::about(&job.record);
        let done = job.record.polls + 1;
        let status = if done.is_multiple_of(2) { "PENDING_REVIEW" } else { "UNDER_REVIEW" };
        if job.record.customer_id.is_none() {
            patch.customer_id = straight::customer_of(job);
        }
        patch.stage = Some(if done == self.steps { Stage::Approved } else { Stage::InReview });
        patch.kyb = Some(Kyb { status: KybStatus::new(status), updated_at: format!("step-{done}") });
        data["kyb_status"] = status.into();
        let event = NewEvent { kind: EventType::StatusChanged, fact: done.to_string(), data };
        let next = FollowUp::now(Payload::PollStatus(PollStatus::default()));
        let follow_ups = if done == self.steps { Vec::new() } else { vec![next] };
        Ended { outcome: Outcome::Complete(Step { patch, follow_ups, events: vec![event] }), signal: HEALTHY }
    }
}

/// The API of a worker that calls none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nobody;

fn nobody<T>(operation: Operation) -> Result<T, CallError> {
    Err(CallError::new(operation, Class::Unreachable { uncertain: false }))
}

impl Api for Nobody {
    async fn create_customer(&self, _: &NewCustomer, _: &IdempotencyKey) -> Result<Created, CallError> {
        nobody(Operation::CreateCustomer)
    }

    async fn customer_by_key(&self, _: &IdempotencyKey, _: &[&str]) -> Result<Option<Created>, CallError> {
        nobody(Operation::CustomerByKey)
    }

    async fn create_link(&self, _: &CustomerId, _: &uuid::Uuid) -> Result<Link, CallError> {
        nobody(Operation::CreateLink)
    }

    async fn customer(&self, _: &CustomerId) -> Result<Option<Customer>, CallError> {
        nobody(Operation::ReadCustomer)
    }

    fn credential(&self) -> String {
        "bench".to_owned()
    }
}
