//! Values that nobody can read, or that are gone: each harms only itself.

use std::time::Duration;

use gangway_jobs::circuit::Resolution;
use gangway_jobs::enqueue::Answer::{ConflictingContent, Duplicate, New, Revived};
use gangway_jobs::id::OnboardingId;
use gangway_jobs::job::State;
use gangway_jobs::kind::Kind;
use gangway_jobs::outcome::Settled;
use gangway_jobs::signal::{Blame, Signal};
use gangway_store::conformance::outcomes;
use gangway_store::conformance::world::{LEASE, Row};
use gangway_store::{DeadFilter, Error, Release, SharedStore, Target};

use super::audit::audit;
use super::place::{Place, Raw, lease, lease_one, register, settle, settlement};

/// What is wrong with the stored value.
#[derive(Clone, Copy, Debug)]
enum Harm {
    /// Written by a newer release.
    Newer,
    /// Cut off.
    Short,
    Empty,
    Gone,
}

const HARMS: [Harm; 4] = [Harm::Newer, Harm::Short, Harm::Empty, Harm::Gone];

struct Story {
    place: Place,
    store: SharedStore,
    raw: Raw,
    ids: Vec<OnboardingId>,
}

impl Story {
    /// Customers that were taken in; the first one is the one to be harmed.
    async fn of(count: u32) -> Self {
        let mut place = Place::steered();
        place.policies.circuit.suspects = 2;
        let store = place.open().await;
        register(&store, 1).await;
        let batch: Vec<_> = (0..count).map(|n| Row::of(n).identified()).collect();
        let ids = batch.iter().map(|new| new.id).collect();
        store.enqueue(batch).await.unwrap();
        let raw = place.raw().await;
        Self { place, store, raw, ids }
    }

    async fn harm(&mut self, harm: Harm) -> Vec<u8> {
        let id = *self.ids[0].as_uuid().as_bytes();
        let stored: Vec<u8> = self.raw.ask("GET", "o:", &id, NOTHING).await;
        let harmed = match harm {
            Harm::Newer => [&stored[..8], &[200], &stored[9..]].concat(),
            Harm::Short => stored[..5].to_vec(),
            Harm::Empty => Vec::new(),
            Harm::Gone => {
                let _: i64 = self.raw.ask("DEL", "o:", &id, NOTHING).await;
                return stored;
            }
        };
        let _: () = self.raw.ask("SET", "o:", &id, &harmed[..]).await;
        stored
    }

    async fn heal(&mut self, stored: &[u8]) {
        let id = *self.ids[0].as_uuid().as_bytes();
        let _: () = self.raw.ask("SET", "o:", &id, stored).await;
    }

    async fn count(&self, kind: Kind, state: State) -> u64 {
        let status = self.store.status().await.unwrap();
        status.jobs.get(&kind).and_then(|by_state| by_state.get(&state)).copied().unwrap_or(0)
    }
}

const NOTHING: &[&str] = &[];

#[tokio::test]
async fn what_cannot_be_read_is_leased_to_nobody_and_set_aside_when_its_lease_runs_out() {
    for harm in HARMS {
        let mut story = Story::of(3).await;
        let stored = story.harm(harm).await;
        let jobs = lease(&story.store, Kind::CreateCustomer, 10).await;
        assert_eq!(jobs.len(), 2, "{harm:?}");
        for job in &jobs {
            assert_eq!(settle(&story.store, job, outcomes::created(job)).await, Settled::Done);
        }
        story.place.advance(LEASE);
        while story.store.take_back(10).await.unwrap().jobs > 0 {}
        assert_eq!(story.count(Kind::CreateCustomer, State::Running).await, 0, "{harm:?}");
        // What is gone was leased to nobody: there is nothing to set aside.
        let is_gone = matches!(harm, Harm::Gone);
        assert_eq!(story.count(Kind::CreateCustomer, State::Dead).await, u64::from(!is_gone), "{harm:?}");
        assert_eq!(
            story.store.dead(DeadFilter::default(), None, 10).await.unwrap().len(),
            usize::from(!is_gone)
        );
        assert_eq!(story.store.redrive(DeadFilter::default(), 10).await.unwrap(), 0, "{harm:?}");
        assert_eq!(story.store.drop_dead(DeadFilter::default(), 10).await.unwrap(), 0, "{harm:?}");
        assert!(lease(&story.store, Kind::CreateCustomer, 10).await.is_empty());
        if is_gone {
            continue;
        }
        // A release that can read it is there: it goes on where it stood.
        story.heal(&stored).await;
        audit(&story.place, &story.store).await;
        assert_eq!(story.store.redrive(DeadFilter::default(), 10).await.unwrap(), 1, "{harm:?}");
        let job = lease_one(&story.store, Kind::CreateCustomer).await;
        assert_eq!(settle(&story.store, &job, outcomes::created(&job)).await, Settled::Done);
        audit(&story.place, &story.store).await;
    }
}

#[tokio::test]
async fn what_was_harmed_while_it_ran_is_set_aside_and_the_others_of_its_batch_settle() {
    for harm in HARMS {
        let mut story = Story::of(3).await;
        let jobs = lease(&story.store, Kind::CreateCustomer, 10).await;
        story.harm(harm).await;
        // A process that remembers nothing of the lease.
        let other = story.place.open().await;
        let ends =
            jobs.iter().map(|job| settlement(job, outcomes::created(job), Signal::None)).collect::<Vec<_>>();
        assert_eq!(other.settle(ends).await.unwrap(), [Settled::Done; 3], "{harm:?}");
        assert_eq!(story.count(Kind::CreateCustomer, State::Running).await, 0);
        assert_eq!(story.count(Kind::CreateCustomer, State::Dead).await, 1);
        assert_eq!(lease(&story.store, Kind::CreateLink, 10).await.len(), 2);
    }
}

#[tokio::test]
async fn what_was_harmed_while_it_ran_is_taken_back_once() {
    for harm in HARMS {
        let mut story = Story::of(2).await;
        lease(&story.store, Kind::CreateCustomer, 10).await;
        story.harm(harm).await;
        story.place.advance(LEASE);
        assert_eq!(story.store.take_back(10).await.unwrap().jobs, 2, "{harm:?}");
        assert_eq!(story.store.take_back(10).await.unwrap().jobs, 0, "{harm:?}");
        assert_eq!(story.count(Kind::CreateCustomer, State::Dead).await, 1, "{harm:?}");
        assert_eq!(lease(&story.store, Kind::CreateCustomer, 10).await.len(), 1);
    }
}

#[tokio::test]
async fn what_was_harmed_while_it_ran_can_be_released() {
    for harm in HARMS {
        let mut story = Story::of(2).await;
        let jobs = lease(&story.store, Kind::CreateCustomer, 10).await;
        story.harm(harm).await;
        let release =
            |job: &gangway_jobs::job::LeasedJob| Release { job: job.id, token: job.token, started: false };
        story.store.release(jobs.iter().map(release).collect()).await.unwrap();
        assert_eq!(story.count(Kind::CreateCustomer, State::Running).await, 0, "{harm:?}");
        assert_eq!(lease(&story.store, Kind::CreateCustomer, 10).await.len(), 1, "{harm:?}");
    }
}

#[tokio::test]
async fn whoever_asks_for_it_is_told_and_nobody_else_is_held_up() {
    for harm in HARMS {
        let mut story = Story::of(3).await;
        story.harm(harm).await;
        let target = Target::Id(story.ids[0]);
        for refused in [
            story.store.find(target.clone()).await.map(drop),
            story.store.hint(target.clone()).await.map(drop),
            story.store.cancel(target.clone()).await.map(drop),
            story.store.erase(target.clone()).await.map(drop),
        ] {
            assert!(matches!(refused, Err(Error::Damaged { .. })), "{harm:?}: {refused:?}");
        }
        assert_eq!(story.store.records(None, 10).await.unwrap().len(), 2);
        let batch = (0..4).map(|n| Row::of(n).identified()).collect();
        let answers = story.store.enqueue(batch).await.unwrap();
        assert_eq!(answers, [ConflictingContent, Duplicate, Duplicate, New], "{harm:?}");
        assert!(story.store.cancel(Target::Id(story.ids[1])).await.unwrap().is_some());
        story.place.advance(Duration::from_secs(1));
        let now = story.store.now().await.unwrap();
        assert_eq!(story.store.prune(now, 10).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_ledger_row_that_cannot_be_read_harms_only_its_onboarding() {
    let mut story = Story::of(3).await;
    for id in story.ids.clone() {
        story.store.cancel(Target::Id(id)).await.unwrap();
    }
    story.place.advance(Duration::from_secs(1));
    let now = story.store.now().await.unwrap();
    assert_eq!(story.store.prune(now, 10).await.unwrap(), 3);
    let id = *story.ids[0].as_uuid().as_bytes();
    let entry = (id.to_vec(), b"garbage".to_vec());
    let _: i64 = story.raw.ask("HSET", "l:", &id[..2], entry).await;
    assert!(matches!(story.store.erase(Target::Id(story.ids[0])).await, Err(Error::Damaged { .. })));
    let batch = (0..3).map(|n| Row::of(n).identified()).collect();
    assert_eq!(story.store.enqueue(batch).await.unwrap(), [ConflictingContent, Revived, Revived]);
}

#[tokio::test]
async fn what_was_pruned_by_another_hand_does_not_stop_the_pruning() {
    for harm in HARMS {
        let mut story = Story::of(3).await;
        for id in story.ids.clone() {
            story.store.cancel(Target::Id(id)).await.unwrap();
        }
        story.harm(harm).await;
        story.place.advance(Duration::from_secs(1));
        let now = story.store.now().await.unwrap();
        for pruned in [1, 1, 0, 0] {
            assert_eq!(story.store.prune(now, 1).await.unwrap(), pruned, "{harm:?}");
        }
    }
}

#[tokio::test]
async fn what_is_parked_and_cannot_be_read_does_not_stop_the_others() {
    for harm in HARMS {
        let mut story = Story::of(4).await;
        for _ in 0..4 {
            for job in lease(&story.store, Kind::CreateCustomer, 1).await {
                let refused = outcomes::refused("no", Blame::Unclear);
                let end = outcomes::bury(gangway_jobs::failure::Code::Refused);
                story.store.settle(vec![settlement(&job, end, refused)]).await.unwrap();
            }
        }
        assert_eq!(story.store.circuit().await.unwrap().state, "open");
        story.harm(harm).await;
        let resolved = story.store.resolve_circuit(Resolution::Retry);
        let kinds = tokio::time::timeout(Duration::from_secs(5), resolved).await.unwrap().unwrap();
        assert_eq!(kinds, [Kind::CreateCustomer], "{harm:?}");
        let mut leased = 0;
        // As many as a circuit lets through that has just closed.
        for _ in 0..4 {
            for job in lease(&story.store, Kind::CreateCustomer, 10).await {
                leased += 1;
                let end = settlement(&job, outcomes::created(&job), outcomes::HEALTHY);
                story.store.settle(vec![end]).await.unwrap();
            }
        }
        assert_eq!(leased, 3, "{harm:?}");
    }
}

#[tokio::test]
async fn dead_letters_that_cannot_be_read_do_not_hide_the_others() {
    let mut story = Story::of(3).await;
    let jobs = lease(&story.store, Kind::CreateCustomer, 10).await;
    for job in &jobs {
        settle(&story.store, job, outcomes::bury(gangway_jobs::failure::Code::Invalid)).await;
    }
    story.ids.sort_by_key(|id| *id.as_uuid().as_bytes());
    story.harm(Harm::Newer).await;
    assert_eq!(story.store.dead(DeadFilter::default(), None, 10).await.unwrap().len(), 3);
    assert_eq!(story.store.drop_dead(DeadFilter::default(), 1).await.unwrap(), 1);
    assert_eq!(story.store.redrive(DeadFilter::default(), 10).await.unwrap(), 1);
}

#[tokio::test]
async fn entries_without_an_onboarding_are_dropped_and_do_not_stop_a_lease() {
    let mut story = Story::of(1).await;
    for n in 0..40_u8 {
        let member = [&[1_u8, 0, 0, 0, 0, 0, 0][..], &[n; 16]].concat();
        let _: i64 = story.raw.ask("ZADD", "due:1", b"", (1, &member[..])).await;
        let _: i64 = story.raw.ask("ZADD", "retry:0", b"", (1, &[n; 16][..])).await;
        let _: i64 = story.raw.ask("ZADD", "leases", b"", (1, [&[n; 16][..], &[0]].concat())).await;
    }
    let mut leased = Vec::new();
    for _ in 0..9 {
        let grant = story.store.lease(super::place::ask(Kind::CreateCustomer, 5, 1)).await.unwrap();
        leased.extend(grant.jobs);
        if leased.is_empty() {
            assert_eq!(grant.ask_again, Some(Duration::ZERO), "more may be due");
        }
    }
    assert_eq!(leased.len(), 1);
    story.place.advance(LEASE);
    let mut taken = 0;
    for _ in 0..9 {
        taken += story.store.take_back(9).await.unwrap().jobs;
    }
    assert_eq!(taken, 1);
    audit(&story.place, &story.store).await;
}
