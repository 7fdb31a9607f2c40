//! The rate limit that people set while workers run.

use std::time::{Duration, Instant};

use gangway_jobs::kind::Kind;
use gangway_jobs::limits::{Class, RatePolicy};

use super::world::{CREDENTIAL, Row, roomy};
use super::{Harness, World};
use crate::{Error, Permit, PermitRequest, Policies, SharedStore};

const CREATE: Kind = Kind::CreateCustomer;

/// Ten calls a second: the buckets hold six, eight and six.
const TEN: RatePolicy = RatePolicy { per_second: 10.0, shares: [0.3, 0.4, 0.3] };

async fn with_ten<H: Harness>() -> World<H> {
    let world = World::with(Policies { rate: TEN, ..roomy() }).await;
    world.enqueue((1..=100).map(Row::of)).await;
    world
}

/// How many calls outside of a lease are permitted now.
async fn permitted<H: Harness>(world: &World<H>, store: &SharedStore, class: Class) -> usize {
    let ask = || PermitRequest { class, worker: world.worker, credential: CREDENTIAL.to_owned() };
    let mut granted = 0;
    while granted < 1_000 && store.permit(ask()).await.unwrap() == Permit::Granted {
        granted += 1;
    }
    granted
}

pub async fn a_lowered_limit_holds_at_once_for_all<H: Harness>() {
    let world = World::<H>::new().await;
    world.enqueue((1..=100).map(Row::of)).await;
    let other = world.harness.open().await;
    assert_eq!(other.lease(world.ask(CREATE, 1)).await.unwrap().jobs.len(), 1);
    world.store.set_limits(Some(TEN)).await.unwrap();
    // The bucket was full of what the former rate allowed.
    assert_eq!(other.lease(world.ask(CREATE, 100)).await.unwrap().jobs.len(), 8);
    assert_eq!(world.lease(CREATE, 100).await.len(), 0);
    assert_eq!(permitted(&world, &other, Class::Poll).await, 6);
    assert_eq!(permitted(&world, &world.store, Class::Poll).await, 0);
    world.check().await;
}

pub async fn a_raised_limit_holds_at_once_for_all<H: Harness>() {
    let world = with_ten::<H>().await;
    let other = world.harness.open().await;
    assert_eq!(world.lease(CREATE, 100).await.len(), 8);
    other.set_limits(Some(RatePolicy { per_second: 100.0, ..TEN })).await.unwrap();
    let wait = world.grant(CREATE, 100).await.ask_again.unwrap();
    assert!(wait <= Duration::from_millis(25), "a create each 25 ms, not each 250: {wait:?}");
    world.advance(Duration::from_millis(100));
    assert_eq!(world.lease(CREATE, 100).await.len(), 4);
    assert_eq!(permitted(&world, &world.store, Class::Poll).await, 9, "six kept, and three new ones");
    world.check().await;
}

pub async fn shares_are_set_with_the_limit<H: Harness>() {
    let world = with_ten::<H>().await;
    let limits = RatePolicy { per_second: 10.0, shares: [0.1, 0.8, 0.1] };
    world.store.set_limits(Some(limits)).await.unwrap();
    assert_eq!(world.store.limits().await.unwrap(), Some(limits));
    assert_eq!(world.lease(CREATE, 100).await.len(), 16);
    assert_eq!(permitted(&world, &world.store, Class::Interactive).await, 2);
    world.check().await;
}

pub async fn without_a_set_limit_the_workers_own_holds_again<H: Harness>() {
    let world = with_ten::<H>().await;
    assert_eq!(world.store.limits().await.unwrap(), None);
    world.store.set_limits(Some(RatePolicy { per_second: 1.0, ..TEN })).await.unwrap();
    assert_eq!(world.lease(CREATE, 100).await.len(), 1);
    for _ in 0..2 {
        world.store.set_limits(None).await.unwrap();
        assert_eq!(world.store.limits().await.unwrap(), None);
    }
    world.advance_secs(2);
    assert_eq!(world.lease(CREATE, 100).await.len(), 8);
    world.check().await;
}

pub async fn a_set_limit_is_there_after_a_crash<H: Harness>() {
    let mut world = with_ten::<H>().await;
    let limits = RatePolicy { per_second: 2.5, ..TEN };
    world.store.set_limits(Some(limits)).await.unwrap();
    world.reopen().await;
    assert_eq!(world.store.limits().await.unwrap(), Some(limits));
    assert_eq!(world.lease(CREATE, 100).await.len(), 2);
    world.store.set_limits(None).await.unwrap();
    world.reopen().await;
    assert_eq!(world.store.limits().await.unwrap(), None);
    world.check().await;
}

pub async fn a_limit_that_starves_somebody_is_refused_and_changes_nothing<H: Harness>() {
    let world = with_ten::<H>().await;
    let limits = RatePolicy { per_second: 5.0, ..TEN };
    world.store.set_limits(Some(limits)).await.unwrap();
    for (bad, says) in [
        (RatePolicy { per_second: 0.0, ..TEN }, "more than 0"),
        (RatePolicy { per_second: f64::NAN, ..TEN }, "more than 0"),
        (RatePolicy { shares: [0.0, 0.5, 0.5], ..TEN }, "shares"),
        (RatePolicy { shares: [0.5, 0.5, 0.5], ..TEN }, "shares"),
    ] {
        let refused = world.store.set_limits(Some(bad)).await.unwrap_err();
        assert!(matches!(&refused, Error::Setting { reason } if reason.contains(says)), "{refused:?}");
    }
    assert_eq!(world.store.limits().await.unwrap(), Some(limits));
    world.check().await;
}

pub async fn a_new_limit_wakes_who_waits<H: Harness>() {
    const LONG: Duration = Duration::from_secs(20);
    let world = with_ten::<H>().await;
    let other = world.harness.open().await;
    for limits in [Some(RatePolicy { per_second: 50.0, ..TEN }), None] {
        // What was written a moment ago counts as a change too.
        while waited(&world.store, Duration::from_millis(100)).await < Duration::from_millis(100) {}
        let (waited, set) = tokio::join!(waited(&world.store, LONG), other.set_limits(limits));
        set.unwrap();
        assert!(waited < LONG / 4, "woken by nothing but the time: {waited:?}");
    }
    world.check().await;
}

async fn waited(store: &SharedStore, at_most: Duration) -> Duration {
    let begun = Instant::now();
    store.changed(at_most).await;
    begun.elapsed()
}
