//! Workers: they lease jobs, make the calls, and write each attempt's end in one settle.
//!
//! The only crate that knows apalis. [`Worker::run`] registers one apalis worker for each kind of job with one
//! `Monitor`; the backend under them is ours, because an attempt's end must be *one* atomic write of the store.
//!
//! ```text
//!            fetcher ──▶ channel ──▶ apalis worker ──▶ ack layer ──▶ settler
//!   lease ◀──┘                       (handler: fetch, call, decide)  └──▶ settle, many at once
//! ```
//!
//! No fault of the store reaches apalis, where it would end the worker: the three tasks around it wait and try again.

mod ack;
mod alarm;
mod backend;
mod calls;
mod chance;
mod config;
mod context;
mod error;
mod fetcher;
mod give_up;
mod goal;
mod handler;
mod handlers;
mod headcount;
mod leases;
mod limit;
mod maintenance;
mod outage;
mod run;
mod settler;
mod stats;
mod supervise;

pub use chance::Chance;
pub use config::Config;
pub use context::Context;
pub use error::Error;
pub use goal::Until;
pub use handler::{Handler, Pipeline};
pub use limit::Limit;
pub use run::{Ended, run, timed_out};
pub use stats::{Counts, Stats};
pub use supervise::Worker;
