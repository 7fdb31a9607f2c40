//! A worker is stopped for longer than its leases last, and goes on as if nothing had happened.

use std::time::Duration;

use crate::faults::{Scenario, Stage, Told};
use crate::stories::frozen::{self, Absence};
use crate::{Error, Result};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s05_frozen_past_lease",
    shows: "a worker is stopped past its leases and goes on: another one has done its jobs, its late ends are refused",
    in_short_set: true,
    tell,
};

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    let absence = Absence {
        customers: stage.pick(300, 2_000),
        lease: Duration::from_secs(stage.pick(2, 10)),
        concurrency: stage.pick(4, 16),
        holds: stage.pick(3, 24),
        seed: stage.seed,
    };
    let rescued = frozen::what_a_frozen_worker_brings_late_is_refused(&mut world, &server, absence)?;
    // It may have held some that no handler had begun: those it gives back, and brings nothing.
    if rescued.refused > rescued.held as u64 {
        return Err(Error::Broken(format!(
            "{} late ends were refused, of {} jobs",
            rescued.refused, rescued.held
        )));
    }
    Ok(Told {
        customers: absence.customers,
        hurts: 1,
        recovery: Some(rescued.last),
        result: format!("{} jobs held, {} late ends refused", rescued.held, rescued.refused),
    })
}
