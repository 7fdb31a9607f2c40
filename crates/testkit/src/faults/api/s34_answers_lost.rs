//! 34: a create takes effect and its answer is lost.

use serde_json::json;

use super::ground::{all_well, broken, struck};
use super::{Scenario, Stage, Told};
use crate::stories::accounts::{number, take_in};
use crate::stories::crew::Crew;
use crate::{Backend, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s34_answers_lost",
    shows: "the answer to a fifth of the creates is lost after the effect: asked again under the same key, nobody is there twice",
    in_short_set: true,
    tell,
};

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let each = stage.pick(200, 5_000);
    let mut lost = 0;
    for backend in [Backend::Sqlite, Backend::Redis(server.url())] {
        lost += answers_lost(&stage.world(backend)?, stage, each)?;
    }
    Ok(Told {
        customers: 2 * each,
        hurts: lost,
        recovery: None,
        result: format!("{lost} answers lost on both stores, each create repeated under its key"),
    })
}

fn answers_lost(world: &World, stage: &Stage, customers: u64) -> Result<u64> {
    take_in(world, customers, stage.seed)?;
    let rule = json!({"fault": {"kind": "reset_after"}, "routes": ["create"], "rate": 0.2});
    world.put("/_faults", &json!({"name": "answers lost", "rules": [rule]}))?;
    Crew::start(world, 2, true)?.finish(world)?;
    let audit = all_well(world, customers, 2)?.audit;
    let (lost, replays) = (struck(&audit, "reset_after"), number(&audit, "/replays")?);
    if lost < customers / 8 || replays < lost {
        return Err(broken(format!("{lost} answers lost, {replays} replays: too few")));
    }
    same("e-mails with several keys", &number(&audit, "/emails_with_several_keys")?, &0)?;
    Ok(lost)
}
