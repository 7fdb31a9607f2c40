//! How a server shall be set up.

use std::fmt::Write as _;
use std::path::Path;

/// When a server writes its log of commands to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    /// Before it answers: a killed machine loses nothing that was answered.
    Always,
    /// Each second.
    EverySec,
    /// When the system likes to.
    No,
}

impl Fsync {
    fn word(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::EverySec => "everysec",
            Self::No => "no",
        }
    }
}

/// What differs from a server in memory alone that refuses writes when it is full.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Keeps a log of commands (AOF), so that a restart finds the data again.
    pub appendonly: Option<Fsync>,
    /// The most bytes of data; full, it refuses writes and evicts nothing.
    pub maxmemory: Option<u64>,
    /// The password of the default user.
    pub requirepass: Option<String>,
    /// Listens on a unix socket too; see [`Server::unix_url`](super::Server::unix_url).
    pub unix_socket: bool,
    /// A node of a cluster; without slots until [`Cluster`](super::Cluster) gives it some.
    pub cluster: bool,
    /// A replica of the server on that port, which has the same password.
    pub replica_of: Option<u16>,
    /// Variables of its environment, beside those of this process.
    pub environment: Vec<(String, String)>,
    /// Lines of the configuration file: a directive, and what follows it. They stand last and so win.
    pub extra: Vec<(String, String)>,
}

impl Options {
    /// With one more line in the configuration file.
    #[must_use]
    pub fn with(mut self, directive: &str, value: &str) -> Self {
        self.extra.push((directive.to_owned(), value.to_owned()));
        self
    }

    /// The configuration file.
    pub(super) fn file(&self, port: u16, folder: &Path) -> String {
        let mut lines: Vec<(&str, String)> = vec![
            ("bind", "127.0.0.1".to_owned()),
            ("port", port.to_string()),
            ("dir", quoted(&folder.display().to_string())),
            // No snapshots: what survives is for the command log to say.
            ("save", quoted("")),
            ("maxmemory-policy", "noeviction".to_owned()),
            // Seconds of waiting for further replicas, of which there are none.
            ("repl-diskless-sync-delay", "0".to_owned()),
        ];
        if let Some(fsync) = self.appendonly {
            lines.extend([("appendonly", "yes".to_owned()), ("appendfsync", fsync.word().to_owned())]);
        }
        lines.extend(self.maxmemory.map(|bytes| ("maxmemory", bytes.to_string())));
        if let Some(password) = &self.requirepass {
            lines.extend([("requirepass", quoted(password)), ("masterauth", quoted(password))]);
        }
        if self.unix_socket {
            lines.push(("unixsocket", quoted(&socket(folder).display().to_string())));
        }
        if self.cluster {
            lines
                .extend([("cluster-enabled", "yes".to_owned()), ("cluster-node-timeout", "1000".to_owned())]);
        }
        lines.extend(self.replica_of.map(|master| ("replicaof", format!("127.0.0.1 {master}"))));
        lines.extend(self.extra.iter().map(|(directive, value)| (directive.as_str(), value.clone())));
        render(&lines)
    }
}

/// Where the unix socket lies.
pub(super) fn socket(folder: &Path) -> std::path::PathBuf {
    folder.join("redis.sock")
}

/// A configuration file of these lines.
pub(super) fn render(lines: &[(&str, String)]) -> String {
    lines.iter().fold(String::new(), |mut file, (directive, value)| {
        // Writing to a string does not fail.
        writeln!(file, "{directive} {value}").unwrap_or_default();
        file
    })
}

/// A value as one word, whatever is in it.
pub(super) fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_what_was_asked_for() {
        let options = Options {
            appendonly: Some(Fsync::Always),
            requirepass: Some("a \"b\"".to_owned()),
            ..Options::default()
        };
        let file = options.with("maxmemory-policy", "allkeys-lru").file(11_000, Path::new("/tmp/a b"));
        for line in ["dir \"/tmp/a b\"", "save \"\"", "appendfsync always", "requirepass \"a \\\"b\\\"\""] {
            assert!(file.lines().any(|found| found == line), "{line} in {file}");
        }
        assert!(file.ends_with("maxmemory-policy allkeys-lru\n"));
    }
}
