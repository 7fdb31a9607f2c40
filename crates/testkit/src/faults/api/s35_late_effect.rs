//! 35: a create gets no answer and takes effect long after.

use std::time::Duration;

use serde_json::json;

use super::ground::{all_well, broken, struck};
use super::{Scenario, Stage, Told};
use crate::stories::accounts::{number, take_in};
use crate::stories::crew::Crew;
use crate::stories::watch::within;
use crate::{Backend, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s35_late_effect",
    shows: "creates time out and take effect 20 s later (for 90 s; the window is 2 min for 10): nobody is refused meanwhile, \
            nobody is there twice, whether the API says that the key is in use or takes it again",
    in_short_set: false,
    tell,
};

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let each = stage.pick(60, 800);
    let after = Duration::from_secs(stage.pick(3, 20));
    let mut late = 0;
    for (backend, concurrent) in [(Backend::Redis(server.url()), "conflict"), (Backend::Sqlite, "serialize")]
    {
        let mut world = stage.world(backend)?;
        if concurrent == "conflict" {
            // The time-out is the first of two: it is the window that waits for the effect. Where the key is taken again, two
            // time-outs in a row would be the last word, and buried as unresolved.
            world.set("GANGWAY__RETRY__MAX_ATTEMPTS", "2");
        }
        world.set("GANGWAY__CREATE__SETTLE_WINDOW", "2m");
        world.put("/_knobs", &json!({"keys": {"concurrent": concurrent}}))?;
        late += late_effects(&world, stage, each, after)?;
    }
    Ok(Told {
        customers: 2 * each,
        hurts: late,
        recovery: None,
        result: format!("{late} effects {} s after their time-out, 1 customer each", after.as_secs()),
    })
}

fn late_effects(world: &World, stage: &Stage, customers: u64, after: Duration) -> Result<u64> {
    take_in(world, customers, stage.seed)?;
    let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
    let fault = json!({"kind": "late_effect", "after_ms": after_ms});
    // As many as time out one after the other without the circuit's opening for good: each takes a slot for a second.
    let rule = json!({"fault": fault, "routes": ["create"], "rate": 0.25, "times": customers / 4});
    world.put("/_faults", &json!({"name": "late", "rules": [rule]}))?;
    Crew::start(world, 2, true)?.finish(world)?;
    // Where the key is taken again, customers are through before the first of their creates is.
    within("the last effect", after + Duration::from_secs(10), || {
        Ok(number(&world.audit()?, "/late_effects_pending")? == 0)
    })?;
    let audit = all_well(world, customers, 2)?.audit;
    same("e-mails with several keys", &number(&audit, "/emails_with_several_keys")?, &0)?;
    let late = struck(&audit, "late_effect");
    if late < customers / 8 {
        return Err(broken(format!("{late} late effects of {customers}: too few")));
    }
    Ok(late)
}
