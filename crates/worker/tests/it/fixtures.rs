//! One customer, one lease, one context.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_jobs::clock::{Clock, ManualClock, Timestamp};
use gangway_jobs::customer::{NewCustomer, RawCustomer};
use gangway_jobs::enqueue::{self, NewOnboarding};
use gangway_jobs::failure::Failure;
use gangway_jobs::id::{JobId, LeaseToken, WorkerId};
use gangway_jobs::identity::{Identity, IdentitySecret};
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::RatePolicy;
use gangway_jobs::onboarding::Record;
use gangway_jobs::outcome::{Outcome, Step};
use gangway_jobs::payload::{CreateLink, Payload, PollStatus};
use gangway_store::model::ModelStore;
use gangway_store::stamp::Expected;
use gangway_store::{Policies, SharedStore};
use gangway_worker::{Chance, Config, Context, Ended, Limit};

use crate::moody_store::MoodyStore;
use crate::scripted_api::{ScriptedApi, customer_id};

/// 2026-03-01, when every story begins.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_772_355_600_000);

/// The attempt after which no other follows.
pub(crate) const LAST: u32 = 5;

pub(crate) fn identity() -> Identity {
    Identity::new(IdentitySecret::new("secret"), "default")
}

pub(crate) fn customer(number: usize) -> NewCustomer {
    NewCustomer::parse(RawCustomer {
        reference: Some(&format!("R-{number}")),
        email: &if number == 1 { "ops@acme.example".to_owned() } else { format!("ops{number}@acme.example") },
        first_name: "Ada",
        last_name: "Byron",
        company_name: "Acme Ltd",
        customer_type: None,
    })
    .unwrap()
}

pub(crate) fn onboarding(number: usize) -> NewOnboarding {
    NewOnboarding::new(&identity(), customer(number), None)
}

/// A store in memory without a limit of its own.
pub(crate) fn model(clock: Arc<dyn Clock>) -> SharedStore {
    let policies =
        Policies { rate: RatePolicy { per_second: 1e6, ..RatePolicy::default() }, ..Policies::default() };
    model_under(policies, clock)
}

pub(crate) fn model_under(policies: Policies, clock: Arc<dyn Clock>) -> SharedStore {
    ModelStore::new(made_for(), policies, clock)
}

pub(crate) fn made_for() -> Expected {
    Expected {
        api_base_url: "https://api.example".to_owned(),
        entity: "default".to_owned(),
        secret_fingerprint: identity().secret_fingerprint(),
    }
}

/// A scripted API, and the handlers that call it.
pub(crate) struct Bench {
    pub(crate) api: Arc<ScriptedApi>,
    pub(crate) store: Arc<MoodyStore>,
    pub(crate) context: Context<ScriptedApi>,
    pub(crate) record: Record,
    pub(crate) attempt: u32,
    /// How many onboardings wait for a poll.
    pub(crate) waiting: u64,
}

impl Bench {
    /// Of an onboarding that was just taken in.
    pub(crate) fn new() -> Self {
        let api = Arc::new(ScriptedApi::default());
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW));
        let store = MoodyStore::over(model(Arc::clone(&clock)));
        let mut config = Config::default();
        config.retry.max_attempts = LAST;
        let shared: SharedStore = Arc::<MoodyStore>::clone(&store);
        let context = Context {
            store: shared,
            api: Arc::clone(&api),
            identity: identity(),
            config,
            clock,
            worker: WorkerId::mint(),
            limit: Limit::default(),
            chance: Chance::default(),
        };
        let record = enqueue::new_record(&onboarding(1), NOW.before(Duration::from_hours(1)));
        Self { api, store, context, record, attempt: 1, waiting: 0 }
    }

    /// Of an onboarding whose customer exists.
    pub(crate) fn created() -> Self {
        let mut bench = Self::new();
        bench.record.customer_id = Some(customer_id());
        bench.record.stage = gangway_jobs::onboarding::Stage::Created;
        bench
    }

    /// At the last attempt.
    pub(crate) fn last(mut self) -> Self {
        self.attempt = LAST;
        self
    }

    /// An earlier create was sent that long ago, and its effect may still arrive.
    pub(crate) fn in_doubt_for(mut self, age: Duration) -> Self {
        self.record.uncertain_since = Some(NOW.before(age));
        self
    }

    pub(crate) async fn create(&self) -> Ended {
        self.run(&onboarding(1).payload()).await
    }

    pub(crate) async fn link(&self, ordinal: u32) -> Ended {
        self.run(&Payload::CreateLink(CreateLink::new(&self.record, ordinal))).await
    }

    pub(crate) async fn poll(&self) -> Ended {
        self.run(&Payload::PollStatus(PollStatus::default())).await
    }

    async fn run(&self, payload: &Payload) -> Ended {
        self.run_stored(payload.kind(), payload.encode()).await
    }

    pub(crate) async fn run_stored(&self, kind: Kind, payload: String) -> Ended {
        let job = LeasedJob {
            id: JobId { onboarding: self.record.id, kind },
            payload,
            attempt: self.attempt,
            record: self.record.clone(),
            token: LeaseToken::mint(),
            until: NOW.after(Duration::from_secs(10)),
            now: NOW,
            waiting: self.waiting,
        };
        let ended = gangway_worker::run(&job, Instant::now(), &self.context).await;
        assert_is_impersonal(&ended);
        ended
    }
}

/// Nothing that a store keeps of an end may name the customer.
fn assert_is_impersonal(ended: &Ended) {
    let step = ended.outcome.step();
    let mut told = vec![format!("{:?} {:?}", ended.signal, step.patch)];
    if let Outcome::Retry { failure, .. } | Outcome::Bury { failure, .. } = &ended.outcome {
        told.push(failure.message.clone());
    }
    told.extend(step.events.iter().map(|event| event.data.to_string()));
    let told = told.join("\n");
    for personal in ["ops@", "other@", "Ada", "Byron", "Acme"] {
        assert!(!told.contains(personal), "{personal} in {told}");
    }
}

#[track_caller]
pub(crate) fn completed(ended: &Ended) -> &Step {
    let Outcome::Complete(step) = &ended.outcome else { panic!("not completed: {ended:?}") };
    step
}

#[track_caller]
pub(crate) fn retried(ended: &Ended) -> (Duration, &Failure, &Step) {
    let Outcome::Retry { after, failure, step } = &ended.outcome else { panic!("not retried: {ended:?}") };
    (*after, failure, step)
}

#[track_caller]
pub(crate) fn buried(ended: &Ended) -> (&Failure, &Step) {
    let Outcome::Bury { failure, step } = &ended.outcome else { panic!("not buried: {ended:?}") };
    (failure, step)
}

#[track_caller]
pub(crate) fn given_back(ended: &Ended) -> (Duration, &Step) {
    let Outcome::GiveBack { after, step } = &ended.outcome else { panic!("not given back: {ended:?}") };
    assert!(step.events.is_empty() && step.follow_ups.is_empty());
    (*after, step)
}
