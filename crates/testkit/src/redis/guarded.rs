//! A program that ends with its owner, whatever happens to that.
//!
//! A small shell starts it and then reads from a pipe that only the owner holds. A word tells the shell what to do; the
//! pipe's end tells it that the owner is gone, killed perhaps: then the program is killed, and its folder removed. The
//! shell is in a process group of its own, as Ctrl-C shall reach the owner alone.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use crate::process::send_signal;
use crate::{Error, Result};

/// Arguments: the folder, the log, the program and its arguments. Until its end the program holds the shell's stdout
/// as its descriptor 3, so that the owner sees the one by the other.
const WATCH: &str = r#"
folder=$1; log=$2; shift 2
"$@" 3>&1 </dev/null >>"$log" 2>&1 &
program=$!
echo "$program"
exec >/dev/null
if read -r word; then
  [ "$word" = kill ] && kill -KILL "$program"
  wait "$program"
else
  kill -KILL "$program"
  wait "$program"
  rm -rf "$folder"
fi
"#;

/// A running program under a watch.
#[derive(Debug)]
pub(crate) struct Guarded {
    pid: u32,
    watch: Child,
    /// Dropped, it ends the program; `None` once the watch was told something.
    orders: Option<ChildStdin>,
    /// Closed by the program's end.
    alive: BufReader<UnixStream>,
}

impl Guarded {
    /// Starts a program whose files lie in `folder`; its output goes to `log`.
    ///
    /// # Errors
    /// The system refuses. A program that ends at once is no error here, but of [`Self::ended_within`].
    pub(crate) fn start(folder: &Path, log: &Path, program: &Path, arguments: &[&str]) -> Result<Self> {
        let io = |source| Error::Io { action: format!("start {}", program.display()), source };
        let (own, theirs) = UnixStream::pair().map_err(io)?;
        let mut command = Command::new("sh");
        command.args(["-c", WATCH, "watch"]).arg(folder).arg(log).arg(program).args(arguments);
        command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(OwnedFd::from(theirs))
            .stderr(Stdio::null())
            .current_dir(folder);
        let mut watch = command.spawn().map_err(io)?;
        // It holds the other end of `alive`, which must be closed by the program alone.
        drop(command);
        let orders = watch.stdin.take();
        let mut alive = BufReader::new(own);
        let mut pid = String::new();
        alive.read_line(&mut pid).map_err(io)?;
        let pid = pid.trim().parse().map_err(|_no_number| {
            Error::Broken(format!("the watch over {} told no process id", program.display()))
        })?;
        Ok(Self { pid, watch, orders, alive })
    }

    /// The program's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether the program ends of itself in that time.
    ///
    /// # Errors
    /// The system does not tell.
    pub(crate) fn ended_within(&mut self, limit: Duration) -> Result<bool> {
        let io = |source| Error::Io { action: "wait for a program's end".to_owned(), source };
        // No time at all would mean no limit.
        let limit = limit.max(Duration::from_millis(1));
        self.alive.get_ref().set_read_timeout(Some(limit)).map_err(io)?;
        match self.alive.read(&mut [0]) {
            Ok(_end) => Ok(true),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(false),
            Err(source) => Err(io(source)),
        }
    }

    /// Sends the program a signal by its name.
    ///
    /// # Errors
    /// The program has ended, or the system refuses.
    pub(crate) fn signal(&self, signal: &str) -> Result<()> {
        send_signal(signal, self.pid)
    }

    /// `SIGKILL`; waits for the end, and leaves the folder as it is.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.tell("kill")
    }

    /// Takes note that the program ended of itself.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn bury(&mut self) -> Result<()> {
        self.tell("wait")
    }

    fn tell(&mut self, word: &str) -> Result<()> {
        let io = |source| Error::Io { action: format!("end process {}", self.pid), source };
        if let Some(mut orders) = self.orders.take() {
            writeln!(orders, "{word}").map_err(io)?;
        }
        self.watch.wait().map(drop).map_err(io)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Nobody is left to tell of a failure; the pipe's end kills the program all the same.
        self.kill().unwrap_or_default();
    }
}
