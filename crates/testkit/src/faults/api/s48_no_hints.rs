//! 48: nobody tells that a status has changed.

use std::time::Duration;

use serde_json::{Value, json};

use super::ground::{all_well, broken, events, patient, seconds_between};
use super::{Scenario, Stage, Told};
use crate::stories::accounts::{number, take_in};
use crate::stories::crew::Crew;
use crate::{Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s48_no_hints",
    shows: "every webhook is lost: polls find each change of status, and each within the cadence",
    in_short_set: false,
    tell,
};

/// On top of the longest interval: the read, the settle, and a machine that does other things too.
const SLACK: f64 = 5.0;

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    patient(&mut world);
    let customers = stage.pick(60, 1_000);
    // The shortest interval; the random part doubles it. Each status lasts for twice as long as the longest, and more.
    let cadence = stage.pick(Duration::from_millis(400), Duration::from_secs(1));
    world.set("GANGWAY__POLL__MIN_INTERVAL", &format!("{}ms", cadence.as_millis()));
    world.set("GANGWAY__POLL__MAX_INTERVAL", &format!("{}ms", 2 * cadence.as_millis()));
    slow_enough_to_be_seen(&world, cadence)?;
    world.put("/_faults", &json!({"name": "no webhook arrives", "webhooks": {"drop": 1.0}}))?;
    // Nobody listens there; nothing is sent.
    world.post("/_webhooks", &json!({"url": "http://127.0.0.1:9/hook"}))?;
    take_in(&world, customers, stage.seed)?;
    Crew::start(&world, 2, true)?.finish(&world)?;

    let audit = all_well(&world, customers, 2)?.audit;
    same("webhooks that arrived", &number(&audit, "/webhooks/delivered")?, &0)?;
    let changes = number(&audit, "/webhooks/dropped")?;
    let seen: Vec<Value> =
        events(&world)?.into_iter().filter(|event| event["type"] == "kyb.status_changed").collect();
    same("changes found, against those there were", &(seen.len() as u64), &changes)?;
    let latest = seen.iter().map(delay).collect::<Result<Vec<f64>>>()?.into_iter().fold(0.0, f64::max);
    if latest > 2.0 * cadence.as_secs_f64() + SLACK {
        return Err(broken(format!("a change was found after {latest:.1} s")));
    }
    Ok(Told {
        customers,
        hurts: changes,
        recovery: None,
        result: format!(
            "{changes} changes found, the latest after {latest:.1} s; looked at every {:.1} to {:.1} s",
            cadence.as_secs_f64(),
            2.0 * cadence.as_secs_f64()
        ),
    })
}

fn slow_enough_to_be_seen(world: &World, cadence: Duration) -> Result<()> {
    let unit = cadence.as_secs_f64();
    let (soon, long) =
        (json!({"min_s": 0.0, "max_s": unit}), json!({"min_s": 5.0 * unit, "max_s": 7.0 * unit}));
    // A question is answered by the next link and its form: that too takes long enough.
    let lifecycle = json!({
        "opens_after": soon, "fills_in": long, "pending_review": long, "under_review": long, "max_questions": 1,
    });
    world.put("/_clock", &json!({"speed": 1}))?;
    world.put("/_knobs", &json!({"lifecycle": lifecycle})).map(drop)
}

/// From the change at the API to the event that tells of it.
fn delay(event: &Value) -> Result<f64> {
    seconds_between(&event["data"]["api_updated_at"], &event["time"])
}
