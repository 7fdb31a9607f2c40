//! Commands that a person can paste: `redis-cli` with the way to the server, but never with its credentials.

use super::facts::{Facts, Role};

/// `redis-cli` and what it needs to find the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cli {
    /// With everything before the command of the server.
    start: String,
    /// Whether the server keeps its settings in a file.
    has_file: bool,
    /// Who may take the server's place, and needs the same settings.
    replicas: Vec<String>,
}

impl Cli {
    /// For the server at `place`, a url without credentials; `login` tells whether it wants some.
    pub(super) fn new(place: &str, login: bool) -> Self {
        let askpass = if login { " --askpass" } else { "" };
        Self { start: format!("redis-cli{}{askpass}", way(place)), has_file: true, replicas: Vec::new() }
    }

    /// For a server that told of itself.
    #[must_use]
    pub(super) fn of(self, facts: Option<&Facts>) -> Self {
        let replicas = match facts.and_then(|facts| facts.role.as_ref()) {
            Some(Role::Master { replicas }) => replicas.iter().map(|replica| replica.place.clone()).collect(),
            Some(Role::Replica { .. }) | None => Vec::new(),
        };
        Self { has_file: facts.is_none_or(|facts| facts.has_file), replicas, ..self }
    }

    /// Any command.
    pub(super) fn run(&self, command: &str) -> String {
        format!("`{} {command}`", self.start)
    }

    /// Sets a setting for now and, where that is possible, for good.
    pub(super) fn set(&self, name: &str, value: &str) -> String {
        let now = format!("{} CONFIG SET {name} {value}", self.start);
        let command = if self.has_file {
            format!("`{now} && {} CONFIG REWRITE`", self.start)
        } else {
            format!("`{now}`, and start the server with `--{name} {value}`, as it has no configuration file")
        };
        if self.replicas.is_empty() {
            return command;
        }
        format!("{command}; the same at {}, which may take its place", self.replicas.join(" and "))
    }
}

fn way(place: &str) -> String {
    if let Some(path) = place.strip_prefix("unix://") {
        return format!(" -s {}", path.split('?').next().unwrap_or(path));
    }
    let (scheme, rest) = place.split_once("://").unwrap_or(("redis", place));
    let tls = if scheme.starts_with("rediss") { " --tls" } else { "" };
    let hosts = rest.split('/').next().unwrap_or(rest);
    let first = hosts.split(',').next().unwrap_or(hosts);
    if scheme.ends_with("+cluster") {
        return format!("{tls} --cluster call {first}");
    }
    let (host, port) = first.rsplit_once(':').unwrap_or((first, "6379"));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    format!(" -h {host} -p {port}{tls}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_finds_its_server() {
        for (place, start) in [
            ("redis://10.0.0.7:6380/2", "redis-cli -h 10.0.0.7 -p 6380 PING"),
            ("rediss://[::1]:6379", "redis-cli -h ::1 -p 6379 --tls PING"),
            ("unix:///run/redis.sock?db=1", "redis-cli -s /run/redis.sock PING"),
            ("redis+cluster://a:7000,b:7001", "redis-cli --cluster call a:7000 PING"),
        ] {
            assert_eq!(Cli::new(place, false).run("PING"), format!("`{start}`"));
        }
    }

    #[test]
    fn a_setting_is_kept_where_there_is_a_file_and_the_password_is_asked_for() {
        let cli = Cli::new("redis://h:1", true);
        let start = "redis-cli -h h -p 1 --askpass";
        let kept = format!("`{start} CONFIG SET appendonly yes && {start} CONFIG REWRITE`");
        assert_eq!(cli.set("appendonly", "yes"), kept);
        let facts = Facts::read("role:master\r\nslave0:ip=a,port=2,state=online,lag=0\r\n");
        let lost = cli.of(Some(&facts)).set("appendonly", "yes");
        assert!(lost.contains("`--appendonly yes`") && !lost.contains("REWRITE"), "{lost}");
        assert!(lost.ends_with("the same at a:2, which may take its place"), "{lost}");
    }
}
