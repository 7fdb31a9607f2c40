//! Polls and nothing else, for as long as there is time.

use std::time::{Duration, Instant};

use gangway_producer::sample::SampleOptions;

use super::waiting::{self, Cadence};
use crate::faults::{Scenario, Stage, Told};
use crate::redis::Server;
use crate::stories::accounts::{self, number};
use crate::stories::crew::Crew;
use crate::stories::memory;
use crate::{Error, Result};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s30_soak",
    shows: "five minutes of polls without a pause, five million on a machine that does nothing else: the server's keys and \
            memory and the workers' memory stay flat",
    in_short_set: false,
    tell: soak,
};

/// Set to a number of seconds, the soak lasts so long.
const SECONDS: &str = "GANGWAY_FAULTS_SOAK_SECONDS";

/// As often as can be.
const CADENCE: Cadence = Cadence { min: "100ms", max: "300ms" };

/// Flat within so many per cent: of the mean of the last quarter, beside that of the second one. In the first, buffers
/// and pools grow to their size.
const FLAT: f64 = 5.0;

/// A worker may differ by so much in any case: a page cache of the allocator, not a leak.
const NOISE_KIB: f64 = 2_048.0;

fn soak(stage: &Stage) -> Result<Told> {
    let customers = stage.pick(300, 3_000);
    let server = stage.server()?;
    let mut world = waiting::world(stage, &server, CADENCE)?;
    // Each lease call leaves a note for as long as a lease: their number is the same only after that time.
    world.set("GANGWAY__WORKER__LEASE", "2s");
    let mut crew = Crew::start(&world, 2, false)?;
    waiting::bring(&world, &mut crew, "customers.csv", &SampleOptions::clean(customers, stage.seed))?;
    let begun = Instant::now();
    let before = number(&world.audit()?, "/polls")?;
    let samples = watch(&server, &mut crew, length(stage)?)?;
    let (polls, seconds) = (number(&world.audit()?, "/polls")? - before, begun.elapsed().as_secs_f64());
    let drifts = drifts(&samples)?;
    crew.stop(&world)?;
    waiting::end(&mut world, CADENCE, customers)?;
    accounts::nothing_personal(&world, "customers.csv", &["worker-0.log", "worker-1.log", "simulator.log"])?;
    Ok(Told {
        customers,
        hurts: 0,
        recovery: None,
        result: format!(
            "{polls} polls in {seconds:.0} s; change from the second quarter to the last: {drifts}"
        ),
    })
}

fn length(stage: &Stage) -> Result<Duration> {
    #[expect(clippy::disallowed_methods, reason = "a test's own option, not a setting of the program")]
    let asked = std::env::var(SECONDS);
    match asked {
        Ok(seconds) => seconds
            .parse()
            .map(Duration::from_secs)
            .map_err(|_no_number| Error::Broken(format!("{SECONDS} is no number of seconds"))),
        Err(_unset) => Ok(Duration::from_secs(stage.pick(12, 300))),
    }
}

/// What there was at one moment.
struct Sample {
    keys: f64,
    memory: f64,
    workers: [f64; 2],
}

fn watch(server: &Server, crew: &mut Crew, length: Duration) -> Result<Vec<Sample>> {
    let (begun, mut samples) = (Instant::now(), Vec::new());
    while begun.elapsed() < length {
        std::thread::sleep(Duration::from_millis(200));
        crew.must_live()?;
        samples.push(sample(server, crew)?);
    }
    Ok(samples)
}

#[expect(clippy::cast_precision_loss, reason = "sizes of one machine's memory")]
fn sample(server: &Server, crew: &mut Crew) -> Result<Sample> {
    let keys = server.command(&["DBSIZE"])?.integer().unwrap_or_default() as f64;
    let memory = server.used_memory()? as f64;
    let mut workers = [0.0; 2];
    for (size, worker) in workers.iter_mut().zip(crew.workers()) {
        let resident = memory::resident_kib_of(worker.pid());
        *size =
            resident.ok_or_else(|| Error::Broken("/proc does not tell a worker's size".to_owned()))? as f64;
    }
    Ok(Sample { keys, memory, workers })
}

/// What one measure is of a sample.
type Measure = fn(&Sample) -> f64;

/// Fails if something grew or shrank; tells by how much each.
fn drifts(samples: &[Sample]) -> Result<String> {
    let measures: [(&str, f64, Measure); 4] = [
        ("keys", 0.0, |sample| sample.keys),
        ("server", 0.0, |sample| sample.memory),
        ("worker 0", NOISE_KIB, |sample| sample.workers[0]),
        ("worker 1", NOISE_KIB, |sample| sample.workers[1]),
    ];
    let mut told = Vec::new();
    for (name, noise, measure) in measures {
        let (early, late) = (mean(quarter(samples, 1), measure), mean(quarter(samples, 3), measure));
        let per_cent = (late - early) / early.max(1.0) * 100.0;
        if per_cent.abs() > FLAT && (late - early).abs() > noise {
            return Err(Error::Broken(format!("{name} went from {early:.0} to {late:.0}: {per_cent:.1} %")));
        }
        told.push(format!("{name} {per_cent:+.1} %"));
    }
    Ok(told.join(", "))
}

fn quarter(samples: &[Sample], which: usize) -> &[Sample] {
    let length = samples.len() / 4;
    &samples[which * length..(which + 1) * length]
}

#[expect(clippy::cast_precision_loss, reason = "some hundred samples")]
fn mean(samples: &[Sample], measure: Measure) -> f64 {
    samples.iter().map(measure).sum::<f64>() / samples.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(memory: impl Fn(usize) -> f64, worker: impl Fn(usize) -> f64) -> Vec<Sample> {
        (0..40).map(|n| Sample { keys: 9.0, memory: memory(n), workers: [50_000.0, worker(n)] }).collect()
    }

    #[test]
    fn what_grows_slowly_is_found_and_what_trembles_is_not() {
        #[expect(clippy::cast_precision_loss, reason = "forty at most")]
        let grown = |n: usize| 1e6 * (1.0 + 0.003 * n as f64);
        let trembles = |n: usize| if n.is_multiple_of(2) { 50_000.0 } else { 51_500.0 };
        drifts(&samples(|_| 1e6, trembles)).unwrap();
        drifts(&samples(grown, trembles)).unwrap_err();
        drifts(&samples(|_| 1e6, grown)).unwrap_err();
    }
}
