//! The circuit, inside the same steps as leases and settles.

use std::time::Duration;

use gangway_jobs::circuit::Resolution;
use gangway_jobs::failure::Code;
use gangway_jobs::id::{OnboardingId, WorkerId};
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::Class;
use gangway_jobs::onboarding::Stage;
use gangway_jobs::signal::{Blame, Signal};
use uuid::Uuid;

use super::outcomes::{DOWN, HEALTHY, refused};
use super::world::{CREDENTIAL, Row};
use super::{Harness, World, outcomes};
use crate::{CallReport, LeaseRequest, Permit, PermitRequest};

const CREATE: Kind = Kind::CreateCustomer;

/// Takes in so many, and leases them all.
async fn leased<H: Harness>(world: &World<H>, numbers: std::ops::RangeInclusive<u32>) -> Vec<LeasedJob> {
    let count = numbers.clone().count();
    world.enqueue(numbers.map(Row::of)).await;
    let jobs = world.lease(CREATE, count).await;
    assert_eq!(jobs.len(), count);
    jobs
}

async fn state<H: Harness>(world: &World<H>) -> &'static str {
    world.store.circuit().await.unwrap().state
}

async fn attempts<H: Harness>(world: &World<H>, jobs: &[LeasedJob]) -> Vec<u32> {
    let mut attempts = Vec::new();
    for job in jobs {
        attempts.push(world.job(job.id).await.attempt);
    }
    attempts
}

pub async fn an_api_that_is_down_opens_after_ten_failures_and_costs_nobody_an_attempt<H: Harness>() {
    let mut world = World::<H>::new().await;
    let jobs = leased(&world, 1..=12).await;
    for job in &jobs[..9] {
        world.settle_with(job, outcomes::retry(1), DOWN).await;
        assert_eq!(state(&world).await, "closed");
    }
    world.settle_with(&jobs[9], outcomes::retry(1), DOWN).await;
    world.reopen().await;
    assert_eq!(state(&world).await, "open");
    assert_eq!(attempts(&world, &jobs[..10]).await, [0; 10]);
    // What was in flight then is excused as well, even where it was the last attempt.
    world.settle_with(&jobs[10], outcomes::retry(1), DOWN).await;
    world.settle_with(&jobs[11], outcomes::bury(Code::Unreachable), DOWN).await;
    assert_eq!(attempts(&world, &jobs).await, [0; 12]);
    assert_eq!(world.count(Stage::Accepted).await, 12);
    world.advance_secs(2);
    let grant = world.grant(CREATE, 100).await;
    assert!(grant.jobs.is_empty());
    assert_eq!(grant.ask_again, Some(Duration::from_secs(3)), "until the probe");
    assert!(world.lease(Kind::PollStatus, 10).await.is_empty());
    world.check().await;
}

pub async fn one_probe_at_a_time_finds_out_whether_the_api_is_back<H: Harness>() {
    let world = World::<H>::new().await;
    let jobs = leased(&world, 1..=20).await;
    for job in &jobs {
        world.settle_with(job, outcomes::retry(1), DOWN).await;
    }
    world.advance_secs(5);
    let probe = world.lease(CREATE, 100).await;
    assert_eq!(probe.len(), 1);
    assert_eq!(state(&world).await, "half_open");
    assert!(world.lease(CREATE, 100).await.is_empty());
    let other = world.another_worker(2).await;
    assert!(world.lease_as(other, CREATE, 100).await.is_empty());
    // It fails: open for another while, at no cost.
    world.settle_with(&probe[0], outcomes::retry(1), DOWN).await;
    assert_eq!(world.job(probe[0].id).await.attempt, 0);
    assert!(world.lease(CREATE, 100).await.is_empty());
    world.advance_secs(5);
    let probe = world.lease(CREATE, 100).await;
    world.settle_with(&probe[0], outcomes::created(&probe[0]), HEALTHY).await;
    assert_eq!(state(&world).await, "ramping");
    // No herd: the first lease after that is small, and grows with each success.
    let first = world.lease(CREATE, 100).await;
    assert!((1..10).contains(&first.len()), "{}", first.len());
    let other = world.another_worker(3).await;
    assert!(world.lease_as(other, CREATE, 100).await.is_empty(), "nor do many small ones make a herd");
    for job in &first {
        world.settle_with(job, outcomes::created(job), HEALTHY).await;
    }
    assert!(world.lease(CREATE, 100).await.len() > first.len());
    world.check().await;
}

pub async fn a_call_outside_of_a_lease_waits_at_the_gates_but_the_second_call_of_a_probe_passes<
    H: Harness,
>() {
    let world = World::<H>::new().await;
    let ask = |worker| PermitRequest { class: Class::Create, worker, credential: CREDENTIAL.to_owned() };
    assert_eq!(world.store.permit(ask(world.worker)).await.unwrap(), Permit::Granted);
    for job in &leased(&world, 1..=12).await {
        world.settle_with(job, outcomes::retry(1), DOWN).await;
    }
    let other = world.another_worker(2).await;
    let wait = world.store.permit(ask(other)).await.unwrap();
    assert_eq!(wait, Permit::Wait(Duration::from_secs(5)));
    world.advance_secs(5);
    assert!(matches!(world.store.permit(ask(other)).await.unwrap(), Permit::Wait(_)), "a permit is no probe");
    assert_eq!(world.lease(CREATE, 10).await.len(), 1, "and takes no probe away");
    assert_eq!(world.store.permit(ask(world.worker)).await.unwrap(), Permit::Granted);
    assert!(matches!(world.store.permit(ask(other)).await.unwrap(), Permit::Wait(_)));
    world.check().await;
}

pub async fn a_probe_whose_worker_died_holds_nobody_up_for_longer_than_its_lease<H: Harness>() {
    let world = World::<H>::new().await;
    for job in &leased(&world, 1..=12).await {
        world.settle_with(job, outcomes::retry(1), DOWN).await;
    }
    world.advance_secs(5);
    assert_eq!(world.lease(CREATE, 100).await.len(), 1);
    world.advance_secs(29);
    assert!(world.lease(CREATE, 100).await.is_empty());
    world.advance_secs(2);
    assert_eq!(world.lease(CREATE, 100).await.len(), 1);
    world.check().await;
}

pub async fn a_probe_that_finds_no_job_stands_in_nobodys_way<H: Harness>() {
    let world = World::<H>::new().await;
    for job in &leased(&world, 1..=12).await {
        world.settle_with(job, outcomes::retry(1), DOWN).await;
    }
    world.advance_secs(5);
    assert!(world.lease(Kind::PollStatus, 10).await.is_empty());
    let probe = world.lease(CREATE, 10).await;
    assert_eq!(probe.len(), 1);
    // One given back before it started neither.
    let release = crate::Release { job: probe[0].id, token: probe[0].token, started: false };
    world.store.release(vec![release]).await.unwrap();
    assert_eq!(world.lease(CREATE, 10).await.len(), 1);
    world.check().await;
}

pub async fn a_429_blocks_everybody_for_that_long_at_no_cost<H: Harness>() {
    let mut world = World::<H>::new().await;
    let jobs = leased(&world, 1..=2).await;
    world.take_in(3).await;
    let limited = Signal::RateLimited { wait: Some(Duration::from_secs(30)) };
    world.settle_with(&jobs[0], outcomes::give_back(0), limited).await;
    assert_eq!(world.job(jobs[0].id).await.attempt, 0);
    world.reopen().await;
    let other = world.another_worker(2).await;
    for kind in Kind::ALL {
        assert!(world.lease_as(other, kind, 10).await.is_empty());
    }
    assert_eq!(world.grant(CREATE, 10).await.ask_again, Some(Duration::from_secs(30)));
    let ask = PermitRequest { class: Class::Interactive, worker: other, credential: CREDENTIAL.to_owned() };
    assert_eq!(world.store.permit(ask.clone()).await.unwrap(), Permit::Wait(Duration::from_secs(30)));
    world.advance(Duration::from_millis(29_999));
    assert!(world.lease(CREATE, 10).await.is_empty());
    world.advance(Duration::from_millis(1));
    assert_eq!(world.store.permit(ask).await.unwrap(), Permit::Granted);
    assert_eq!(world.lease(CREATE, 10).await.len(), 2);
    world.check().await;
}

pub async fn what_a_call_outside_of_a_lease_learns_counts_too<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.link(1).await;
    let report = CallReport {
        job: gangway_jobs::id::JobId { onboarding: id, kind: Kind::CreateLink },
        worker: world.worker,
        credential: CREDENTIAL.to_owned(),
        signal: Signal::RateLimited { wait: Some(Duration::from_secs(10)) },
    };
    world.store.report(report).await.unwrap();
    assert!(world.lease(Kind::PollStatus, 10).await.is_empty());
    world.advance_secs(10);
    assert_eq!(world.lease(Kind::PollStatus, 10).await.len(), 1);
    world.check().await;
}

async fn unauthorized<H: Harness>(world: &World<H>, worker: WorkerId, job: &LeasedJob) {
    world.settle_as(worker, CREDENTIAL, job, outcomes::give_back(0), Signal::Unauthorized).await;
    assert_eq!(world.job(job.id).await.attempt, 0);
}

pub async fn a_401_stops_the_worker_that_saw_it_and_a_second_one_stops_all<H: Harness>() {
    let world = World::<H>::new().await;
    let [second, third] = [world.another_worker(2).await, world.another_worker(3).await];
    world.enqueue((1..=9).map(Row::of)).await;
    let job = world.lease(CREATE, 1).await.remove(0);
    unauthorized(&world, world.worker, &job).await;
    assert!(world.lease(CREATE, 1).await.is_empty());
    let job = world.lease_as(second, CREATE, 1).await.remove(0);
    unauthorized(&world, second, &job).await;
    assert!(world.lease_as(third, CREATE, 1).await.is_empty(), "it is the credential, not the worker");
    assert_eq!(state(&world).await, "open");
    // A rotated credential is another one.
    let rotated = LeaseRequest { credential: "credential-2".to_owned(), ..world.ask(CREATE, 1) };
    let job = world.store.lease(rotated).await.unwrap().jobs.remove(0);
    world.settle_as(world.worker, "credential-2", &job, outcomes::created(&job), HEALTHY).await;
    // The old one is healed by a probe.
    world.advance_secs(5);
    let probe = world.lease_as(third, CREATE, 9).await;
    assert_eq!(probe.len(), 1);
    world.settle_as(third, CREDENTIAL, &probe[0], outcomes::created(&probe[0]), HEALTHY).await;
    assert!(!world.lease_as(second, CREATE, 9).await.is_empty());
    assert_eq!(state(&world).await, "closed");
    world.check().await;
}

pub async fn a_401_of_the_only_worker_stops_the_fleet<H: Harness>() {
    let world = World::<H>::new().await;
    let job = leased(&world, 1..=1).await.remove(0);
    world.take_in(2).await;
    unauthorized(&world, world.worker, &job).await;
    let unknown = WorkerId::from_uuid(Uuid::from_u128(404));
    assert!(world.lease_as(unknown, CREATE, 1).await.is_empty());
    world.check().await;
}

const UNCLEAR: (&str, Blame) = ("feature is not enabled", Blame::Unclear);

/// So many meet the same refusal.
async fn refuse<H: Harness>(world: &World<H>, jobs: &[LeasedJob], (text, blame): (&str, Blame)) {
    for job in jobs {
        world.settle_with(job, outcomes::bury(Code::Invalid), refused(text, blame)).await;
    }
}

async fn parked<H: Harness>(world: &World<H>, jobs: &[LeasedJob]) -> Vec<bool> {
    let mut parked = Vec::new();
    for job in jobs {
        parked.push(world.job(job.id).await.parked);
    }
    parked
}

pub async fn a_systemic_refusal_parks_all_five_and_buries_nobody<H: Harness>() {
    let mut world = World::<H>::new().await;
    let jobs = leased(&world, 1..=5).await;
    let created = world.create(6).await;
    refuse(&world, &jobs, UNCLEAR).await;
    world.reopen().await;
    assert_eq!(state(&world).await, "open");
    assert!(world.store.circuit().await.unwrap().reason.contains("feature is not enabled"));
    assert_eq!(parked(&world, &jobs).await, [true; 5]);
    assert_eq!(attempts(&world, &jobs).await, [0; 5]);
    assert_eq!(world.count(Stage::Dead).await, 0);
    let job = world.job(jobs[0].id).await;
    assert_eq!(job.failure.map(|failure| failure.code), Some(Code::Invalid), "people can see why it waits");
    assert!(world.record(job.id.onboarding).await.key_refused, "an API may remember its refusals");
    // Only creates stop.
    assert!(world.lease(CREATE, 10).await.is_empty());
    world.lease_job(created, Kind::CreateLink).await;
    world.check().await;
}

pub async fn a_probe_is_a_job_that_has_not_met_the_reason_and_its_success_closes<H: Harness>() {
    let world = World::<H>::new().await;
    let jobs = leased(&world, 1..=5).await;
    refuse(&world, &jobs, UNCLEAR).await;
    world.advance_secs(11);
    let fresh = world.take_in(6).await;
    let probe = world.lease_job(fresh, CREATE).await;
    world.settle_with(&probe, outcomes::created(&probe), HEALTHY).await;
    assert_eq!(state(&world).await, "ramping");
    // For an hour, that text is a row's own fault.
    let again = world.lease(CREATE, 1).await.remove(0);
    refuse(&world, std::slice::from_ref(&again), UNCLEAR).await;
    assert_eq!(world.stage(again.id.onboarding).await, Stage::Dead);
    world.check().await;
}

pub async fn a_quota_stops_at_once_and_buries_nobody_when_it_is_raised<H: Harness>() {
    let world = World::<H>::new().await;
    let jobs = leased(&world, 1..=3).await;
    refuse(&world, &jobs, ("quota exceeded", Blame::Everybody)).await;
    assert_eq!((state(&world).await, parked(&world, &jobs).await), ("open", vec![true; 3]));
    world.take_in(4).await;
    for _ in 0..3 {
        world.advance_secs(5);
        let probe = world.lease(CREATE, 10).await;
        assert_eq!(probe.len(), 1);
        refuse(&world, &probe, ("quota exceeded", Blame::Everybody)).await;
    }
    world.advance_secs(5);
    let mut created = 0;
    while created < 4 {
        for job in world.lease(CREATE, 10).await {
            world.settle_with(&job, outcomes::created(&job), HEALTHY).await;
            created += 1;
        }
    }
    assert_eq!((world.count(Stage::Created).await, world.count(Stage::Dead).await), (4, 0));
    world.check().await;
}

pub async fn rows_that_are_at_fault_themselves_are_buried_one_by_one<H: Harness>() {
    let world = World::<H>::new().await;
    let jobs = leased(&world, 1..=50).await;
    refuse(&world, &jobs, ("e-mail is taken", Blame::Row)).await;
    assert_eq!((state(&world).await, world.count(Stage::Dead).await), ("closed", 50));
    world.check().await;
}

pub async fn a_lone_unclear_refusal_has_a_second_look_before_it_is_buried<H: Harness>() {
    let world = World::<H>::new().await;
    let jobs = leased(&world, 1..=1).await;
    refuse(&world, &jobs, UNCLEAR).await;
    assert!(world.lease(CREATE, 1).await.is_empty());
    world.advance_secs(10);
    let again = world.lease(CREATE, 1).await;
    assert_eq!(again[0].attempt, 1);
    refuse(&world, &again, UNCLEAR).await;
    assert_eq!((world.count(Stage::Dead).await, state(&world).await), (1, "closed"));
    world.check().await;
}

pub async fn a_systemic_refusal_that_nobody_heals_is_decided_after_its_patience<H: Harness>() {
    let world = World::<H>::new().await;
    let jobs = leased(&world, 1..=30).await;
    refuse(&world, &jobs, UNCLEAR).await;
    assert_eq!(world.count(Stage::Dead).await, 0);
    for _ in 0..19 {
        world.advance_secs(300);
        let probe = world.lease(CREATE, 10).await;
        assert_eq!(probe.len(), 1);
        refuse(&world, &probe, UNCLEAR).await;
    }
    assert_eq!(world.count(Stage::Dead).await, 0, "not before twenty probes");
    world.advance_secs(300);
    while let [job, ..] = world.lease(CREATE, 1).await.as_slice() {
        refuse(&world, std::slice::from_ref(job), UNCLEAR).await;
    }
    assert_eq!(world.count(Stage::Dead).await, 30);
    world.check().await;
}

async fn systemic<H: Harness>(world: &World<H>) -> Vec<OnboardingId> {
    let jobs = leased(world, 1..=6).await;
    refuse(world, &jobs, UNCLEAR).await;
    jobs.into_iter().map(|job| job.id.onboarding).collect()
}

pub async fn a_person_who_says_retry_frees_the_parked<H: Harness>() {
    let mut world = World::<H>::new().await;
    let ids = systemic(&world).await;
    assert_eq!(world.store.resolve_circuit(Resolution::Retry).await.unwrap(), [CREATE]);
    assert_eq!(world.store.resolve_circuit(Resolution::Retry).await.unwrap(), [], "nothing is open any more");
    world.reopen().await;
    assert_eq!(state(&world).await, "ramping");
    for id in ids {
        assert!(!world.jobs(id).await[0].parked);
    }
    world.advance_secs(11);
    while let [job, ..] = world.lease(CREATE, 1).await.as_slice() {
        world.settle_with(job, outcomes::created(job), HEALTHY).await;
    }
    assert_eq!(world.count(Stage::Created).await, 6);
    world.check().await;
}

pub async fn a_person_who_says_bury_lets_each_be_refused_once_more<H: Harness>() {
    let world = World::<H>::new().await;
    systemic(&world).await;
    assert_eq!(world.store.resolve_circuit(Resolution::Bury).await.unwrap(), [CREATE]);
    world.advance_secs(11);
    while let [job, ..] = world.lease(CREATE, 1).await.as_slice() {
        refuse(&world, std::slice::from_ref(job), UNCLEAR).await;
    }
    assert_eq!(world.count(Stage::Dead).await, 6);
    world.check().await;
}

pub async fn the_parked_stand_behind_the_others<H: Harness>() {
    let world = World::<H>::new().await;
    let jobs = leased(&world, 1..=1).await;
    refuse(&world, &jobs, UNCLEAR).await;
    world.advance_secs(60);
    let later = world.take_in(2).await;
    let order: Vec<_> = world.lease(CREATE, 2).await.into_iter().map(|job| job.id.onboarding).collect();
    assert_eq!(order, [later, jobs[0].id.onboarding]);
    world.check().await;
}
