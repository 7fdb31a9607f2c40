//! A server far away behind a bad network.
//!
//! Under TCP a lost packet is a late one. Worse is done here: one chunk of bytes in a hundred costs its connection, with all
//! calls that are under way on it.

use std::time::{Duration, Instant};

use super::load::Load;
use crate::faults::{Scenario, Stage, Told};
use crate::proxy::{Conduct, Proxy};
use crate::stories::crew::Crew;
use crate::stories::logs::{Follow, says};
use crate::stories::watch::{calls, within};
use crate::{Backend, Error, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s27_slow_and_lossy_network",
    shows: "each way to Redis takes 200 ms and more, and one chunk in a hundred is lost with its connection: no lease is taken \
            from a worker that lives, and 50 customers a second come aboard",
    in_short_set: false,
    tell,
};

/// Each way, and up to so much more by chance.
const LATENCY: Duration = Duration::from_millis(200);
const JITTER: Duration = Duration::from_millis(20);

/// Of all chunks.
const LOSS: f64 = 0.01;

/// Customers a second, at full size.
const LEAST: f64 = 50.0;

fn tell(stage: &Stage) -> Result<Told> {
    let load = Load {
        customers: stage.pick(150, 4_000),
        seed: stage.seed,
        rate: 5_000,
        lease: Duration::from_secs(10),
        workers: 4,
    };
    let server = stage.server()?;
    let proxy = Proxy::start(server.port())?;
    let mut world = stage.world(Backend::Redis(format!("redis://127.0.0.1:{}", proxy.port())))?;
    load.prepare(&mut world)?;
    // An answer takes a second, all in all: so many jobs at once are needed for fifty customers a second.
    world.set("GANGWAY__WORKER__CONCURRENCY", "128");
    world.set("GANGWAY__POLL__MIN_INTERVAL", "4s");
    world.set("GANGWAY__POLL__MAX_INTERVAL", "6s");
    load.take_in(&world)?;
    proxy.set(Conduct { loss: LOSS, jitter: JITTER, ..Conduct::slow(LATENCY) });
    let crew = Crew::start(&world, load.workers, true)?;
    // Each asks the server some twenty times what it is before it begins.
    within("the first call", Duration::from_mins(1), || Ok(calls(&world)? > 0))?;
    let begun = Instant::now();
    let counts = crew.finish(&world)?;
    let took = begun.elapsed();
    let resets = proxy.resets();
    proxy.set(Conduct::default());

    let taken_back = taken_back(&world, load.workers)?;
    same("leases taken back", &taken_back, &0)?;
    if resets == 0 {
        return Err(Error::Broken("the network lost nothing".to_owned()));
    }
    load.close(&world, &[])?;
    // An end whose answer was lost is sent again. The store knows it again only until the customer's next poll has ended,
    // which here may be sooner than the second answer: then it counts as refused, though it was written the first time.
    let unknown: u64 = counts.iter().map(|counts| counts.lost).sum();
    let rate = rate(load.customers, took);
    if stage.pick(false, rate < LEAST) {
        return Err(Error::Broken(format!("{rate:.0} customers a second, not {LEAST}")));
    }
    let result = format!(
        "{rate:.0} customers a second; {resets} connections lost; no lease was taken back; {unknown} ends were sent again \
         after the next one of their job"
    );
    Ok(Told { customers: load.customers, hurts: resets, recovery: None, result })
}

fn rate(customers: u64, took: Duration) -> f64 {
    // Thousands of customers: every number of them is one of a float.
    f64::from(u32::try_from(customers).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

/// Leases that ran out, as the workers' logs tell.
fn taken_back(world: &World, workers: usize) -> Result<u64> {
    let mut jobs = 0;
    for worker in 0..workers {
        let lines = Follow::new(world, &format!("worker-{worker}.log")).lines()?;
        let told = lines.iter().filter(|line| says(line, "took back leases that had run out"));
        jobs += told.filter_map(|line| line["jobs"].as_u64()).sum::<u64>();
    }
    Ok(jobs)
}
