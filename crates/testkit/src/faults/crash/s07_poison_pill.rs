//! One customer's create ends the process that runs it: it is set aside after three deaths, and the others go on.

use super::ground::{self, ABORTED, armed_worker, close, take_in};
use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::{FILE, number};
use crate::stories::kills;
use crate::{Error, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s07_poison_pill",
    shows: "one create of 10,000 aborts its worker: buried after three deaths, all others done, then put back and done",
    in_short_set: true,
    tell,
};

/// The default of `worker.max_lease_losses`.
const DEATHS: u64 = 3;

const WORKERS: usize = 2;

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let world = stage.world_on(&server)?;
    let customers = stage.pick(300, 10_000);
    take_in(&world, customers, stage.seed)?;
    let pill = reference_in_the_middle(&world)?;
    let id = world.json(&["show", &pill, "--json"])?["id"].as_str().unwrap_or_default().to_owned();

    // The answer has come, so the customer exists: not even that may make it two.
    let deaths = work_under(&world, &format!("create.answered?{id}=abort"))?;
    same("workers that died", &deaths, &DEATHS)?;
    the_pill_alone_is_dead(&world, &id, customers)?;

    // What made it poison is gone: put back, it comes aboard like the others.
    let redriven = world.json(&["dead", "redrive", &pill, "--json"])?;
    same("put back", &number(&redriven, "/redriven")?, &1)?;
    kills::finish(&world)?;
    let mut logs: Vec<String> = (0..WORKERS).map(log_of).collect();
    logs.push("worker.log".to_owned());
    let accounts = close(&world, customers, &logs)?;
    Ok(Told {
        customers,
        hurts: deaths,
        recovery: None,
        result: format!(
            "{deaths} deaths, 1 buried as poison, {} done; put back: {:?}",
            customers - 1,
            accounts.ends
        ),
    })
}

/// Lets workers run under the plan, each started again when it has died, until all is done; answers how many died.
fn work_under(world: &World, plan: &str) -> Result<u64> {
    let mut deaths = 0;
    let start = |number| armed_worker(world, plan, &log_of(number));
    let mut workers = (0..WORKERS).map(start).collect::<Result<Vec<_>>>()?;
    let mut at_work = [true; WORKERS];
    while at_work.contains(&true) && deaths <= DEATHS {
        for (number, worker) in workers.iter_mut().enumerate() {
            let Some(status) = worker.ended()? else { continue };
            at_work[number] = ground::is_ended_by(status, ABORTED)?;
            if at_work[number] {
                deaths += 1;
                *worker = start(number)?;
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Ok(deaths)
}

fn the_pill_alone_is_dead(world: &World, id: &str, customers: u64) -> Result<()> {
    let status = world.status()?;
    let stage = |name: &str| number(&status, &format!("/onboardings/by_stage/{name}"));
    same("done", &(stage("approved")? + stage("rejected")?), &(customers - 1))?;
    let letters = world.json(&["dead", "list", "--json"])?;
    let letters = letters["dead"].as_array().cloned().unwrap_or_default();
    same("dead letters", &letters.len(), &1)?;
    let text = |name: &str| letters[0][name].as_str().unwrap_or_default().to_owned();
    same("the dead letter", &text("onboarding"), &id.to_owned())?;
    same("its code", &text("code"), &"poison".to_owned())?;
    same("its reason", &text("message"), &format!("the worker died {DEATHS} times while it ran this job"))
}

/// The reference of a row in the middle of the file.
fn reference_in_the_middle(world: &World) -> Result<String> {
    let text = std::fs::read_to_string(world.path(FILE))
        .map_err(|source| Error::Io { action: format!("read {FILE}"), source })?;
    let row = text.lines().nth(text.lines().count() / 2);
    let reference = row.and_then(|row| row.split(',').next());
    reference.map(str::to_owned).ok_or_else(|| Error::Broken(format!("{FILE} is empty")))
}

fn log_of(worker: usize) -> String {
    format!("worker-{worker}.log")
}
