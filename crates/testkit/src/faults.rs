//! The fault suite: each failure that Gangway must survive, told with real processes.
//!
//! A scenario has a number that never changes, and its name begins with it: `s07_poison_pill`. `cargo xtask faults` tells
//! the short set, `--all` every one at full size; `docs/faults.md` is the table that such a run writes. Each ends in the
//! same [`accounts`](crate::stories::accounts).

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::redis::{Fsync, Options, Server};
use crate::{Backend, Result, World};

mod api;
mod crash;
mod intake;
mod operators;
mod outage;
mod server;
mod worker;

/// How large a scenario is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Seconds each.
    Short,
    /// Minutes: what the table is made of.
    Full,
}

/// A failure, what is done to bring it about, and what must hold.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its number and a few words, e.g. `s07_poison_pill`.
    pub name: &'static str,
    /// What happens, and what must hold all the same.
    pub shows: &'static str,
    /// Whether the short set has it.
    pub in_short_set: bool,
    /// Tells it.
    pub tell: fn(&Stage) -> Result<Told>,
}

/// What came of a scenario that held; what broke is an error.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Customers that were brought through it.
    pub customers: u64,
    /// Processes killed, servers stopped, connections cut: how often it was hurt.
    pub hurts: u64,
    /// From the end of the worst hurt until work went on; `None` where that has no meaning.
    pub recovery: Option<Duration>,
    /// What was counted, in a few words.
    pub result: String,
}

/// Where a scenario is told.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The program, with its fault points armed.
    pub binary: PathBuf,
    /// Of files, simulators and chances.
    pub seed: u64,
    /// How large.
    pub extent: Extent,
}

impl Stage {
    /// One of two sizes.
    pub fn pick<T>(&self, short: T, full: T) -> T {
        match self.extent {
            Extent::Short => short,
            Extent::Full => full,
        }
    }

    /// A server as `docs/deploy.md` asks for one: its log of commands is written to disk each second.
    ///
    /// # Errors
    /// It does not start.
    pub fn server(&self) -> Result<Server> {
        Server::start(&Options { appendonly: Some(Fsync::EverySec), ..Options::default() })
    }

    /// A world on that server.
    ///
    /// # Errors
    /// Its simulator does not start.
    pub fn world_on(&self, server: &Server) -> Result<World> {
        self.world(Backend::Redis(server.url()))
    }

    /// A world on such a store.
    ///
    /// # Errors
    /// Its simulator does not start.
    pub fn world(&self, backend: Backend) -> Result<World> {
        World::on(&self.binary, self.seed, backend)
    }

    /// The program.
    pub fn binary(&self) -> &Path {
        &self.binary
    }
}

/// All scenarios, in the order of their numbers.
pub fn all() -> Vec<Scenario> {
    let mut all: Vec<Scenario> = [
        crash::SCENARIOS,
        worker::SCENARIOS,
        outage::SCENARIOS,
        server::SCENARIOS,
        api::SCENARIOS,
        intake::SCENARIOS,
        operators::SCENARIOS,
    ]
    .concat();
    all.sort_by_key(|scenario| scenario.name);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_named_by_its_number_and_no_number_is_taken_twice() {
        let mut numbers = std::collections::BTreeSet::new();
        for scenario in all() {
            let number = scenario.name.get(1..3).and_then(|number| number.parse::<u8>().ok());
            let number =
                number.filter(|_| scenario.name.starts_with('s') && scenario.name.as_bytes()[3] == b'_');
            let number = number.unwrap_or_else(|| panic!("{} does not begin like s07_", scenario.name));
            assert!(numbers.insert(number), "{number} is taken twice");
        }
    }
}
