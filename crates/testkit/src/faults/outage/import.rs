//! An import in the background, whose closing sums are kept.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::proxy::{Conduct, Proxy};
use crate::redis::Server;
use crate::stories::accounts::{FILE, number};
use crate::stories::watch::within;
use crate::{Error, Process, Result, World, same};

/// Its log, in the world's folder.
pub(super) const LOG: &str = "import.log";

/// It begins sooner.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running import of [`FILE`].
#[derive(Debug)]
pub(super) struct Import {
    process: Process,
    output: PathBuf,
}

impl Import {
    /// Starts it with the world's present settings.
    pub(super) fn start(world: &World) -> Result<Self> {
        let output = world.path("import.json");
        let mut command = world.command(&["import", FILE, "--json"]);
        let process = Process::start_telling(&mut command, &output, &world.path(LOG))?;
        Ok(Self { process, output })
    }

    /// Starts it behind a proxy that lets so many bytes a second through, so that it lasts long enough to be hurt; and waits
    /// until it stands in the store. Before that it asks what the server is; one that cannot ask says so to the person in
    /// front of it, and ends.
    pub(super) fn start_slowly(world: &mut World, server: &Server, bandwidth: u64) -> Result<(Self, Proxy)> {
        let proxy = Proxy::start(server.port())?;
        let latency = Duration::from_millis(20);
        proxy.set(Conduct { bandwidth: Some(bandwidth), ..Conduct::slow(latency) });
        world.set("GANGWAY__STORE__URL", &format!("redis://127.0.0.1:{}", proxy.port()));
        let before = imports(world, server)?;
        let import = Self::start(world)?;
        world.set("GANGWAY__STORE__URL", &server.url());
        within("the import's beginning", PATIENCE, || Ok(imports(world, server)? > before))?;
        Ok((import, proxy))
    }

    pub(super) fn is_running(&mut self) -> Result<bool> {
        Ok(self.process.ended()?.is_none())
    }

    pub(super) fn signal(&self, signal: &str) -> Result<()> {
        self.process.signal(signal)
    }

    /// Waits for its good end; tells its sums.
    pub(super) fn finish(mut self, world: &World) -> Result<Value> {
        let status = self.process.wait_at_most(Duration::from_mins(2))?;
        let said = std::fs::read_to_string(&self.output).unwrap_or_default();
        let sums = serde_json::from_str(said.trim()).ok().filter(|_| status.success());
        sums.ok_or_else(|| Error::Broken(format!("the import ended with {status}: {said}\n{}", log(world))))
    }

    /// The same; so many rows were taken in by this import, and each was told of once.
    pub(super) fn finish_whole(self, world: &World, rows: u64) -> Result<()> {
        let sums = self.finish(world)?;
        same("rows that the import says it took in", &number(&sums, "/enqueued")?, &rows)
    }
}

/// How many imports stand in the store.
fn imports(world: &World, server: &Server) -> Result<usize> {
    let imports = format!("{{{}}}:import:*", world.namespace().unwrap_or_default());
    Ok(server.command(&["KEYS", &imports])?.items().len())
}

fn log(world: &World) -> String {
    std::fs::read_to_string(world.path(LOG)).unwrap_or_default()
}
