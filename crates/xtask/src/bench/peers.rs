//! The other queues: how each is built and run, and what it guarantees.
//!
//! They live in a workspace of their own, so that their dependencies stay out of ours. A peer that cannot be had on this
//! machine is no failure: its row says why it was not run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::measurement::Ground;
use crate::say;

/// Another queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    ApalisRedis,
    BullmqRust,
    BullmqNode,
    Graphile,
}

impl Peer {
    pub(super) const ALL: [Self; 4] = [Self::Graphile, Self::BullmqRust, Self::BullmqNode, Self::ApalisRedis];

    /// Names its measurement.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ApalisRedis => "apalis-redis",
            Self::BullmqRust => "bullmq-rust",
            Self::BullmqNode => "bullmq-node",
            Self::Graphile => "graphile-worker",
        }
    }

    /// The package whose version is told.
    pub(super) const fn package(self) -> &'static str {
        match self {
            Self::ApalisRedis => "apalis-redis",
            Self::BullmqRust => "bullmq-official",
            Self::BullmqNode => "bullmq",
            Self::Graphile => "graphile-worker",
        }
    }

    /// For people.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::ApalisRedis => "apalis-redis (Rust)",
            Self::BullmqRust => "BullMQ (Rust)",
            Self::BullmqNode => "BullMQ (Node)",
            Self::Graphile => "graphile-worker (Node)",
        }
    }

    pub(super) const fn ground(self) -> Ground {
        match self {
            Self::ApalisRedis | Self::BullmqRust | Self::BullmqNode => Ground::Redis,
            Self::Graphile => Ground::Postgres,
        }
    }

    /// What a job can rely on with these settings.
    pub(super) const fn guarantees(self) -> &'static str {
        match self {
            Self::ApalisRedis => {
                "At least once; a dead worker's jobs come back after missed heartbeats. No fence. Its fetch fails at 8,000 \
                 due jobs, so only 7,000 are drained: a short run, in its favour. Results are not stored."
            }
            Self::BullmqRust | Self::BullmqNode => {
                "At least once; a lock with a token for each job, renewed; stalled jobs come back. The end of a job fetches \
                 the next in the same call. Follow-ups, records and events are the app's own further calls. Finished jobs \
                 are removed."
            }
            Self::Graphile => {
                "At least once; jobs in PostgreSQL, synced at every commit, so stronger than a log synced each second. With \
                 this batching a crashed worker's jobs stay locked for four hours, and its last completions may repeat."
            }
        }
    }

    const fn is_rust(self) -> bool {
        matches!(self, Self::ApalisRedis | Self::BullmqRust)
    }

    const fn jobs(self, quick: bool) -> &'static str {
        match self {
            Self::BullmqRust | Self::BullmqNode | Self::Graphile if quick => "2000",
            Self::BullmqRust | Self::BullmqNode => "100000",
            Self::Graphile => "200000",
            Self::ApalisRedis => "7000",
        }
    }
}

/// The peers that can be had here.
#[derive(Debug)]
pub(super) struct Peers {
    rust: Result<PathBuf, String>,
    node: Result<PathBuf, String>,
}

impl Peers {
    /// None, for cases that need none.
    pub(super) fn none() -> Self {
        Self { rust: Err(missing("not asked for")), node: Err(missing("not asked for")) }
    }

    /// Builds those in Rust and fetches those for Node.
    pub(super) fn prepare(root: &Path) -> Self {
        Self { rust: build(root), node: install(root) }
    }

    /// The command line of a peer; where it works is added by its ground.
    pub(super) fn command(&self, peer: Peer, quick: bool) -> Result<Command, String> {
        let mut command = if peer.is_rust() {
            let mut command = Command::new(self.rust.as_ref().map_err(Clone::clone)?);
            command.arg(peer.name());
            command
        } else {
            let script = if peer == Peer::BullmqNode { "bullmq.mjs" } else { "graphile.mjs" };
            let mut command = Command::new("node");
            command.arg(self.node.as_ref().map_err(Clone::clone)?.join(script));
            command
        };
        command.args(["--jobs", peer.jobs(quick)]);
        Ok(command)
    }
}

/// Why a peer is not run; no failure.
pub(super) fn missing(why: &str) -> String {
    format!("not run: {why}")
}

pub(super) fn is_missing(fault: &str) -> bool {
    fault.starts_with("not run: ")
}

fn build(root: &Path) -> Result<PathBuf, String> {
    let manifest = root.join("benches/peers/Cargo.toml");
    let target = root.join("target/peers");
    say("xtask: the peers in Rust (the first time takes minutes)");
    let mut command = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    command.args(["build", "--release", "--quiet", "--locked", "--manifest-path"]).arg(manifest);
    run(command.arg("--target-dir").arg(&target))?;
    Ok(target.join("release/gangway-bench-peers"))
}

/// `node_modules` and copies of the scripts go where they can be thrown away.
fn install(root: &Path) -> Result<PathBuf, String> {
    let (from, to) = (root.join("benches/peers/node"), root.join("target/peers/node"));
    let io = |error: std::io::Error| format!("copy the peers for Node: {error}");
    std::fs::create_dir_all(&to).map_err(io)?;
    let lock = "package-lock.json";
    let same = std::fs::read(from.join(lock)).ok() == std::fs::read(to.join(lock)).ok();
    for entry in std::fs::read_dir(&from).map_err(io)? {
        let entry = entry.map_err(io)?;
        std::fs::copy(entry.path(), to.join(entry.file_name())).map_err(io)?;
    }
    if !same || !to.join("node_modules").is_dir() {
        say("xtask: the peers for Node");
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--silent"]).current_dir(&to))?;
    }
    Ok(to)
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(missing(&format!("{program} ended with {status}"))),
        Err(error) => Err(missing(&format!("{program} is missing ({error})"))),
    }
}
