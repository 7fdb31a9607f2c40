//! A server that lost the last moments before its machine died, with and without the import that wrote them.

use crate::Result;
use crate::faults::{Scenario, Stage, Told};
use crate::stories::lost_second::{self, Loss, Regained};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s19_killed_fsync_everysec",
    shows: "Redis with appendfsync everysec is killed during an import, and the last fifth of its log is cut off, as a dead \
            machine's disk would lack its end: importing the file again brings exactly what was lost",
    in_short_set: false,
    tell,
};

fn tell(stage: &Stage) -> Result<Told> {
    let customers = stage.pick(2_000, 5_000);
    let dies = lose(stage, customers, true)?;
    let goes_on = lose(stage, customers, false)?;
    let result =
        format!("with the import: {}; under an import that went on: {}", tell_one(&dies), tell_one(&goes_on));
    Ok(Told { customers: 2 * customers, hurts: 3, recovery: None, result })
}

fn lose(stage: &Stage, customers: u64, with_import: bool) -> Result<Regained> {
    let mut server = stage.server()?;
    let world = stage.world_on(&server)?;
    let loss = Loss { customers, with_import, seed: stage.seed };
    lost_second::what_a_crash_took_is_imported_again(&world, &mut server, loss)
}

fn tell_one(regained: &Regained) -> String {
    let Regained { before, left, again, epochs, .. } = regained;
    format!("{left} of {before} onboardings left, {again} rows brought by the second run, {epochs} epochs")
}
