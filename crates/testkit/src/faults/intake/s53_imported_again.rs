//! A file that is imported again, and twice at once.

use crate::Result;
use crate::faults::{Scenario, Stage, Told};
use crate::stories::{accounts, repeats};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s53_imported_again_and_twice_at_once",
    shows: "a file imported twice at once, again, and after its records were pruned: no second create, every row told as there",
    in_short_set: true,
    tell: imported_again,
};

fn imported_again(stage: &Stage) -> Result<Told> {
    let customers = stage.pick(200, 10_000);
    let server = stage.server()?;
    let world = stage.world_on(&server)?;
    repeats::a_repeated_file_creates_nobody_again(&world, customers, stage.seed)?;
    let creates = accounts::number(&world.audit()?, "/creates")?;
    let reports = ["worker.log", "simulator.log", "one.csv", "two.csv", "customers.refused.csv"];
    accounts::nothing_personal(&world, "customers.csv", &reports)?;
    Ok(Told {
        customers,
        hurts: 3,
        recovery: None,
        result: format!("{customers} customers by {creates} creates; three imports more brought none"),
    })
}
