//! A server's own words about itself, typed.

use std::fmt;
use std::time::Duration;

use super::info::Info;

/// Which program the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Redis.
    Redis,
    /// Valkey, which also tells a version of Redis that it is compatible with.
    Valkey,
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redis => "Redis",
            Self::Valkey => "Valkey",
        })
    }
}

/// Major, minor and patch; ordered as versions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// Reads `7.0.15`; what is missing is 0, and what follows the numbers does not count.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(['.', '-']).map(|part| part.parse().ok());
        let major = parts.next()??;
        Some(Self(major, parts.next().flatten().unwrap_or(0), parts.next().flatten().unwrap_or(0)))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What the server is to others that hold the same data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It takes writes.
    Master {
        /// Those that copy it.
        replicas: Vec<Replica>,
    },
    /// It copies another one and takes no writes.
    Replica {
        /// Where the other one is, as `HOST:PORT`.
        master: String,
    },
}

/// A server that copies this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// As `HOST:PORT`.
    pub place: String,
    /// Whether it follows, rather than being copied to for the first time.
    pub online: bool,
    /// How long it has not acknowledged anything.
    pub lag: Duration,
}

/// All that `INFO` tells and that decides how safe a store is there.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "the server tells them one by one")]
pub struct Facts {
    /// Which program it is.
    pub flavour: Flavour,
    /// Its version; `None` if it is written in no known way.
    pub version: Option<Version>,
    /// Changes with every start of the server.
    pub run_id: String,
    /// Whether it reads its settings from a file, which it can then also rewrite.
    pub has_file: bool,
    /// Whether it is a node of a cluster.
    pub cluster: bool,
    /// Master or replica.
    pub role: Option<Role>,
    /// Whether it still reads its data from disk after a start.
    pub loading: bool,
    /// Whether commands are logged to disk (AOF).
    pub aof: Option<bool>,
    /// Whether the last write to that log failed.
    pub aof_write_failed: bool,
    /// Whether the last attempt to shorten that log failed.
    pub aof_rewrite_failed: bool,
    /// How often a write had to wait for a slow disk, since the start.
    pub delayed_fsyncs: u64,
    /// Whether the last snapshot failed.
    pub snapshot_failed: bool,
    /// The most bytes of data; 0 for no limit.
    pub max_memory: Option<u64>,
    /// What happens when that is reached.
    pub eviction: Option<String>,
    /// Bytes that count against that limit.
    pub used_memory: u64,
    /// Bytes of memory that the machine has; 0 if it is not told.
    pub machine_memory: u64,
    /// Memory as the system sees it, divided by memory in use: far above 1 is waste, below 1 was swapped out.
    pub fragmentation: Option<f64>,
    /// Keys that were thrown away for lack of memory, since the start.
    pub evicted_keys: u64,
    /// Keys that came to the end of their time, since the start.
    pub expired_keys: u64,
    /// How long the server stood still when it last split off a child to write to disk.
    pub last_fork: Duration,
}

impl Facts {
    /// Reads the answer to `INFO`.
    pub fn read(text: &str) -> Self {
        let info = Info::read(text);
        let (flavour, version) = identity(&info);
        Self {
            flavour,
            version,
            run_id: info.text("run_id").unwrap_or_default().to_owned(),
            has_file: info.text("config_file").is_some_and(|file| !file.is_empty()),
            cluster: info.flag("cluster_enabled").unwrap_or(false),
            role: role(&info),
            loading: info.flag("loading").unwrap_or(false),
            aof: info.flag("aof_enabled"),
            aof_write_failed: info.is_bad("aof_last_write_status"),
            aof_rewrite_failed: info.is_bad("aof_last_bgrewrite_status"),
            delayed_fsyncs: info.number("aof_delayed_fsync").unwrap_or(0),
            snapshot_failed: info.is_bad("rdb_last_bgsave_status"),
            max_memory: info.number("maxmemory"),
            eviction: info.text("maxmemory_policy").map(str::to_owned),
            used_memory: counted_memory(&info),
            machine_memory: info.number("total_system_memory").unwrap_or(0),
            fragmentation: info.number("mem_fragmentation_ratio"),
            evicted_keys: info.number("evicted_keys").unwrap_or(0),
            expired_keys: info.number("expired_keys").unwrap_or(0),
            last_fork: Duration::from_micros(info.number("latest_fork_usec").unwrap_or(0)),
        }
    }
}

/// Valkey tells a fixed version of Redis beside its own, for old clients.
fn identity(info: &Info<'_>) -> (Flavour, Option<Version>) {
    match info.text("valkey_version") {
        Some(version) => (Flavour::Valkey, Version::parse(version)),
        None => (Flavour::Redis, info.text("redis_version").and_then(Version::parse)),
    }
}

fn role(info: &Info<'_>) -> Option<Role> {
    match info.text("role")? {
        "master" => Some(Role::Master { replicas: replicas(info) }),
        "slave" | "replica" => {
            let part = |name| info.text(name).unwrap_or("?");
            Some(Role::Replica { master: format!("{}:{}", part("master_host"), part("master_port")) })
        }
        _ => None,
    }
}

fn replicas(info: &Info<'_>) -> Vec<Replica> {
    let read = |fields: std::collections::HashMap<&str, &str>| {
        let part = |name| fields.get(name).copied().unwrap_or("?");
        Replica {
            place: format!("{}:{}", part("ip"), part("port")),
            online: part("state") == "online",
            lag: Duration::from_secs(part("lag").parse().unwrap_or(0)),
        }
    };
    info.replicas().into_iter().map(read).collect()
}

/// Buffers for replicas and the log are left out of the limit, and so are they here.
fn counted_memory(info: &Info<'_>) -> u64 {
    let used: u64 = info.number("used_memory").unwrap_or(0);
    used.saturating_sub(info.number("mem_not_counted_for_evict").unwrap_or(0))
}

#[cfg(test)]
mod tests;
