//! The client of the 1Money hosted-onboarding API: the only outgoing API calls of the project.
//!
//! [`Api`] is what the pipeline needs of the remote side, so that a simulation can play it; [`Client`] is the real one.
//! Every answer goes through one pure table, which sorts what went wrong into a [`Class`] that a caller can act on. No
//! call is repeated here and no delay is slept: when to try again is the caller's to decide and the store's to keep.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use gangway_jobs::id::CustomerId;
//! use gangway_onemoney::{Api, Client, Config, Credentials};
//!
//! let client = Client::new(Config::default(), Credentials::Bearer { access_key: "sim_ak_7Qm2".into() })?;
//! let id = CustomerId::parse("0b9f5a52-3c1d-4c6e-9a57-2f6d1f0c8e11").ok_or("no id")?;
//! if let Some(customer) = client.customer(&id).await? {
//!     println!("{}", customer.status);
//! }
//! # Ok(())
//! # }
//! ```

mod api;
mod auth;
mod classify;
mod client;
mod config;
mod customers;
mod error;
mod links;
mod moment;
pub mod offline;
mod text;
mod wait;
mod wire;

pub use api::Api;
pub use auth::Credentials;
pub use client::Client;
pub use config::{Config, CustomerTypeSpelling};
pub use customers::{Created, Customer, Page};
pub use error::{CallError, Class, ConfigError, Operation};
pub use links::{Link, LinkUrl};
