//! Two processes and one onboarding, one call after the other: what one of them still remembers is never believed.

use std::collections::BTreeSet;
use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::enqueue::Answer::{ConflictingContent, ConflictingEmail, Duplicate, New};
use gangway_jobs::failure::Code;
use gangway_jobs::job::{Hold, LeasedJob};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Stage;
use gangway_jobs::outcome::{FollowUp, Outcome, Settled};
use gangway_jobs::payload::{Payload, PollStatus};
use gangway_jobs::signal::Signal;
use gangway_jobs::transition::EndRequest;
use gangway_store::conformance::outcomes::{self, DOWN, HEALTHY};
use gangway_store::conformance::world::{LEASE, Row, import};
use gangway_store::{DeadFilter, Hinted, Inspection, LeaseRequest, Release, SharedStore, Target};

use super::audit::audit;
use super::place::{Place, ask, lease, lease_one, register, settle, settlement};

struct Two {
    place: Place,
    one: SharedStore,
    other: SharedStore,
}

impl Two {
    async fn meet() -> Self {
        let mut place = Place::steered();
        place.policies.circuit.threshold = 3;
        let (one, other) = (place.open().await, place.open().await);
        register(&one, 1).await;
        register(&one, 2).await;
        Self { place, one, other }
    }

    /// A customer whose create job is due.
    async fn with_customers(count: u32) -> Self {
        let two = Self::meet().await;
        two.one.enqueue((0..count).map(|n| Row::of(n).identified()).collect()).await.unwrap();
        two
    }

    /// The first process has leased the poll of an onboarding.
    async fn with_a_leased_poll() -> (Self, LeasedJob) {
        let two = Self::with_customers(1).await;
        let create = lease_one(&two.one, Kind::CreateCustomer).await;
        settle(&two.one, &create, outcomes::created(&create)).await;
        let link = lease_one(&two.one, Kind::CreateLink).await;
        settle(&two.one, &link, outcomes::linked(&link)).await;
        let poll = lease_one(&two.one, Kind::PollStatus).await;
        (two, poll)
    }

    fn target() -> Target {
        Target::Id(Row::of(0).identified().id)
    }

    async fn look(&self) -> Inspection {
        self.other.find(Self::target()).await.unwrap().unwrap()
    }

    async fn end(&self) {
        audit(&self.place, &self.other).await;
    }
}

#[tokio::test]
async fn a_hint_of_another_process_is_not_overwritten_by_a_settle() {
    let (two, poll) = Two::with_a_leased_poll().await;
    assert_eq!(two.other.hint(Two::target()).await.unwrap(), Hinted::Hastened);
    assert_eq!(settle(&two.one, &poll, outcomes::polled(&poll, "PENDING_REVIEW", "t1")).await, Settled::Done);
    let seen = two.look().await;
    assert!(seen.record.hinted_at.is_some(), "the hint stays");
    assert!(seen.jobs[0].due <= poll.now, "and a snooze of that lease is due at once");
    two.end().await;
}

#[tokio::test]
async fn a_cancel_of_another_process_ends_the_onboarding_with_the_settle() {
    let (two, poll) = Two::with_a_leased_poll().await;
    assert_eq!(two.other.cancel(Two::target()).await.unwrap(), Some(EndRequest::Requested));
    assert_eq!(settle(&two.one, &poll, outcomes::polled(&poll, "PENDING_REVIEW", "t1")).await, Settled::Done);
    assert_eq!(two.look().await.record.stage, Stage::Cancelled);
    assert_eq!(settle(&two.one, &poll, outcomes::snooze(1)).await, Settled::Already);
    two.end().await;
}

#[tokio::test]
async fn an_erasure_by_another_process_leaves_nothing_behind_the_settle() {
    let (two, poll) = Two::with_a_leased_poll().await;
    assert_eq!(two.other.erase(Two::target()).await.unwrap(), Some(EndRequest::Requested));
    assert_eq!(settle(&two.one, &poll, outcomes::polled(&poll, "APPROVED", "t1")).await, Settled::Done);
    assert_eq!(two.other.find(Two::target()).await.unwrap(), None);
    assert_eq!(settle(&two.one, &poll, outcomes::snooze(1)).await, Settled::Already);
    assert_eq!(two.other.erase(Two::target()).await.unwrap(), Some(EndRequest::Already(Stage::Erased)));
    two.end().await;
}

#[tokio::test]
async fn a_link_asked_for_by_another_process_runs_beside_and_both_settle_in_either_order() {
    for poll_first in [true, false] {
        let (two, poll) = Two::with_a_leased_poll().await;
        two.other.request_link(Two::target()).await.unwrap();
        let link = lease_one(&two.other, Kind::CreateLink).await;
        let polled = outcomes::polled(&poll, "PENDING_REVIEW", "t1");
        let linked = outcomes::linked(&link);
        let (first, second) = if poll_first {
            (settle(&two.one, &poll, polled).await, settle(&two.other, &link, linked).await)
        } else {
            (settle(&two.other, &link, linked).await, settle(&two.one, &poll, polled).await)
        };
        assert_eq!((first, second), (Settled::Done, Settled::Done));
        let seen = two.look().await;
        assert_eq!(seen.record.link.unwrap().ordinal, 2);
        assert_eq!(seen.record.kyb.unwrap().status.as_str(), "PENDING_REVIEW");
        assert_eq!(seen.jobs.len(), 1);
        two.end().await;
    }
}

#[tokio::test]
async fn two_jobs_of_one_onboarding_in_one_batch_both_settle() {
    let (two, poll) = Two::with_a_leased_poll().await;
    two.other.request_link(Two::target()).await.unwrap();
    let link = lease_one(&two.one, Kind::CreateLink).await;
    let batch = vec![
        settlement(&poll, outcomes::polled(&poll, "PENDING_REVIEW", "t1"), Signal::None),
        settlement(&link, outcomes::linked(&link), Signal::None),
    ];
    assert_eq!(two.one.settle(batch.clone()).await.unwrap(), [Settled::Done, Settled::Done]);
    assert_eq!(two.other.settle(batch).await.unwrap(), [Settled::Already, Settled::Already]);
    two.end().await;
}

#[tokio::test]
async fn whoever_comes_too_late_finds_its_lease_lost_and_nothing_is_doubled() {
    let (two, late) = Two::with_a_leased_poll().await;
    two.place.advance(LEASE);
    assert_eq!(two.other.take_back(10).await.unwrap().jobs, 1);
    let next = lease_one(&two.other, Kind::PollStatus).await;
    let end = outcomes::polled(&late, "APPROVED", "t1");
    assert_eq!(settle(&two.one, &late, end.clone()).await, Settled::LeaseLost);
    assert_eq!(two.look().await.record.stage, Stage::Linked);
    assert_eq!(settle(&two.other, &next, outcomes::polled(&next, "REJECTED", "t1")).await, Settled::Done);
    assert_eq!(settle(&two.one, &late, end).await, Settled::LeaseLost);
    assert_eq!(two.look().await.record.stage, Stage::Rejected);
    assert_eq!(two.one.extend(vec![(late.id, late.token)], LEASE).await.unwrap(), [false]);
    two.end().await;
}

#[tokio::test]
async fn a_reopened_round_is_not_ended_by_the_lease_of_the_one_before() {
    let (two, late) = Two::with_a_leased_poll().await;
    two.place.advance(LEASE);
    two.other.take_back(10).await.unwrap();
    let next = lease_one(&two.other, Kind::PollStatus).await;
    settle(&two.other, &next, outcomes::polled(&next, "REJECTED", "t1")).await;
    assert_eq!(two.other.hint(Two::target()).await.unwrap(), Hinted::Reopened);
    assert_eq!(settle(&two.one, &late, outcomes::polled(&late, "APPROVED", "t1")).await, Settled::LeaseLost);
    let seen = two.look().await.record;
    assert_eq!((seen.round, seen.stage.is_end()), (2, false));
    two.end().await;
}

#[tokio::test]
async fn what_was_released_is_anybodys() {
    let (two, poll) = Two::with_a_leased_poll().await;
    let release = vec![Release { job: poll.id, token: poll.token, started: false }];
    two.other.release(release.clone()).await.unwrap();
    let next = lease_one(&two.other, Kind::PollStatus).await;
    // A repeat, its reply lost, must not give back what another has now.
    two.one.release(release).await.unwrap();
    assert_eq!(settle(&two.one, &poll, outcomes::snooze(1)).await, Settled::LeaseLost);
    assert_eq!(next.attempt, poll.attempt);
    assert_eq!(settle(&two.other, &next, outcomes::snooze(1)).await, Settled::Done);
    two.end().await;
}

#[tokio::test]
async fn a_redrive_by_both_puts_a_job_back_once() {
    let two = Two::with_customers(3).await;
    for job in lease(&two.one, Kind::CreateCustomer, 3).await {
        settle(&two.one, &job, outcomes::bury(Code::Invalid)).await;
    }
    let (here, there) = tokio::join!(
        two.one.redrive(DeadFilter::default(), 10),
        two.other.redrive(DeadFilter::default(), 10)
    );
    assert_eq!(here.unwrap() + there.unwrap(), 3);
    assert_eq!(two.one.redrive(DeadFilter::default(), 10).await.unwrap(), 0);
    assert_eq!(lease(&two.other, Kind::CreateCustomer, 10).await.len(), 3);
    two.end().await;
}

#[tokio::test]
async fn a_circuit_that_opened_elsewhere_is_known_to_settle_and_lease() {
    let two = Two::with_customers(10).await;
    let here = lease(&two.one, Kind::CreateCustomer, 4).await;
    let there = lease(&two.other, Kind::CreateCustomer, 3).await;
    for job in &there {
        let end = vec![settlement(job, outcomes::retry(5), DOWN)];
        assert_eq!(two.other.settle(end).await.unwrap(), [Settled::Done]);
    }
    assert_eq!(two.other.circuit().await.unwrap().state, "open");
    // The one that still thinks that all is well.
    assert!(two.one.lease(ask(Kind::CreateCustomer, 3, 1)).await.unwrap().jobs.is_empty());
    let end = vec![settlement(&here[0], outcomes::retry(5), DOWN)];
    assert_eq!(two.one.settle(end).await.unwrap(), [Settled::Done]);
    let excused = two.one.find(Target::Id(here[0].id.onboarding)).await.unwrap().unwrap();
    assert_eq!(excused.jobs[0].attempt, 0, "an outage costs no attempt");
    let end = vec![settlement(&here[1], outcomes::created(&here[1]), HEALTHY)];
    assert_eq!(two.one.settle(end).await.unwrap(), [Settled::Done]);
    two.end().await;
}

#[tokio::test]
async fn jobs_whose_attempt_is_excused_may_be_leased_elsewhere() {
    let two = Two::with_customers(3).await;
    let jobs = lease(&two.one, Kind::CreateCustomer, 3).await;
    for job in &jobs[..2] {
        two.one.settle(vec![settlement(job, outcomes::retry(0), DOWN)]).await.unwrap();
    }
    // The first two wait for their retry; one of them runs again elsewhere when the third shows that the API is down.
    let again = lease(&two.other, Kind::CreateCustomer, 1).await;
    assert_eq!(again[0].attempt, 2);
    two.one.settle(vec![settlement(&jobs[2], outcomes::retry(0), DOWN)]).await.unwrap();
    let end = settle(&two.other, &again[0], outcomes::created(&again[0])).await;
    assert_eq!(end, Settled::Done);
    let attempts: Vec<u32> = {
        let mut attempts = Vec::new();
        for job in &jobs {
            let found = two.one.find(Target::Id(job.id.onboarding)).await.unwrap().unwrap();
            attempts.extend(
                found.jobs.iter().filter(|it| it.id.kind == Kind::CreateCustomer).map(|it| it.attempt),
            );
        }
        attempts
    };
    assert_eq!(attempts, [0, 0], "the other two cost nothing");
    two.end().await;
}

#[tokio::test]
async fn a_lease_call_whose_reply_was_lost_answers_what_it_leased_and_is_not_settled() {
    let two = Two::with_customers(5).await;
    let request = ask(Kind::CreateCustomer, 3, 1);
    let first = two.one.lease(request.clone()).await.unwrap().jobs;
    assert_eq!(settle(&two.one, &first[0], outcomes::created(&first[0])).await, Settled::Done);
    // The same process, or another one that took over its token.
    for store in [&two.one, &two.other] {
        let again = store.lease(request.clone()).await.unwrap().jobs;
        let ids = |jobs: &[LeasedJob]| jobs.iter().map(|job| (job.id, job.attempt)).collect::<Vec<_>>();
        assert_eq!(ids(&again), ids(&first[1..]));
    }
    let again = two.one.lease(request.clone()).await.unwrap().jobs;
    for job in &again {
        assert_eq!(settle(&two.one, job, outcomes::created(job)).await, Settled::Done);
    }
    // Nothing is left under the token: then it is a call like any other.
    assert_eq!(two.one.lease(request).await.unwrap().jobs.len(), 2);
    two.end().await;
}

#[tokio::test]
async fn a_lease_call_of_several_scripts_answers_all_of_it_again_however_much_is_wanted_then() {
    let two = Two::with_customers(260).await;
    let request = ask(Kind::CreateCustomer, 250, 1);
    let ids = |jobs: &[LeasedJob]| jobs.iter().map(|job| (job.id, job.attempt)).collect::<BTreeSet<_>>();
    let first = two.one.lease(request.clone()).await.unwrap().jobs;
    assert_eq!((first.len(), ids(&first).len()), (250, 250));
    // Whoever wants more than all of that, gets more; whoever wants less, or nothing, gets all the same.
    for (max, leased) in [(250, 250), (1_000, 260), (10, 260), (0, 260)] {
        let again = two.other.lease(LeaseRequest { max, ..request.clone() }).await.unwrap().jobs;
        assert_eq!((again.len(), ids(&again).len()), (leased, leased), "{max}");
        assert!(ids(&again).is_superset(&ids(&first)), "{max}");
    }
    two.end().await;
}

#[tokio::test]
async fn whoever_hears_again_what_it_leased_and_wants_more_may_ask_at_once() {
    let two = Two::with_customers(20).await;
    let request = ask(Kind::CreateCustomer, 3, 1);
    two.one.lease(request.clone()).await.unwrap();
    let again = two.one.lease(LeaseRequest { max: 10, ..request }).await.unwrap();
    assert_eq!((again.jobs.len(), again.ask_again), (3, Some(Duration::ZERO)));
    two.end().await;
}

#[tokio::test]
async fn a_probe_is_never_leased_beside_what_its_call_holds_already() {
    let two = Two::with_customers(300).await;
    let failing = two.other.lease(ask(Kind::CreateCustomer, 3, 2)).await.unwrap().jobs;
    let request = ask(Kind::CreateCustomer, 100, 1);
    assert_eq!(two.one.lease(request.clone()).await.unwrap().jobs.len(), 100);
    for job in &failing {
        two.other.settle(vec![settlement(job, outcomes::retry(1), DOWN)]).await.unwrap();
    }
    let probe = || ask(Kind::CreateCustomer, 10, 2);
    assert!(two.other.lease(probe()).await.unwrap().jobs.is_empty(), "the API is down");
    two.place.advance(Duration::from_secs(20));
    let again = two.one.lease(LeaseRequest { max: 250, ..request }).await.unwrap();
    assert_eq!((again.jobs.len(), again.ask_again), (100, Some(Duration::ZERO)));
    assert_eq!(two.other.lease(probe()).await.unwrap().jobs.len(), 1);
    assert!(two.one.lease(ask(Kind::CreateCustomer, 250, 1)).await.unwrap().jobs.is_empty());
    two.end().await;
}

#[tokio::test]
async fn a_lease_call_that_fails_in_its_middle_gets_all_of_it_when_it_is_repeated() {
    let two = Two::with_customers(250).await;
    let request = ask(Kind::CreateCustomer, 250, 1);
    let mut raw = two.place.raw().await;
    let second = [&request.token.as_uuid().as_bytes()[..], &[0], b"1"].concat();
    let _: i64 = raw.ask("LPUSH", "grant:", &second, "what no script expects").await;
    two.one.lease(request.clone()).await.unwrap_err();
    let _: i64 = raw.ask("DEL", "grant:", &second, &[] as &[&str]).await;
    let jobs = two.one.lease(request.clone()).await.unwrap().jobs;
    let ids: BTreeSet<_> = jobs.iter().map(|job| job.id).collect();
    assert_eq!((jobs.len(), ids.len()), (250, 250));
    assert!(jobs.iter().all(|job| job.attempt == 1 && job.token == request.token));
    two.end().await;
}

#[tokio::test]
async fn a_lease_call_is_not_repeated_for_what_was_taken_back_since() {
    let two = Two::with_customers(2).await;
    let request = ask(Kind::CreateCustomer, 2, 1);
    let first = two.one.lease(request.clone()).await.unwrap().jobs;
    two.place.advance(LEASE);
    two.other.take_back(10).await.unwrap();
    let there = two.other.lease(ask(Kind::CreateCustomer, 1, 2)).await.unwrap().jobs;
    let again = two.one.lease(ask(Kind::CreateCustomer, 0, 1)).await.unwrap().jobs;
    assert!(again.is_empty());
    let again = two.one.lease(request).await.unwrap().jobs;
    assert!(again.iter().all(|job| job.id != there[0].id), "it is another's");
    assert_eq!(
        settle(&two.one, &first[0], outcomes::created(&first[0])).await == Settled::Done,
        first[0].id != there[0].id
    );
    two.end().await;
}

#[tokio::test]
async fn rows_of_an_import_are_answered_the_same_again_whoever_asks() {
    let two = Two::meet().await;
    let rows = || -> Vec<_> {
        vec![
            Row::of(1).from(import(1), 1).identified(),
            Row::of(2).from(import(1), 2).identified(),
            Row::of(1).company("Other").from(import(1), 3).identified(),
            Row::of(3).email(2).from(import(1), 4).identified(),
            Row::of(2).from(import(1), 5).identified(),
        ]
    };
    let first = two.one.enqueue(rows()).await.unwrap();
    assert_eq!(first, [New, New, ConflictingContent, ConflictingEmail, Duplicate]);
    assert_eq!(two.other.enqueue(rows()).await.unwrap(), first);
    // Without an import it is another request, not a repeat.
    assert_eq!(two.one.enqueue(vec![Row::of(1).identified()]).await.unwrap(), [Duplicate]);
    two.end().await;
}

#[tokio::test]
async fn repeats_of_everything_else_find_it_done() {
    let (two, poll) = Two::with_a_leased_poll().await;
    two.place.advance(LEASE);
    assert_eq!(two.one.take_back(10).await.unwrap().jobs, 1);
    assert_eq!(two.other.take_back(10).await.unwrap().jobs, 0);
    assert_eq!(two.one.cancel(Two::target()).await.unwrap(), Some(EndRequest::Ended));
    assert_eq!(two.other.cancel(Two::target()).await.unwrap(), Some(EndRequest::Already(Stage::Cancelled)));
    two.place.advance(Duration::from_secs(1));
    let now: Timestamp = two.one.now().await.unwrap();
    assert_eq!(two.one.prune(now, 10).await.unwrap(), 1);
    assert_eq!(two.other.prune(now, 10).await.unwrap(), 0);
    assert_eq!(settle(&two.one, &poll, outcomes::snooze(1)).await, Settled::LeaseLost);
    let erased = two.other.erase(Two::target()).await.unwrap();
    assert_eq!(erased, Some(EndRequest::Ended));
    assert_eq!(two.one.erase(Two::target()).await.unwrap(), Some(EndRequest::Already(Stage::Erased)));
    two.end().await;
}

#[tokio::test]
async fn a_dead_job_that_was_redriven_elsewhere_is_not_what_a_lease_remembers() {
    let two = Two::with_customers(1).await;
    let create = lease_one(&two.one, Kind::CreateCustomer).await;
    settle(&two.one, &create, outcomes::created(&create)).await;
    let link = lease_one(&two.one, Kind::CreateLink).await;
    let Outcome::Bury { failure, mut step } = outcomes::bury(Code::Refused) else { unreachable!() };
    step.follow_ups.push(FollowUp::now(Payload::PollStatus(PollStatus::default())));
    settle(&two.one, &link, Outcome::Bury { failure, step }).await;
    // Leased and remembered, with a dead link job beside it.
    let poll = lease_one(&two.one, Kind::PollStatus).await;
    assert_eq!(two.other.redrive(DeadFilter::default(), 10).await.unwrap(), 1);
    assert_eq!(settle(&two.one, &poll, outcomes::polled(&poll, "PENDING_REVIEW", "t1")).await, Settled::Done);
    let seen = two.look().await;
    assert_eq!(seen.jobs.len(), 2);
    assert!(seen.jobs.iter().all(|job| job.hold == Hold::Waiting));
    two.end().await;
}
