//! A server that lost the last moments before its crash: what vanished is imported and done again.
//!
//! With `appendfsync everysec` a machine that dies loses up to two seconds of what was answered. A process that is killed
//! loses none of that, as the system has its writes already: so the end of its log of commands is cut off here, as the
//! disk of a dead machine would lack it. That is a place between two commands or within one; a server reads up to it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use gangway_producer::sample::SampleOptions;
use serde_json::{Value, json};

use super::accounts::{self, Accounts, number};
use super::crew::Crew;
use super::kills::finish;
use super::watch::{total, wait_until};
use crate::redis::Server;
use crate::{Error, Result, World, same};

/// What is lost.
#[derive(Clone, Copy, Debug)]
pub struct Loss {
    /// Customers in the file.
    pub customers: u64,
    /// Whether the machine of the import dies with the server's; else it goes on and does not know.
    pub with_import: bool,
    /// Seed of file and simulator.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Regained {
    /// The accounts at the end.
    pub accounts: Accounts,
    /// Onboardings before the crash.
    pub before: u64,
    /// Onboardings that the server had left.
    pub left: u64,
    /// Rows that only the second run of the import brought.
    pub again: u64,
    /// Lives of the store that wrote events.
    pub epochs: usize,
}

/// The server dies during an import and comes back without its last moments, while a worker runs; the import is run again.
///
/// # Errors
/// The sum is not whole; somebody is lost, dead, there twice, or ended twice; or the events do not tell the lives apart.
pub fn what_a_crash_took_is_imported_again(
    world: &World,
    server: &mut Server,
    loss: Loss,
) -> Result<Regained> {
    let clean = SampleOptions::clean(loss.customers, loss.seed);
    let planted = accounts::write_sample(world, "customers.csv", &clean)?;
    // No questions: asked for a link that was made before the crash and is forgotten here, the API tells that one again,
    // and nobody here knows that the customer has used it already and needs another to answer.
    world.put("/_knobs", &json!({"lifecycle": {"pending_response": 0.0}}))?;
    let mut crew = Crew::start(world, 1, false)?;
    let mut import = world.start(&["import", "customers.csv", "--json"], "import.log")?;
    wait_until(|| Ok(total(world)? > loss.customers / 4))?;
    // Frozen, so that what was there before the crash is known, and what is cut off is not the worker's alone.
    import.signal("STOP")?;
    signal(&mut crew, "STOP")?;
    std::thread::sleep(Duration::from_millis(50));
    let before = total(world)?;
    server.kill()?;
    if loss.with_import {
        import.kill()?;
    }
    cut(server)?;
    server.restart()?;
    // None, if the worker had only just begun and all that it told was cut off.
    let epochs_left = epochs(world)?;
    signal(&mut crew, "CONT")?;
    let left = total(world)?;
    if left >= before {
        return Err(Error::Broken(format!("{left} of {before} onboardings were left: nothing was lost")));
    }
    if !loss.with_import {
        import.signal("CONT")?;
        same("the import, which did not notice", &import.wait()?.success(), &true)?;
    }

    let missing = planted.customers - total(world)?;
    world.json(&["import", "customers.csv", "--json"])?;
    same("onboardings after the import was run again", &total(world)?, &planted.customers)?;
    crew.must_live()?;
    crew.stop(world)?;
    finish(world)?;
    let accounts = accounts::settle(world, planted.customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    same("customers at the API", &number(&accounts.audit, "/customers")?, &planted.customers)?;
    let epochs = epochs(world)?;
    if epochs <= epochs_left {
        return Err(Error::Broken(format!(
            "events of {epochs} epochs, as many as before the store lost some"
        )));
    }
    Ok(Regained { accounts, before, left, again: missing, epochs })
}

fn signal(crew: &mut Crew, signal: &str) -> Result<()> {
    crew.workers().iter().try_for_each(|worker| worker.signal(signal))
}

/// Cuts the last fifth off the log of commands.
fn cut(server: &Server) -> Result<()> {
    let path = commands(server)?;
    let io = |source| Error::Io { action: format!("cut {}", path.display()), source };
    let file = std::fs::OpenOptions::new().write(true).open(&path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    file.set_len(length - length / 5).map_err(io)
}

/// The file that commands are appended to: since version 7 in a folder of its own.
fn commands(server: &Server) -> Result<PathBuf> {
    let old = server.dir().join("appendonly.aof");
    let folder = server.dir().join("appendonlydir");
    let files = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let newest = files.filter(|path| path.to_string_lossy().ends_with(".incr.aof")).max();
    newest
        .or_else(|| old.exists().then_some(old))
        .ok_or_else(|| Error::Broken("the server keeps no log of commands".to_owned()))
}

fn epochs(world: &World) -> Result<usize> {
    let outbox = world.run(&["outbox", "export"])?.expect_code(0)?;
    let epoch = |line: &str| serde_json::from_str::<Value>(line).ok()?["epoch"].as_str().map(str::to_owned);
    Ok(outbox.stdout.lines().filter_map(epoch).collect::<BTreeSet<_>>().len())
}
