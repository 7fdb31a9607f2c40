//! The state that all requests share.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::audit::{self, Audit, Tally};
use crate::clock::Clock;
use crate::config::{Config, Credentials};
use crate::dice::Dice;
use crate::error::Error;
use crate::faults::{FaultPlan, Injector, WebhookFaults};
use crate::knobs::Knobs;
use crate::ledger::{Ledger, Now};
use crate::limits::Limits;
use crate::webhooks::{Change, Webhooks};

/// One simulated entity at one simulated API.
#[derive(Debug)]
pub(crate) struct Sim {
    pub(crate) base_url: String,
    pub(crate) clock: Clock,
    pub(crate) tally: Tally,
    pub(crate) webhooks: Webhooks,
    /// Ends every task of the simulator.
    pub(crate) stop: CancellationToken,
    /// Keys of creates that are being worked on; kept only if the knob asks for it.
    pub(crate) in_work: Mutex<HashSet<Uuid>>,
    credentials: RwLock<Credentials>,
    knobs: RwLock<Arc<Knobs>>,
    faults: Mutex<Injector>,
    limits: Mutex<Limits>,
    ledger: Mutex<Ledger>,
    /// Something may be due earlier than the timer thinks.
    wake: Notify,
}

impl Sim {
    pub(crate) fn new(
        config: &Config,
        base_url: String,
        changes: mpsc::UnboundedSender<Change>,
    ) -> Result<Self, Error> {
        let clock = Clock::new(config.speed);
        let faults = Injector::new(config.faults.clone(), config.seed, clock.elapsed());
        Ok(Self {
            base_url,
            clock,
            tally: Tally::default(),
            webhooks: Webhooks::default(),
            stop: CancellationToken::new(),
            in_work: Mutex::default(),
            credentials: RwLock::new(config.credentials()?),
            knobs: RwLock::new(Arc::new(config.knobs.clone())),
            faults: Mutex::new(faults),
            limits: Mutex::default(),
            ledger: Mutex::new(Ledger::new(config.seed, changes)),
            wake: Notify::new(),
        })
    }

    pub(crate) fn knobs(&self) -> Arc<Knobs> {
        Arc::clone(&self.knobs.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_knobs(&self, knobs: Knobs) -> Result<(), Error> {
        knobs.validate()?;
        *self.knobs.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(knobs);
        Ok(())
    }

    pub(crate) fn credentials(&self) -> Credentials {
        self.credentials.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_credentials(&self, credentials: Credentials) {
        *self.credentials.write().unwrap_or_else(PoisonError::into_inner) = credentials;
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Injector> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_faults(&self, plan: FaultPlan) -> Result<(), Error> {
        plan.validate()?;
        let now = self.clock.elapsed();
        self.faults().set(plan, now);
        Ok(())
    }

    pub(crate) fn webhook_faults(&self) -> (WebhookFaults, Dice) {
        self.faults().webhooks()
    }

    pub(crate) fn limits(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on the ledger, at one moment and under one state of the knobs.
    pub(crate) fn with_ledger<T>(&self, work: impl FnOnce(&mut Ledger, &Now<'_>) -> T) -> T {
        let knobs = self.knobs();
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken under the lock, so that the ledger never sees time run back.
        let now = Now {
            clock: &self.clock,
            knobs: &knobs,
            sim: self.clock.now(),
            real: self.clock.elapsed(),
            wall: self.clock.wall(),
        };
        let before = ledger.next_due();
        let done = work(&mut ledger, &now);
        if ledger.next_due() != before {
            self.wake.notify_one();
        }
        done
    }

    /// Pushes simulated time forward, and does what became due.
    pub(crate) fn advance(&self, by: std::time::Duration) {
        self.clock.advance(by);
        self.catch_up();
    }

    pub(crate) fn set_speed(&self, speed: f64) -> Result<(), Error> {
        crate::config::check_speed(speed)?;
        self.clock.set_speed(speed);
        self.wake.notify_one();
        Ok(())
    }

    pub(crate) fn audit(&self, full: bool) -> Audit {
        let mut audit = self.with_ledger(|ledger, now| {
            ledger.run_due(now);
            audit::of_ledger(ledger, full)
        });
        self.tally.fill(&mut audit);
        audit.requests_in_429_window = self.limits().inside_window;
        audit.webhooks = self.webhooks.audit();
        audit
    }

    fn catch_up(&self) {
        self.with_ledger(Ledger::run_due);
    }

    /// Keeps things happening while nobody asks: webhooks are sent when they are due, not when somebody looks.
    pub(crate) async fn run_timer(&self) {
        loop {
            let due = self.with_ledger(Ledger::run_due);
            let sleep = async {
                match due {
                    Some(due) => tokio::time::sleep(self.clock.until(due)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.wake.notified() => {}
                () = sleep => {}
            }
        }
    }
}
