//! The server stopped and started again, as for an upgrade: its data is there again, its scripts are not.

use std::time::Duration;

use crate::faults::{Scenario, Stage, Told};
use crate::redis::Server;
use crate::stories::outage::{self, Outage};
use crate::{Error, Result};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s17_restart",
    shows: "Redis is told to stop and started again, some times under load: workers go on within 5 s, load their scripts \
            anew, and no attempt is spent",
    in_short_set: false,
    tell,
};

fn tell(stage: &Stage) -> Result<Told> {
    let away = stage.pick(vec![0, 1], vec![0, 2, 8, 0]);
    let away: Vec<Duration> = away.into_iter().map(Duration::from_secs).collect();
    let mut server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    let outage = Outage {
        customers: stage.pick(150, 2_000),
        rate: stage.pick(60, 220),
        lease: Duration::from_secs(stage.pick(3, 10)),
        away: &away,
        seed: stage.seed,
    };
    let survived = outage::an_outage_costs_nothing(&mut world, &mut server, &outage)?;
    let unknown = met_unknown_scripts(&server)?;
    let worst = survived.back.iter().max().copied().unwrap_or_default();
    let result = format!(
        "calls again within {} ms of each of {} returns; {unknown} calls met a server that knew no script; {} leases \
         taken back, at no cost; {} log lines of a worker about one outage at most",
        worst.as_millis(),
        away.len(),
        survived.taken_back,
        survived.lines
    );
    Ok(Told { customers: outage.customers, hurts: away.len() as u64, recovery: Some(worst), result })
}

/// How many calls of this life of the server named a script that it had forgotten; there must be some.
fn met_unknown_scripts(server: &Server) -> Result<u64> {
    let told = server.info("errorstat_NOSCRIPT").unwrap_or_default();
    let count = told.strip_prefix("count=").and_then(|count| count.trim().parse().ok());
    count.filter(|count| *count > 0).ok_or_else(|| {
        Error::Broken("the server knew all scripts: its restart proves nothing of them".to_owned())
    })
}
