//! The ends of attempts.

use std::time::Duration;

use gangway_jobs::event::{EventType, event_id};
use gangway_jobs::failure::Code;
use gangway_jobs::id::LeaseToken;
use gangway_jobs::job::{Hold, State};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Stage;
use gangway_jobs::outcome::{Outcome, Settled, Settlement, Step};
use gangway_jobs::payload::{CreateLink, Payload, PollStatus};

use super::world::{LEASE, Row, customer_of};
use super::{Harness, World, outcomes};
use crate::{Error, MAX_BATCH, Target};

const CREATE: Kind = Kind::CreateCustomer;

pub async fn a_complete_writes_record_follow_up_and_event_together<H: Harness>() {
    let mut world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, CREATE).await;
    world.advance_secs(1);
    assert_eq!(world.settle(&job, outcomes::created(&job)).await, Settled::Done);
    world.reopen().await;
    let record = world.record(id).await;
    assert_eq!((record.stage, record.uncertain_since), (Stage::Created, None));
    assert_eq!(record.customer_id, Some(customer_of(id)));
    let jobs = world.jobs(id).await;
    assert_eq!(world.kinds(id).await, [Kind::CreateLink]);
    assert_eq!(jobs[0].payload, Payload::CreateLink(CreateLink::new(&world.record(id).await, 1)).encode());
    let (_, event) = world.all_events().await.pop().unwrap();
    assert_eq!((event.kind, event.onboarding, event.sequence), (EventType::CustomerCreated, id, 1));
    assert_eq!(event.id, event_id(id, EventType::CustomerCreated, customer_of(id).as_str()));
    assert_eq!((event.time, event.epoch), (world.now(), world.store.stamp().await.unwrap().epoch));
    assert_eq!(event.data["reference"], "ref-1");
    let by_customer = world.store.find(Target::Customer(customer_of(id))).await.unwrap();
    assert_eq!(by_customer.map(|found| found.record.id), Some(id));
    world.check().await;
}

pub async fn a_snooze_is_no_failure<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.link(1).await;
    let job = world.lease_job(id, Kind::PollStatus).await;
    world.settle(&job, outcomes::retry(0)).await;
    let job = world.lease_job(id, Kind::PollStatus).await;
    assert_eq!(job.attempt, 2);
    world.settle(&job, outcomes::polled(&job, "INIT", "t1")).await;
    let waiting = world.job(job.id).await;
    assert_eq!((waiting.attempt, waiting.losses, waiting.failure), (0, 0, None));
    assert!(waiting.due > world.now());
    assert_eq!(world.record(id).await.polls, 1);
    assert_eq!(world.status().await.jobs[&Kind::PollStatus][&State::Scheduled], 1);
    world.check().await;
}

pub async fn a_retry_waits_and_counts<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, CREATE).await;
    world.settle(&job, outcomes::retry(20)).await;
    let waiting = world.job(job.id).await;
    assert_eq!((waiting.attempt, waiting.due), (1, world.now().after(Duration::from_secs(20))));
    assert_eq!(waiting.failure.map(|failure| failure.code), Some(Code::Unreachable));
    assert_eq!(world.record(id).await.uncertain_since, Some(world.now()), "the effect may still arrive");
    assert_eq!(world.status().await.jobs[&CREATE][&State::Retryable], 1);
    world.advance_secs(20);
    assert_eq!(world.lease_job(id, CREATE).await.attempt, 2);
    world.check().await;
}

pub async fn a_bury_ends_the_onboarding_with_its_reason_and_keeps_the_letter<H: Harness>() {
    let mut world = World::<H>::new().await;
    let id = world.bury(1, Code::EmailTaken).await;
    world.reopen().await;
    let record = world.record(id).await;
    assert_eq!(record.stage, Stage::Dead);
    assert_eq!(record.failure.map(|failure| failure.code), Some(Code::EmailTaken));
    let (_, event) = world.all_events().await.pop().unwrap();
    assert_eq!((event.kind, &event.data["reason"]), (EventType::Dead, &"email_taken".into()));
    let letters = world.store.dead(crate::DeadFilter::default(), None, 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].job.onboarding, letters[0].attempts), (id, 1));
    assert_eq!((letters[0].reference.as_deref(), letters[0].since), (Some("ref-1"), world.now()));
    assert_eq!(letters[0].failure.as_ref().map(|failure| failure.code), Some(Code::EmailTaken));
    assert!(world.lease(CREATE, 10).await.is_empty());
    world.check().await;
}

pub async fn a_buried_link_does_not_end_the_onboarding<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.create(1).await;
    let job = world.lease_job(id, Kind::CreateLink).await;
    let Outcome::Bury { failure, mut step } = outcomes::bury(Code::Refused) else { unreachable!() };
    step.follow_ups.push(gangway_jobs::outcome::FollowUp::now(Payload::PollStatus(PollStatus::default())));
    world.settle(&job, Outcome::Bury { failure, step }).await;
    assert_eq!(world.stage(id).await, Stage::Created);
    assert_eq!(world.kinds(id).await, [Kind::CreateLink, Kind::PollStatus]);
    world.poll(id, "APPROVED", "t2").await;
    assert_eq!(world.kinds(id).await, [], "an end leaves nothing behind");
    world.check().await;
}

pub async fn giving_back_costs_neither_attempt_nor_certainty<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, CREATE).await;
    world.settle(&job, outcomes::retry(0)).await;
    let uncertain_since = world.record(id).await.uncertain_since;
    world.advance_secs(5);
    let job = world.lease_job(id, CREATE).await;
    world.settle(&job, outcomes::give_back(7)).await;
    let waiting = world.job(job.id).await;
    assert_eq!((waiting.attempt, waiting.due), (1, world.now().after(Duration::from_secs(7))));
    assert_eq!(waiting.failure.map(|failure| failure.code), Some(Code::Unreachable));
    assert_eq!(world.record(id).await.uncertain_since, uncertain_since, "as the lease found it");
    world.check().await;
}

pub async fn a_follow_up_that_is_there_is_hastened<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.link(1).await;
    world.poll(id, "PENDING_RESPONSE", "t1").await;
    assert_eq!(world.kinds(id).await, [Kind::CreateLink, Kind::PollStatus]);
    let poll = world.jobs(id).await.into_iter().find(|job| job.id.kind == Kind::PollStatus).unwrap();
    assert!(poll.due > world.now());
    let link = world.lease_job(id, Kind::CreateLink).await;
    world.settle(&link, outcomes::linked(&link)).await;
    assert_eq!(world.job(poll.id).await.due, world.now());
    assert_eq!(world.record(id).await.link.map(|link| link.ordinal), Some(2));
    world.check().await;
}

pub async fn a_snooze_whose_lease_was_hastened_is_due_at_once<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.link(1).await;
    let job = world.lease_job(id, Kind::PollStatus).await;
    world.store.hint(Target::Id(id)).await.unwrap();
    world.advance_secs(1);
    world.settle(&job, outcomes::polled(&job, "UNDER_REVIEW", "t1")).await;
    assert_eq!(world.job(job.id).await.due, world.now());
    let job = world.lease_job(id, Kind::PollStatus).await;
    world.settle(&job, outcomes::snooze(60)).await;
    assert!(world.job(job.id).await.due > world.now(), "one hint hastens one poll");
    world.check().await;
}

pub async fn a_repeat_is_answered_already_and_changes_nothing<H: Harness>() {
    let mut world = World::<H>::new().await;
    let id = world.link(1).await;
    let job = world.lease_job(id, Kind::PollStatus).await;
    let outcome = || outcomes::polled(&job, "UNDER_REVIEW", "t1");
    assert_eq!(world.settle(&job, outcome()).await, Settled::Done);
    let before = (world.store.find(Target::Id(id)).await.unwrap(), world.all_events().await);
    world.advance_secs(1);
    assert_eq!(world.settle(&job, outcome()).await, Settled::Already);
    world.reopen().await;
    assert_eq!(world.settle(&job, outcome()).await, Settled::Already);
    assert_eq!((world.store.find(Target::Id(id)).await.unwrap(), world.all_events().await), before);
    // Also while the next lease runs, and twice in one batch.
    world.advance_secs(120);
    world.beat().await;
    let next = world.lease_job(id, Kind::PollStatus).await;
    assert_eq!(world.settle(&job, outcome()).await, Settled::Already);
    let twice = world.settlement(&next, outcomes::snooze(60));
    let answers = world.store.settle(vec![twice.clone(), twice]).await.unwrap();
    assert_eq!(answers, [Settled::Done, Settled::Already]);
    assert_eq!(world.settle(&job, outcome()).await, Settled::LeaseLost, "only the last one is remembered");
    world.check().await;
}

pub async fn a_late_settle_is_refused_once_the_lease_is_lost<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, CREATE).await;
    world.advance(LEASE);
    world.beat().await;
    assert_eq!(world.store.take_back(10).await.unwrap().jobs, 1);
    let before = world.store.find(Target::Id(id)).await.unwrap();
    assert_eq!(world.settle(&job, outcomes::created(&job)).await, Settled::LeaseLost);
    assert_eq!(world.store.find(Target::Id(id)).await.unwrap(), before);
    assert!(world.all_events().await.is_empty());
    let again = world.lease_job(id, CREATE).await;
    assert_eq!(world.settle(&job, outcomes::created(&job)).await, Settled::LeaseLost);
    assert_eq!(world.settle(&again, outcomes::created(&again)).await, Settled::Done);
    assert_eq!(world.settle(&job, outcomes::created(&job)).await, Settled::LeaseLost);
    world.check().await;
}

pub async fn a_lease_that_ran_out_and_was_not_taken_back_still_settles<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, CREATE).await;
    world.advance_secs(3_600);
    assert_eq!(world.settle(&job, outcomes::created(&job)).await, Settled::Done);
    assert_eq!(world.stage(id).await, Stage::Created);
    world.check().await;
}

pub async fn a_token_that_is_not_the_leases_proves_nothing<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, CREATE).await;
    let forged = Settlement { token: LeaseToken::mint(), ..world.settlement(&job, outcomes::created(&job)) };
    let mut unknown = world.settlement(&job, outcomes::created(&job));
    unknown.job.onboarding = Row::of(9).identified().id;
    let mut other_kind = world.settlement(&job, outcomes::created(&job));
    other_kind.job.kind = Kind::PollStatus;
    let answers = world.store.settle(vec![forged, unknown, other_kind]).await.unwrap();
    assert_eq!(answers, [Settled::LeaseLost; 3]);
    assert_eq!(world.stage(id).await, Stage::Accepted);
    world.check().await;
}

pub async fn of_a_batch_of_a_hundred_with_one_reclaimed_ninety_nine_are_done<H: Harness>() {
    let world = World::<H>::new().await;
    world.enqueue((1..=100).map(Row::of)).await;
    let jobs = world.lease(CREATE, 100).await;
    let keep: Vec<_> = jobs.iter().skip(1).map(|job| (job.id, job.token)).collect();
    world.advance_secs(20);
    world.store.extend(keep, LEASE).await.unwrap();
    world.advance_secs(10);
    world.beat().await;
    assert_eq!(world.store.take_back(10).await.unwrap().jobs, 1);
    let batch = jobs.iter().map(|job| world.settlement(job, outcomes::created(job))).collect();
    let answers = world.store.settle(batch).await.unwrap();
    assert_eq!(answers[0], Settled::LeaseLost);
    assert_eq!(answers[1..], [Settled::Done; 99]);
    assert_eq!((world.count(Stage::Created).await, world.count(Stage::Accepted).await), (99, 1));
    assert_eq!(world.all_events().await.len(), 99);
    world.check().await;
}

pub async fn a_batch_beyond_the_bound_is_refused_whole<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, CREATE).await;
    let batch = vec![world.settlement(&job, outcomes::created(&job)); MAX_BATCH + 1];
    assert!(matches!(world.store.settle(batch).await, Err(Error::BatchTooLarge { .. })));
    assert_eq!(world.stage(id).await, Stage::Accepted);
    assert_eq!(world.store.settle(Vec::new()).await.unwrap(), []);
    world.check().await;
}

pub async fn a_round_has_one_terminal_event_and_its_end_removes_what_waits<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.link(1).await;
    world.store.request_link(Target::Id(id)).await.unwrap();
    let link = world.lease_job(id, Kind::CreateLink).await;
    world.settle(&link, outcomes::retry(60)).await;
    world.poll(id, "APPROVED", "t1").await;
    let events = world.events_of(id).await;
    assert_eq!(events.iter().filter(|kind| kind.is_terminal()).count(), 1);
    assert_eq!(events.last(), Some(&EventType::Approved));
    assert_eq!(world.kinds(id).await, []);
    world.check().await;
}

pub async fn what_still_runs_when_the_round_ends_settles_without_a_trace<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.link(1).await;
    world.store.request_link(Target::Id(id)).await.unwrap();
    let link = world.lease_job(id, Kind::CreateLink).await;
    world.poll(id, "REJECTED", "t1").await;
    assert_eq!(world.kinds(id).await, [Kind::CreateLink], "it is leased");
    let before = (world.all_events().await, world.record(id).await.link);
    assert_eq!(world.settle(&link, outcomes::linked(&link)).await, Settled::Done);
    assert_eq!((world.all_events().await, world.record(id).await.link), before);
    assert_eq!((world.stage(id).await, world.kinds(id).await), (Stage::Rejected, Vec::new()));
    world.check().await;
}

pub async fn what_was_written_is_there_after_a_crash_and_the_lease_still_holds<H: Harness>() {
    let mut world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, CREATE).await;
    world.reopen().await;
    assert!(matches!(world.job(job.id).await.hold, Hold::Leased(_)));
    assert!(world.lease(CREATE, 10).await.is_empty());
    let done = Outcome::Snooze { after: Duration::from_secs(1), step: Step::default() };
    assert_eq!(world.settle(&job, done).await, Settled::Done);
    world.check().await;
}
