//! The server killed under an import and workers, again and again; it writes each command to disk before it answers.
//!
//! What a machine that dies takes with it cannot be told apart here from what a killed process leaves, as the system keeps
//! what was written; `fsync` itself is for Redis's own tests. What is judged is what a reader saw: the sums never fall.

use std::time::Duration;

use super::import::{self, Import};
use super::load::Load;
use super::pulse::{SOON, Sums};
use crate::faults::{Scenario, Stage, Told};
use crate::redis::{Fsync, Options, Server};
use crate::stories::crew::Crew;
use crate::stories::watch::{calls, time_until_calls, within};
use crate::{Error, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s18_killed_fsync_always",
    shows: "Redis with appendfsync always is killed under an import and workers, again and again: nothing that was told \
            as stored is gone, and the import needs no second run",
    in_short_set: false,
    tell,
};

fn tell(stage: &Stage) -> Result<Told> {
    let load = Load {
        customers: stage.pick(1_000, 4_000),
        seed: stage.seed,
        rate: stage.pick(250, 400),
        lease: Duration::from_secs(5),
        workers: 2,
    };
    let kills = stage.pick(3, 10);
    let mut server = Server::start(&Options { appendonly: Some(Fsync::Always), ..Options::default() })?;
    let mut world = stage.world_on(&server)?;
    load.prepare(&mut world)?;
    // Without work nobody would call the API, however well all is.
    load.take_in_half(&world)?;
    let mut crew = Crew::start(&world, load.workers, false)?;
    let (mut import, _line) = Import::start_slowly(&mut world, &server, stage.pick(100_000, 250_000))?;
    let mut worst = Duration::ZERO;
    let mut under_import = 0;
    for number in 0..kills {
        under_import += u64::from(import.is_running()?);
        worst = worst.max(kill(&world, &mut server)?);
        crew.must_live()?;
        // At another moment each time; long enough for all connections to be there again.
        std::thread::sleep(Duration::from_millis(700 + 37 * number));
    }
    import.finish_whole(&world, load.customers - load.half())?;
    let before = Sums::of(&world)?;
    same("onboardings after the one run of the import", &before.onboardings, &load.customers)?;
    if before.ended == load.customers {
        return Err(Error::Broken("all was done before the last kill".to_owned()));
    }
    within("the end of all", Duration::from_mins(3), || Ok(Sums::of(&world)?.ended == load.customers))?;
    crew.must_live()?;
    crew.stop(&world)?;
    load.close(&world, &[import::LOG])?;
    let result = format!(
        "killed {kills} times, {under_import} of them under the import; 0 of what was seen stored was gone; calls again \
         within {} ms",
        worst.as_millis()
    );
    Ok(Told { customers: load.customers, hurts: kills, recovery: Some(worst), result })
}

/// Kills the server and starts it again; what was seen in it before must be there. Tells how soon work went on.
fn kill(world: &World, server: &mut Server) -> Result<Duration> {
    let before = Sums::of(world)?;
    server.kill()?;
    let calls = calls(world)?;
    server.restart()?;
    let back = time_until_calls(world, calls, SOON)?;
    let after = Sums::of(world)?;
    if after.hold(before) {
        return Ok(back);
    }
    Err(Error::Broken(format!("Redis told {before:?} before it was killed, and {after:?} afterwards")))
}
