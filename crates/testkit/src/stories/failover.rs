//! The store's server replaced under running workers: by its replica, or by another node of a cluster.

use gangway_producer::sample::SampleOptions;

use super::accounts::{self, Accounts, number};
use super::crew::Crew;
use super::watch::{ended, wait_until};
use crate::redis::{Cluster, Sentinels};
use crate::{Error, Result, World, same};

/// How much there is to do.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Customers in the file.
    pub customers: u64,
    /// Calls a second, so that the middle lasts.
    pub rate: u32,
    /// Seed of file and simulator.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Moved {
    /// The accounts at the end.
    pub accounts: Accounts,
    /// Onboardings that had ended when the server was replaced.
    pub ended_before: u64,
    /// Rows that had vanished with the old server and were taken in again.
    pub again: u64,
}

/// The master is killed in the middle; sentinels make its replica the master. The import is run again behind it, as a
/// replica may lack what the master answered last.
///
/// # Errors
/// A worker ends; somebody is lost, dead, there twice, or ended twice.
pub fn a_failover_loses_nobody(world: &mut World, sentinels: &mut Sentinels, run: Run) -> Result<Moved> {
    through(world, run, |_world| {
        let old = sentinels.kill_master()?;
        let new = sentinels.wait_for_failover()?;
        if old == new {
            return Err(Error::Broken("the old master is the new one".to_owned()));
        }
        Ok(())
    })
}

/// The slot in which the store lies moves to another node in the middle.
///
/// # Errors
/// A worker ends; a row has vanished; somebody is lost, dead, there twice, or ended twice.
pub fn a_moved_slot_loses_nobody(world: &mut World, cluster: &Cluster, run: Run) -> Result<Moved> {
    let moved = through(world, run, |world| {
        let key = format!("{{{}}}", world.namespace().unwrap_or_default());
        let from = cluster.owner(&key)?;
        cluster.move_slot(&key, (from + 1) % 3)?;
        same("the owner of the slot", &cluster.owner(&key)?, &((from + 1) % 3))
    })?;
    same("rows that vanished", &moved.again, &0)?;
    Ok(moved)
}

fn through(world: &mut World, run: Run, replace: impl FnOnce(&World) -> Result<()>) -> Result<Moved> {
    world.set("GANGWAY__API__RATE_PER_SECOND", &run.rate.to_string());
    world.set("GANGWAY__WORKER__LEASE", "3s");
    let clean = SampleOptions::clean(run.customers, run.seed);
    let planted = accounts::write_sample(world, "customers.csv", &clean)?;
    let imported = world.json(&["import", "customers.csv", "--json"])?;
    same("rows taken in", &number(&imported, "/enqueued")?, &planted.customers)?;
    let mut crew = Crew::start(world, 2, false)?;
    wait_until(|| Ok(ended(&world.status()?) > run.customers / 10))?;
    let ended_before = ended(&world.status()?);
    if ended_before == run.customers {
        return Err(Error::Broken("all was done before the server was replaced".to_owned()));
    }
    replace(world)?;
    let again = world.json(&["import", "customers.csv", "--json"])?;
    crew.must_live()?;
    crew.stop(world)?;
    Crew::start(world, 2, true)?.finish(world)?;
    let accounts = accounts::settle(world, planted.customers)?;
    same("customers at the API", &number(&accounts.audit, "/customers")?, &planted.customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    accounts::nothing_personal(world, "customers.csv", &["worker-0.log", "worker-1.log"])?;
    Ok(Moved { accounts, ended_before, again: number(&again, "/enqueued")? })
}
