//! `gangway simulate`: the API on this machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gangway_simulator::{Audit, Config, FaultPlan, Knobs, RateLimit, Simulator};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::Ending;
use crate::output::table::{Table, number};
use crate::settings::duration;

/// Serves on the loopback interface, or where `--bind` says, until Ctrl-C. It takes `ONEMONEY_ACCESS_KEY` and
/// `ONEMONEY_SECRET_KEY` if they are set, else keys of its own, which it prints. `/_audit` tells what it saw; `/_faults` and
/// `/_knobs` change it while it runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gangway simulate --port 8080 --faults hostile --speed 600\n  \
                        curl -s http://127.0.0.1:8080/_audit")]
pub(crate) struct Args {
    /// The port; 0 for a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The address to listen on, e.g. 0.0.0.0 in a container. Whoever can reach it can also turn its faults and knobs
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    bind: IpAddr,
    /// What goes wrong
    #[arg(long, value_enum, default_value_t = Faults::None)]
    faults: Faults,
    /// How long a slow answer takes
    #[arg(long, default_value = "1500ms", value_parser = duration::parse, value_name = "TIME")]
    slow: Duration,
    /// Another seed, other chances
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Simulated seconds for each real one, for KYB and links
    #[arg(long, default_value_t = 60.0)]
    speed: f64,
    /// Customers that may be created [default: no end]
    #[arg(long, value_name = "N")]
    quota: Option<u64>,
    /// Requests a second, with bursts of twice as many; 0 for no limit [default: 10]
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// A JSON file with knobs to turn, e.g. {"lifecycle":{"rejected":0.5}}
    #[arg(long, value_name = "FILE")]
    knobs: Option<PathBuf>,
}

/// The named fault plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Faults {
    /// Nothing goes wrong
    None,
    /// A usual day: some latency, few errors, few resets
    Default,
    /// All that a correct client must survive, at more than a quarter of all requests
    Hostile,
}

impl Faults {
    /// The plan; `slow` is how long a slow answer takes.
    pub(crate) fn plan(self, slow: Duration) -> Result<FaultPlan> {
        let name = match self {
            Self::None => "none",
            Self::Default => "default",
            Self::Hostile => "hostile",
        };
        Ok(FaultPlan::named(name, Some(slow))?)
    }
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let config = config(args, context)?;
    let (access_key, secret_key) = (config.access_key.clone(), config.secret_key.clone());
    let simulator = Simulator::start(config).await?;
    let keys = own_keys(context).then(|| (access_key, secret_key.expose_secret().to_owned()));
    let value = json!({
        "base_url": simulator.base_url(),
        "access_key": keys.as_ref().map(|keys| &keys.0),
        "secret_key": keys.as_ref().map(|keys| &keys.1),
    });
    context.out.answer(&value, || greeting(simulator.base_url(), keys.as_ref()))?;
    context.stop.cancelled().await;
    context.out.say(report(&simulator.audit()).trim_end())?;
    simulator.shutdown().await;
    Ok(Ending::Well)
}

fn config(args: &Args, context: &Context) -> Result<Config> {
    let environ = &context.settings.environ;
    let mut config = Config {
        bind: SocketAddr::new(args.bind, args.port),
        seed: args.seed,
        speed: args.speed,
        faults: args.faults.plan(args.slow)?,
        ..Config::default()
    };
    if let (Some(access_key), Some(secret_key)) =
        (environ.get("ONEMONEY_ACCESS_KEY"), environ.get("ONEMONEY_SECRET_KEY"))
    {
        access_key.clone_into(&mut config.access_key);
        config.secret_key = SecretString::from(secret_key);
    }
    if let Some(path) = &args.knobs {
        config.knobs = knobs(path)?;
    }
    if args.quota.is_some() {
        config.knobs.limits.quota = args.quota;
    }
    match args.rate {
        Some(0) => config.knobs.limits.rate = None,
        Some(rate) => {
            config.knobs.limits.rate =
                Some(RateLimit { per_second: f64::from(rate), burst: rate.saturating_mul(2) });
        }
        None => {}
    }
    Ok(config)
}

/// Whether the keys are the simulator's own, which open nothing else, so that they may be printed.
fn own_keys(context: &Context) -> bool {
    let environ = &context.settings.environ;
    environ.get("ONEMONEY_ACCESS_KEY").is_none() || environ.get("ONEMONEY_SECRET_KEY").is_none()
}

fn knobs(path: &Path) -> Result<Knobs> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::file("read", path, source))?;
    let turned = serde_json::from_str(&text).map_err(|source| Error::file("read", path, source.into()))?;
    Ok(Knobs::default().patched(turned)?)
}

fn greeting(base_url: &str, keys: Option<&(String, String)>) -> String {
    let keys = keys.map_or(String::new(), |(access_key, secret_key)| {
        format!("  export ONEMONEY_ACCESS_KEY={access_key}\n  export ONEMONEY_SECRET_KEY={secret_key}\n")
    });
    format!(
        "The simulator listens at {base_url}. In another terminal:\n\n  export GANGWAY__API__BASE_URL={base_url}\n{keys}\n\
         Ctrl-C ends it; {base_url}/_audit tells what it saw.\n"
    )
}

fn report(audit: &Audit) -> String {
    let mut table = Table::new(&[1]);
    for (what, count) in [
        ("customers", audit.customers),
        ("creates", audit.creates),
        ("replays", audit.replays),
        ("links", audit.links),
        ("polls", audit.polls),
        ("e-mails with several customers", audit.emails_with_several_customers),
        ("requests within a 429's wait", audit.requests_in_429_window),
    ] {
        table.row([what.to_owned(), number(count)]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn other_machines_reach_it_only_if_that_is_asked_for() {
        let bind = |line: &[&str]| Line::try_parse_from(line).unwrap().args.bind;
        assert!(bind(&["simulate", "--port", "80"]).is_loopback());
        assert!(bind(&["simulate", "--bind", "0.0.0.0"]).is_unspecified());
    }
}
