//! A `PostgreSQL` server with its defaults, for the peers that need one.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::bench::peers;
use crate::say;

/// It refuses to run as root; then it runs as the user that its package makes.
const USER: &str = "postgres";

/// A running server. It is stopped when this is dropped.
#[derive(Debug)]
pub(in crate::bench) struct Postgres {
    folder: TempDir,
    port: u16,
    is_root: bool,
}

impl Postgres {
    pub(super) fn start() -> Result<Self, String> {
        let io = |error: std::io::Error| format!("prepare a PostgreSQL server: {error}");
        let folder = tempfile::tempdir().map_err(io)?;
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|open| open.local_addr()).map_err(io)?.port();
        let is_root = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&folder).map_err(io)?) == 0;
        let server = Self { folder, port, is_root };
        if is_root {
            run(Command::new("chown").arg(USER).arg(server.folder.path()))?;
        }
        let data = server.data();
        run(server.command("initdb").arg("-D").arg(&data).args(["-A", "trust", "-U", USER]))?;
        let sockets = server.folder.path().display();
        let options = format!("-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={sockets}");
        let mut starting = server.command("pg_ctl");
        starting.arg("-D").arg(&data).args(["-w", "-o", &options]).arg("-l").arg(server.path("log"));
        run(starting.arg("start"))?;
        Ok(server)
    }

    pub(super) fn url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/postgres", self.port)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = if self.is_root {
            let mut command = Command::new("runuser");
            command.args(["-u", USER, "--", program]);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.data();
        if !Path::new(&data).join("postmaster.pid").exists() {
            return;
        }
        let mut stopping = self.command("pg_ctl");
        if let Err(error) = run(stopping.arg("-D").arg(&data).args(["-w", "-m", "immediate", "stop"])) {
            say(&format!("xtask: a PostgreSQL server may be left on port {}: {error}", self.port));
        }
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    // Nothing is read from its output: the server would keep a pipe open for ever.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(peers::missing(&format!("{program} for PostgreSQL ended with {status}"))),
        Err(error) => Err(peers::missing(&format!("{program} for PostgreSQL: {error}"))),
    }
}
