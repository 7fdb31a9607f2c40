//! One server: started, asked, hurt, and started again.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::connection::Connection;
use super::guarded::Guarded;
use super::options::{self, Options};
use super::port::Port;
use super::reply::Reply;
use crate::{Error, Result};

/// A server may read so long in its log of commands before it answers.
const START: Duration = Duration::from_mins(1);

/// A server that is told to stop may take so long: it waits ten seconds for replicas that lag.
const STOP: Duration = Duration::from_secs(20);

/// No answer takes longer, but of a server that hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// A Redis server with a folder and a port of its own. It ends when this is dropped, or its process dies.
#[derive(Debug)]
pub struct Server {
    /// `None` while the server is down. Before the folder, as it is dropped first.
    running: Option<Guarded>,
    folder: TempDir,
    program: PathBuf,
    port: Port,
    password: Option<String>,
    /// `NAME=value`.
    environment: Vec<String>,
    role: Role,
}

/// What the program shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Data,
    Sentinel,
}

impl Server {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// There is no Redis, or it does not come up; then its log is told.
    ///
    /// ```
    /// use gangway_testkit::redis::{Options, Server};
    ///
    /// let mut server = Server::start(&Options::default())?;
    /// server.command(&["SET", "a", "1"])?;
    /// server.kill()?;
    /// server.restart()?;
    /// assert_eq!(server.command(&["EXISTS", "a"])?.integer(), Some(0));
    /// # Ok::<(), gangway_testkit::Error>(())
    /// ```
    pub fn start(options: &Options) -> Result<Self> {
        let port = Port::reserve()?;
        let environment = options.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let password = options.requirepass.clone();
        Self::set_up(Role::Data, port, password, environment, |port, folder| options.file(port, folder))
    }

    /// Starts a server on a port that its peers may know already.
    pub(super) fn set_up(
        role: Role,
        port: Port,
        password: Option<String>,
        environment: Vec<String>,
        file: impl FnOnce(u16, &Path) -> String,
    ) -> Result<Self> {
        let io = |source| Error::Io { action: "make a folder for a Redis server".to_owned(), source };
        let program = super::find()?;
        let folder = TempDir::with_prefix("gangway-redis-").map_err(io)?;
        std::fs::write(config(folder.path()), file(port.number(), folder.path())).map_err(io)?;
        let mut server = Self { running: None, folder, program, port, password, environment, role };
        server.restart()?;
        Ok(server)
    }

    /// Starts it again in the same folder on the same port; kills it before, if it runs.
    ///
    /// # Errors
    /// It does not come up; then its log is told.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        let config = config(self.dir()).display().to_string();
        let program = self.program.display().to_string();
        // `env` becomes the server, so the process is the same.
        let mut arguments: Vec<&str> = self.environment.iter().map(String::as_str).collect();
        arguments.extend([program.as_str(), config.as_str()]);
        arguments.extend((self.role == Role::Sentinel).then_some("--sentinel"));
        self.running = Some(Guarded::start(self.dir(), &self.log(), Path::new("env"), &arguments)?);
        self.wait_for_answer()
    }

    fn wait_for_answer(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        while !self.answers() {
            let ended = self.ended_within(Duration::from_millis(5))?;
            if ended || Instant::now() > deadline {
                let what = if ended { "ended at once" } else { "does not answer" };
                return Err(Error::Broken(format!("redis {what}; its log ends so:\n{}", self.last_words())));
            }
        }
        Ok(())
    }

    /// Whether it answers a `PING` now. One that still loads its data, or is down or paused, does not.
    pub fn answers(&self) -> bool {
        let short = Duration::from_millis(200);
        let answer = self.connect_within(short).and_then(|mut open| open.command(&["PING"]));
        answer.is_ok_and(|answer| answer.text() == "PONG")
    }

    /// `SIGKILL`: what is not on disk is lost. Does nothing if it is down.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.running.take().map_or(Ok(()), |mut running| running.kill())
    }

    /// `SIGTERM`, as an operator's system would; waits for the end.
    ///
    /// # Errors
    /// It is down or does not end.
    pub fn stop_gracefully(&mut self) -> Result<()> {
        self.signal("TERM")?;
        if !self.ended_within(STOP)? {
            return Err(Error::Broken(format!("redis on port {} does not stop", self.port())));
        }
        self.running.take().map_or(Ok(()), |mut running| running.bury())
    }

    /// `SIGSTOP`: connections stay open, and nothing is answered.
    ///
    /// # Errors
    /// It is down.
    pub fn pause(&mut self) -> Result<()> {
        self.signal("STOP")
    }

    /// `SIGCONT`: what was sent meanwhile is answered now.
    ///
    /// # Errors
    /// It is down.
    pub fn resume(&mut self) -> Result<()> {
        self.signal("CONT")
    }

    /// Deletes all data.
    ///
    /// # Errors
    /// It does not answer.
    pub fn flush(&mut self) -> Result<()> {
        self.command(&["FLUSHALL", "SYNC"]).map(drop)
    }

    fn signal(&self, signal: &str) -> Result<()> {
        match &self.running {
            Some(running) => running.signal(signal),
            None => Err(Error::Broken(format!("redis on port {} is down: no SIG{signal}", self.port()))),
        }
    }

    /// Whether it ends of itself in that time, or is down.
    fn ended_within(&mut self, limit: Duration) -> Result<bool> {
        self.running.as_mut().map_or(Ok(true), |running| running.ended_within(limit))
    }

    /// Sends a command over a connection of its own.
    ///
    /// # Errors
    /// It refuses, or does not answer within ten seconds.
    pub fn command(&self, words: &[&str]) -> Result<Reply> {
        self.connect()?.command(words)
    }

    /// Changes a setting, until a restart.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn configure(&self, setting: &str, value: &str) -> Result<()> {
        self.command(&["CONFIG", "SET", setting, value]).map(drop)
    }

    /// A connection, for what needs one: transactions, or answers that block.
    ///
    /// # Errors
    /// It does not answer.
    pub fn connect(&self) -> Result<Connection> {
        self.connect_within(PATIENCE)
    }

    pub(super) fn connect_within(&self, patience: Duration) -> Result<Connection> {
        Connection::open(self.port(), self.password.as_deref(), patience)
    }

    /// What a client needs: `redis://127.0.0.1:PORT`, with the password if there is one.
    pub fn url(&self) -> String {
        format!("redis://{}127.0.0.1:{}", self.login(), self.port())
    }

    /// The same for the unix socket; it is there only with [`Options::unix_socket`].
    pub fn unix_url(&self) -> String {
        format!("unix:{}", options::socket(self.dir()).display())
    }

    /// The password as it stands in a url. In tests it has no signs that would need an escape there.
    pub(super) fn login(&self) -> String {
        self.password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default()
    }

    /// Its port on 127.0.0.1; the same after a restart.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Its process id; `None` while it is down.
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(Guarded::pid)
    }

    /// Its folder, which has its data.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// The file with all that it logged.
    pub fn log(&self) -> PathBuf {
        self.dir().join("redis.log")
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }
}

fn config(folder: &Path) -> PathBuf {
    folder.join("redis.conf")
}
