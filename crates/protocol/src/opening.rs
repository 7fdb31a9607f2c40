//! What the store has at the beginning.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::customer::{NewCustomer, RawCustomer};
use gangway_jobs::enqueue::{NewOnboarding, new_record};
use gangway_jobs::id::{LeaseToken, WorkerId};
use gangway_jobs::identity::{Identity, IdentitySecret};
use gangway_jobs::job::Job;
use gangway_jobs::kind::Kind;
use gangway_jobs::outcome::FollowUp;
use gangway_jobs::payload::{Payload, PollStatus};
use gangway_jobs::transition;
use uuid::Uuid;

use crate::bounds::{Opening, TICK};
use crate::onboarding::{Moment, Onboarding};
use crate::outcome;

/// Time begins here.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_millis(0);

/// The onboardings that there are.
pub(crate) fn onboardings(opening: Opening) -> Vec<Onboarding> {
    match opening {
        Opening::Creates(count) => (0..count).filter_map(accepted).collect(),
        Opening::LinkAndPoll => accepted(0).map(created).into_iter().collect(),
    }
}

fn accepted(place: usize) -> Option<Onboarding> {
    let raw = RawCustomer {
        email: &format!("customer-{place}@engines.example"),
        first_name: "Ada",
        last_name: "Byron",
        company_name: "Engines",
        ..RawCustomer::default()
    };
    let identity = Identity::new(IdentitySecret::new("model"), "model");
    let new = NewOnboarding::new(&identity, NewCustomer::parse(raw).ok()?, None);
    let mut onboarding = Onboarding {
        record: new_record(&new, BEGINNING),
        jobs: [const { None }; 3],
        fences: [None; 3],
        epoch: 0,
        events: Vec::new(),
    };
    onboarding.queue(&FollowUp::now(new.payload()), BEGINNING);
    Some(onboarding)
}

/// The same after its create, when a hint has queued a poll beside the link.
fn created(mut onboarding: Onboarding) -> Onboarding {
    let moment = Moment { now: BEGINNING, epoch: 0 };
    let (token, worker) = (LeaseToken::from_uuid(Uuid::nil()), WorkerId::from_uuid(Uuid::nil()));
    let create = onboarding.jobs[Kind::CreateCustomer.index()].take();
    let lease = |mut job: Job| {
        let leased = transition::lease(&mut onboarding.record, &mut job, token, worker, BEGINNING, TICK);
        Some((job.lease().copied()?, job, leased))
    };
    if let Some((lease, job, leased)) = create.and_then(lease) {
        let done = outcome::created(&leased, true);
        let end = transition::settle(&mut onboarding.record, job, &lease, done, BEGINNING);
        onboarding.write(Some(Kind::CreateCustomer), end, moment);
    }
    onboarding.queue(&FollowUp::now(Payload::PollStatus(PollStatus::default())), BEGINNING);
    onboarding
}
