//! One run: from a seed to a verdict.

use crate::trace::Trace;
use crate::violation::{Held, Violation, broken};
use crate::world::World;

/// Which store is under test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// The embedded store, in memory.
    #[default]
    Sqlite,
    /// The model that the stores are compared with.
    Model,
}

impl Kind {
    /// The store of that name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "sqlite" => Some(Self::Sqlite),
            "model" => Some(Self::Model),
            _ => None,
        }
    }
}

/// What to run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Which store.
    pub store: Kind,
    /// Keep the trace, line by line.
    pub trace: bool,
}

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// The seed that makes it again.
    pub seed: u64,
    /// The promise that did not hold, if there is one.
    pub violation: Option<Violation>,
    /// Equal for equal runs.
    pub hash: u64,
    /// What happened, if it was asked for.
    pub trace: Vec<String>,
    /// Leases that were given: how much work was done.
    pub leases: u64,
}

/// Runs the simulation of a seed.
pub fn run(seed: u64, options: Options) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    match runtime {
        Ok(runtime) => runtime.block_on(tokio::task::unconstrained(go(seed, options))),
        Err(error) => Report {
            seed,
            violation: broken::<()>("a runtime can be made", error.to_string()).err(),
            hash: 0,
            trace: Vec::new(),
            leases: 0,
        },
    }
}

async fn go(seed: u64, options: Options) -> Report {
    let mut world = match World::new(seed, options.store, Trace::new(options.trace)).await {
        Ok(world) => world,
        Err(violation) => {
            return Report { seed, violation: Some(violation), hash: 0, trace: Vec::new(), leases: 0 };
        }
    };
    let violation = live(&mut world).await.err();
    if let Some(violation) = &violation {
        world.note(format_args!("BROKEN: {violation}"));
    }
    let (hash, leases) = (world.trace.hash(), world.books.leases.last());
    Report { seed, violation, hash, leases, trace: world.trace.into_lines() }
}

/// A life full of faults; then a healthy one; then all of it imported again, which must create nobody.
async fn live(world: &mut World) -> Held {
    for _ in 0..world.profile.steps {
        world.act().await?;
    }
    world.heal().await?;
    world.prune().await?;
    world.look().await?;
    world.importer.done = [0, 0];
    world.heal().await
}
