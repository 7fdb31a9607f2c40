//! One command a file: its arguments, and what it does with them.

use clap::{Args, ValueEnum};
use gangway_jobs::kind::Kind;

pub(crate) mod cancel;
pub(crate) mod circuit;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod dead;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod erase;
pub(crate) mod hint;
pub(crate) mod import;
pub(crate) mod link;
pub(crate) mod outbox;
pub(crate) mod prune;
pub(crate) mod queue;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod simulate;
pub(crate) mod status;
pub(crate) mod worker;

/// Which onboarding is meant.
#[derive(Debug, Args)]
pub(crate) struct Ref {
    /// Your reference, an onboarding id, or the API's customer id
    #[arg(value_name = "REF")]
    pub(crate) named: String,
}

/// A kind of jobs as an argument.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KindName {
    /// Creates customers
    #[value(name = "customer.create", alias = "create")]
    CreateCustomer,
    /// Makes links
    #[value(name = "link.create", alias = "link")]
    CreateLink,
    /// Follows the status
    #[value(name = "status.poll", alias = "poll")]
    PollStatus,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::CreateCustomer => Self::CreateCustomer,
            KindName::CreateLink => Self::CreateLink,
            KindName::PollStatus => Self::PollStatus,
        }
    }
}
