//! The server away for long: workers stay up, cost next to nothing, say little, and go on.
//!
//! It is away in two ways, one after the other: down, so that each attempt to connect fails at once, which tempts a program
//! to try in a circle; and silent, behind a network that takes bytes and answers none, which tempts it to wait for ever.

use std::time::{Duration, Instant};

use super::load::{Load, nothing_was_spent};
use super::pulse::SOON;
use crate::faults::{Scenario, Stage, Told};
use crate::proxy::{Conduct, Proxy};
use crate::stories::crew::Crew;
use crate::stories::logs::Follow;
use crate::stories::watch::{calls, time_until_calls, within};
use crate::{Backend, Error, Process, Result, World};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s21_long_absence",
    shows: "Redis is down for 10 min, then silent for one: workers stay up under 2 % of a processor, log few lines, go on by \
            themselves, and nobody dies of it",
    in_short_set: false,
    tell,
};

/// Of one processor.
const MOST_CPU: f64 = 0.02;

/// So many lines may each worker log about one absence: a beginning and an end for each of its tasks.
/// And no more than one in ten seconds, once all have told of its beginning.
const FEW_LINES: u64 = 24;

/// By then every task has found out, and every pause is as long as it gets.
const SETTLED: Duration = Duration::from_secs(8);

/// A call that was sent into the silence is waited for so long; then its connection is made anew.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

fn tell(stage: &Stage) -> Result<Told> {
    let load = Load {
        customers: stage.pick(300, 1_500),
        seed: stage.seed,
        rate: stage.pick(100, 400),
        lease: Duration::from_secs(10),
        workers: 2,
    };
    let (down, silent) = stage.pick((14, 14), (600, 60));
    let mut server = stage.server()?;
    let proxy = Proxy::start(server.port())?;
    let mut world = stage.world(Backend::Redis(format!("redis://127.0.0.1:{}", proxy.port())))?;
    load.prepare(&mut world)?;
    load.take_in(&world)?;
    let mut crew = Crew::start(&world, load.workers, true)?;
    let mut watch = Watch::new(&world, load.workers);
    within("the first calls", SOON * 4, || Ok(calls(&world)? > load.customers / 5))?;

    server.stop_gracefully()?;
    let cpu_down = watch.over(&mut crew, down)?;
    let before = calls(&world)?;
    server.restart()?;
    let back_up = time_until_calls(&world, before, SOON)?;
    // Long enough for every task to have worked again.
    std::thread::sleep(Duration::from_secs(4));

    proxy.set(Conduct::half_open());
    let cpu_silent = watch.over(&mut crew, silent)?;
    let before = calls(&world)?;
    proxy.set(Conduct::default());
    let heard = time_until_calls(&world, before, SOON + RESPONSE_TIMEOUT)?;

    nothing_was_spent(&crew.finish(&world)?)?;
    load.close(&world, &[])?;
    let percent = |cpu: f64| format!("{:.2} %", cpu * 100.0);
    let result = format!(
        "{down} s down at {} of a processor, calls again within {} ms; {silent} s silent at {}, calls again within {} ms; \
         {} log lines of a worker about one absence at most",
        percent(cpu_down),
        back_up.as_millis(),
        percent(cpu_silent),
        heard.as_millis(),
        watch.most
    );
    Ok(Told { customers: load.customers, hurts: 2, recovery: Some(back_up.max(heard)), result })
}

/// The logs and the processors of the workers.
struct Watch {
    logs: Vec<Follow>,
    /// The most lines of a worker about one absence.
    most: u64,
}

impl Watch {
    fn new(world: &World, workers: usize) -> Self {
        let logs = (0..workers).map(|worker| Follow::new(world, &format!("worker-{worker}.log")));
        Self { logs: logs.collect(), most: 0 }
    }

    /// Watches the workers for so many seconds; tells the part of a processor that the busiest of them took.
    fn over(&mut self, crew: &mut Crew, seconds: u64) -> Result<f64> {
        self.lines()?;
        let (begun, before) = (Instant::now(), spent(crew.workers())?);
        std::thread::sleep(SETTLED);
        let first = self.lines()?;
        std::thread::sleep(Duration::from_secs(seconds).saturating_sub(SETTLED));
        crew.must_live()?;
        let (passed, after) = (begun.elapsed().as_secs_f64(), spent(crew.workers())?);
        let later = self.lines()?;
        self.must_be_few(&first, &later, seconds.div_ceil(10))?;
        let parts = before.iter().zip(after).map(|(before, after)| (after - before) / passed);
        let most = parts.fold(0.0, f64::max);
        if most > MOST_CPU {
            return Err(Error::Broken(format!(
                "a worker that waits takes {:.1} % of a processor",
                most * 100.0
            )));
        }
        Ok(most)
    }

    /// In all, and, once everything is told, in each ten seconds.
    fn must_be_few(&mut self, first: &[u64], later: &[u64], tens: u64) -> Result<()> {
        for (first, later) in first.iter().zip(later) {
            self.most = self.most.max(first + later);
            if first + later > FEW_LINES || *later > tens {
                return Err(Error::Broken(format!(
                    "a worker logged {first} lines about the beginning of an absence, and then {later}"
                )));
            }
        }
        Ok(())
    }

    /// How many lines each has logged since the last call.
    fn lines(&mut self) -> Result<Vec<u64>> {
        self.logs.iter_mut().map(|log| Ok(log.lines()?.len() as u64)).collect()
    }
}

/// Seconds of a processor that each has taken so far.
fn spent(workers: &[Process]) -> Result<Vec<f64>> {
    workers.iter().map(|worker| seconds_of(worker.pid())).collect()
}

/// User and system time, behind the name, which stands in parentheses and may hold anything.
fn seconds_of(pid: u32) -> Result<f64> {
    /// Linux counts these times in hundredths of a second on every machine of today.
    const TICK: f64 = 0.01;
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path)
        .map_err(|source| Error::Io { action: format!("read {path}"), source })?;
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace().skip(11).take(2);
    let ticks: Vec<f64> = fields.filter_map(|field| field.parse().ok()).collect();
    if ticks.len() == 2 {
        return Ok(ticks.iter().sum::<f64>() * TICK);
    }
    Err(Error::Broken(format!("{path} tells no times: {stat}")))
}
