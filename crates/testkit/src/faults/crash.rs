//! Workers that are killed, frozen, starved or poisoned.

use std::time::Duration;

use super::{Scenario, Stage, Told};
use crate::Result;
use crate::stories::frozen::{self, Absence};

/// In the order of their numbers.
pub(super) const SCENARIOS: &[Scenario] = &[Scenario {
    name: "s05_frozen_past_lease",
    shows: "a worker is stopped for three leases and goes on: its late ends are refused",
    in_short_set: true,
    tell: frozen_past_lease,
}];

fn frozen_past_lease(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    let absence = Absence {
        customers: stage.pick(300, 5_000),
        lease: Duration::from_secs(stage.pick(2, 10)),
        concurrency: stage.pick(4, 16),
        holds: stage.pick(3, 24),
        seed: stage.seed,
    };
    let rescued = frozen::what_a_frozen_worker_brings_late_is_refused(&mut world, &server, absence)?;
    Ok(Told {
        customers: absence.customers,
        hurts: 1,
        recovery: Some(rescued.last),
        result: format!("{} jobs held, {} late ends refused", rescued.held, rescued.refused),
    })
}
