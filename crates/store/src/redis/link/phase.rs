//! The one connection of a link: whoever needs it first has it made, everybody else waits for the same attempt.
//!
//! An attempt is a task of its own, so that a caller that goes away does not break it off. There is one only while
//! somebody waits, and after each failure a pause comes first, whoever asks: no caller can make it a busy loop.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::fault::Fault;
use super::server::Server;
use super::{Greeting, Role};

/// The pause after the first failure; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A connection that lasted so long was a good one: its end is the first failure, not another.
const STEADY: Duration = Duration::from_secs(5);

/// Where the connection of a link stands.
#[derive(Clone)]
enum Phase {
    Down(Down),
    /// An attempt runs; what was before it.
    Connecting(Down),
    Up(Live),
    Closed,
}

#[derive(Clone)]
struct Down {
    /// Failures in a row.
    failures: u32,
    not_before: Instant,
    /// The last failure.
    why: Option<Fault>,
}

/// A connection in use.
#[derive(Clone)]
pub(super) struct Live {
    pub(super) connection: MultiplexedConnection,
    since: Instant,
    /// How many failures there were before it.
    failures: u32,
}

/// Why there is no connection.
pub(super) enum Absent {
    Closed,
    Failed(Fault),
}

/// Holds the connection.
pub(super) struct Holder {
    pub(super) server: Arc<Server>,
    pub(super) role: Role,
    pub(super) greeting: Option<Greeting>,
    phase: watch::Sender<Phase>,
}

impl Holder {
    pub(super) fn new(server: Arc<Server>, role: Role, greeting: Option<Greeting>) -> Self {
        let down = Down { failures: 0, not_before: Instant::now(), why: None };
        Self { server, role, greeting, phase: watch::Sender::new(Phase::Down(down)) }
    }

    /// The connection; made if there is none, waited for no longer than an answer may take.
    pub(super) async fn live(self: &Arc<Self>) -> Result<Live, Absent> {
        let deadline = Instant::now() + self.server.response_timeout();
        let mut changes = self.phase.subscribe();
        let mut attempted = false;
        loop {
            let phase = changes.borrow_and_update().clone();
            let why = match phase {
                Phase::Up(live) => return Ok(live),
                Phase::Closed => return Err(Absent::Closed),
                // Waiting longer does not help with what is refused.
                Phase::Down(Down { why: Some(fault), .. }) if attempted && !fault.is_passing() => {
                    return Err(Absent::Failed(fault));
                }
                Phase::Down(down) => {
                    self.attempt();
                    down.why
                }
                Phase::Connecting(down) => down.why,
            };
            attempted = true;
            if timeout_at(deadline, changes.changed()).await.is_err() {
                return Err(Absent::Failed(why.unwrap_or_else(|| Fault::away("connecting takes too long"))));
            }
        }
    }

    /// Starts an attempt, unless somebody else just has.
    fn attempt(self: &Arc<Self>) {
        let mut before = None;
        self.phase.send_if_modified(|phase| {
            let Phase::Down(down) = phase else { return false };
            before = Some(down.clone());
            *phase = Phase::Connecting(down.clone());
            true
        });
        if let Some(before) = before {
            let attempt = Attempt { holder: Arc::clone(self), before, ended: false };
            drop(tokio::spawn(attempt.run()));
        }
    }

    /// The connection is of no more use; the next call makes another, after a pause if it did not last.
    pub(super) fn give_up(&self, spent: &Live, fault: Fault) {
        let lasted = spent.since.elapsed() >= STEADY;
        let failures = if lasted { 0 } else { spent.failures + 1 };
        self.replace(
            spent,
            Down { failures, not_before: Instant::now() + pause(failures), why: Some(fault) },
        );
    }

    /// Nobody waits for the answer that is still under way on it: the next call makes another connection at once.
    pub(super) fn abandon(&self, spent: &Live) {
        self.replace(spent, Down { failures: spent.failures, not_before: Instant::now(), why: None });
    }

    /// Whatever connection there is, is of no more use.
    pub(super) fn begin_anew(&self) {
        let up = match &*self.phase.borrow() {
            Phase::Up(live) => live.clone(),
            Phase::Down(_) | Phase::Connecting(_) | Phase::Closed => return,
        };
        self.give_up(&up, Fault::away("it leads to another server than the master"));
    }

    fn replace(&self, spent: &Live, down: Down) {
        self.phase.send_if_modified(|phase| match phase {
            Phase::Up(live) if live.since == spent.since => {
                *phase = Phase::Down(down);
                true
            }
            Phase::Up(_) | Phase::Down(_) | Phase::Connecting(_) | Phase::Closed => false,
        });
    }

    pub(super) fn close(&self) {
        self.phase.send_replace(Phase::Closed);
    }

    /// Returns when the link is closed.
    pub(super) async fn closed(&self) {
        let mut changes = self.phase.subscribe();
        // The sender lives as long as this future's owner.
        if changes.wait_for(|phase| matches!(phase, Phase::Closed)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// One attempt to connect.
struct Attempt {
    holder: Arc<Holder>,
    before: Down,
    ended: bool,
}

impl Attempt {
    async fn run(mut self) {
        sleep_until(self.before.not_before).await;
        let holder = Arc::clone(&self.holder);
        match holder.server.connect(holder.role, holder.greeting.as_ref()).await {
            Ok(connection) => {
                let (since, failures) = (Instant::now(), self.before.failures);
                self.end(Phase::Up(Live { connection, since, failures }));
            }
            Err(fault) => {
                holder.server.outage.failed(&holder.server.place, &fault, Instant::now());
                self.fail(fault);
            }
        }
    }

    fn fail(&mut self, fault: Fault) {
        let failures = self.before.failures + 1;
        let not_before = Instant::now() + pause(failures);
        self.end(Phase::Down(Down { failures, not_before, why: Some(fault) }));
    }

    fn end(&mut self, next: Phase) {
        self.ended = true;
        self.holder.phase.send_if_modified(|phase| {
            let still = matches!(phase, Phase::Connecting(_));
            if still {
                *phase = next;
            }
            still
        });
    }
}

/// Nobody may wait for ever because an attempt broke off.
impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.ended {
            self.fail(Fault::away("the attempt to connect broke off"));
        }
    }
}

/// Grows with the failures; its random half keeps the workers of a fleet from coming back all at once.
fn pause(failures: u32) -> Duration {
    let Some(doublings) = failures.checked_sub(1) else { return Duration::ZERO };
    let full = LONGEST_PAUSE.min(FIRST_PAUSE * (1 << doublings.min(10)));
    full.mul_f64(1.0 - 0.5 * rand::random::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second() {
        for (failures, longest) in [(0, 0), (1, 25), (2, 50), (3, 100), (6, 800), (7, 1000), (u32::MAX, 1000)]
        {
            let longest = Duration::from_millis(longest);
            for _ in 0..50 {
                let pause = pause(failures);
                assert!(longest / 2 <= pause && pause <= longest, "{failures}: {pause:?}");
            }
        }
    }
}
