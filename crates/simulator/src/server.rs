//! Starting and stopping.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::api;
use crate::audit::Audit;
use crate::config::{Config, Credentials};
use crate::connection;
use crate::error::Error;
use crate::faults::FaultPlan;
use crate::knobs::Knobs;
use crate::sim::Sim;
use crate::status::Status;
use crate::webhooks;

/// The 1Money hosted-onboarding API, in memory.
///
/// ```
/// # async fn example() -> Result<(), gangway_simulator::Error> {
/// use gangway_simulator::{Config, FaultPlan, Simulator};
///
/// let simulator = Simulator::start(Config { speed: 600.0, ..Config::default() }).await?;
/// let url = format!("{}/v1/customers/lightweight", simulator.base_url());
/// simulator.set_faults(FaultPlan::named("default", None)?)?;
/// assert_eq!(simulator.audit().customers, 0);
/// simulator.shutdown().await;
/// # drop(url);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Simulator;

impl Simulator {
    /// Starts serving on the current Tokio runtime.
    ///
    /// # Errors
    /// [`Error::Setting`] or [`Error::Secret`] for a configuration that cannot be, [`Error::Bind`] for an address that
    /// cannot be listened on.
    pub async fn start(config: Config) -> Result<Handle, Error> {
        config.validate()?;
        let bind = |source| Error::Bind { address: config.bind, source };
        let listener = TcpListener::bind(config.bind).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let (changes, inbox) = mpsc::unbounded_channel();
        let sim = Arc::new(Sim::new(&config, format!("http://{address}"), changes)?);
        let client = webhooks::client()?;
        tokio::spawn(webhooks::dispatch(Arc::clone(&sim), client, inbox));
        let timer = Arc::clone(&sim);
        tokio::spawn(async move { timer.run_timer().await });
        let router = api::router(&sim);
        let serving = tokio::spawn(connection::accept(listener, router, sim.stop.clone()));
        info!(%address, speed = config.speed, seed = config.seed, "simulator started");
        Ok(Handle { sim, address, serving: Some(serving) })
    }
}

/// A running simulator. Dropping it stops the server and drops its connections.
#[derive(Debug)]
pub struct Handle {
    sim: Arc<Sim>,
    address: SocketAddr,
    serving: Option<JoinHandle<()>>,
}

impl Handle {
    /// Where the API is, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.sim.base_url
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it saw.
    pub fn audit(&self) -> Audit {
        self.sim.audit(false)
    }

    /// What it saw, customer by customer.
    pub fn full_audit(&self) -> Audit {
        self.sim.audit(true)
    }

    /// The knobs as they stand.
    pub fn knobs(&self) -> Knobs {
        Knobs::clone(&self.sim.knobs())
    }

    /// Turns the knobs.
    ///
    /// # Errors
    /// [`Error::Setting`] for a value that cannot be; then nothing is changed.
    pub fn set_knobs(&self, knobs: Knobs) -> Result<(), Error> {
        self.sim.set_knobs(knobs)
    }

    /// The fault plan as it is set.
    pub fn faults(&self) -> FaultPlan {
        self.sim.faults().plan().clone()
    }

    /// Takes up another fault plan, from its beginning.
    ///
    /// # Errors
    /// [`Error::Setting`] for a value that cannot be; then nothing is changed.
    pub fn set_faults(&self, plan: FaultPlan) -> Result<(), Error> {
        self.sim.set_faults(plan)
    }

    /// Lets in another key pair, and no longer the one before.
    ///
    /// # Errors
    /// [`Error::Setting`] for an empty access key, [`Error::Secret`] for a secret that does not decode.
    pub fn set_credentials(&self, access_key: &str, secret_key: &SecretString) -> Result<(), Error> {
        self.sim.set_credentials(Credentials::new(access_key, secret_key)?);
        Ok(())
    }

    /// Pushes simulated time forward; all that becomes due happens before this returns.
    pub fn advance(&self, by: Duration) {
        self.sim.advance(by);
    }

    /// Runs simulated time at another speed.
    ///
    /// # Errors
    /// [`Error::Setting`] for a speed that is not above 0.
    pub fn set_speed(&self, speed: f64) -> Result<(), Error> {
        self.sim.set_speed(speed)
    }

    /// Sets a customer's status by hand. What the autopilot had planned for it is void until its next link.
    ///
    /// # Errors
    /// [`Error::UnknownCustomer`].
    pub fn set_status(&self, customer_id: &str, status: Status) -> Result<(), Error> {
        let set = self.sim.with_ledger(|ledger, now| ledger.set_status(customer_id, status, false, now));
        set.map(|_| ()).ok_or_else(|| Error::UnknownCustomer(customer_id.to_owned()))
    }

    /// Has webhooks sent to a URL on this machine, signed if there is a secret.
    ///
    /// # Errors
    /// [`Error::Setting`] for a URL that is not plain HTTP on the loopback interface.
    pub fn register_webhook(&self, url: &str, secret: Option<SecretString>) -> Result<(), Error> {
        self.sim.webhooks.register(url, secret).map(|_| ())
    }

    /// Stops serving and waits until the port is free.
    pub async fn shutdown(mut self) {
        self.sim.stop.cancel();
        if let Some(serving) = self.serving.take()
            && let Err(error) = serving.await
        {
            warn!(%error, "simulator did not stop cleanly");
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.sim.stop.cancel();
    }
}
