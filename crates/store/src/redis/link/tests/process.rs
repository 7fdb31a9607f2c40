//! Servers that end with the test.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A redis-server, or a sentinel.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pub(super) port: u16,
    pub(super) settings: String,
    dir: TempDir,
}

impl Process {
    pub(super) fn start() -> Self {
        Self::with("")
    }

    /// With lines of a configuration; `DIR` in them is the directory of the server.
    pub(super) fn with(settings: &str) -> Self {
        Self::with_files(TempDir::new().unwrap(), settings)
    }

    pub(super) fn with_files(dir: TempDir, settings: &str) -> Self {
        let port = free_port();
        let common = "bind 127.0.0.1\nsave \"\"\nappendonly no\n";
        let settings = format!("{common}{settings}").replace("DIR", &dir.path().display().to_string());
        let child = spawn(dir.path(), port, &settings, &[]);
        Self { child, port, settings, dir }.awaited()
    }

    pub(super) fn sentinel(master: &Self) -> Self {
        let (dir, port) = (TempDir::new().unwrap(), free_port());
        let mut settings = format!("bind 127.0.0.1\nsentinel monitor main 127.0.0.1 {} 1\n", master.port);
        settings.push_str("sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 2000\n");
        let child = spawn(dir.path(), port, &settings, &["--sentinel"]);
        Self { child, port, settings, dir }.awaited()
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// On the same port, with nothing kept.
    pub(super) fn restart(&mut self) {
        self.child = spawn(self.dir.path(), self.port, &self.settings, &[]);
        self.wait();
    }

    /// As `kill -NAME` does.
    pub(super) fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        kill.args([format!("-{name}"), self.child.id().to_string()]);
        assert!(kill.status().unwrap().success());
    }

    /// Sends one command in a connection of its own; answers the raw reply.
    pub(super) fn tell(&self, words: &[&str]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        ask(&mut stream, words).unwrap()
    }

    fn awaited(mut self) -> Self {
        self.wait();
        self
    }

    /// Until it answers, be it with an error.
    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let stream = TcpStream::connect(("127.0.0.1", self.port));
            // One that speaks TLS only is ready when it listens.
            let answer = match stream {
                Ok(_) if self.settings.contains("tls-port") => return,
                Ok(mut stream) => ask(&mut stream, &["PING"]),
                Err(error) => Err(error),
            };
            if answer.is_ok_and(|answer| answer.starts_with(['+', '-']) && !answer.contains("LOADING")) {
                return;
            }
            assert_eq!(self.child.try_wait().unwrap(), None, "the server has ended");
            assert!(Instant::now() < deadline, "the server does not answer");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends one command on a connection, and reads what comes at once.
pub(super) fn ask(stream: &mut TcpStream, words: &[&str]) -> std::io::Result<String> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        write!(command, "${}\r\n{word}\r\n", word.len()).unwrap();
    }
    stream.write_all(command.as_bytes())?;
    let mut answer = vec![0; 65_536];
    let length = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}

pub(super) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn spawn(dir: &Path, port: u16, settings: &str, more: &[&str]) -> Child {
    let file = dir.join("redis.conf");
    // A server that speaks TLS only has its port in its own settings.
    let settings = settings.replace("TLSPORT", &port.to_string());
    let plain = if settings.contains("tls-port") { "0".to_owned() } else { port.to_string() };
    std::fs::write(&file, format!("port {plain}\ndir {}\n{settings}", dir.display())).unwrap();
    let log = std::fs::File::create(dir.join("log")).unwrap();
    let mut command = Command::new("redis-server");
    command.arg(file).args(more).stdin(Stdio::null()).stdout(log).stderr(Stdio::null());
    command.spawn().unwrap()
}
