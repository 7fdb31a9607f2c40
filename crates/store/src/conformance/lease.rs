//! Leasing, renewing and giving back.

use std::time::Duration;

use gangway_jobs::id::{JobId, LeaseToken, OnboardingId};
use gangway_jobs::job::{LeasedJob, State};
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::{Class, RatePolicy};
use gangway_jobs::outcome::Settled;

use super::world::{CREDENTIAL, LEASE, Row};
use super::{Harness, World, outcomes};
use crate::{Error, LeaseRequest, MAX_BATCH, Permit, PermitRequest, Policies, Release, Target};

const CREATE: Kind = Kind::CreateCustomer;

fn ids(jobs: &[LeasedJob]) -> Vec<OnboardingId> {
    jobs.iter().map(|job| job.id.onboarding).collect()
}

/// Slow enough to count tokens.
fn tight() -> Policies {
    Policies { rate: RatePolicy { per_second: 10.0, shares: [0.3, 0.4, 0.3] }, ..Policies::default() }
}

pub async fn a_lease_counts_the_attempt_and_shows_the_record_as_it_was_before<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let before = world.record(id).await;
    let ask = world.ask(CREATE, 5);
    let token = ask.token;
    let jobs = world.store.lease(ask).await.unwrap().jobs;
    assert_eq!(jobs.len(), 1);
    let job = &jobs[0];
    assert_eq!((job.attempt, job.token, &job.record), (1, token, &before));
    assert_eq!((job.now, job.until), (world.now(), world.now().after(LEASE)));
    assert_eq!(job.payload, Row::of(1).identified().payload().encode());
    let held = world.job(job.id).await;
    let lease = held.lease().unwrap();
    assert_eq!((held.attempt, lease.token, lease.worker), (1, token, world.worker));
    assert_eq!(world.status().await.jobs[&CREATE][&State::Running], 1);
    world.check().await;
}

pub async fn a_leased_create_is_uncertain_until_it_settles<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    world.lease_job(id, CREATE).await;
    assert_eq!(world.record(id).await.uncertain_since, Some(world.now()));
    let other = world.take_in(2).await;
    let job = world.lease_job(other, CREATE).await;
    world.settle(&job, outcomes::created(&job)).await;
    assert_eq!(world.record(other).await.uncertain_since, None);
    let link = world.lease_job(other, Kind::CreateLink).await;
    assert_eq!(world.record(other).await.uncertain_since, None, "only a create can make a second customer");
    world.settle(&link, outcomes::linked(&link)).await;
    world.check().await;
}

pub async fn jobs_are_leased_in_the_order_in_which_they_fell_due<H: Harness>() {
    let world = World::<H>::new().await;
    let mut expected = Vec::new();
    for n in 1..=5 {
        expected.push(world.take_in(n).await);
        world.advance(Duration::from_millis(1));
    }
    let first = world.lease(CREATE, 2).await;
    assert_eq!(ids(&first), expected[..2]);
    let rest = world.lease(CREATE, 10).await;
    assert_eq!(ids(&rest), expected[2..]);
    // One that waits for its backoff is passed over by what was due before.
    world.settle(&rest[0], outcomes::retry(10)).await;
    world.settle(&rest[1], outcomes::retry(5)).await;
    world.advance_secs(10);
    assert_eq!(ids(&world.lease(CREATE, 10).await), [expected[3], expected[2]]);
    world.check().await;
}

pub async fn nothing_is_leased_before_it_is_due_or_twice<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, CREATE).await;
    assert!(world.lease(CREATE, 10).await.is_empty());
    world.settle(&job, outcomes::snooze(60)).await;
    world.advance(Duration::from_millis(59_999));
    let grant = world.grant(CREATE, 10).await;
    assert!(grant.jobs.is_empty());
    assert_eq!(grant.ask_again, Some(Duration::from_millis(1)));
    world.advance(Duration::from_millis(1));
    world.lease_job(id, CREATE).await;
    world.check().await;
}

pub async fn where_nothing_waits_only_a_change_helps<H: Harness>() {
    let world = World::<H>::new().await;
    assert_eq!(world.grant(CREATE, 10).await.ask_again, None);
    let id = world.take_in(1).await;
    assert_eq!(world.grant(CREATE, 10).await.jobs.len(), 1);
    assert_eq!(world.grant(CREATE, 10).await.ask_again, None, "what is leased does not wait");
    assert_eq!(
        world.grant(Kind::PollStatus, 10).await.ask_again,
        None,
        "what another kind has does not count"
    );
    assert_eq!(world.kinds(id).await, [CREATE]);
    world.check().await;
}

pub async fn the_same_token_again_answers_the_same_jobs<H: Harness>() {
    let mut world = World::<H>::new().await;
    for n in 1..=3 {
        world.take_in(n).await;
        world.advance(Duration::from_millis(1));
    }
    let ask = world.ask(CREATE, 2);
    let first = world.store.lease(ask.clone()).await.unwrap().jobs;
    world.reopen().await;
    let mut again = world.store.lease(ask.clone()).await.unwrap().jobs;
    again.sort_by_key(|job| ids(&first).iter().position(|id| *id == job.id.onboarding));
    assert_eq!(ids(&again), ids(&first));
    for (again, first) in again.iter().zip(&first) {
        assert_eq!((again.attempt, again.token), (1, first.token));
        assert_eq!((&again.payload, &again.record), (&first.payload, &first.record));
    }
    // What has been settled is not handed out again.
    world.settle(&first[0], outcomes::retry(0)).await;
    let rest = world.store.lease(ask).await.unwrap().jobs;
    assert_eq!(ids(&rest), ids(&first[1..]));
    assert_eq!(world.status().await.jobs[&CREATE][&State::Running], 1);
    world.check().await;
}

pub async fn a_paused_kind_is_not_leased_until_it_is_resumed<H: Harness>() {
    let mut world = World::<H>::new().await;
    world.link(1).await;
    let id = world.take_in(2).await;
    world.store.pause(Some(CREATE)).await.unwrap();
    world.store.pause(Some(CREATE)).await.unwrap();
    world.reopen().await;
    let grant = world.grant(CREATE, 10).await;
    assert!(grant.jobs.is_empty());
    assert_eq!(world.status().await.paused, [CREATE]);
    assert_eq!(world.lease(Kind::PollStatus, 10).await.len(), 1, "the others go on");
    world.store.resume(Some(CREATE)).await.unwrap();
    world.lease_job(id, CREATE).await;
    world.store.pause(None).await.unwrap();
    assert_eq!(world.status().await.paused, Kind::ALL);
    world.store.resume(None).await.unwrap();
    assert_eq!(world.status().await.paused, []);
    world.check().await;
}

pub async fn no_more_is_leased_than_the_rate_allows<H: Harness>() {
    let world = World::<H>::with(tight()).await;
    world.enqueue((1..=100).map(Row::of)).await;
    // The bucket of creates holds what comes in in two seconds: 8 of 20.
    let grant = world.grant(CREATE, 100).await;
    assert_eq!(grant.jobs.len(), 8);
    let wait = grant.ask_again.unwrap();
    assert!(!wait.is_zero() && wait <= Duration::from_secs(1), "{wait:?}");
    assert_eq!(world.lease(CREATE, 100).await.len(), 0);
    // The others' shares are unused and lent: a second brings all ten tokens, as far as they can be held.
    world.advance_secs(1);
    assert_eq!(world.lease(CREATE, 100).await.len(), 8);
    world.check().await;
}

pub async fn polls_cannot_take_what_is_reserved_for_creates<H: Harness>() {
    let world = World::<H>::with(tight()).await;
    world.enqueue((1..=20).map(Row::of)).await;
    let permit = |class| PermitRequest { class, worker: world.worker, credential: CREDENTIAL.to_owned() };
    let mut granted = 0;
    while world.store.permit(permit(Class::Poll)).await.unwrap() == Permit::Granted {
        granted += 1;
    }
    assert_eq!(granted, 6, "the bucket of polls is empty now");
    assert_eq!(world.store.permit(permit(Class::Interactive)).await.unwrap(), Permit::Granted);
    assert_eq!(world.lease(CREATE, 20).await.len(), 8);
    world.check().await;
}

pub async fn a_permit_waits_for_its_share_of_the_rate<H: Harness>() {
    let world = World::<H>::with(tight()).await;
    let ask = || PermitRequest {
        class: Class::Interactive,
        worker: world.worker,
        credential: CREDENTIAL.to_owned(),
    };
    let mut wait = Duration::ZERO;
    for n in 0..=6 {
        match world.store.permit(ask()).await.unwrap() {
            Permit::Granted => assert!(n < 6),
            Permit::Wait(for_that_long) => wait = for_that_long,
        }
    }
    assert!(!wait.is_zero());
    world.advance(wait + Duration::from_millis(1));
    assert_eq!(world.store.permit(ask()).await.unwrap(), Permit::Granted);
    world.check().await;
}

pub async fn a_batch_is_cut_to_its_bound<H: Harness>() {
    let world = World::<H>::new().await;
    world.enqueue((0..1_000).map(Row::of)).await;
    world.enqueue((1_000..1_010).map(Row::of)).await;
    let jobs = world.lease(CREATE, usize::MAX).await;
    assert_eq!(jobs.len(), MAX_BATCH);
    assert_eq!(world.lease(CREATE, usize::MAX).await.len(), 10);
    assert!(world.lease(CREATE, usize::MAX).await.is_empty());
    world.check().await;
}

pub async fn a_lease_is_extended_by_its_token_only<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, CREATE).await;
    world.advance_secs(20);
    let stranger = (job.id, LeaseToken::mint());
    let unknown = (JobId { onboarding: Row::of(9).identified().id, kind: CREATE }, job.token);
    let held = world.store.extend(vec![(job.id, job.token), stranger, unknown], LEASE).await.unwrap();
    assert_eq!(held, [true, false, false]);
    assert_eq!(world.job(job.id).await.lease().unwrap().until, world.now().after(LEASE));
    // One that has run out and was not taken back can still be saved.
    world.advance_secs(31);
    assert_eq!(world.store.extend(vec![(job.id, job.token)], LEASE).await.unwrap(), [true]);
    world.beat().await;
    assert_eq!(world.store.take_back(10).await.unwrap().jobs, 0);
    world.advance_secs(31);
    world.beat().await;
    assert_eq!(world.store.take_back(10).await.unwrap().jobs, 1);
    assert_eq!(world.store.extend(vec![(job.id, job.token)], LEASE).await.unwrap(), [false]);
    let too_many = vec![(job.id, job.token); MAX_BATCH + 1];
    assert!(matches!(world.store.extend(too_many, LEASE).await, Err(Error::BatchTooLarge { .. })));
    world.check().await;
}

async fn release<H: Harness>(world: &World<H>, job: &LeasedJob, started: bool) {
    let release = Release { job: job.id, token: job.token, started };
    world.store.release(vec![release]).await.unwrap();
}

pub async fn a_lease_given_back_unstarted_never_was<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, CREATE).await;
    release(&world, &job, false).await;
    assert_eq!(world.job(job.id).await.attempt, 0);
    assert_eq!(world.record(id).await.uncertain_since, None);
    release(&world, &job, false).await;
    assert_eq!(world.settle(&job, outcomes::created(&job)).await, Settled::LeaseLost);
    assert_eq!(world.lease_job(id, CREATE).await.attempt, 1);
    world.check().await;
}

pub async fn a_lease_given_back_started_stays_uncertain_but_costs_no_attempt<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let leased_at = world.now();
    let job = world.lease_job(id, CREATE).await;
    world.advance_secs(3);
    release(&world, &job, true).await;
    assert_eq!(world.job(job.id).await.attempt, 0);
    assert_eq!(world.record(id).await.uncertain_since, Some(leased_at));
    let again = world.lease_job(id, CREATE).await;
    assert_eq!((again.attempt, again.record.uncertain_since), (1, Some(leased_at)));
    // A release of the lease before does not touch this one.
    release(&world, &job, false).await;
    assert_eq!(world.job(job.id).await.lease().map(|lease| lease.token), Some(again.token));
    world.check().await;
}

pub async fn waiting_counts_those_with_a_customer_that_have_not_ended<H: Harness>() {
    let world = World::<H>::new().await;
    world.end(1, "APPROVED").await;
    let second = world.create(2).await;
    world.take_in(4).await;
    let create = world.lease(CREATE, 10).await;
    assert_eq!(create[0].waiting, 1);
    let link = world.lease_job(second, Kind::CreateLink).await;
    assert_eq!(link.waiting, 1);
    world.settle(&create[0], outcomes::created(&create[0])).await;
    assert_eq!(world.lease(Kind::CreateLink, 10).await[0].waiting, 2);
    world.check().await;
}

pub async fn jobs_whose_worker_died_are_leased_one_at_a_time<H: Harness>() {
    let world = World::<H>::new().await;
    for n in 1..=3 {
        world.take_in(n).await;
        world.advance(Duration::from_millis(1));
    }
    let dying = world.another_worker(66).await;
    assert_eq!(world.lease_as(dying, CREATE, 10).await.len(), 3);
    world.advance_secs(90);
    world.register(world.worker).await;
    assert_eq!(world.store.take_back(10).await.unwrap().jobs, 3);
    let innocent = world.take_in(4).await;
    let first = world.lease(CREATE, 10).await;
    assert_eq!(first.len(), 2, "one suspect, and the innocent");
    assert!(ids(&first).contains(&innocent));
    assert!(world.lease(CREATE, 10).await.is_empty());
    // Another worker may run another suspect.
    let other = world.another_worker(2).await;
    assert_eq!(world.lease_as(other, CREATE, 10).await.len(), 1);
    let suspect = first.iter().find(|job| job.id.onboarding != innocent).unwrap();
    world.settle(suspect, outcomes::created(suspect)).await;
    assert_eq!(world.lease(CREATE, 10).await.len(), 1, "the next suspect's turn");
    world.check().await;
}

pub async fn a_lease_of_nothing_is_nothing<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let ask = LeaseRequest { max: 0, ..world.ask(CREATE, 0) };
    assert!(world.store.lease(ask).await.unwrap().jobs.is_empty());
    world.lease_job(id, CREATE).await;
    assert!(world.store.find(Target::Id(id)).await.unwrap().is_some());
    world.check().await;
}
