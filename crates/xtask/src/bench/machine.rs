//! What the figures were measured on, for those who want to compare.

use std::path::Path;
use std::process::Command;

use super::peers::Peer;

/// What a reader must know of the machine.
#[derive(Debug)]
pub(super) struct Machine {
    /// The day, `2026-03-01`.
    pub(super) date: String,
    /// What, and which.
    pub(super) lines: Vec<(&'static str, String)>,
    /// The peers' versions.
    pub(super) versions: Vec<(Peer, String)>,
}

/// Looks at the machine. What it does not tell is said to be unknown.
pub(super) fn describe(root: &Path, date: Option<&str>) -> Result<Machine, String> {
    let date = match date {
        Some(date) => date.to_owned(),
        None => line_of(Command::new("date").args(["-u", "+%Y-%m-%d"]))
            .ok_or("the system does not tell the date; give --date YYYY-MM-DD")?,
    };
    let memory = proc_field("/proc/meminfo", "MemTotal").and_then(|kib| {
        let kib: f64 = kib.split_whitespace().next()?.parse().ok()?;
        Some(format!("{:.0} GiB", kib / 1_048_576.0))
    });
    let known = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    Ok(Machine {
        date,
        lines: vec![
            ("Processor", format!("{}, {cores} cores", known(proc_field("/proc/cpuinfo", "model name")))),
            ("Memory", known(memory)),
            ("System", format!("Linux {}", known(first_line("/proc/sys/kernel/osrelease")))),
            ("Rust", known(line_of(Command::new("rustc").arg("--version")))),
            ("Redis", known(line_of(Command::new("redis-server").arg("--version")))),
            ("PostgreSQL", known(line_of(Command::new("postgres").arg("--version")))),
            ("Node", known(line_of(Command::new("node").arg("--version")))),
        ],
        versions: Peer::ALL.map(|peer| (peer, known(version(root, peer)))).to_vec(),
    })
}

/// The load average of the last minute.
pub(super) fn load() -> Option<f64> {
    first_line("/proc/loadavg")?.split_whitespace().next()?.parse().ok()
}

fn version(root: &Path, peer: Peer) -> Option<String> {
    let package = peer.package();
    match peer {
        Peer::ApalisRedis | Peer::BullmqRust => {
            let lock = std::fs::read_to_string(root.join("benches/peers/Cargo.lock")).ok()?;
            let (_, after) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
            after.split('"').next().map(str::to_owned)
        }
        Peer::BullmqNode | Peer::Graphile => {
            let manifest = std::fs::read_to_string(root.join("benches/peers/node/package.json")).ok()?;
            let manifest: serde_json::Value = serde_json::from_str(&manifest).ok()?;
            manifest["dependencies"][package].as_str().map(str::to_owned)
        }
    }
}

fn proc_field(path: &str, field: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

fn first_line(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()?.lines().next().map(str::to_owned)
}

fn line_of(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peers_version_is_the_one_that_is_locked() {
        let root = crate::bench::root().unwrap();
        for (peer, version) in describe(&root, Some("2026-03-01")).unwrap().versions {
            assert!(version.starts_with(|first: char| first.is_ascii_digit()), "{peer:?} {version}");
        }
    }
}
