//! A child process that does not outlive its owner.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Error, Result};

/// A running program.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
}

/// A program that has ended.
#[derive(Debug)]
pub struct Finished {
    /// The command line, for messages.
    pub name: String,
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it logged.
    pub stderr: String,
}

impl Finished {
    /// The JSON object on the last line of stdout.
    ///
    /// # Errors
    /// There is none.
    pub fn json(&self) -> Result<Value> {
        let last = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(last).map_err(|_not_json| Error::NotJson {
            program: self.name.clone(),
            stdout: self.stdout.clone(),
            stderr: self.stderr.clone(),
        })
    }

    /// Fails unless the program ended with `code`.
    ///
    /// # Errors
    /// It ended otherwise; the message has its log.
    pub fn expect_code(self, code: i32) -> Result<Self> {
        if self.code == Some(code) {
            return Ok(self);
        }
        let Self { name, code: found, stdout, stderr } = self;
        Err(Error::Broken(format!("{name} ended with {found:?}, not {code}\n{stdout}\n{stderr}")))
    }

    /// Fails unless its log, or what it says to a person there, has all of these words.
    ///
    /// # Errors
    /// One of them is missing; the message has the log.
    pub fn expect_words(&self, words: &[&str]) -> Result<()> {
        match words.iter().find(|word| !self.stderr.contains(**word)) {
            None => Ok(()),
            Some(word) => {
                Err(Error::Broken(format!("{} does not tell of {word:?}: {}", self.name, self.stderr)))
            }
        }
    }
}

impl Process {
    /// Starts a program; its output is dropped, its log goes to `log`.
    ///
    /// # Errors
    /// It could not be started.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        Self::start_with(command.stdout(Stdio::null()), log)
    }

    /// The same, but its output goes to a file, anew.
    ///
    /// # Errors
    /// It could not be started.
    pub fn start_telling(command: &mut Command, output: &Path, log: &Path) -> Result<Self> {
        let file = std::fs::File::create(output)
            .map_err(|source| Error::Io { action: format!("create {}", output.display()), source })?;
        Self::start_with(command.stdout(file), log)
    }

    fn start_with(command: &mut Command, log: &Path) -> Result<Self> {
        let name = name_of(command);
        let open = || std::fs::OpenOptions::new().create(true).append(true).open(log);
        let log_file =
            open().map_err(|source| Error::Io { action: format!("open {}", log.display()), source })?;
        let child = command
            .stdin(Stdio::null())
            .stderr(log_file)
            .spawn()
            .map_err(|source| Error::Io { action: format!("start {name}"), source })?;
        Ok(Self { name, child })
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    /// It could not be started.
    pub fn run(command: &mut Command) -> Result<Finished> {
        let name = name_of(command);
        let output = command
            .stdin(Stdio::null())
            .output()
            .map_err(|source| Error::Io { action: format!("run {name}"), source })?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Finished {
            name,
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .map_err(|source| Error::Io { action: format!("wait for {}", self.name), source })
    }

    /// Ends it at once: `SIGKILL`.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().map_err(|source| Error::Io { action: format!("kill {}", self.name), source })?;
        self.wait().map(|_status| ())
    }

    /// Sends a signal by name, e.g. `TERM`.
    ///
    /// # Errors
    /// The system refuses.
    pub fn signal(&self, signal: &str) -> Result<()> {
        send_signal(signal, self.pid())
    }

    /// Waits for its end, and not for longer than that.
    ///
    /// # Errors
    /// It does not end in time.
    pub fn wait_at_most(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                return Err(Error::Broken(format!(
                    "{} has not ended after {} s",
                    self.name,
                    limit.as_secs()
                )));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        self.child.wait().map_err(|source| Error::Io { action: format!("wait for {}", self.name), source })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already, most often; nobody is left to tell otherwise.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

/// Sends a signal by name. By the `kill` program, as the standard library has only `SIGKILL`.
pub(crate) fn send_signal(signal: &str, pid: u32) -> Result<()> {
    let mut command = Command::new("kill");
    command.args([format!("-{signal}"), pid.to_string()]);
    Process::run(&mut command)?.expect_code(0).map(|_done| ())
}

fn name_of(command: &Command) -> String {
    let mut words = vec![command.get_program()];
    words.extend(command.get_args());
    words.iter().map(|word| OsStr::to_string_lossy(word)).collect::<Vec<_>>().join(" ")
}
