//! The 1Money hosted-onboarding API in memory, for tests and demonstrations.
//!
//! It implements what the vendor's pages (<https://developer.1money.com/reference>) and code say; every question that
//! they leave open is one of the [`Knobs`]. A [`FaultPlan`] makes it fail in all the ways a real API does. An autopilot
//! plays end users and compliance on a clock that can run fast. An [`Audit`] tells what it saw.
//!
//! Timestamps in answers are real wall time: `created_at` is the moment of the create, `updated_at` the moment at which
//! the simulated clock reached the change, `expires_at` the moment at which it will reach the end of a link. At a
//! `speed` of 600 a link of thirty minutes so expires three real seconds after it was made; the knob `links.clock` lets
//! links live on real time instead.

mod api;
mod application;
mod audit;
mod auth;
mod clock;
mod config;
mod connection;
mod customer;
mod dice;
mod door;
mod error;
mod faults;
mod gate;
mod harm;
mod in_work;
mod knobs;
mod ledger;
mod lifecycle;
mod limits;
mod offline;
mod refusal;
mod route;
mod server;
mod sim;
mod status;
mod webhooks;

pub use audit::{Audit, FullAudit};
pub use config::Config;
pub use door::{Caller, lets_in};
pub use error::Error;
pub use faults::{ErrorBody, Fault, FaultPlan, Latency, Outage, PlanRequest, Rule, WebhookFaults, Window};
pub use knobs::{
    AfterWindow, AuthKnobs, ConcurrentKey, CreateKnobs, CustomerTypeSpelling, EmailCompare, KeyKnobs, Knobs,
    LifecycleKnobs, LimitKnobs, LinkClock, LinkKnobs, ListTotal, OtherBody, RateLimit, ReadKnobs,
    ReplayContent, Schemes, Span, StatusCase, WebhookKnobs,
};
pub use offline::{Answered, Known, Offline};
pub use route::Route;
pub use server::{Handle, Simulator};
pub use status::Status;
pub use webhooks::WebhookAudit;
