//! A renewal and a rescue of the same lease at one moment.

use std::time::Duration;

use gangway_jobs::kind::Kind;
use gangway_store::conformance::world::Row;
use gangway_store::{LeaseRequest, Target};

use super::place::{Place, ask, register};

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_mins(1);

/// So often: a rescue that overlooks renewals does so in one of a few rounds.
const ROUNDS: u32 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_was_renewed_is_not_taken_back() {
    let place = Place::real();
    let (worker, rescuer) = (place.open().await, place.open().await);
    register(&worker, 1).await;
    let (mut renewed, mut taken) = (0, 0);
    for n in 0..ROUNDS {
        worker.enqueue(vec![Row::of(n).identified()]).await.unwrap();
        let request = LeaseRequest { length: SHORT, ..ask(Kind::CreateCustomer, 1, 1) };
        let job = worker.lease(request).await.unwrap().jobs.remove(0);
        tokio::time::sleep(SHORT * 3).await;
        let rescue = tokio::spawn({
            let rescuer = std::sync::Arc::clone(&rescuer);
            async move { rescuer.take_back(10).await.unwrap() }
        });
        // At another moment of the rescue each time.
        tokio::time::sleep(Duration::from_micros(u64::from(n % 40) * 25)).await;
        let still = worker.extend(vec![(job.id, job.token)], LONG).await.unwrap()[0];
        let was_taken = rescue.await.unwrap().jobs == 1;
        assert!(still != was_taken, "round {n}: renewed {still}, taken back {was_taken}");
        let found = worker.find(Target::Id(job.id.onboarding)).await.unwrap().unwrap();
        assert_eq!(found.jobs[0].lease().is_some(), still);
        renewed += u32::from(still);
        taken += u32::from(was_taken);
        worker.cancel(Target::Id(job.id.onboarding)).await.unwrap();
    }
    assert!(renewed > 0 && taken > 0, "renewed {renewed}, taken back {taken}: the two never met");
}
