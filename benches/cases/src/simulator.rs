//! The simulator in a process of its own: no latency, no limit, and an approval at the third poll.

use std::process::Stdio;

use gangway_onemoney::{Client, Config as ApiConfig, Credentials};
use gangway_simulator::{Audit, Config, Knobs, LifecycleKnobs, Simulator, Span};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::{Result, crew};

/// Polls until a customer is approved.
pub(crate) const POLLS: u64 = 3;

/// A simulator in a child.
#[derive(Debug)]
pub(crate) struct Remote {
    url: String,
    child: Child,
    http: reqwest::Client,
}

impl Remote {
    /// Starts one, and waits for its url.
    pub(crate) async fn start() -> Result<Self> {
        rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("simulator").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let (mut url, out) = (String::new(), child.stdout.take().ok_or("a child without an output")?);
        BufReader::new(out).read_line(&mut url).await?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(256)
            .tls_certs_only([])
            .build()?;
        Ok(Self { url: url.trim().to_owned(), child, http })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A plain HTTP client, with as many idle connections as the real one keeps.
    pub(crate) const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The client that a worker calls it with.
    pub(crate) fn client(&self) -> Result<Client> {
        let config = ApiConfig { base_url: self.url.clone(), ..ApiConfig::default() };
        Ok(Client::new(config, Credentials::Bearer { access_key: Config::ACCESS_KEY.into() })?)
    }

    /// Ends it, unless it saw something else than `customers` whole onboardings.
    pub(crate) async fn end(mut self, customers: u64) -> Result<()> {
        let told = self.http.get(format!("{}/_audit", self.url)).send().await?.text().await?;
        let audit: Audit = serde_json::from_str(&told)?;
        drop(self.child.stdin.take());
        self.child.wait().await?;
        let seen = (audit.creates, audit.links, audit.polls);
        if seen == (customers, customers, POLLS * customers) {
            return Ok(());
        }
        Err(format!("{seen:?} creates, links, polls of {customers} customers").into())
    }
}

/// The child's part: prints the url, serves until its input ends.
pub(crate) async fn serve() -> Result<Value> {
    let at_once = Span::new(0.0, 0.0);
    // Far away: only a read brings a customer on.
    let never = Span::new(1e6, 1e6);
    let lifecycle = LifecycleKnobs {
        opens_after: at_once,
        fills_in: never,
        pending_review: never,
        under_review: never,
        rejected: 0.0,
        pending_response: 0.0,
        ..LifecycleKnobs::default()
    };
    let mut knobs = Knobs { lifecycle, ..Knobs::default() };
    knobs.limits.rate = None;
    knobs.reads.take_steps = true;
    let simulator = Simulator::start(Config { knobs, ..Config::default() }).await?;
    crate::print(simulator.base_url());
    crew::input_ended().await;
    simulator.shutdown().await;
    Ok(json!({}))
}
