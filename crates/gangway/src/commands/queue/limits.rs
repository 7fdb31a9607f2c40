//! `gangway queue limits`: how many calls all workers may make.

use gangway_jobs::limits::RatePolicy;
use gangway_store::Store;
use serde::Serialize;

use crate::context::Context;
use crate::error::{Error, Result};

/// Without an option: shows what is in force.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gangway queue limits --rate 5                      from now on, for all workers that run\n  \
                  gangway queue limits --rate 5 --shares 0.3,0.4,0.3\n  \
                  gangway queue limits --reset                       back to api.rate_per_second\n\n\
                  What is set here stays set, whatever is restarted, until --reset."
)]
pub(crate) struct Args {
    /// Calls a second, all workers together
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    rate: Option<f64>,
    /// The parts of it that are kept for links, for creates and for polls; 1 together
    #[arg(long, value_name = "LINKS,CREATES,POLLS", value_parser = parse_shares)]
    shares: Option<[f64; 3]>,
    /// Go back to each worker's own setting
    #[arg(long, conflicts_with_all = ["rate", "shares"])]
    reset: bool,
}

/// A limit as programs get it.
#[derive(Debug, Serialize)]
pub(crate) struct Limits {
    rate_per_second: f64,
    shares: Shares,
}

#[derive(Debug, Serialize)]
struct Shares {
    links: f64,
    creates: f64,
    polls: f64,
}

/// The limit in force, and whose it is.
#[derive(Debug, Serialize)]
struct InForce {
    #[serde(flatten)]
    limits: Limits,
    /// By people, for all workers; else it is what this configuration says.
    set: bool,
}

impl From<RatePolicy> for Limits {
    fn from(policy: RatePolicy) -> Self {
        let [links, creates, polls] = policy.shares;
        Self { rate_per_second: policy.per_second, shares: Shares { links, creates, polls } }
    }
}

impl Limits {
    /// The limit for people.
    pub(crate) fn text(&self) -> String {
        let Shares { links, creates, polls } = &self.shares;
        let calls = if (self.rate_per_second - 1.0).abs() < f64::EPSILON { "call" } else { "calls" };
        format!("{} {calls} a second (links {links}, creates {creates}, polls {polls})", self.rate_per_second)
    }
}

impl InForce {
    fn text(&self) -> String {
        let whose = if self.set {
            "set for all workers until `gangway queue limits --reset`"
        } else {
            "nothing is set: each worker's own api.rate_per_second holds, and this is the one here"
        };
        format!("{}\n{whose}\n", self.limits.text())
    }
}

pub(super) async fn run(args: &Args, store: &dyn Store, context: &Context) -> Result<()> {
    let own = context.settings.sections.rate_policy();
    if args.reset {
        store.set_limits(None).await?;
    } else if let Some(wanted) = wanted(args, store.limits().await?.unwrap_or(own)) {
        wanted.validate().map_err(unfit)?;
        store.set_limits(Some(wanted)).await?;
    }
    let set = store.limits().await?;
    let in_force = InForce { limits: set.unwrap_or(own).into(), set: set.is_some() };
    context.out.answer(&in_force, || in_force.text())
}

/// What is asked for; the part that is not named stays as it is.
fn wanted(args: &Args, now: RatePolicy) -> Option<RatePolicy> {
    (args.rate.is_some() || args.shares.is_some()).then(|| RatePolicy {
        per_second: args.rate.unwrap_or(now.per_second),
        shares: args.shares.unwrap_or(now.shares),
    })
}

fn unfit(problem: String) -> Error {
    Error::Usage { problem, help: "such as `gangway queue limits --rate 5 --shares 0.3,0.4,0.3`".to_owned() }
}

fn parse_shares(text: &str) -> std::result::Result<[f64; 3], String> {
    let shares =
        text.split(',').map(|share| share.trim().parse()).collect::<std::result::Result<Vec<f64>, _>>();
    let shares = shares.ok().and_then(|shares| <[f64; 3]>::try_from(shares).ok());
    shares.ok_or_else(|| "three numbers are wanted: links, creates, polls, such as 0.3,0.4,0.3".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays_as_it_is() {
        let now = RatePolicy { per_second: 7.0, shares: [0.2, 0.6, 0.2] };
        let args = |rate, shares| Args { rate, shares, reset: false };
        assert_eq!(wanted(&args(None, None), now), None);
        assert_eq!(wanted(&args(Some(2.0), None), now), Some(RatePolicy { per_second: 2.0, ..now }));
        let shares = [0.5, 0.25, 0.25];
        assert_eq!(wanted(&args(None, Some(shares)), now), Some(RatePolicy { shares, ..now }));
    }

    #[test]
    fn shares_are_three_numbers() {
        assert_eq!(parse_shares("0.3, 0.4,0.3"), Ok([0.3, 0.4, 0.3]));
        for text in ["", "0.5,0.5", "0.3,0.4,0.3,0", "a,b,c", "0.3;0.4;0.3"] {
            assert!(parse_shares(text).is_err(), "{text}");
        }
    }
}
