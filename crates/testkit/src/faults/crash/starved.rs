//! A process that gets a small part of a core.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::process::send_signal;
use crate::{Error, Process, Result};

/// So long it may run, and so long it is stopped: about 5 %, with what it takes to send a signal.
const RUNS: Duration = Duration::from_millis(3);
const STOPS: Duration = Duration::from_millis(190);

static OVER: AtomicBool = AtomicBool::new(false);

/// Stops a process and lets it go on, again and again.
#[derive(Debug)]
pub(super) struct Starved {
    thread: JoinHandle<Result<f64>>,
}

impl Starved {
    /// From now on. One at a time.
    pub(super) fn begin(process: &Process) -> Self {
        let pid = process.pid();
        OVER.store(false, Ordering::Relaxed);
        Self { thread: std::thread::spawn(move || starve(pid)) }
    }

    /// No longer; answers which part of the time it could run.
    ///
    /// # Errors
    /// A signal could not be sent: it has ended.
    pub(super) fn end(self) -> Result<f64> {
        OVER.store(true, Ordering::Relaxed);
        let share = self.thread.join();
        share.map_err(|_panic| Error::Broken("the one who starves a worker has panicked".to_owned()))?
    }
}

fn starve(pid: u32) -> Result<f64> {
    let (begun, mut ran) = (Instant::now(), Duration::ZERO);
    while !OVER.load(Ordering::Relaxed) {
        send_signal("STOP", pid)?;
        std::thread::sleep(STOPS);
        let since = Instant::now();
        send_signal("CONT", pid)?;
        std::thread::sleep(RUNS);
        ran += since.elapsed();
    }
    Ok(ran.as_secs_f64() / begun.elapsed().as_secs_f64())
}
