//! Every connection to the server killed, again and again, under workers and under an import.

use std::time::{Duration, Instant};

use super::import::{self, Import};
use super::load::{Load, SLOTS};
use super::pulse::{SOON, Sums};
use crate::faults::{Scenario, Stage, Told};
use crate::redis::Server;
use crate::stories::crew::Crew;
use crate::stories::watch::{calls, time_until_calls, within};
use crate::{Error, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s16_connections_killed",
    shows: "all connections to Redis are killed each half second during an import (slowed, so that it lasts), then every two \
            seconds: no worker ends, the import takes every row in, no lease is lost",
    in_short_set: true,
    tell,
};

/// Between two kills under the workers.
const PAUSE: Duration = Duration::from_secs(2);

/// Between two kills under the import, which is short.
const SHORT_PAUSE: Duration = Duration::from_millis(500);

/// So many bytes a second reach the server from the import.
const LINE: u64 = 150_000;

fn tell(stage: &Stage) -> Result<Told> {
    let load = Load {
        customers: stage.pick(700, 5_000),
        seed: stage.seed,
        rate: stage.pick(250, 450),
        lease: Duration::from_secs(10),
        workers: 2,
    };
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    load.prepare(&mut world)?;
    let mut crew = Crew::start(&world, load.workers, false)?;
    let (under_import, mut killed) = import_under_kills(&mut world, &server, load, stage.pick(3, 10))?;
    let (mut times, mut worst) = (0, Duration::ZERO);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(stage.pick(4, 40)) {
        let before = calls(&world)?;
        let connections = kill_all(&server)?;
        killed += connections;
        times += u64::from(connections > 0);
        // What is in the slots already may be called all the same.
        let more = SLOTS * load.workers as u64;
        worst = worst.max(time_until_calls(&world, before + more, SOON)?);
        crew.must_live()?;
        std::thread::sleep(PAUSE);
    }
    let ended = Sums::of(&world)?.ended;
    if ended == load.customers {
        return Err(Error::Broken("all was done before the last kill".to_owned()));
    }
    within("the end of all", Duration::from_mins(3), || Ok(Sums::of(&world)?.ended == load.customers))?;
    crew.must_live()?;
    let lost: u64 = crew.stop(&world)?.iter().map(|counts| counts.lost).sum();
    same("ends that were refused", &lost, &0)?;
    load.close(&world, &[import::LOG])?;
    let result = format!(
        "{killed} connections killed, {under_import} times under the import and {times} times after it; calls again \
         within {} ms",
        worst.as_millis()
    );
    Ok(Told { customers: load.customers, hurts: killed, recovery: Some(worst), result })
}

/// Tells how often, and how many connections that were. Every row is taken in once, and told as that.
fn import_under_kills(world: &mut World, server: &Server, load: Load, most: u64) -> Result<(u64, u64)> {
    let (mut import, _line) = Import::start_slowly(world, server, LINE)?;
    let (mut times, mut killed) = (0, 0);
    // Not for ever: a batch that is on its way for longer than the time between two kills would never arrive.
    while times < most && import.is_running()? {
        let connections = kill_all(server)?;
        killed += connections;
        times += u64::from(connections > 0);
        std::thread::sleep(SHORT_PAUSE);
    }
    import.finish_whole(world, load.customers)?;
    if times < 2 {
        return Err(Error::Broken("the import was too short to be hurt".to_owned()));
    }
    Ok((times, killed))
}

/// All but the one that asks for it. Perhaps none: whoever lost one again and again waits before the next.
fn kill_all(server: &Server) -> Result<u64> {
    let killed = server.command(&["CLIENT", "KILL", "TYPE", "normal"])?.integer();
    let killed = killed.and_then(|killed| u64::try_from(killed).ok());
    killed.ok_or_else(|| Error::Broken("redis tells no number of killed connections".to_owned()))
}
